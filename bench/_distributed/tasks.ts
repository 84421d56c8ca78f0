// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** Nothing, as far as it can be checked. */
export function same(x: number): number {
  return x;
}
