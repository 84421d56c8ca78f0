// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * An executor over child processes: {@linkcode ProcessPoolExecutor}.
 *
 * @module
 */

import type { PoolOptions } from "./executor.ts";
import { registerExecutor } from "./_handles.ts";
import { handleOf } from "./_pool_executor.ts";
import { PoolExecutor } from "./pool_executor.ts";

/**
 * Runs tasks in a pool of child processes: for tasks that need what only a
 * process gives, such as a stop that is sure, other permissions, or a crash
 * that does not spread.
 *
 * - **Permissions:** the program needs `--allow-run`; children get its
 *   permissions, or fewer.
 * - **Orphans:** a child never outlives the program, even one that is killed.
 * - **Output:** children print to the program's own terminal.
 *
 * @example Usage
 * ```ts
 * import { ProcessPoolExecutor } from "@concurrent/parallel/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
 *
 * assertEquals(await pool.submit((a: number, b: number) => a + b, 1, 2), 3);
 * ```
 */
export class ProcessPoolExecutor extends PoolExecutor {
  /**
   * Sets the pool up. Processes are started when there is work for them.
   *
   * @param options How the pool is set up.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If an option is out of its range.
   * @throws {NotSupportedError} If `resourceLimits` are given.
   */
  constructor(options: PoolOptions = {}) {
    super("process", options);
  }
}

registerExecutor(
  "futures.ProcessPoolExecutor",
  ProcessPoolExecutor,
  import.meta.url,
  handleOf,
);
