// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A pool of child processes.
 *
 * @module
 */

import { keepAtHome } from "./_pool_travel.ts";
import { BasePool } from "./base_pool.ts";
import type { PoolOptions } from "./pool_options.ts";

/**
 * A pool of child processes that run functions, as Python's
 * `multiprocessing.Pool`.
 *
 * - **Workers:** started when there is work for them; one that dies is replaced,
 *   and exactly what it ran fails with a `WorkerCrashedError`.
 * - **Dispose:** `await using` finishes what was accepted, then stops the
 *   workers; `terminate()` stops them now.
 * - **Program:** an idle pool does not keep the program alive, calls under way do.
 *
 * Against a `ProcessPoolExecutor`: the same scheduler under Python's other
 * interface. `map` gives an array, and calls are told by callbacks.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool({ processes: 2 });
 *
 * assertEquals(await pool.apply((a: number, b: number) => a + b, [1, 2]), 3);
 * assertEquals(await pool.map((x: number) => x * x, [1, 2, 3]), [1, 4, 9]);
 * let sum = 0;
 * for await (const n of pool.imap((x: number) => x + 1, [1, 2])) sum += n;
 * assertEquals(sum, 5);
 * ```
 */
export class Pool extends BasePool {
  /**
   * Sets the pool up. No process is started yet.
   *
   * @param options How the pool is set up.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If an option is out of its range.
   */
  constructor(options: PoolOptions = {}) {
    super("process", options);
  }
}

keepAtHome("Pool", Pool);
