// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Waiting, without a lock, for something that the lock protects.
 *
 * @module
 */

import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import { InvalidStateError } from "../_internal/base/errors.ts";
import {
  checkFunction,
  describe,
  integerOption,
} from "../_internal/base/validation.ts";
import {
  ConditionCore,
  type ConditionLike,
} from "../_internal/memory/condition_core.ts";
import type { LockCore } from "../_internal/memory/lock_core.ts";
import {
  noteCore,
  registerSharedClass,
  takeAdopted,
  takeCore,
} from "../_internal/wire/shared_objects.ts";
import { lockCoreOf } from "./_lock_cores.ts";
import type { Lock } from "./lock.ts";
import { RLock } from "./rlock.ts";

const VERB = "wait for a condition";
let partsOf: (condition: Condition) => {
  lock: Lock | RLock;
  core: ConditionLike;
};

/**
 * A lock, and those who wait for a change of what it protects: Python's
 * `threading.Condition`. Whoever holds the lock can wait, which releases it;
 * whoever changes something can notify, and those who wait go on with the lock.
 *
 * - **Shared:** sent to a thread, captured by a function or put in a queue, it is the same condition there, with its lock.
 * - **FIFO order:** who waits longest is notified first.
 * - **Nothing is lost:** a `notify()` after the lock was released by `wait()` reaches the one who waits; where nobody waits it does nothing.
 * - **The lock is held after every `wait()`:** also where the timeout has passed, and where an abort rejects it.
 * - **Death:** where a thread ends after it was notified and before it went on, the notification goes to the next one.
 *
 * With a {@linkcode Lock}, held means held by this thread, by whichever
 * asynchronous function. An `Event` stays set, and a condition remembers nothing:
 * always wait in a loop that looks at the state, or with `waitFor()`.
 *
 * @example Usage
 * ```ts
 * import { Condition, Lock } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * // Between functions of one thread; between threads the default will do.
 * const condition = new Condition(new Lock());
 * const items: string[] = [];
 * async function take() {
 *   using _ = await condition.guard();
 *   await condition.waitFor(() => items.length > 0);
 *   return items.shift();
 * }
 * async function put(item: string) {
 *   using _ = await condition.guard();
 *   items.push(item);
 *   condition.notify();
 * }
 * const taken = take();
 * await put("apple");
 *
 * assertEquals(await taken, "apple");
 * ```
 */
export class Condition {
  readonly #lock: Lock | RLock;
  readonly #core: ConditionLike;

  static {
    partsOf = (condition) => ({
      lock: condition.#lock,
      core: condition.#core,
    });
  }

