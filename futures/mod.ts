// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * One executor interface over threads and processes, as Python's
 * `concurrent.futures` has it: {@linkcode ThreadPoolExecutor},
 * {@linkcode ProcessPoolExecutor}, and {@linkcode AutoExecutor}, which picks
 * for each task.
 *
 * ```ts
 * import { ThreadPoolExecutor } from "@concurrent/parallel/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
 * const future = pool.submit((name: string) => `Hello ${name}`, "World");
 *
 * assertEquals(await future, "Hello World");
 * ```
 *
 * @module
 */

export * from "./as_completed.ts";
export * from "./auto_executor.ts";
export * from "./error_origin.ts";
export * from "./errors.ts";
export * from "./executor.ts";
export * from "./future.ts";
export * from "./pool_executor.ts";
export * from "./process_pool_executor.ts";
export * from "./task.ts";
export * from "./thread_pool_executor.ts";
export * from "./wait.ts";
