// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Where a failed task ran: {@linkcode errorOrigin}.
 *
 * @module
 */

import { type ErrorOrigin, originOf } from "../_internal/pool/error_origin.ts";

export type { ErrorOrigin };

/**
 * Tells which task threw an error, and on which worker it ran. The error itself
 * is what the task threw, of the same class and with its own `cause`. Its
 * `stack` is the one of the worker, with a last line such as
 * `at task 'parse' (ThreadPoolExecutor-1_0)`.
 *
 * @example Usage
 * ```ts
 * import { errorOrigin, ThreadPoolExecutor } from "@concurrent/parallel/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 1, name: "parsers" });
 * const error = await pool.submit(JSON.parse, "{").exception();
 *
 * assertEquals(errorOrigin(error)?.task, "parse");
 * assertEquals(errorOrigin(error)?.worker.name, "parsers");
 * ```
 *
 * @param error What a future failed with, or an iteration of `map` threw.
 * @returns Where it comes from; `undefined` for what is no error of a task: one that was made here, a primitive.
 */
export function errorOrigin(error: unknown): ErrorOrigin | undefined {
  return originOf(error);
}
