// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A lock between processes.
 *
 * @module
 */

import { LockCore } from "../_internal/memory/lock_core.ts";
import { RemoteLockCore } from "../_internal/objects/remote_cores.ts";
import { Lock as ThreadLock } from "../threading/lock.ts";
import { offerLock, registerLockClass } from "./_locks.ts";

/**
 * A lock that one holder has at a time, on whatever thread of whatever process:
 * Python's `multiprocessing.Lock`. It has the methods of `threading.Lock`.
 *
 * - **Shared:** sent to a process or a thread, captured by a function, put in a queue or sent through a connection, it is the same lock there.
 * - **Owner:** the process that made it serves it, also while it computes or is blocked; where that process ends, everybody else gets a {@linkcode ConnectionClosedError}.
 * - **FIFO order:** whoever waits gets it in the order of arrival, and nobody overtakes those who wait.
 * - **No owner of the hold:** anybody may release it, as in Python.
 * - **Death:** where the thread or process that acquired it ends, the lock is released, and the next `acquire()` rejects once with an {@linkcode AbandonedLockError}, holding the lock.
 *
 * Between the threads of the owner it is as fast as a `threading.Lock`; elsewhere
 * an `acquire()` is a round trip to the owner.
 *
 * @example Usage
 * ```ts
 * import { Lock, Process } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new Lock();
 * const work = async () => {
 *   using _ = await lock.guard();
 *   return "alone";
 * };
 * const process = new Process({ target: work }).start();
 *
 * assertEquals(await process.result(), "alone");
 * await process.join();
 * ```
 */
export class Lock extends ThreadLock {
  /** Creates a free lock. */
  constructor() {
    offerLock((memory) => new LockCore("Lock", memory));
    super();
  }
}

registerLockClass(Lock, import.meta.url, RemoteLockCore);
