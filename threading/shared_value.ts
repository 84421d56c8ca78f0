// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A number that threads share.
 *
 * @module
 */

import { nextSerial } from "../_internal/memory/domain.ts";
import {
  checkNumber,
  checkNumberType,
} from "../_internal/memory/number_values.ts";
import {
  type AtomicNumber,
  atomicNumber,
  numberMemory,
  type NumberOf,
  type NumberType,
} from "../_internal/memory/shared_number.ts";
import {
  registerSharedClass,
  takeAdopted,
} from "../_internal/wire/shared_objects.ts";
import { RLock } from "./rlock.ts";

interface Memory {
  readonly serial: number;
  readonly buffer: SharedArrayBuffer;
}

let memoryOf: (value: SharedValue) => Memory;

/**
 * One number in memory that all threads see: Python's `multiprocessing.Value`,
 * for threads. For many numbers see `SharedArray`.
 *
 * - **Shared:** sent to a thread, captured by a function or put in a queue, it is the same number there.
 * - **Atomic:** reading, writing, {@linkcode SharedValue.add} and {@linkcode SharedValue.compareExchange} are one step each, for floating point too, and all threads see them in one order.
 * - **Not atomic:** `shared.value += 1` is two steps: use `add(1)`, or hold {@linkcode SharedValue.lock}.
 * - **Range:** what does not fit wraps around, or is rounded, as in a typed array of the same type.
 *
 * @example Usage
 * ```ts
 * import { SharedValue, Thread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const count = new SharedValue("int32");
 * const work = () => {
 *   for (let i = 0; i < 1000; i++) count.add(1);
 * };
 * const threads = [work, work].map((target) => new Thread({ target }).start());
 * for (const thread of threads) await thread.join();
 *
 * assertEquals(count.value, 2000);
 * ```
 *
 * @typeParam T What the number is.
 */
export class SharedValue<T extends NumberType = NumberType> {
  /** What the number is. */
  readonly type: T;
  /** A reentrant lock for whoever needs more than one step: Python's `get_lock()`. The same one on every thread. */
  readonly lock: RLock;
  readonly #memory: Memory;
  readonly #number: AtomicNumber<NumberOf<T>>;

  static {
    memoryOf = (value) => value.#memory;
  }

  /**
   * Creates a number of a type.
   *
   * @param type What the number is: `"int32"`, `"float64"`, …
   * @param initial What it is at first; 0 by default.
   * @throws {TypeError} If there is no such type, or the value is not a number of it.
   */
  constructor(type: T, initial?: NumberOf<T>);
  /**
   * Creates a number of JavaScript's own type, `"float64"`.
   *
   * @param initial What it is at first; 0 by default.
   * @throws {TypeError} If the value is not a number.
   */
  constructor(initial?: number);
  constructor(first?: T | number, initial?: NumberOf<T>) {
    const adopted = takeAdopted();
    if (adopted !== undefined) {
      const [buffer, sent, lock] = adopted.parts;
      this.type = sent as T;
      this.lock = lock as RLock;
      this.#memory = {
        serial: adopted.serial,
        buffer: buffer as SharedArrayBuffer,
      };
      this.#number = atomicNumber(this.type, this.#memory.buffer);
      return;
    }
    const hasType = first !== undefined && typeof first !== "number";
    const type = hasType ? first : "float64";
    checkNumberType("create a shared value", type);
    this.type = type as T;
    const start = hasType ? initial : first as NumberOf<T> | undefined;
    if (start !== undefined) this.#check("create", "initial", start);
    this.lock = new RLock();
    this.#memory = { serial: nextSerial(), buffer: numberMemory(type, 1) };
    this.#number = atomicNumber(this.type, this.#memory.buffer);
    if (start !== undefined) this.#number.store(start);
  }

  /**
   * The number, now.
   *
   * @returns The number.
   */
  get value(): NumberOf<T> {
    return this.#number.load();
  }

  /**
   * Replaces the number.
   *
   * @param value The new number.
   * @throws {TypeError} If it is not a number of this type.
   */
  set value(value: NumberOf<T>) {
    this.#check("set", "value", value);
    this.#number.store(value);
  }

  /**
   * Adds to the number, in one step.
   *
   * @param change What to add; negative to subtract.
   * @returns The sum. (`Atomics.add()` returns what was there before.)
   * @throws {TypeError} If it is not a number of this type.
   */
  add(change: NumberOf<T>): NumberOf<T> {
    this.#check("add to", "change", change);
    return this.#number.add(change);
  }

  /**
   * Replaces the number where it is the expected one, in one step. NaN is
   * expected by NaN, and 0 and -0 are the same.
   *
   * @param expected What it must be to be replaced.
   * @param replacement What it then becomes.
   * @returns What it was before: the expected number where it was replaced.
   * @throws {TypeError} If one of them is not a number of this type.
   */
  compareExchange(
    expected: NumberOf<T>,
    replacement: NumberOf<T>,
  ): NumberOf<T> {
    this.#check("compare", "expected", expected);
    this.#check("replace", "replacement", replacement);
    return this.#number.compareExchange(expected, replacement);
  }

  #check(verb: string, name: string, value: unknown): void {
    checkNumber(`${verb} a shared value`, this.type, name, value);
  }
}

registerSharedClass(
  "threading.SharedValue",
  SharedValue,
  import.meta.url,
  (value) => {
    const { serial, buffer } = memoryOf(value as SharedValue);
    return { serial, parts: [buffer, value.type, value.lock] };
  },
);
