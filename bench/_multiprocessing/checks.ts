// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the implementations in JavaScript have in common.

/** How much of a measurement is done once before the clock starts. */
export const WARM_PART = 0.2;

/** A small object. */
export function message(id: number): Record<string, unknown> {
  return { id, name: "a small object", at: { x: id, y: 2.5 }, tags: ["a"] };
}

/**
 * Checks a result.
 *
 * @throws {RangeError} If it is wrong.
 */
export function expectEqual(
  what: string,
  actual: unknown,
  expected: unknown,
): void {
  if (actual !== expected) {
    throw new RangeError(`${what} is ${actual}, not ${expected}`);
  }
}
