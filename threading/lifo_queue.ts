// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A queue between threads, last in, first out.
 *
 * @module
 */

import { StackStore } from "../_internal/memory/queue_stack.ts";
import { registerSharedClass } from "../_internal/wire/shared_objects.ts";
import { planned, queueParts, type QueuePlan } from "./_queue_plan.ts";
import { Queue } from "./queue.ts";

const LIFO: QueuePlan = { store: StackStore };

/**
 * A queue between threads, last in, first out: Python's `queue.LifoQueue`.
 *
 * It is a {@linkcode Queue} whose newest item comes out first: a stack. For those
 * who take work from it what was put last is likely to be at hand still. Those
 * who wait are served in the order of arrival all the same.
 *
 * @example Usage
 * ```ts
 * import { LifoQueue } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new LifoQueue<string>();
 * for (const item of ["a", "b", "c"]) await queue.put(item);
 *
 * assertEquals(await queue.get(), "c");
 * assertEquals(await queue.get(), "b");
 * ```
 *
 * @typeParam T The items.
 */
export class LifoQueue<T = unknown> extends Queue<T> {
  /**
   * Creates an empty queue.
   *
   * @param maxSize How many items there can be; 0 or less: any number.
   * @throws {TypeError} If `maxSize` is not a number.
   * @throws {RangeError} If `maxSize` is neither an integer nor infinite.
   */
  constructor(maxSize = 0) {
    super(planned(maxSize, LIFO));
  }
}

registerSharedClass(
  "threading.LifoQueue",
  LifoQueue,
  import.meta.url,
  queueParts,
);
