// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Threads that run JavaScript in parallel, as Python's `threading` has them:
 * {@linkcode Thread}.
 *
 * ```ts
 * import { Thread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const thread = new Thread({ target: () => 6 * 7 }).start();
 *
 * assertEquals(await thread.result(), 42);
 * await thread.join();
 * ```
 *
 * @module
 */

export * from "./activity.ts";
export * from "./barrier.ts";
export * from "./condition.ts";
export * from "./dump.ts";
export * from "./errors.ts";
export * from "./event.ts";
export * from "./excepthook.ts";
export * from "./lifo_queue.ts";
export * from "./local.ts";
export * from "./lock.ts";
export * from "./once.ts";
export * from "./priority_queue.ts";
export * from "./queue.ts";
export * from "./rlock.ts";
export * from "./rw_lock.ts";
export * from "./semaphore.ts";
export * from "./shared_array.ts";
export * from "./shared_value.ts";
export * from "./simple_queue.ts";
export * from "./task.ts";
export * from "./thread.ts";
export * from "./timer.ts";
export * from "./wait_options.ts";
