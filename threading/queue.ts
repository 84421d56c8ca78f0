// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A queue between threads, first in, first out.
 *
 * @module
 */

import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import {
  InvalidStateError,
  QueueEmptyError,
  QueueFullError,
  QueueShutDownError,
} from "../_internal/base/errors.ts";
import { describe } from "../_internal/base/validation.ts";
import {
  CLOSED,
  DONE,
  QueueCore,
  type QueueLike,
} from "../_internal/memory/queue_core.ts";
import { RingStore } from "../_internal/memory/queue_ring.ts";
import { QueueItem } from "../_internal/memory/queue_segment.ts";
import {
  isPortable,
  noteCore,
  registerSharedClass,
  takeAdopted,
  takeCore,
} from "../_internal/wire/shared_objects.ts";
import {
  isAny,
  isReady,
  keep,
  loadSync,
  pack,
  unpack,
  unpackSync,
  withdraw,
} from "./_queue_items.ts";
import {
  type KeyOf,
  queueParts,
  type QueuePlan,
  rememberInside,
  takePlan,
} from "./_queue_plan.ts";

const PUT = "put an item";
const GET = "get an item";
const MAX_SIZE = 2 ** 31 - 1;
/** Nobody has to wait for it: one for all. */
const PUT_DONE = Promise.resolve();
const FIFO: QueuePlan = { store: RingStore };
/** Small items come out through it. */
const taken = new QueueItem();

/** How {@linkcode Queue.put} puts an item. */
export interface QueuePutOptions extends WaitOptions {
  /**
   * What is moved instead of copied: buffers, ports, streams. They are taken
   * away at the call, also where the item is not put in the end.
   *
   * @default {[]}
   */
  transfer?: readonly Transferable[] | undefined;
}

/** How {@linkcode Queue.shutdown} ends a queue. */
export interface QueueShutdownOptions {
  /**
   * True drops the items that are still in the queue; false lets them be taken.
   *
   * @default {false}
   */
  immediate?: boolean | undefined;
}

/**
 * A queue between threads, first in, first out: Python's `queue.Queue`.
 *
 * - **Shared:** sent to a thread, captured by a function or put in a queue, it is the same queue there.
 * - **FIFO order:** items come out in the order in which they were put; whoever waits, to get or to put, is served in the order of arrival.
 * - **Items:** whatever can be sent to a thread, copied as it is at `put()`; what cannot travel is a {@linkcode SerializationError} there. Other queues, locks and shared arrays arrive as the same objects.
 * - **Back-pressure:** a queue with a `maxSize` makes those wait who put more than that.
 * - **Death:** a thread that ends takes nothing along but what it has got: those who wait behind it are served.
 *
 * A `LifoQueue` gives the newest item first, a `PriorityQueue` the lowest, a
 * `SimpleQueue` is one that never makes a putter wait. A small item takes about a
 * microsecond from thread to thread (`bench/threading.ts`); whoever waits uses
 * no processor time.
 *
 * @example Usage
 * ```ts
 * import { Queue, Thread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const jobs = new Queue<number>();
 * const results = new Queue<number>();
 * const thread = new Thread({
 *   target: async () => {
 *     for await (const job of jobs) await results.put(job * job);
 *     results.shutdown();
 *   },
 * }).start();
 * for (const job of [1, 2, 3]) await jobs.put(job);
 * jobs.shutdown();
 *
 * assertEquals(await Array.fromAsync(results), [1, 4, 9]);
 * await thread.join();
 * ```
 *
 * @typeParam T The items.
 */
export class Queue<T = unknown> implements AsyncIterable<T> {
  readonly #core: QueueLike;
  readonly #keyOf: KeyOf | undefined;
  /** True: items are nothing but bytes, so that other processes can have them. */
  readonly #isPortable: boolean;

