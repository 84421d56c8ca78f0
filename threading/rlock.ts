// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A lock that its holder can acquire again.
 *
 * @module
 */

import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import {
  AbandonedLockError,
  InvalidStateError,
} from "../_internal/base/errors.ts";
import {
  ABANDONED,
  ACQUIRED,
  type LockLike,
} from "../_internal/memory/lock_core.ts";
import { RLockCore } from "../_internal/memory/rlock_core.ts";
import {
  memoryParts,
  noteCore,
  registerSharedClass,
  takeCore,
  takeMemory,
} from "../_internal/wire/shared_objects.ts";
import { guard, guardSync } from "./_guard.ts";
import { declareLock } from "./_lock_cores.ts";

const VERB = "acquire a reentrant lock";
/** Nobody has to wait for it: one for all. */
const TRUE = Promise.resolve(true);
let coreOf: (lock: RLock) => LockLike;

/**
 * A lock that one thread holds at a time, as often as it wants: Python's
 * `threading.RLock`.
 *
 * - **Shared:** sent to a thread, captured by a function or put in a queue, it is the same lock there.
 * - **Reentrant:** the thread that holds it acquires it again at once, and has to release it as often.
 * - **Owner:** only the thread that holds it may release it; any thread may release a `Lock`.
 * - **Threads, not calls:** the owner is the thread. Two asynchronous functions on one thread are not kept apart; a `Lock` does that.
 * - **FIFO order:** whoever waits gets it in the order of arrival, and nobody overtakes those who wait.
 * - **Death:** where the thread that holds it ends, the lock is released, and the next `acquire()` rejects once with an {@linkcode AbandonedLockError}, holding the lock once.
 *
 * @example Usage
 * ```ts
 * import { RLock } from "@concurrent/parallel/threading";
 * import { assert, assertFalse } from "@std/assert";
 *
 * const lock = new RLock();
 * function inner() {
 *   using _ = lock.guardSync();
 *   return lock.locked();
 * }
 * function outer() {
 *   using _ = lock.guardSync();
 *   return inner();
 * }
 *
 * assert(outer());
 * assertFalse(lock.locked());
 * ```
 */
export class RLock {
  readonly #core: LockLike;

  static {
    coreOf = (lock) => lock.#core;
    declareLock((lock) => #core in lock ? lock.#core : undefined);
  }

  /** Creates a free lock. */
  constructor() {
    this.#core = takeCore<LockLike>() ?? new RLockCore(takeMemory());
    if (new.target !== RLock) noteCore(this, this.#core);
  }

  /**
   * Waits until the lock is free or this thread's own, and takes it once more.
   *
   * @param options How long to wait.
   * @returns True: the lock is held. False: the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock is held.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquire(options?: WaitOptions): Promise<boolean> {
    const core = this.#core;
    if (options === undefined && core.tryFastAsync()) {
      core.deliver();
      return TRUE;
    }
    return this.#acquire(options ?? {}, () => core.deliver());
  }

  /**
   * As {@linkcode RLock.acquire}, and blocks the thread.
   *
   * @param options How long to wait.
   * @returns True: the lock is held. False: the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock is held.
   * @throws {DeadlockError} If no thread is left that could release it.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquireSync(options: WaitOptions = {}): boolean {
    checkWait(VERB, options);
    options.signal?.throwIfAborted();
    return this.#core.tryFast() ||
      this.#held(this.#core.waitSync(0, options));
  }

  /**
   * Takes the lock if it is free or this thread's own now.
   *
   * @returns True where the lock is held.
   * @throws {AbandonedLockError} If its last holder is gone; the lock is held.
   */
  tryAcquire(): boolean {
    return this.#core.tryFast() || this.#held(this.#core.tryAcquire());
  }

  /**
   * Undoes one `acquire()`. The last one gives the lock to whoever waits first,
   * or frees it.
   *
   * @throws {InvalidStateError} If this thread does not hold it.
   */
  release(): void {
    if (!this.#core.release()) {
      throw new InvalidStateError(
        `Cannot release a reentrant lock: ${
          this.#core.isLocked ? "another thread" : "nobody"
        } holds it`,
      );
    }
  }

  /**
   * Tells whether somebody holds it, on whatever thread.
   *
   * @returns True where it is held.
   */
  locked(): boolean {
    return this.#core.isLocked;
  }

  /**
   * Acquires it for a block: `using _ = await lock.guard()`.
   *
   * @param options How long to wait.
   * @returns What releases it, once.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock was released again.
   */
  guard(options?: WaitOptions): Promise<Disposable> {
    return guard(
      "a reentrant lock",
      {
        acquire: (options = {}) => this.#acquire(options, () => {}),
        acquireSync: (options) => this.acquireSync(options),
        release: () => this.release(),
      },
      options,
      () => this.#core.deliver(),
    );
  }

  /**
   * As {@linkcode RLock.guard}, and blocks the thread: `using _ = lock.guardSync()`.
   *
   * @param options How long to wait.
   * @returns What releases it, once.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock was released again.
   */
  guardSync(options?: WaitOptions): Disposable {
    return guardSync("a reentrant lock", this, options);
  }

  /** `granted` is called right before the promise is resolved. */
  async #acquire(
    options: WaitOptions,
    granted: () => void,
  ): Promise<boolean> {
    checkWait(VERB, options);
    options.signal?.throwIfAborted();
    const value = this.#core.tryFastAsync()
      ? ACQUIRED
      : await this.#core.waitAsync(0, options);
    if (value !== 0) granted();
    return checkAbandoned(value);
  }

  #held(granted: number): boolean {
    if (granted !== 0) this.#core.hold();
    return checkAbandoned(granted);
  }
}

/** What was granted, as `acquire()` says it. */
function checkAbandoned(granted: number): boolean {
  if (granted === ABANDONED) {
    throw new AbandonedLockError(
      "Cannot acquire a reentrant lock cleanly: the thread that held it has ended",
    );
  }
  return granted !== 0;
}

registerSharedClass(
  "threading.RLock",
  RLock,
  import.meta.url,
  (lock) => memoryParts(coreOf(lock) as RLockCore),
);
