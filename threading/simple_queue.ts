// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A queue between threads that never makes a putter wait.
 *
 * @module
 */

import { registerSharedClass } from "../_internal/wire/shared_objects.ts";
import { queueParts } from "./_queue_plan.ts";
import { Queue } from "./queue.ts";

/**
 * A queue between threads without a limit: Python's `queue.SimpleQueue`.
 *
 * It is a {@linkcode Queue} that is never full: `put()` never waits, and
 * `tryPut()` always puts. Against a `Queue` without a `maxSize`: no thread can
 * give it one later.
 *
 * @example Usage
 * ```ts
 * import { SimpleQueue } from "@concurrent/parallel/threading";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const queue = new SimpleQueue<number>();
 *
 * assert(queue.tryPut(1));
 * assertEquals(await queue.get(), 1);
 * ```
 *
 * @typeParam T The items.
 */
export class SimpleQueue<T = unknown> extends Queue<T> {
  /**
   * Creates an empty queue.
   *
   * @param maxSize 0 or less: the queue has no bound. A bounded one is a `Queue`.
   * @throws {RangeError} If `maxSize` is positive.
   */
  constructor(maxSize: number = 0) {
    if (maxSize > 0) {
      throw new RangeError(
        `Cannot create SimpleQueue as 'maxSize' must be 0: current value is ${maxSize}`,
      );
    }
    super();
  }

  /**
   * How many items there can be: any number. It cannot be assigned.
   *
   * @returns 0.
   */
  override get maxSize(): number {
    return 0;
  }
}

registerSharedClass(
  "threading.SimpleQueue",
  SimpleQueue,
  import.meta.url,
  queueParts,
);
