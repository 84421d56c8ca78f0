// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** A time to be read: three digits, and never a power of ten. */
export function duration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${digits(milliseconds / 1000)} s`;
  if (milliseconds >= 1) return `${digits(milliseconds)} ms`;
  return `${digits(milliseconds * 1000)} µs`;
}

function digits(value: number): string {
  return value < 0.01 ? "0" : `${Number(value.toPrecision(3))}`;
}
