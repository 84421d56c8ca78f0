// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A queue between threads that gives the lowest item first.
 *
 * @module
 */

import { checkFunction } from "../_internal/base/validation.ts";
import { HeapStore } from "../_internal/memory/queue_heap.ts";
import { registerSharedClass } from "../_internal/wire/shared_objects.ts";
import { keyOfItem, keyOfPriority, type Priority } from "./_priority.ts";
import {
  type KeyOf,
  planned,
  queueParts,
  type QueuePlan,
} from "./_queue_plan.ts";
import { Queue } from "./queue.ts";

/** How a {@linkcode PriorityQueue} orders its items. */
export interface PriorityQueueOptions<T = unknown> {
  /**
   * Gives the priority of an item, the lowest comes out first. It is called in
   * the thread that puts the item, and travels with the queue.
   *
   * @default {undefined} the item itself, its first element or its `priority`
   */
  priority?:
    | ((item: T) => number | bigint | string | Date)
    | undefined;
}

/**
 * A queue between threads that gives the lowest item first: Python's
 * `queue.PriorityQueue`. It is a {@linkcode Queue} in everything else.
 *
 * - **Priority:** of a number, bigint, string or Date the item itself; of an
 *   array its first element, as in `[2, "write"]`; of an object its property
 *   `priority`; or what the option `priority` says. Numbers, bigints and dates
 *   can be compared with each other, strings with strings.
 * - **Ties:** of items with the same priority the one comes first that was put first. What else is in them is never compared, against Python.
 * - **Atomic:** an item without a priority, or with one that cannot be compared to those in the queue, is a TypeError and not put.
 * - **Cost:** putting and getting takes time in proportion to the logarithm of the size.
 *
 * @example Usage
 * ```ts
 * import { PriorityQueue } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new PriorityQueue<[number, string]>();
 * for (const [i, item] of ["later", "now", "soon"].entries()) {
 *   await queue.put([[3, 1, 2][i]!, item]);
 * }
 *
 * assertEquals(await queue.get(), [1, "now"]);
 * assertEquals(await queue.get(), [2, "soon"]);
 * ```
 *
 * @example Choose the priority
 * ```ts
 * import { PriorityQueue } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new PriorityQueue<{ name: string; size: number }>(0, {
 *   priority: (file) => -file.size,
 * });
 * await queue.put({ name: "small", size: 1 });
 * await queue.put({ name: "large", size: 9 });
 *
 * assertEquals((await queue.get()).name, "large");
 * ```
 *
 * @typeParam T The items.
 */
export class PriorityQueue<T = unknown> extends Queue<T> {
  /**
   * Creates an empty queue.
   *
   * @param maxSize How many items there can be; 0 or less: any number.
   * @param options How items are ordered.
   * @throws {TypeError} If `maxSize` is not a number, or `priority` not a function.
   * @throws {RangeError} If `maxSize` is neither an integer nor infinite.
   */
  constructor(maxSize = 0, options: PriorityQueueOptions<T> = {}) {
    super(planned(maxSize, planOf(options.priority)));
  }
}

function planOf(
  priority: ((item: never) => Priority) | undefined,
): QueuePlan {
  if (priority !== undefined) {
    checkFunction("create a queue", "priority", priority);
  }
  return { store: HeapStore, keyOf, priority };
}

function keyOf(priority: unknown): KeyOf {
  if (priority === undefined) return keyOfItem;
  const find = priority as (item: unknown) => Priority;
  return (item) => keyOfPriority(find(item));
}

registerSharedClass(
  "threading.PriorityQueue",
  PriorityQueue,
  import.meta.url,
  queueParts,
);
