// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A flag that threads wait for.
 *
 * @module
 */

import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import { EventCore, type EventLike } from "../_internal/memory/event_core.ts";
import {
  memoryParts,
  noteCore,
  registerSharedClass,
  takeCore,
  takeMemory,
} from "../_internal/wire/shared_objects.ts";

const VERB = "wait for an event";
/** Nobody has to wait for it: one for all. */
const TRUE = Promise.resolve(true);
let coreOf: (event: Event) => EventLike;

/**
 * A flag that is set or not, and that any number of threads wait for: Python's
 * `threading.Event`. The web's class of this name is another thing; import this
 * one as `ThreadEvent` where both are used.
 *
 * - **Shared:** sent to a thread, captured by a function or put in a queue, it is the same event there.
 * - **All at once:** `set()` releases everybody who waits, also where `clear()` follows at once.
 * - **Stays set:** until `clear()`; nobody has to wait meanwhile. Where each `set()` is meant for one thread, use a `Semaphore`.
 * - **Visibility:** what a thread wrote to shared memory before `set()` is seen by whoever was released.
 *
 * @example Usage
 * ```ts
 * import { Event } from "@concurrent/parallel/threading";
 * import { assert, assertFalse } from "@std/assert";
 *
 * const ready = new Event();
 * assertFalse(await ready.wait({ timeout: 1 }));
 *
 * const waiting = ready.wait();
 * ready.set();
 * assert(await waiting);
 * ```
 */
export class Event {
  readonly #core: EventLike;

  static {
    coreOf = (event) => event.#core;
  }

  /** Creates an event that is not set. */
  constructor() {
    this.#core = takeCore<EventLike>() ?? new EventCore(takeMemory());
    if (new.target !== Event) noteCore(this, this.#core);
  }

  /**
   * Tells whether it is set.
   *
   * @returns True where it is.
   */
  isSet(): boolean {
    return this.#core.isSet;
  }

  /** Sets it, and releases everybody who waits. */
  set(): void {
    this.#core.set();
  }

  /** Clears it: whoever comes from now on has to wait. */
  clear(): void {
    this.#core.clear();
  }

  /**
   * Waits until it is set.
   *
   * @param options How long to wait.
   * @returns True: it was set. False: the timeout has passed.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  wait(options?: WaitOptions): Promise<boolean> {
    if (options === undefined && this.#core.attempt() !== 0) return TRUE;
    return this.#wait(options ?? {});
  }

  /**
   * As {@linkcode Event.wait}, and blocks the thread.
   *
   * @param options How long to wait.
   * @returns True: it was set. False: the timeout has passed.
   * @throws {DeadlockError} If no thread is left that could set it.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  waitSync(options: WaitOptions = {}): boolean {
    checkWait(VERB, options);
    return this.#core.waitSync(0, options) !== 0;
  }

  async #wait(options: WaitOptions): Promise<boolean> {
    checkWait(VERB, options);
    return await this.#core.waitAsync(0, options) !== 0;
  }
}

registerSharedClass(
  "threading.Event",
  Event,
  import.meta.url,
  (event) => memoryParts(coreOf(event) as EventCore),
);
