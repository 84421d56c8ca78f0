// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** Says how large a value is: cheap, and only possible when it has arrived. */
export function measure(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "string") return value.length;
  if (value instanceof Float64Array) return value.at(-1)!;
  if (Array.isArray(value)) return value.length;
  throw new TypeError(`Cannot measure the value: its type is ${typeof value}`);
}

/** The same, for the event loop. */
export function measureLater(value: unknown): Promise<number> {
  return Promise.resolve(measure(value));
}

/** Computes for about two milliseconds; the same number for the same seed. */
export function compute(seed: number): number {
  let x = seed | 1;
  for (let i = 0; i < 1_000_000; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  return x;
}

/** Throws when a bench did not do what it is timed for. */
export function check<T>(actual: T, expected: T): void {
  if (actual === expected) return;
  throw new TypeError(
    `Cannot trust the bench: the result is ${actual}, not ${expected}`,
  );
}
