// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A module that the main thread has, and no other thread can load.

if ("WorkerGlobalScope" in globalThis) {
  throw new RangeError("it does not load here");
}

const one = 1;

/** What items refer to. */
export function unreachable(): number {
  return one;
}