  /**
   * Creates an empty queue.
   *
   * @param maxSize How many items there can be; 0 or less: any number.
   * @throws {TypeError} If `maxSize` is not a number.
   * @throws {RangeError} If `maxSize` is neither an integer nor infinite.
   */
  constructor(maxSize = 0) {
    const plan = takePlan() ?? FIFO;
    const elsewhere = takeCore<QueueLike>();
    const adopted = takeAdopted();
    let priority = plan.priority;
    if (elsewhere !== undefined) this.#core = elsewhere;
    else if (adopted === undefined) {
      const max = checkMaxSize("create a queue", maxSize);
      const core = new QueueCore(plan.store);
      if (max !== 0) core.maxSize = max;
      this.#core = core;
    } else {
      const [memory, sent, ...buffers] = adopted.parts;
      this.#core = new QueueCore(plan.store, {
        words: new Int32Array(memory as SharedArrayBuffer),
        serial: adopted.serial,
        buffers: buffers as SharedArrayBuffer[],
      });
      priority = sent;
    }
    this.#keyOf = plan.keyOf?.(priority);
    this.#isPortable = isPortable(new.target);
    rememberInside(this, { core: this.#core, priority });
    if (new.target !== Queue) noteCore(this, this.#core);
  }

  /**
   * Puts an item, and waits while the queue is full.
   *
   * @param item The item; it is copied before this returns.
   * @param options How long to wait, and what to move.
   * @returns Resolves when the item is in the queue.
   * @throws {QueueFullError} If the timeout has passed; the item was not put.
   * @throws {QueueShutDownError} If the queue was shut down, before or meanwhile.
   * @throws {SerializationError} If a part of the item cannot travel.
   * @throws {RangeError} If the timeout is negative or NaN, or the queue takes more than a gigabyte.
   */
  put(item: T, options?: QueuePutOptions): Promise<void> {
    try {
      if (options !== undefined) begin(PUT, options);
      const packed = this.#pack(item, options);
      if (this.#tryPut(packed, true)) return PUT_DONE;
      return this.#putLater(keep(packed), options ?? {});
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * As {@linkcode Queue.put}, and blocks the thread.
   *
   * @param item The item; it is copied before this returns.
   * @param options How long to wait, and what to move.
   * @throws {QueueFullError} If the timeout has passed; the item was not put.
   * @throws {QueueShutDownError} If the queue was shut down, before or meanwhile.
   * @throws {SerializationError} If a part of the item cannot travel.
   * @throws {DeadlockError} If no thread is left that could get an item.
   * @throws {RangeError} If the timeout is negative or NaN, or the queue takes more than a gigabyte.
   */
  putSync(item: T, options?: QueuePutOptions): void {
    if (options !== undefined) begin(PUT, options);
    const packed = this.#pack(item, options);
    if (this.#tryPut(packed, true)) return;
    const kept = keep(packed);
    try {
      checkPut(this.#core.putSync(kept, options ?? {}), options);
    } catch (error) {
      withdraw(kept);
      throw error;
    }
  }

  /**
   * Puts an item if there is a place for it now.
   *
   * @param item The item; it is copied before this returns.
   * @returns True: it is in the queue. False: the queue is full, or others wait for the next place.
   * @throws {QueueShutDownError} If the queue was shut down.
   * @throws {SerializationError} If a part of the item cannot travel.
   */
  tryPut(item: T): boolean {
    const packed = this.#pack(item, undefined);
    const isPut = this.#tryPut(packed, false);
    if (!isPut) withdraw(packed);
    return isPut;
  }

  /**
   * Takes the next item, and waits while the queue is empty.
   *
   * @param options How long to wait. What an item holds beside bytes (locks, queues, shared buffers) is fetched from the main thread, for which it waits as long as that takes.
   * @returns The item.
   * @throws {QueueEmptyError} If the timeout has passed.
   * @throws {QueueShutDownError} If the queue was shut down, and nothing is left in it.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  get(options?: WaitOptions): Promise<T> {
    try {
      if (options !== undefined) begin(GET, options);
      const result = this.#core.tryGetFast(taken, isAny);
      // A promise where something has to be loaded first.
      if (result === DONE) return Promise.resolve(unpack(taken) as T);
      if (result === CLOSED) throw closedError(GET);
      return this.#getLater(options ?? {});
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * As {@linkcode Queue.get}, and blocks the thread.
   *
   * @param options How long to wait. What an item holds beside bytes (locks, queues, shared buffers) is fetched from the main thread, for which it waits as long as that takes.
   * @returns The item.
   * @throws {QueueEmptyError} If the timeout has passed.
   * @throws {QueueShutDownError} If the queue was shut down, and nothing is left in it.
   * @throws {DeadlockError} If no thread is left that could put one.
   * @throws {NotSupportedError} If the item needs a module that can only be loaded asynchronously; it stays in the queue for `get()`.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  getSync(options?: WaitOptions): T {
    if (options !== undefined) begin(GET, options);
    const core = this.#core;
    const end = performance.now() + (options?.timeout ?? Infinity);
    let result = core.tryGetFast(taken, isReady);
    for (;;) {
      if (result === CLOSED) throw closedError(GET);
      if (result === DONE) {
        if (isReady(taken)) return unpackSync(taken) as T;
        // It is in the queue still, unless another thread comes first.
        loadSync(taken);
        result = core.tryGetFast(taken, isReady);
        continue;
      }
      const rest = options?.timeout === undefined
        ? undefined
        : Math.max(0, end - performance.now());
      result = core.getSync(taken, isReady, {
        timeout: rest,
        signal: options?.signal,
      });
      if (result !== DONE && result !== CLOSED) throw emptyError(options);
    }
  }

  /**
   * Takes the next item if there is one now.
   *
   * @returns The item; undefined where the queue is empty, or others wait for what is in it.
   * @throws {QueueShutDownError} If the queue was shut down, and nothing is left in it.
   * @throws {NotSupportedError} If the item needs a module that can only be loaded asynchronously; it stays in the queue for `get()`.
   */
  tryGet(): T | undefined {
    for (;;) {
      const result = this.#core.tryGet(taken, isReady);
      if (result === CLOSED) throw closedError(GET);
      if (result !== DONE) return undefined;
      if (isReady(taken)) return unpackSync(taken) as T;
      loadSync(taken);
    }
  }

  /**
   * Says that an item that was taken is done, for those who `join()`.
   *
   * @throws {InvalidStateError} If it is called more often than items were put.
   */
  taskDone(): void {
    if (!this.#core.taskDone()) {
      throw new InvalidStateError(
        "Cannot count an item as done: every item is done already",
      );
    }
  }

  /**
   * Waits until `taskDone()` was called for every item that was put. Items that
   * a shutdown dropped count as done.
   *
   * @param options How long to wait.
   * @returns True: all items are done. False: the timeout has passed.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  async join(options: WaitOptions = {}): Promise<boolean> {
    checkWait("join a queue", options);
    return await this.#core.join(options);
  }

  /**
   * As {@linkcode Queue.join}, and blocks the thread.
   *
   * @param options How long to wait.
   * @returns True: all items are done. False: the timeout has passed.
   * @throws {DeadlockError} If no thread is left that could finish an item.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  joinSync(options: WaitOptions = {}): boolean {
    checkWait("join a queue", options);
    return this.#core.joinSync(options);
  }

  /**
   * Shuts the queue down: nothing can be put any more, and whoever waits to put
   * is told so. What is in it can still be taken, unless it is dropped; then
   * `get()` fails too. A queue that was shut down stays so.
   *
   * @param options Whether to drop what is left.
   * @returns What was dropped, but for items that cannot be read in this thread.
   */
  shutdown(options: QueueShutdownOptions = {}): T[] {
    const { immediate = false } = options;
    const items: T[] = [];
    for (const item of this.#core.shutdown(immediate)) {
      try {
        loadSync(item);
        items.push(unpackSync(item) as T);
      } catch {
        // Its class or module cannot be had here: there is nothing to return.
      }
    }
    return items;
  }

  /**
   * How many items there can be; 0 or less: any number. It may be assigned at
   * any time, by any thread: items that are there stay.
   *
   * @returns The number.
   */
  get maxSize(): number {
    return this.#core.maxSize;
  }

  set maxSize(value: number) {
    this.#core.maxSize = checkMaxSize("limit a queue", value);
  }

  /**
   * How many items there are now.
   *
   * @returns The number.
   */
  get size(): number {
    return this.#core.size;
  }

  /**
   * Tells whether there is no item now.
   *
   * @returns True where there is none.
   */
  get empty(): boolean {
    return this.#core.size === 0;
  }

  /**
   * Tells whether there are as many items now as there can be.
   *
   * @returns True where nothing can be put without waiting.
   */
  get full(): boolean {
    const { maxSize } = this.#core;
    return maxSize > 0 && this.#core.size >= maxSize;
  }

  /**
   * Tells whether the queue was shut down.
   *
   * @returns True after `shutdown()`.
   */
  get isShutdown(): boolean {
    return this.#core.isShutdown;
  }

  /**
   * Takes items until the queue is shut down and empty. Several loops, in one
   * thread or many, share the items.
   *
   * @returns The iterator.
   */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (;;) {
      let item: T;
      try {
        item = await this.get();
      } catch (error) {
        if (error instanceof QueueShutDownError) return;
        throw error;
      }
      yield item;
    }
  }

  #pack(item: T, options: QueuePutOptions | undefined): QueueItem {
    return pack(item, this.#keyOf, options?.transfer, this.#isPortable);
  }

  /** True: it was put. False: it would have to wait. Where it throws, what the item has deposited is taken back. */
  #tryPut(packed: QueueItem, mayWait: boolean): boolean {
    try {
      const result = mayWait
        ? this.#core.putFast(packed)
        : this.#core.tryPut(packed);
      if (result === CLOSED) throw closedError(PUT);
      return result === DONE;
    } catch (error) {
      withdraw(packed);
      throw error;
    }
  }

  async #putLater(packed: QueueItem, options: WaitOptions): Promise<void> {
    try {
      checkPut(await this.#core.put(packed, options), options);
    } catch (error) {
      withdraw(packed);
      throw error;
    }
  }

  async #getLater(options: WaitOptions): Promise<T> {
    const item = new QueueItem();
    const result = await this.#core.get(item, isAny, options);
    if (result === CLOSED) throw closedError(GET);
    if (result !== DONE) throw emptyError(options);
    return await unpack(item) as T;
  }
}

/** Checks the options of a wait that is about to begin. */
function begin(verb: string, options: WaitOptions): void {
  checkWait(verb, options);
  options.signal?.throwIfAborted();
}

function checkPut(result: number, options: WaitOptions | undefined): void {
  if (result === CLOSED) throw closedError(PUT);
  if (result !== DONE) {
    throw new QueueFullError(
      `Cannot ${PUT}: the queue was full for ${options?.timeout} ms`,
    );
  }
}

function emptyError(options: WaitOptions | undefined): QueueEmptyError {
  return new QueueEmptyError(
    `Cannot ${GET}: the queue was empty for ${options?.timeout} ms`,
  );
}

function closedError(verb: string): QueueShutDownError {
  return new QueueShutDownError(
    `Cannot ${verb}: the queue was shut down`,
  );
}

function checkMaxSize(verb: string, value: number): number {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot ${verb} as 'maxSize' must be a number: current value is ${
        describe(value)
      }`,
    );
  }
  if (!Number.isInteger(value) && Math.abs(value) !== Infinity) {
    throw new RangeError(
      `Cannot ${verb} as 'maxSize' must be an integer: current value is ${value}`,
    );
  }
  // No memory holds more: it is no limit.
  return value > MAX_SIZE ? 0 : Math.max(value, -1);
}

registerSharedClass("threading.Queue", Queue, import.meta.url, queueParts);
