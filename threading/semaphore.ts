// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Permits for a limited number of holders at a time.
 *
 * @module
 */

import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import { integerOption } from "../_internal/base/validation.ts";
import {
  MAX_PERMITS,
  SemaphoreCore,
  type SemaphoreLike,
} from "../_internal/memory/semaphore_core.ts";
import {
  memoryParts,
  noteCore,
  registerSharedClass,
  takeCore,
  takeMemory,
} from "../_internal/wire/shared_objects.ts";
import { guard, guardSync } from "./_guard.ts";

const VERB = "acquire a semaphore";
/** Nobody has to wait for it: one for all. */
const TRUE = Promise.resolve(true);
let coreOf: (semaphore: Semaphore) => SemaphoreLike;

/**
 * A number of permits, each for one holder at a time: Python's
 * `threading.Semaphore`.
 *
 * - **Shared:** sent to a thread, captured by a function or put in a queue, it is the same semaphore there.
 * - **FIFO order:** whoever waits gets a permit in the order of arrival, and nobody overtakes those who wait.
 * - **No owner:** any thread may release, and more often than it has acquired; a `BoundedSemaphore` refuses what is too much.
 * - **Death:** since nobody owns a permit, a thread that ends does not give back what it has acquired.
 *
 * Acquiring and releasing where nobody has to wait takes two compare-and-swaps
 * (`bench/threading_bench.ts`); whoever waits uses next to none of the processor.
 *
 * @example Usage
 * ```ts
 * import { Semaphore } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const semaphore = new Semaphore(2);
 * let inside = 0;
 * let most = 0;
 * async function visit() {
 *   using _ = await semaphore.guard();
 *   most = Math.max(most, ++inside);
 *   await Promise.resolve();
 *   inside--;
 * }
 * await Promise.all([visit(), visit(), visit(), visit()]);
 *
 * assertEquals(most, 2);
 * assertEquals(semaphore.value, 2);
 * ```
 */
export class Semaphore {
  readonly #core: SemaphoreLike;

  static {
    coreOf = (semaphore) => semaphore.#core;
  }

  /**
   * Creates a semaphore.
   *
   * @param value How many permits it has at first: at least 0.
   * @throws {TypeError} If `value` is not a number.
   * @throws {RangeError} If `value` is negative, no integer, or 2^30 or more.
   */
  constructor(value: number = 1) {
    this.#core = takeCore<SemaphoreLike>() ?? makeCore(this, value);
    if (new.target !== Semaphore) noteCore(this, this.#core);
  }

  /**
   * Waits until a permit is left, and takes it.
   *
   * @param options How long to wait.
   * @returns True: a permit was taken. False: the timeout has passed.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquire(options?: WaitOptions): Promise<boolean> {
    if (options === undefined && this.#core.tryFast()) return TRUE;
    return this.#acquire(options ?? {});
  }

  /**
   * As {@linkcode Semaphore.acquire}, and blocks the thread.
   *
   * @param options How long to wait.
   * @returns True: a permit was taken. False: the timeout has passed.
   * @throws {DeadlockError} If no thread is left that could release one.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  acquireSync(options?: WaitOptions): boolean {
    if (options === undefined) {
      if (this.#core.tryFast()) return true;
      options = {};
    } else checkWait(VERB, options);
    return this.#core.waitSync(0, options) !== 0;
  }

  /**
   * Takes a permit if one is left now.
   *
   * @returns True where a permit was taken.
   */
  tryAcquire(): boolean {
    return this.#core.tryAcquire();
  }

  /**
   * Gives permits back: to those who wait first, the rest for whoever comes.
   *
   * @param n How many: at least 1.
   * @throws {TypeError} If `n` is not a number.
   * @throws {RangeError} If `n` is less than 1 or no integer, or if there would be too many permits; nothing is released then.
   */
  release(n: number = 1): void {
    checkCount("release a semaphore", "n", n, 1);
    const core = this.#core;
    if (!core.release(n)) {
      throw new RangeError(
        `Cannot release a semaphore as 'n' must not give it more than ${core.limit} permits: current value is ${n}`,
      );
    }
  }

  /**
   * Acquires it for a block: `using _ = await semaphore.guard()`.
   *
   * @param options How long to wait.
   * @returns What gives the permit back, once.
   * @throws {TimeoutError} If the timeout has passed.
   */
  guard(options?: WaitOptions): Promise<Disposable> {
    return guard("a semaphore", this, options);
  }

  /**
   * As {@linkcode Semaphore.guard}, and blocks the thread: `using _ = semaphore.guardSync()`.
   *
   * @param options How long to wait.
   * @returns What gives the permit back, once.
   * @throws {TimeoutError} If the timeout has passed.
   */
  guardSync(options?: WaitOptions): Disposable {
    return guardSync("a semaphore", this, options);
  }

  /**
   * How many permits are left; of a moment ago, where other threads use it.
   *
   * @returns The number: 0 means that the next one has to wait.
   */
  get value(): number {
    return this.#core.value;
  }

  async #acquire(options: WaitOptions): Promise<boolean> {
    checkWait(VERB, options);
    return await this.#core.waitAsync(0, options) !== 0;
  }
}

/**
 * A semaphore that never has more permits than at first: Python's
 * `threading.BoundedSemaphore`. Where a `Semaphore` counts what it is given, this
 * one refuses a `release()` for which nobody has acquired anything: that is a
 * mistake, where permits stand for things that exist.
 *
 * @example Usage
 * ```ts
 * import { BoundedSemaphore } from "@concurrent/parallel/threading";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const semaphore = new BoundedSemaphore(2);
 * semaphore.acquireSync();
 * semaphore.release();
 *
 * assertThrows(() => semaphore.release(), RangeError);
 * assertEquals(semaphore.value, 2);
 * ```
 */
export class BoundedSemaphore extends Semaphore {}

function makeCore(semaphore: Semaphore, value: number): SemaphoreCore {
  const memory = takeMemory();
  if (memory !== undefined) return new SemaphoreCore(memory);
  return SemaphoreCore.create(
    checkCount("create a semaphore", "value", value, 0),
    semaphore instanceof BoundedSemaphore ? value : MAX_PERMITS,
  );
}

function checkCount(
  verb: string,
  name: string,
  value: number,
  min: number,
): number {
  integerOption(verb, name, value, min, min);
  if (value > MAX_PERMITS) {
    throw new RangeError(
      `Cannot ${verb} as '${name}' must be at most ${MAX_PERMITS}: current value is ${value}`,
    );
  }
  return value;
}

for (const ctor of [Semaphore, BoundedSemaphore]) {
  registerSharedClass(
    `threading.${ctor.name}`,
    ctor,
    import.meta.url,
    (semaphore) => memoryParts(coreOf(semaphore) as SemaphoreCore),
  );
}
