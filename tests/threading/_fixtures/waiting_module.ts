// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A module that can only be imported asynchronously.

const factor = await Promise.resolve(2);

/** What items refer to. */
export function twice(n: number): number {
  return n * factor;
}
