// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A lock that one holder has at a time.
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
  LockCore,
  type LockLike,
} from "../_internal/memory/lock_core.ts";
import {
  memoryParts,
  noteCore,
  registerSharedClass,
  takeCore,
  takeMemory,
} from "../_internal/wire/shared_objects.ts";
import { guard, guardSync } from "./_guard.ts";
import { declareLock } from "./_lock_cores.ts";

const VERB = "acquire a lock";
/** Nobody has to wait for it: one for all. */
const TRUE = Promise.resolve(true);
let coreOf: (lock: Lock) => LockLike;

/**
 * A lock that one holder has at a time, on whatever thread: Python's
 * `threading.Lock`.
 *
 * - **Shared:** sent to a thread, captured by a function or put in a queue, it is the same lock there.
 * - **FIFO order:** whoever waits gets it in the order of arrival, and nobody overtakes those who wait.
 * - **Not reentrant:** whoever acquires it twice waits for itself; see `RLock`.
 * - **No owner:** any thread may release it, as in Python.
 * - **Death:** where the thread that acquired it ends, the lock is released, and the next `acquire()` rejects once with an {@linkcode AbandonedLockError}, holding the lock.
 *
 * Acquiring and releasing a free lock takes two compare-and-swaps
 * (`bench/threading_bench.ts`); whoever waits uses next to none of the processor.
 * Between more threads than cores every hand-over is a switch of threads, 10 to
 * 20 µs: hold it for longer, and less often.
 *
 * @example Usage
 * ```ts
 * import { Lock, SharedValue, Thread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new Lock();
 * const count = new SharedValue("int32", 0);
 * const work = () => {
 *   for (let i = 0; i < 100; i++) {
 *     using _ = lock.guardSync();
 *     count.value++;
 *   }
 * };
 * const threads = [work, work].map((target) => new Thread({ target }).start());
 * for (const thread of threads) await thread.join();
 *
 * assertEquals(count.value, 200);
 * ```
 */
export class Lock {
  readonly #core: LockLike;

  static {
    coreOf = (lock) => lock.#core;
    declareLock((lock) => #core in lock ? lock.#core : undefined);
  }

  /** Creates a free lock. */
  constructor() {
    this.#core = takeCore<LockLike>() ?? new LockCore("Lock", takeMemory());
    if (new.target !== Lock) noteCore(this, this.#core);
  }

  /**
   * Waits until the lock is free, and takes it.
   *
   * @param options How long to wait.
   * @returns True: the lock is held. False: the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock is held.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquire(options?: WaitOptions): Promise<boolean> {
    if (options === undefined && this.#core.tryFast()) return TRUE;
    return this.#acquire(options ?? {});
  }

  /**
   * As {@linkcode Lock.acquire}, and blocks the thread.
   *
   * @param options How long to wait.
   * @returns True: the lock is held. False: the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock is held.
   * @throws {DeadlockError} If no thread is left that could release it.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquireSync(options?: WaitOptions): boolean {
    if (options === undefined) {
      if (this.#core.tryFast()) return true;
      options = {};
    } else checkWait(VERB, options);
    return checkAbandoned(this.#core.waitSync(0, options));
  }

  /**
   * Takes the lock if it is free now.
   *
   * @returns True where the lock is held.
   * @throws {AbandonedLockError} If its last holder is gone; the lock is held.
   */
  tryAcquire(): boolean {
    return this.#core.tryFast() || checkAbandoned(this.#core.tryAcquire());
  }

  /**
   * Gives the lock to whoever waits first, or frees it.
   *
   * @throws {InvalidStateError} If nobody holds it.
   */
  release(): void {
    if (!this.#core.release()) {
      throw new InvalidStateError("Cannot release a lock: nobody holds it");
    }
  }

  /**
   * Tells whether somebody holds it.
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
   * @returns What releases it.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock was released again.
   */
  guard(options?: WaitOptions): Promise<Disposable> {
    return guard("a lock", this, options);
  }

  /**
   * As {@linkcode Lock.guard}, and blocks the thread: `using _ = lock.guardSync()`.
   *
   * @param options How long to wait.
   * @returns What releases it.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock was released again.
   */
  guardSync(options?: WaitOptions): Disposable {
    return guardSync("a lock", this, options);
  }

  async #acquire(options: WaitOptions): Promise<boolean> {
    checkWait(VERB, options);
    return checkAbandoned(await this.#core.waitAsync(0, options));
  }
}

/** What was granted, as `acquire()` says it. */
function checkAbandoned(granted: number): boolean {
  if (granted === ABANDONED) {
    throw new AbandonedLockError(
      "Cannot acquire a lock cleanly: the thread that held it has ended",
    );
  }
  return granted !== 0;
}

registerSharedClass(
  "threading.Lock",
  Lock,
  import.meta.url,
  (lock) => memoryParts(coreOf(lock) as LockCore),
);
