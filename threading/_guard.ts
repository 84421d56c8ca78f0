// Copyright 2026 the @concurrent/parallel authors. MIT license.

// `using` over whatever can be acquired and released.

import type { WaitOptions } from "../_internal/base/deadline.ts";
import { AbandonedLockError, TimeoutError } from "../_internal/base/errors.ts";

/** What can be held. */
export interface Holdable {
  acquire(options?: WaitOptions): Promise<boolean>;
  acquireSync(options?: WaitOptions): boolean;
  release(): void;
}

/** Releases it once. */
class Guard implements Disposable {
  #held: { release(): void } | undefined;

  constructor(held: { release(): void }) {
    this.#held = held;
  }

  [Symbol.dispose](): void {
    const held = this.#held;
    this.#held = undefined;
    held?.release();
  }
}

/** Acquires it; the guard releases it. `delivered` is called right before the promise is resolved. */
export async function guard(
  what: string,
  object: Holdable,
  options: WaitOptions | undefined,
  delivered?: () => void,
): Promise<Disposable> {
  try {
    if (await object.acquire(options)) {
      const guard = new Guard(object);
      delivered?.();
      return guard;
    }
  } catch (error) {
    throw released(object, error);
  }
  throw timeoutError(what, options);
}

/** As {@linkcode guard}, and blocks the thread. */
export function guardSync(
  what: string,
  object: Holdable,
  options: WaitOptions | undefined,
): Disposable {
  try {
    if (object.acquireSync(options)) return new Guard(object);
  } catch (error) {
    throw released(object, error);
  }
  throw timeoutError(what, options);
}

/** The one who is told of an abandoned lock holds it, but has no guard to release it with. */
function released(object: Holdable, error: unknown): unknown {
  if (error instanceof AbandonedLockError) object.release();
  return error;
}

function timeoutError(
  what: string,
  options: WaitOptions | undefined,
): TimeoutError {
  return new TimeoutError(
    `Cannot acquire ${what}: ${options?.timeout} ms have passed`,
  );
}
