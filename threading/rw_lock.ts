// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A lock for one writer or many readers.
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
  READ,
  RWLockCore,
  WRITE,
} from "../_internal/memory/rw_lock_core.ts";
import {
  memoryParts,
  registerSharedClass,
  takeMemory,
} from "../_internal/wire/shared_objects.ts";
import { guard, guardSync, type Holdable } from "./_guard.ts";

const READ_VERB = "acquire a lock for reading";
const WRITE_VERB = "acquire a lock for writing";
/** Nobody has to wait for it: one for all. */
const TRUE = Promise.resolve(true);
let coreOf: (lock: RWLock) => RWLockCore;

/**
 * A lock that one writer holds at a time, or any number of readers. Python has
 * none. Where most holders only look, they do not wait for each other, as they
 * would for a `Lock`.
 *
 * - **Shared:** sent to a thread, captured by a function or put in a queue, it is the same lock there.
 * - **FIFO order:** in the order of arrival; a reader that comes after a writer waits behind it, so writers do not starve. Readers in a row are let in together.
 * - **Owner:** a thread releases what it has acquired, and nothing else.
 * - **Not reentrant:** a thread that writes and acquires it again, for reading or writing, waits for itself; so does a reader that wants to write. A reader may read again as long as no writer waits.
 * - **Death:** a thread that ends gives back what it holds. Where it was writing, the next one to acquire the lock is told, once, by an {@linkcode AbandonedLockError}, holding the lock.
 *
 * @example Usage
 * ```ts
 * import { RWLock } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new RWLock();
 * const prices = new Map<string, number>();
 * async function set(name: string, price: number) {
 *   using _ = await lock.writeGuard();
 *   prices.set(name, price);
 * }
 * async function get(name: string) {
 *   using _ = await lock.readGuard();
 *   return prices.get(name);
 * }
 * await set("apple", 3);
 *
 * assertEquals(await Promise.all([get("apple"), get("apple")]), [3, 3]);
 * ```
 */
export class RWLock {
  readonly #core: RWLockCore;

  static {
    coreOf = (lock) => lock.#core;
  }

  /** Creates a free lock. */
  constructor() {
    this.#core = new RWLockCore(takeMemory());
  }

