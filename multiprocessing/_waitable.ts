// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What `wait()` can wait for, besides promises. Each class says how.

/** How to wait for an object. */
export interface Waitable {
  /** Tells whether it is ready, as far as that is known here. Throws where it never will be. */
  isReady(): boolean;
  /** As `isReady()`, of what is known elsewhere. */
  ask?(): Promise<boolean>;
  /** Calls a function once, when it is ready, which it is not now. Keeps the program alive where that may happen. Returns what takes that back. */
  watch(wake: () => void): () => void;
}

const waitables = new WeakMap<object, Waitable>();

/** In a constructor: says how to wait for the object. */
export function registerWaitable(object: object, waitable: Waitable): void {
  waitables.set(object, waitable);
}

/** How to wait for an object; undefined where nobody has said so. */
export function waitableOf(object: object): Waitable | undefined {
  return waitables.get(object);
}
