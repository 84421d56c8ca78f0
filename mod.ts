// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Python's `threading`, `multiprocessing` and `concurrent.futures` for Deno:
 * threads that run JavaScript in parallel, processes that cost little more to
 * talk to, and one executor interface over both. Functions travel with what
 * they captured.
 *
 * ```ts
 * import { futures } from "@concurrent/parallel";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new futures.ThreadPoolExecutor({ maxWorkers: 1 });
 * const factor = 7;
 *
 * assertEquals(await pool.submit((x: number) => x * factor, 6), 42);
 * ```
 *
 * @module
 */

/** One executor interface over threads and processes. */
export * as futures from "./futures/mod.ts";
/** Child processes. */
export * as multiprocessing from "./multiprocessing/mod.ts";
/** Worker threads. */
export * as threading from "./threading/mod.ts";
export * from "./futures/errors.ts";
export * from "./futures/task.ts";
