// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Permits for a limited number of holders at a time, between processes.
 *
 * @module
 */

import type { SemaphoreCore } from "../_internal/memory/semaphore_core.ts";
import { RemoteSemaphoreCore } from "../_internal/objects/remote_cores.ts";
import { registerServedClass } from "../_internal/objects/served_class.ts";
import { memoryParts, notedCore } from "../_internal/wire/shared_objects.ts";
import {
  BoundedSemaphore as ThreadBoundedSemaphore,
  Semaphore as ThreadSemaphore,
} from "../threading/semaphore.ts";

/**
 * A number of permits, each for one holder at a time: Python's
 * `multiprocessing.Semaphore`. It has the methods of `threading.Semaphore`.
 *
 * - **Shared:** sent to a process or a thread, captured by a function, put in a queue or sent through a connection, it is the same semaphore there.
 * - **Owner:** the process that made it serves it, also while it computes or is blocked; where that process ends, everybody else gets a {@linkcode ConnectionClosedError}.
 * - **FIFO order:** whoever waits gets a permit in the order of arrival.
 * - **No owner of a permit:** a process that ends does not give back what it has acquired.
 *
 * @example Usage
 * ```ts
 * import { Semaphore } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const semaphore = new Semaphore(2);
 * await semaphore.acquire();
 *
 * assertEquals(semaphore.value, 1);
 * ```
 */
export class Semaphore extends ThreadSemaphore {}

/**
 * A semaphore that never has more permits than at first: Python's
 * `multiprocessing.BoundedSemaphore`. A `release()` for which nobody has acquired
 * anything is refused, for which it has to ask the owner and wait.
 *
 * @example Usage
 * ```ts
 * import { BoundedSemaphore } from "@concurrent/parallel/multiprocessing";
 * import { assertThrows } from "@std/assert";
 *
 * const semaphore = new BoundedSemaphore(1);
 *
 * assertThrows(() => semaphore.release(), RangeError);
 * ```
 */
export class BoundedSemaphore extends ThreadBoundedSemaphore {}

for (const ctor of [Semaphore, BoundedSemaphore]) {
  const isBounded = ctor === BoundedSemaphore;
  registerServedClass<ThreadSemaphore>({
    tag: `multiprocessing.${ctor.name}`,
    ctor,
    module: import.meta.url,
    type: "Semaphore",
    coreOf: (semaphore) => notedCore<object>(semaphore),
    served: (semaphore) => memoryParts(notedCore<SemaphoreCore>(semaphore)),
    extras: (semaphore) => notedCore<SemaphoreCore>(semaphore).limit,
    remote: (object, limit) =>
      new RemoteSemaphoreCore(object, limit as number, isBounded),
  });
}
