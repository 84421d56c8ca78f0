// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * An array of numbers that threads share.
 *
 * @module
 */

import { nextSerial } from "../_internal/memory/domain.ts";
import {
  checkNumberType,
  numbersFrom,
} from "../_internal/memory/number_values.ts";
import {
  type NumberArrays,
  numberMemory,
  type NumberOf,
  type NumberType,
  numberView,
} from "../_internal/memory/shared_number.ts";
import {
  registerSharedClass,
  takeAdopted,
} from "../_internal/wire/shared_objects.ts";
import { RLock } from "./rlock.ts";

export type {
  NumberArrays,
  NumberOf,
  NumberType,
} from "../_internal/memory/shared_number.ts";

let serialOf: (array: SharedArray) => number;

/**
 * An array of numbers in memory that all threads see: Python's
 * `multiprocessing.Array`, for threads. For one number see `SharedValue`.
 *
 * - **Shared:** sent to a thread, captured by a function or put in a queue, it is the same memory there; nothing is copied.
 * - **View:** {@linkcode SharedArray.view} is an ordinary typed array: reading and writing it costs what it costs elsewhere.
 * - **Order:** threads that write the same element at the same time, or read what another one writes, use {@linkcode SharedArray.lock}, or `Atomics` on the view.
 * - **Length:** fixed, as that of a typed array.
 *
 * @example Two threads, two halves
 * ```ts
 * import { SharedArray, Thread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const squares = new SharedArray("float64", 4);
 * const work = (from: number, to: number) => {
 *   for (let i = from; i < to; i++) squares.view[i] = i * i;
 * };
 * const threads = [[0, 2], [2, 4]].map((args) =>
 *   new Thread({ target: work, args: args as [number, number] }).start()
 * );
 * for (const thread of threads) await thread.join();
 *
 * assertEquals([...squares], [0, 1, 4, 9]);
 * ```
 *
 * @typeParam T What the numbers are.
 */
export class SharedArray<T extends NumberType = NumberType>
  implements Iterable<NumberOf<T>> {
  /** What the numbers are. */
  readonly type: T;
  /** The numbers: a typed array over exactly this memory, a `SharedArrayBuffer`. */
  readonly view: NumberArrays[T];
  /** A reentrant lock for whoever wants to change several numbers as one: Python's `get_lock()`. The same one on every thread. */
  readonly lock: RLock;
  readonly #serial: number;

  static {
    serialOf = (array) => array.#serial;
  }

  /**
   * Creates an array.
   *
   * @param type What the numbers are: `"int32"`, `"float64"`, …
   * @param lengthOrValues How many, all of them 0; or the numbers themselves.
   * @throws {TypeError} If there is no such type, or a value is not a number of this type.
   * @throws {RangeError} If the length is not an integer of at least 0, or there is not so much memory.
   */
  constructor(type: T, lengthOrValues: number | Iterable<NumberOf<T>>) {
    const adopted = takeAdopted();
    if (adopted !== undefined) {
      const [buffer, sent, lock] = adopted.parts;
      this.type = sent as T;
      this.view = numberView(this.type, buffer as SharedArrayBuffer);
      this.lock = lock as RLock;
      this.#serial = adopted.serial;
      return;
    }
    checkNumberType("create a shared array", type);
    this.type = type;
    this.view = createView(type, lengthOrValues);
    this.lock = new RLock();
    this.#serial = nextSerial();
  }

  /**
   * How many numbers there are.
   *
   * @returns The length of the view.
   */
  get length(): number {
    return this.view.length;
  }

  /**
   * Goes through the numbers, as they are when they are reached.
   *
   * @returns The iterator of the view.
   */
  [Symbol.iterator](): IterableIterator<NumberOf<T>> {
    return this.view[Symbol.iterator]() as IterableIterator<NumberOf<T>>;
  }
}

function createView<T extends NumberType>(
  type: T,
  from: number | Iterable<NumberOf<T>>,
): NumberArrays[T] {
  const values = numbersFrom("create a shared array", type, from);
  if (typeof values === "number") return zeros(type, values);
  const view = zeros(type, values.length);
  (view as { set(values: ArrayLike<unknown>): void }).set(values);
  return view;
}

function zeros<T extends NumberType>(type: T, length: number): NumberArrays[T] {
  try {
    return numberView(type, numberMemory(type, length));
  } catch (cause) {
    throw new RangeError(
      `Cannot create a shared array as 'length' must be what the memory holds: current value is ${length}`,
      { cause },
    );
  }
}

registerSharedClass(
  "threading.SharedArray",
  SharedArray,
  import.meta.url,
  (array) => ({
    serial: serialOf(array),
    parts: [array.view.buffer, array.type, array.lock],
  }),
);
