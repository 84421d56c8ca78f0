// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * An executor over worker threads: {@linkcode ThreadPoolExecutor}.
 *
 * @module
 */

import type { PoolOptions } from "./executor.ts";
import { registerExecutor } from "./_handles.ts";
import { handleOf } from "./_pool_executor.ts";
import { PoolExecutor } from "./pool_executor.ts";

/**
 * Runs tasks in a pool of worker threads: for tasks that compute, or that block.
 *
 * - **Parallel:** threads run JavaScript at the same time, one on each core.
 * - **Memory:** each worker takes about 13 MB and 20 ms to start; idle ones are used again.
 * - **Stopping:** a thread that is busy in JavaScript cannot be stopped. Its
 *   future settles on time all the same, and the pool replaces it; use
 *   {@linkcode ProcessPoolExecutor} where a stop must be real.
 *
 * @example Usage
 * ```ts
 * import { ThreadPoolExecutor } from "@concurrent/parallel/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
 *
 * assertEquals(await pool.submit((a: number, b: number) => a + b, 1, 2), 3);
 * ```
 */
export class ThreadPoolExecutor extends PoolExecutor {
  /**
   * Sets the pool up. Threads are started when there is work for them.
   *
   * @param options How the pool is set up.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If an option is out of its range.
   * @throws {NotSupportedError} If `permissions` other than `"inherit"` are given, or a `stackSizeMb`.
   */
  constructor(options: PoolOptions = {}) {
    super("thread", options);
  }
}

registerExecutor(
  "futures.ThreadPoolExecutor",
  ThreadPoolExecutor,
  import.meta.url,
  handleOf,
);
