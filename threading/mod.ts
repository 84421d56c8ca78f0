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
export * from "./errors.ts";
export * from "./lock.ts";
export * from "./task.ts";
export * from "./thread.ts";
export * from "./wait_options.ts";
