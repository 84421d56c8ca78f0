// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * An array of numbers that processes share.
 *
 * @module
 */

import {
  checkNumberType,
  numberList,
  numbersFrom,
} from "../_internal/memory/number_values.ts";
import { NumbersCore } from "../_internal/memory/numbers_core.ts";
import type {
  NumberArrays,
  NumberOf,
  NumberType,
} from "../_internal/memory/shared_number.ts";
import { integerOption } from "../_internal/base/validation.ts";
import { type Numbers, numbersFor, registerNumbers } from "./_numbers.ts";
import type { RLock } from "./rlock.ts";

export type {
  NumberArrays,
  NumberOf,
  NumberType,
} from "../_internal/memory/shared_number.ts";

const CREATE = "create a shared array";

/**
 * An array of numbers that processes and threads share: Python's
 * `multiprocessing.Array`. For one number see `Value`; `SharedArray` of
 * `threading` is for the threads of one program.
 *
 * - **Shared:** sent to a process or a thread, captured by a function, put in a queue or sent through a connection, it is the same array there.
 * - **Memory:** with `--allow-ffi` on Linux, in both processes, it is shared memory, and {@linkcode SharedArray.view} is a typed array over it. Else the process that has made it is asked, which takes a round trip.
 * - **Order:** several numbers are not written as one: whoever needs that holds {@linkcode SharedArray.lock}.
 * - **Length:** fixed, as that of a typed array.
 * - **End:** shared memory is given back when the array is disposed of, or with the process: the collector does not find it. `using` in who makes it and in who receives it.
 *
 * @example Usage
 * ```ts
 * import { Process, SharedArray } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * using squares = new SharedArray("float64", 4);
 * const process = new Process({
 *   target: () => squares.set([0, 1, 4, 9]),
 * }).start();
 * await process.join();
 *
 * assertEquals(await squares.get(3), 9);
 * assertEquals([...await squares.slice(1, 3)], [1, 4]);
 * ```
 *
 * @typeParam T What the numbers are.
 */
export class SharedArray<T extends NumberType = NumberType>
  implements Disposable {
  /** What the numbers are. */
  readonly type: T;
  readonly #numbers: Numbers;

  /**
   * Creates an array.
   *
   * @param type What the numbers are: `"int32"`, `"float64"`, …
   * @param lengthOrValues How many, all of them 0; or the numbers themselves.
   * @throws {TypeError} If there is no such type, or a value is not a number of it.
   * @throws {RangeError} If the length is not an integer of at least 0, or there is not so much memory.
   */
  constructor(type: T, lengthOrValues: number | Iterable<NumberOf<T>>) {
    this.#numbers = numbersFor(this, true, () => {
      checkNumberType(CREATE, type);
      const values = numbersFrom(CREATE, type, lengthOrValues);
      if (typeof values === "number") return createZeros(type, values);
      const core = createZeros(type, values.length);
      core.set(values, 0);
      return core;
    });
    this.type = this.#numbers.extras.type as T;
  }

  /**
   * How many numbers there are.
   *
   * @returns The number of numbers.
   */
  get length(): number {
    return this.#numbers.extras.length;
  }

  /**
   * Reads one number.
   *
   * @param index Which; 0 is the first.
   * @returns The number.
   * @throws {RangeError} If there is none.
   * @throws {ConnectionClosedError} If it has to be asked for, and its owner is gone.
   */
  async get(index: number): Promise<NumberOf<T>> {
    const verb = "read a shared array";
    checkUpTo(verb, "index", index, this.length - 1);
    return await this.#numbers.run("get", index);
  }

  /**
   * Replaces numbers.
   *
   * @param values The new ones.
   * @param offset Where the first of them goes.
   * @throws {TypeError} If one of them is not a number of this type.
   * @throws {RangeError} If they do not fit.
   * @throws {ConnectionClosedError} If the owner has to be told, and is gone.
   */
  async set(values: Iterable<NumberOf<T>>, offset: number = 0): Promise<void> {
    const verb = "write a shared array";
    const list = numberList(verb, this.type, "values", values);
    checkUpTo(verb, "offset", offset, this.length - list.length);
    await this.#numbers.run("set", list, offset);
  }

  /**
   * Copies numbers.
   *
   * @param start The first; negative counts from the end.
   * @param end Behind the last; negative counts from the end.
   * @returns A typed array of its own.
   * @throws {ConnectionClosedError} If they have to be asked for, and their owner is gone.
   */
  async slice(
    start?: number,
    end?: number,
  ): Promise<NumberArrays<ArrayBuffer>[T]> {
    return await this.#numbers.run("slice", start, end);
  }

  /**
   * The numbers themselves, as a typed array: only on real shared memory. Reading
   * and writing it costs what it costs elsewhere. It is empty once the array is
   * disposed of.
   *
   * @returns The same view each time.
   * @throws {NotSupportedError} If they are not in shared memory, or `--allow-ffi` is missing here.
   */
  get view(): NumberArrays<ArrayBuffer>[T] {
    return this.#numbers.real("view", "slice()")
      .view as unknown as NumberArrays<ArrayBuffer>[T];
  }

  /**
   * A reentrant lock for whoever wants to change several numbers as one: Python's
   * `get_lock()`.
   *
   * @returns The same one everywhere.
   */
  get lock(): RLock {
    return this.#numbers.extras.lock;
  }

  /**
   * Gives up the memory here. Where the array was made, nobody can receive it any
   * more; who has it keeps it.
   */
  [Symbol.dispose](): void {
    this.#numbers.close();
  }
}

function createZeros(type: NumberType, length: number): NumbersCore {
  try {
    return NumbersCore.createMany(type, length);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new RangeError(
      `Cannot ${CREATE} as 'length' must be what the memory holds: current value is ${length}`,
      { cause },
    );
  }
}

function checkUpTo(
  verb: string,
  name: string,
  value: number,
  max: number,
): void {
  integerOption(verb, name, value, 0, 0);
  if (value <= max) return;
  throw new RangeError(
    `Cannot ${verb} as '${name}' must be at most ${max}: current value is ${value}`,
  );
}

registerNumbers(
  "multiprocessing.SharedArray",
  SharedArray,
  import.meta.url,
  true,
);
