// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * An executor that picks threads, processes or the caller's own event loop for
 * each task: {@linkcode AutoExecutor}.
 *
 * @module
 */

import type { PoolOptions, TaskFunction } from "./executor.ts";
import { registerExecutor } from "./_handles.ts";
import { handleOf } from "./_pool_executor.ts";
import { type Decision, PoolExecutor } from "./pool_executor.ts";

/** How an {@linkcode AutoExecutor} is set up: as a pool. */
export type AutoOptions = PoolOptions;

/**
 * Runs each task where tasks of its type run best.
 *
 * | the task is | it runs |
 * | --- | --- |
 * | declared with `io()`, and async | many at a time, on the caller's event loop |
 * | declared with `io()`, and not async | in a thread: it could block |
 * | declared with `cpu()` | in a thread, one on each core |
 * | declared with `cpu`, with a timeout or a signal | in a process, which can be stopped |
 * | not declared | in a thread |
 *
 * @example Usage
 * ```ts
 * import { cpu } from "@concurrent/parallel";
 * import { AutoExecutor } from "@concurrent/parallel/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new AutoExecutor({ maxWorkers: 1 });
 * const square = cpu((x: number) => x * x);
 *
 * assertEquals(await executor.submit(square, 12), 144);
 * assertEquals(executor.explain(square).backend, "thread");
 * ```
 */
export class AutoExecutor extends PoolExecutor {
  /**
   * Sets the executor up. Workers are started when there is work for them.
   *
   * @param options How its pools are set up.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If an option is out of its range.
   */
  constructor(options: AutoOptions = {}) {
    super("auto", options);
  }

  /**
   * Says where a function would run now, and why.
   *
   * @param fn The function, or a task.
   * @returns The decision.
   */
  explain(fn: TaskFunction): Decision {
    return this.decide(fn);
  }
}

registerExecutor(
  "futures.AutoExecutor",
  AutoExecutor,
  import.meta.url,
  handleOf,
);
