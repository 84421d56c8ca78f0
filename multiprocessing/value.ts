// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A number that processes share.
 *
 * @module
 */

import {
  checkNumber,
  checkNumberType,
} from "../_internal/memory/number_values.ts";
import { NumbersCore } from "../_internal/memory/numbers_core.ts";
import type {
  NumberOf,
  NumberType,
} from "../_internal/memory/shared_number.ts";
import { type Numbers, numbersFor, registerNumbers } from "./_numbers.ts";
import type { RLock } from "./rlock.ts";

/**
 * One number that processes and threads share: Python's
 * `multiprocessing.Value`. For many numbers see `SharedArray`; `SharedValue` of
 * `threading` is for the threads of one program.
 *
 * - **Shared:** sent to a process or a thread, captured by a function, put in a queue or sent through a connection, it is the same number there.
 * - **Atomic:** each method is one step, for floating point too, and all see them in one order.
 * - **Not atomic:** `value.value += 1` is two steps: use `add(1)`, or hold {@linkcode Value.lock}.
 * - **Range:** what does not fit wraps around, or is rounded, as in a typed array of the same type.
 * - **Memory:** with `--allow-ffi` on Linux, in both processes, it is a place in shared memory, and {@linkcode Value.value} is there too. Else the process that has made it is asked, which takes a round trip.
 * - **Owner:** where the process that made it ends, those who have to ask get a {@linkcode ConnectionClosedError}; those who have the memory go on.
 *
 * @example Usage
 * ```ts
 * import { Process, Value } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const count = new Value("int32", 40);
 * const process = new Process({ target: () => count.add(2) }).start();
 *
 * assertEquals(await process.result(), 42);
 * assertEquals(await count.get(), 42);
 * await process.join();
 * ```
 *
 * @typeParam T What the number is.
 */
export class Value<T extends NumberType = NumberType> {
  /** What the number is. */
  readonly type: T;
  readonly #numbers: Numbers;

  /**
   * Creates a number.
   *
   * @param type What the number is: `"int32"`, `"float64"`, …
   * @param initial What it is at first; 0 by default.
   * @throws {TypeError} If there is no such type, or the value is not a number of it.
   */
  constructor(type: T, initial?: NumberOf<T>) {
    this.#numbers = numbersFor(this, false, () => {
      checkNumberType("create a value", type);
      if (initial !== undefined) {
        checkNumber("create a value", type, "initial", initial);
      }
      const core = NumbersCore.createOne(type);
      if (initial !== undefined) core.store(initial);
      return core;
    });
    this.type = this.#numbers.extras.type as T;
  }

  /**
   * Reads the number.
   *
   * @returns The number.
   * @throws {ConnectionClosedError} If it has to be asked for, and its owner is gone.
   */
  async get(): Promise<NumberOf<T>> {
    return await this.#numbers.run("load");
  }

  /**
   * Replaces the number.
   *
   * @param value The new number.
   * @throws {TypeError} If it is not a number of this type.
   * @throws {ConnectionClosedError} If the owner has to be told, and is gone.
   */
  async set(value: NumberOf<T>): Promise<void> {
    this.#check("set", "value", value);
    await this.#numbers.run("store", value);
  }

  /**
   * Adds to the number, in one step.
   *
   * @param change What to add; negative to subtract.
   * @returns The sum. (`Atomics.add()` returns what was there before.)
   * @throws {TypeError} If it is not a number of this type.
   * @throws {ConnectionClosedError} If the owner has to be told, and is gone.
   */
  async add(change: NumberOf<T>): Promise<NumberOf<T>> {
    this.#check("add to", "change", change);
    return await this.#numbers.run("add", change);
  }

  /**
   * Replaces the number where it is the expected one, in one step. NaN is
   * expected by NaN, and 0 and -0 are the same.
   *
   * @param expected What it must be to be replaced.
   * @param replacement What it then becomes.
   * @returns What it was before: the expected number where it was replaced.
   * @throws {TypeError} If one of them is not a number of this type.
   * @throws {ConnectionClosedError} If the owner has to be told, and is gone.
   */
  async compareExchange(
    expected: NumberOf<T>,
    replacement: NumberOf<T>,
  ): Promise<NumberOf<T>> {
    this.#check("compare", "expected", expected);
    this.#check("replace", "replacement", replacement);
    return await this.#numbers.run("compareExchange", expected, replacement);
  }

  /**
   * The number, now: only on real shared memory.
   *
   * @returns The number.
   * @throws {NotSupportedError} If it is not in shared memory, or `--allow-ffi` is missing here.
   */
  get value(): NumberOf<T> {
    return this.#numbers.real("read", "get()").load() as NumberOf<T>;
  }

  /**
   * Replaces the number, now: only on real shared memory.
   *
   * @param value The new number.
   * @throws {TypeError} If it is not a number of this type.
   * @throws {NotSupportedError} If it is not in shared memory, or `--allow-ffi` is missing here.
   */
  set value(value: NumberOf<T>) {
    this.#check("set", "value", value);
    this.#numbers.real("write", "set()").store(value);
  }

  /**
   * A reentrant lock for whoever needs more than one step: Python's `get_lock()`.
   *
   * @returns The same one everywhere.
   */
  get lock(): RLock {
    return this.#numbers.extras.lock;
  }

  #check(verb: string, name: string, value: unknown): void {
    checkNumber(`${verb} a value`, this.type, name, value);
  }
}

registerNumbers("multiprocessing.Value", Value, import.meta.url, false);
