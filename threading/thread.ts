// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A function that runs in a thread of its own.
 *
 * @module
 */

import { singleRunOf } from "../_internal/pool/activity.ts";
import { Activity, type ActivityOptions } from "./activity.ts";

/** How a {@linkcode Thread} is set up. `permissions` are not supported: Deno offers them to processes only. */
export type ThreadOptions<A extends unknown[] = unknown[], R = unknown> =
  ActivityOptions<A, R>;

/**
 * A function that runs in a thread of its own, at the same time as everything
 * else.
 *
 * - **Travel:** the target goes to the thread with what it captured, as it is at `start()`.
 * - **Errors:** `join()` never throws the target's error; `result()` does. One
 *   that nobody asks for is printed on standard error.
 * - **Program:** it does not end before the thread has, unless the thread is a daemon.
 *
 * Each thread is a worker with about 12 MB and 20 ms to start: for many short
 * calls use a `ThreadPoolExecutor`, which keeps its threads.
 *
 * @example Usage
 * ```ts
 * import { Thread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const thread = new Thread({ target: (n: number) => n * 2, args: [21] });
 * thread.start();
 *
 * assertEquals(await thread.result(), 42);
 * await thread.join();
 * ```
 *
 * @typeParam R What the target returns.
 */
export class Thread<R = unknown> extends Activity<R> {
  /**
   * Sets the thread up; `start()` starts it.
   *
   * @param options What it runs, and how.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {NotSupportedError} If `permissions` are given.
   */
  // deno-lint-ignore no-explicit-any -- the arguments are those of the target
  constructor(options: ThreadOptions<any[], R> = {}) {
    super("thread", options);
  }

  /**
   * Stops the thread now. One that is busy in JavaScript cannot be stopped: it
   * is given up, and ends with the program.
   *
   * @returns Resolves when the thread has ended or was given up.
   * @throws {InvalidStateError} If it was not started.
   */
  terminate(): Promise<void> {
    return singleRunOf(this).terminate();
  }

  /**
   * The thread's number, unique in the program.
   *
   * @returns The number; 0 before `start()`.
   */
  get ident(): number {
    return singleRunOf(this).worker?.id ?? 0;
  }
}