  /**
   * Waits until no writer holds the lock and it is this one's turn, and takes it
   * for reading.
   *
   * @param options How long to wait.
   * @returns True: the lock is held. False: the timeout has passed.
   * @throws {AbandonedLockError} If its last writer is gone; the lock is held.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquireRead(options?: WaitOptions): Promise<boolean> {
    if (options === undefined && this.#core.tryReadFast()) return TRUE;
    return this.#acquire(READ, options);
  }

  /**
   * As {@linkcode RWLock.acquireRead}, and blocks the thread.
   *
   * @param options How long to wait.
   * @returns True: the lock is held. False: the timeout has passed.
   * @throws {AbandonedLockError} If its last writer is gone; the lock is held.
   * @throws {DeadlockError} If no thread is left that could release it.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquireReadSync(options?: WaitOptions): boolean {
    if (options === undefined && this.#core.tryReadFast()) return true;
    return this.#acquireSync(READ, options);
  }

  /**
   * Takes the lock for reading if that is possible now.
   *
   * @returns True where the lock is held.
   * @throws {AbandonedLockError} If its last writer is gone; the lock is held.
   */
  tryAcquireRead(): boolean {
    return checkAbandoned(READ, this.#core.tryAcquire(READ));
  }

  /**
   * Gives back one hold for reading.
   *
   * @throws {InvalidStateError} If this thread does not hold the lock for reading.
   */
  releaseRead(): void {
    if (!this.#core.releaseRead()) {
      throw new InvalidStateError(
        "Cannot release a lock for reading: this thread does not hold it",
      );
    }
  }

  /**
   * Waits until nobody holds the lock and it is this one's turn, and takes it for
   * writing.
   *
   * @param options How long to wait.
   * @returns True: the lock is held. False: the timeout has passed.
   * @throws {AbandonedLockError} If its last writer is gone; the lock is held.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquireWrite(options?: WaitOptions): Promise<boolean> {
    if (options === undefined && this.#core.tryWriteFast()) return TRUE;
    return this.#acquire(WRITE, options);
  }

  /**
   * As {@linkcode RWLock.acquireWrite}, and blocks the thread.
   *
   * @param options How long to wait.
   * @returns True: the lock is held. False: the timeout has passed.
   * @throws {AbandonedLockError} If its last writer is gone; the lock is held.
   * @throws {DeadlockError} If no thread is left that could release it.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquireWriteSync(options?: WaitOptions): boolean {
    if (options === undefined && this.#core.tryWriteFast()) return true;
    return this.#acquireSync(WRITE, options);
  }

  /**
   * Takes the lock for writing if that is possible now.
   *
   * @returns True where the lock is held.
   * @throws {AbandonedLockError} If its last writer is gone; the lock is held.
   */
  tryAcquireWrite(): boolean {
    return checkAbandoned(WRITE, this.#core.tryAcquire(WRITE));
  }

  /**
   * Gives back the hold for writing.
   *
   * @throws {InvalidStateError} If this thread does not hold the lock for writing.
   */
  releaseWrite(): void {
    if (!this.#core.releaseWrite()) {
      throw new InvalidStateError(
        "Cannot release a lock for writing: this thread does not hold it",
      );
    }
  }

  /**
   * Acquires it for reading, for a block: `using _ = await lock.readGuard()`.
   *
   * @param options How long to wait.
   * @returns What releases it, once.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {AbandonedLockError} If its last writer is gone; the lock was released again.
   */
  readGuard(options?: WaitOptions): Promise<Disposable> {
    return guard("a lock for reading", this.#reading(), options);
  }

  /**
   * As {@linkcode RWLock.readGuard}, and blocks the thread: `using _ = lock.readGuardSync()`.
   *
   * @param options How long to wait.
   * @returns What releases it, once.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {AbandonedLockError} If its last writer is gone; the lock was released again.
   */
  readGuardSync(options?: WaitOptions): Disposable {
    return guardSync("a lock for reading", this.#reading(), options);
  }

  /**
   * Acquires it for writing, for a block: `using _ = await lock.writeGuard()`.
   *
   * @param options How long to wait.
   * @returns What releases it, once.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {AbandonedLockError} If its last writer is gone; the lock was released again.
   */
  writeGuard(options?: WaitOptions): Promise<Disposable> {
    return guard("a lock for writing", this.#writing(), options);
  }

  /**
   * As {@linkcode RWLock.writeGuard}, and blocks the thread: `using _ = lock.writeGuardSync()`.
   *
   * @param options How long to wait.
   * @returns What releases it, once.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {AbandonedLockError} If its last writer is gone; the lock was released again.
   */
  writeGuardSync(options?: WaitOptions): Disposable {
    return guardSync("a lock for writing", this.#writing(), options);
  }

  /**
   * Tells whether a reader or a writer holds it, on whatever thread.
   *
   * @returns True where it is held.
   */
  locked(): boolean {
    return this.#core.isHeld;
  }

  async #acquire(op: number, options: WaitOptions = {}): Promise<boolean> {
    checkWait(op === READ ? READ_VERB : WRITE_VERB, options);
    return checkAbandoned(op, await this.#core.waitAsync(op, options));
  }

  #acquireSync(op: number, options: WaitOptions = {}): boolean {
    checkWait(op === READ ? READ_VERB : WRITE_VERB, options);
    return checkAbandoned(op, this.#core.waitSync(op, options));
  }

  #reading(): Holdable {
    return {
      acquire: (options) => this.acquireRead(options),
      acquireSync: (options) => this.acquireReadSync(options),
      release: () => this.releaseRead(),
    };
  }

  #writing(): Holdable {
    return {
      acquire: (options) => this.acquireWrite(options),
      acquireSync: (options) => this.acquireWriteSync(options),
      release: () => this.releaseWrite(),
    };
  }
}

/** What was granted, as the public methods say it. */
function checkAbandoned(op: number, granted: number): boolean {
  if (granted === ABANDONED) {
    throw new AbandonedLockError(
      `Cannot ${
        op === READ ? READ_VERB : WRITE_VERB
      } cleanly: the thread that was writing has ended`,
    );
  }
  return granted !== 0;
}

registerSharedClass(
  "threading.RWLock",
  RWLock,
  import.meta.url,
  (lock) => memoryParts(coreOf(lock)),
);
