// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A reentrant lock between processes.
 *
 * @module
 */

import { RLockCore } from "../_internal/memory/rlock_core.ts";
import { RemoteRLockCore } from "../_internal/objects/remote_cores.ts";
import { RLock as ThreadRLock } from "../threading/rlock.ts";
import { offerLock, registerLockClass } from "./_locks.ts";

/**
 * A lock that its holder can acquire again: Python's `multiprocessing.RLock`. It
 * has the methods of `threading.RLock`. The holder is a thread of a process.
 *
 * - **Shared:** sent to a process or a thread, captured by a function, put in a queue or sent through a connection, it is the same lock there.
 * - **Owner:** the process that made it serves it, also while it computes or is blocked; where that process ends, everybody else gets a {@linkcode ConnectionClosedError}.
 * - **FIFO order:** whoever waits gets it in the order of arrival.
 * - **Death:** where the thread or process that holds it ends, the lock is released, and the next `acquire()` rejects once with an {@linkcode AbandonedLockError}, holding the lock.
 *
 * Acquiring what one holds already asks nobody. Where that is not needed, a
 * {@linkcode Lock} says more clearly what it does.
 *
 * @example Usage
 * ```ts
 * import { RLock } from "@concurrent/parallel/multiprocessing";
 * import { assert } from "@std/assert";
 *
 * const lock = new RLock();
 * await lock.acquire();
 * assert(await lock.acquire());
 * lock.release();
 * lock.release();
 * ```
 */
export class RLock extends ThreadRLock {
  /** Creates a free lock. */
  constructor() {
    offerLock((memory) => new RLockCore(memory), 1);
    super();
  }
}

registerLockClass(RLock, import.meta.url, RemoteRLockCore);
