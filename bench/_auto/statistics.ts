// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** The value at a share of the sorted ones; 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? NaN;
  const above = sorted[Math.ceil(place)] ?? NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

const RESAMPLES = 1000;

/**
 * How far the ratio of the medians of two equal choices strays from 1, as a
 * ratio above it: nine of ten times it is nearer. Rounds are drawn anew out of
 * those that were measured (bootstrap; the same draws each time).
 */
export function noiseBetween(
  times: readonly number[],
  others: readonly number[],
): number {
  let state = 1;
  const draw = (values: readonly number[]) =>
    median(values.map(() => {
      // Lehmer's generator.
      state = state * 48_271 % 0x7fff_ffff;
      return values[state % values.length]!;
    }));
  const strays = Array.from({ length: RESAMPLES }, () => {
    const ratio = draw(times) / draw(others);
    return Math.max(ratio, 1 / ratio);
  });
  return quantile(strays, 0.9);
}
