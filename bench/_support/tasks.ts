// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Executor } from "@concurrent/parallel/futures";

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

/** Counts. */
export function* count(length: number): Generator<number> {
  for (let i = 0; i < length; i++) yield i;
}

/** Submits tasks one after the other; the sum of their results. */
export async function submitEach(
  executor: Executor,
  fn: (n: number) => number,
  calls: number,
): Promise<number> {
  let sum = 0;
  for (let i = 0; i < calls; i++) sum += await executor.submit(fn, i);
  return sum;
}

/** Submits tasks all at once; the sum of their results. */
export async function submitAll(
  executor: Executor,
  fn: (n: number) => number,
  calls: number,
): Promise<number> {
  const futures = Array.from(
    { length: calls },
    (_, i) => executor.submit(fn, i),
  );
  return (await Promise.all(futures)).reduce((sum, n) => sum + n, 0);
}

/** Throws when a bench did not do what it is timed for. */
export function check<T>(actual: T, expected: T): void {
  if (actual === expected) return;
  throw new TypeError(
    `Cannot trust the bench: the result is ${actual}, not ${expected}`,
  );
}
