// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * One value per thread.
 *
 * @module
 */

import { checkFunction } from "../_internal/base/validation.ts";
import { nextSerial } from "../_internal/memory/domain.ts";
import {
  registerSharedClass,
  takeAdopted,
} from "../_internal/wire/shared_objects.ts";

interface Definition {
  readonly serial: number;
  readonly init: () => unknown;
}

let send: (local: Local<unknown>) => Definition;

/**
 * This thread's locals that have been sent or have arrived: while one is on its
 * way nothing else here may hold it, and its value must be here when it comes
 * back.
 */
const kept = new Map<number, Local<unknown>>();

/**
 * One value per thread: Python's `threading.local`. Each thread that asks for
 * the value makes its own, by the function, when it first asks.
 *
 * - **Travel:** sent to a thread it brings the function along, never the value. However often it arrives there, it is the same one with the same value.
 * - **Life:** a thread's value is there until the thread ends. Where the local never left its thread, it goes with the local.
 *
 * Against a variable of a module, of which each thread has its own as well: a
 * local can be made anywhere, and be captured or passed on.
 *
 * @example A buffer for each worker of a pool
 * ```ts
 * import { ThreadPoolExecutor } from "@concurrent/parallel/futures";
 * import { Local } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const buffer = new Local(() => new Uint8Array(4));
 * buffer.value[0] = 1;
 *
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
 * const next = () => ++buffer.value[0]!;
 *
 * assertEquals(await pool.submit(next), 1);
 * assertEquals(await pool.submit(next), 2);
 * assertEquals(buffer.value[0], 1);
 * ```
 *
 * @typeParam T What each thread has.
 */
export class Local<T> {
  readonly #definition: Definition;
  #value: T | undefined;
  #isSet = false;

  static {
    send = (local) => {
      kept.set(local.#definition.serial, local);
      return local.#definition;
    };
  }

  /**
   * Creates a local.
   *
   * @param init Makes the value of a thread. It travels as every function does.
   * @throws {TypeError} If it is not a function.
   */
  constructor(init: () => T) {
    const adopted = takeAdopted();
    if (adopted !== undefined) {
      const { serial, parts } = adopted;
      this.#definition = { serial, init: parts[0] as () => T };
      kept.set(serial, this);
      return;
    }
    checkFunction("create a local", "init", init);
    this.#definition = { serial: nextSerial(), init };
  }

  /**
   * This thread's value; it is made where there is none yet. Where the function
   * throws, so does this, and the next one who asks tries again.
   *
   * @returns The value.
   */
  get value(): T {
    if (!this.#isSet) this.value = this.#definition.init() as T;
    return this.#value as T;
  }

  /**
   * Replaces this thread's value.
   *
   * @param value The new value.
   */
  set value(value: T) {
    this.#value = value;
    this.#isSet = true;
  }
}

registerSharedClass("threading.Local", Local, import.meta.url, (local) => {
  const { serial, init } = send(local);
  return { serial, parts: [init] };
});
