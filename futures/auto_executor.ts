// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * An executor that picks threads, processes or the caller's own event loop for
 * each task: {@linkcode AutoExecutor}.
 *
 * @module
 */

import type { AutoExtras } from "../_internal/auto/auto_options.ts";
import type { PoolOptions, TaskFunction } from "./executor.ts";
import { registerExecutor } from "./_handles.ts";
import { handleOf } from "./_pool_executor.ts";
import { type Decision, PoolExecutor } from "./pool_executor.ts";

export type { AutoExtras };

/**
 * How an {@linkcode AutoExecutor} is set up: as a pool, with a word on where
 * tasks may run. `maxWorkers` is how many cores its workers may keep busy
 * together, and how many of a kind there are; `permissions` and
 * `resourceLimits` have every task run in a process.
 */
export interface AutoOptions extends PoolOptions, AutoExtras {}

/**
 * Runs each task where tasks of its type run best, and learns what that is.
 *
 * | your task is | it runs | told by |
 * | --- | --- | --- |
 * | `io()`, and async | on the caller's event loop, many at a time | you |
 * | `io()`, and not async | in one of many threads: it could block | you |
 * | `cpu()` | in a thread, one on each core | you |
 * | `cpu()`, with a timeout or a signal | in a process, which can be stopped | you |
 * | async, and its source shows that it only waits | on the caller's event loop, many at a time | its source |
 * | async, and works in proportion to what it waited for, such as to parse it | on the caller's event loop, many at a time, while that takes a few milliseconds | its source, measuring |
 * | so short that sending it costs more | on the caller's event loop, in slices | its source, measuring |
 * | a call that blocks: `Deno.readFileSync`, `Atomics.wait` | in one of many threads | its source, measuring |
 * | computing | in a thread, one on each core | measuring |
 * | async, waiting and computing in turn | in threads, many at a time in each | measuring |
 * | any of them, with a timeout or a signal, unless it only waits | in a process | its options |
 * | of an executor with `permissions` or `resourceLimits` | in a process | the options |
 *
 * - **Identity:** decisions are made for each function, and for functions that
 *   are made anew for each call by their code.
 * - **Values:** a task that was not declared gets copies of its arguments, and
 *   gives a copy, wherever it runs. One that has captured variables that may
 *   change, or that ends its worker, never runs on the caller's event loop; nor
 *   does any where there is an `initializer`.
 * - **Event loop:** what runs there runs in slices of a few milliseconds. A
 *   function that may take long runs there with arguments only that are not
 *   larger than those it was quick with.
 * - **Errors:** one that nobody catches, of a promise that was left alone, fails
 *   its task with a `WorkerCrashedError` on the event loop too, and nothing else;
 *   where the task has ended it is printed.
 * - **Cores:** threads and processes share one budget: never more of them
 *   compute than `maxWorkers`.
 * - **In a task:** an executor that was sent to a worker decides there by what
 *   is declared and by the source, and measures what runs there in place.
 *
 * To override it, declare the task with `cpu()` or `io()`, leave backends out
 * with `backends`, or use {@linkcode ThreadPoolExecutor} or
 * {@linkcode ProcessPoolExecutor}.
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
   * @throws {NotSupportedError} If `permissions` or `resourceLimits` need processes that `backends` leaves out.
   */
  constructor(options: AutoOptions = {}) {
    super("auto", options);
  }

  /**
   * Says where a function would run now, and why: in words, and with what was
   * measured and what the next best would cost.
   *
   * @example Why there
   * ```ts
   * import { AutoExecutor } from "@concurrent/parallel/futures";
   * import { assertEquals } from "@std/assert";
   *
   * await using executor = new AutoExecutor();
   * const { backend, reason } = executor.explain((x: number) => x + 1);
   *
   * assertEquals(backend, "inline");
   * assertEquals(
   *   reason,
   *   "its source shows that it takes next to no time: less than sending it",
   * );
   * ```
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
