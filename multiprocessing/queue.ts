// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A queue between processes, first in, first out.
 *
 * @module
 */

import type { QueueCore } from "../_internal/memory/queue_core.ts";
import type { BrokeredObject } from "../_internal/objects/brokered_object.ts";
import { RemoteQueueCore } from "../_internal/objects/remote_queue.ts";
import { registerServedClass } from "../_internal/objects/served_class.ts";
import {
  markPortable,
  notedCore,
  type SharedParts,
} from "../_internal/wire/shared_objects.ts";
import { Queue as ThreadQueue } from "../threading/queue.ts";

/**
 * A queue between processes, first in, first out: Python's
 * `multiprocessing.Queue`. It has the methods of `threading.Queue`, so also
 * `shutdown()`, `taskDone()` and `join()`, and can be iterated.
 *
 * - **Shared:** sent to a process or a thread, captured by a function, put in a queue or sent through a connection, it is the same queue there.
 * - **Owner:** the process that made it serves it, also while it computes or is blocked; where that process ends, everybody else gets a {@linkcode ConnectionClosedError}.
 * - **FIFO order:** items come out in the order in which they were put, those of one process in its own order; whoever waits is served in the order of arrival.
 * - **Items:** whatever can be sent to a process, copied at `put()`; what cannot travel is a {@linkcode SerializationError} there, and never lost later.
 * - **Fetched ahead:** a process that takes items fast, and alone, gets them in lots. What it leaves for some milliseconds goes back to the front of the queue; so where a second one begins to take just then, it may get an older item after a newer one.
 * - **Back-pressure:** a queue with a `maxSize` makes those wait who put more than that. Elsewhere than at the owner, a `put()` into one without a bound is on its way when it resolves, and thousands may be; a process does not end before they have left.
 * - **Death:** an item is lost only with a process that is killed after it has taken it, or after it was fetched for it; where one takes them fast, several are.
 *
 * Against Python's: nothing is pickled later in another thread, so no item is
 * dropped with a message on the terminal, and `join()` of a process never depends
 * on whether its items were taken.
 *
 * @example Usage
 * ```ts
 * import { Process, Queue } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new Queue<number>();
 * const process = new Process({
 *   target: async () => {
 *     for (let i = 0; i < 3; i++) await queue.put(i);
 *     queue.shutdown();
 *   },
 * }).start();
 *
 * assertEquals(await Array.fromAsync(queue), [0, 1, 2]);
 * await process.join();
 * ```
 *
 * @typeParam T The items.
 */
export class Queue<T = unknown> extends ThreadQueue<T> {}

/**
 * A {@linkcode Queue}, under the name that Python gives the one of its queues with
 * `taskDone()` and `join()`: here every queue has them.
 *
 * @example Usage
 * ```ts
 * import { JoinableQueue } from "@concurrent/parallel/multiprocessing";
 * import { assert } from "@std/assert";
 *
 * const queue = new JoinableQueue<string>();
 * await queue.put("work");
 * await queue.get();
 * queue.taskDone();
 *
 * assert(await queue.join());
 * ```
 *
 * @typeParam T The items.
 */
export class JoinableQueue<T = unknown> extends Queue<T> {}

/**
 * A {@linkcode Queue} that never makes a putter wait: Python's
 * `multiprocessing.SimpleQueue`.
 *
 * @example Usage
 * ```ts
 * import { SimpleQueue } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new SimpleQueue<string>();
 * await queue.put("a");
 *
 * assertEquals(await queue.get(), "a");
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
        `Cannot create a simple queue as 'maxSize' must be 0: current value is ${maxSize}`,
      );
    }
    super();
  }
}

for (const ctor of [Queue, JoinableQueue, SimpleQueue]) {
  markPortable(ctor);
  registerServedClass<Queue>({
    tag: `multiprocessing.${ctor.name}`,
    ctor,
    module: import.meta.url,
    type: "Queue",
    coreOf: (queue) => notedCore<object>(queue),
    served(queue): SharedParts {
      const { serial, words, buffers } = notedCore<QueueCore>(queue);
      return { serial, parts: [words.buffer, ...buffers] };
    },
    shared: ({ serial, parts: [words, ...buffers] }) => ({
      serial,
      parts: [words, undefined, ...buffers],
    }),
    extras: extrasOf,
    remote: (object: BrokeredObject, maxSize) =>
      new RemoteQueueCore(object, maxSize as number),
  });
}

/** The bound, as far as it is known here. */
function extrasOf(queue: Queue): number {
  const core = notedCore<QueueCore | RemoteQueueCore>(queue);
  return core instanceof RemoteQueueCore ? core.knownBound : core.maxSize;
}
