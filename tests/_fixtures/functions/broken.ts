// Copyright 2026 the @concurrent/parallel authors. MIT license.

throw new RangeError("This module cannot be evaluated");

export function never(): number {
  return 1;
}