  /**
   * Creates a condition.
   *
   * @param lock What protects the state; several conditions may have the same one. By default an `RLock` of its own.
   * @throws {TypeError} If `lock` is no `Lock` and no `RLock`.
   */
  constructor(lock?: Lock | RLock) {
    const adopted = takeAdopted();
    this.#lock = adopted === undefined
      ? lock ?? new RLock()
      : adopted.parts[1] as Lock | RLock;
    const core = lockCoreOf(this.#lock);
    if (core === undefined) {
      throw new TypeError(
        `Cannot create a condition as 'lock' must be a Lock or an RLock: current value is ${
          describe(lock)
        }`,
      );
    }
    const local = core as LockCore;
    this.#core = takeCore<ConditionLike>() ??
      (adopted === undefined
        ? new ConditionCore(local)
        : new ConditionCore(local, {
          serial: adopted.serial,
          words: new Int32Array(adopted.parts[0] as SharedArrayBuffer),
        }));
    if (new.target !== Condition) noteCore(this, this.#core);
  }

  /**
   * Acquires the lock.
   *
   * @param options How long to wait.
   * @returns True: the lock is held. False: the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock is held.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquire(options?: WaitOptions): Promise<boolean> {
    return this.#lock.acquire(options);
  }

  /**
   * As {@linkcode Condition.acquire}, and blocks the thread.
   *
   * @param options How long to wait.
   * @returns True: the lock is held. False: the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock is held.
   * @throws {DeadlockError} If no thread is left that could release it.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquireSync(options?: WaitOptions): boolean {
    return this.#lock.acquireSync(options);
  }

  /**
   * Acquires the lock if that is possible now.
   *
   * @returns True where the lock is held.
   * @throws {AbandonedLockError} If its last holder is gone; the lock is held.
   */
  tryAcquire(): boolean {
    return this.#lock.tryAcquire();
  }

  /**
   * Releases the lock.
   *
   * @throws {InvalidStateError} If it is not held.
   */
  release(): void {
    this.#lock.release();
  }

  /**
   * Tells whether somebody holds the lock.
   *
   * @returns True where it is held.
   */
  locked(): boolean {
    return this.#lock.locked();
  }

  /**
   * Acquires the lock for a block: `using _ = await condition.guard()`.
   *
   * @param options How long to wait.
   * @returns What releases it, once.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock was released again.
   */
  guard(options?: WaitOptions): Promise<Disposable> {
    return this.#lock.guard(options);
  }

  /**
   * As {@linkcode Condition.guard}, and blocks the thread: `using _ = condition.guardSync()`.
   *
   * @param options How long to wait.
   * @returns What releases it, once.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {AbandonedLockError} If its last holder is gone; the lock was released again.
   */
  guardSync(options?: WaitOptions): Disposable {
    return this.#lock.guardSync(options);
  }

  /**
   * Releases the lock, however often it was acquired, waits to be notified, and
   * acquires it again as often. The timeout is for the notification; after it the
   * lock is waited for as long as that takes.
   *
   * @param options How long to wait.
   * @returns True: notified. False: the timeout has passed.
   * @throws {InvalidStateError} If this thread does not hold the lock.
   * @throws {AbandonedLockError} If a holder of the lock has ended meanwhile; the lock is held.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  async wait(options: WaitOptions = {}): Promise<boolean> {
    checkWait(VERB, options);
    this.#checkHeld("wait for");
    try {
      return await this.#core.sleep(options);
    } finally {
      this.#core.lock.deliver();
    }
  }

  /**
   * As {@linkcode Condition.wait}, and blocks the thread.
   *
   * @param options How long to wait.
   * @returns True: notified. False: the timeout has passed.
   * @throws {InvalidStateError} If this thread does not hold the lock.
   * @throws {AbandonedLockError} If a holder of the lock has ended meanwhile; the lock is held.
   * @throws {DeadlockError} If no thread is left that could notify it, or another function of this thread has the lock when it comes back; the lock is not held then.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  waitSync(options: WaitOptions = {}): boolean {
    checkWait(VERB, options);
    this.#checkHeld("wait for");
    return this.#core.sleepSync(options);
  }

  /**
   * Waits until the predicate holds. It is called with the lock held: at first,
   * after each notification, and when the timeout has passed.
   *
   * @typeParam T What the predicate returns.
   * @param predicate Looks at the state; it must not be asynchronous.
   * @param options How long to wait, in all.
   * @returns What the predicate returned last: falsy only where the timeout has passed.
   * @throws {InvalidStateError} If this thread does not hold the lock.
   * @throws {TypeError} If the predicate returns a promise.
   * @throws What the predicate throws; the lock is held.
   */
  async waitFor<T>(predicate: () => T, options: WaitOptions = {}): Promise<T> {
    const end = this.#checkPredicate(predicate, options);
    const { signal } = options;
    try {
      for (;;) {
        const value = look(predicate);
        const timeout = remaining(end);
        if (value || timeout === 0) return value;
        await this.#core.sleep({ timeout, signal });
      }
    } finally {
      this.#core.lock.deliver();
    }
  }

  /**
   * As {@linkcode Condition.waitFor}, and blocks the thread.
   *
   * @typeParam T What the predicate returns.
   * @param predicate Looks at the state; it must not be asynchronous.
   * @param options How long to wait, in all.
   * @returns What the predicate returned last: falsy only where the timeout has passed.
   * @throws {InvalidStateError} If this thread does not hold the lock.
   * @throws {TypeError} If the predicate returns a promise.
   * @throws {DeadlockError} If no thread is left that could notify it, or another function of this thread has the lock when it comes back; the lock is not held then.
   * @throws What the predicate throws; the lock is held.
   */
  waitForSync<T>(predicate: () => T, options: WaitOptions = {}): T {
    const end = this.#checkPredicate(predicate, options);
    const { signal } = options;
    for (;;) {
      const value = look(predicate);
      const timeout = remaining(end);
      if (value || timeout === 0) return value;
      this.#core.sleepSync({ timeout, signal });
    }
  }

  /**
   * Lets those go on that wait longest. They have the lock when it is their turn,
   * after it was released here.
   *
   * @param n How many: at least 1.
   * @throws {InvalidStateError} If this thread does not hold the lock.
   * @throws {RangeError} If `n` is less than 1 or no integer.
   */
  notify(n: number = 1): void {
    integerOption("notify a condition", "n", n, 1, 1);
    this.#checkHeld("notify");
    this.#core.notify(n);
  }

  /**
   * Lets all go on that wait.
   *
   * @throws {InvalidStateError} If this thread does not hold the lock.
   */
  notifyAll(): void {
    this.#checkHeld("notify");
    this.#core.notify(Infinity);
  }

  #checkHeld(verb: string): void {
    if (!this.#core.lock.isOwn) {
      throw new InvalidStateError(
        `Cannot ${verb} a condition: this thread does not hold its lock`,
      );
    }
  }

  /** When the wait has to be over. */
  #checkPredicate(predicate: unknown, options: WaitOptions): number {
    checkWait(VERB, options);
    checkFunction(VERB, "predicate", predicate);
    this.#checkHeld("wait for");
    options.signal?.throwIfAborted();
    return performance.now() + (options.timeout ?? Infinity);
  }
}

function look<T>(predicate: () => T): T {
  const value = predicate();
  if (value instanceof Promise) {
    value.catch(() => {});
    throw new TypeError(
      `Cannot ${VERB} as 'predicate' must not be asynchronous: current value is ${
        describe(predicate)
      }`,
    );
  }
  return value;
}

/** Milliseconds to `end`. */
function remaining(end: number): number | undefined {
  return end === Infinity ? undefined : Math.max(0, end - performance.now());
}

registerSharedClass(
  "threading.Condition",
  Condition,
  import.meta.url,
  (condition) => {
    const { lock, core } = partsOf(condition);
    const { serial, words } = core as ConditionCore;
    return { serial, parts: [words.buffer, lock] };
  },
);
