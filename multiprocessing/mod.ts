// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Child processes as Python's `multiprocessing` has them:
 * {@linkcode Process} and {@linkcode Pool}.
 *
 * ```ts
 * import { Process } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const process = new Process({ target: () => 6 * 7 }).start();
 *
 * assertEquals(await process.result(), 42);
 * await process.join();
 * ```
 *
 * @module
 */

export * from "./activity.ts";
export * from "./async_result.ts";
export * from "./barrier.ts";
export * from "./base_pool.ts";
export * from "./condition.ts";
export * from "./connect_client.ts";
export * from "./connection.ts";
export * from "./cpu_count.ts";
export * from "./dict_proxy.ts";
export * from "./errors.ts";
export * from "./event.ts";
export * from "./iterator_proxy.ts";
export * from "./list_proxy.ts";
export * from "./listener.ts";
export * from "./lock.ts";
export * from "./manager.ts";
export * from "./namespace_proxy.ts";
export * from "./object_proxy.ts";
export * from "./parent_process.ts";
export * from "./pipe.ts";
export * from "./pool.ts";
export * from "./pool_options.ts";
export * from "./process.ts";
export * from "./queue.ts";
export * from "./rlock.ts";
export * from "./semaphore.ts";
export * from "./set_proxy.ts";
export * from "./shareable_list.ts";
export * from "./shared_array.ts";
export * from "./shared_memory.ts";
export * from "./task.ts";
export * from "./thread_pool.ts";
export * from "./wait.ts";
export * from "./value.ts";
