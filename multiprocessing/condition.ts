// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A place where processes wait, without a lock that they hold, to be told.
 *
 * @module
 */

import { describe } from "../_internal/base/validation.ts";
import type { ConditionCore } from "../_internal/memory/condition_core.ts";
import type { LockCore, LockLike } from "../_internal/memory/lock_core.ts";
import { BrokeredObject } from "../_internal/objects/brokered_object.ts";
import { lockParts } from "../_internal/objects/lock_memory.ts";
import type { Reference } from "../_internal/objects/reference.ts";
import { RemoteConditionCore } from "../_internal/objects/remote_cores.ts";
import {
  brokered,
  registerServedClass,
} from "../_internal/objects/served_class.ts";
import {
  arrival,
  notedCore,
  offerCore,
} from "../_internal/wire/shared_objects.ts";
import { Condition as ThreadCondition } from "../threading/condition.ts";
import { Lock } from "./lock.ts";
import { RLock } from "./rlock.ts";

let locks: WeakMap<object, Lock | RLock>;

/**
 * A place where processes wait, without a lock that they hold, until somebody who
 * holds it tells them to go on: Python's `multiprocessing.Condition`. It has the
 * methods of `threading.Condition`; what is looked at under the lock is in shared
 * values, queues or managers.
 *
 * - **Shared:** sent to a process or a thread, captured by a function, put in a queue or sent through a connection, it is the same condition there.
 * - **Owner:** the process that made it serves it, also while it computes or is blocked; where that process ends, everybody else gets a {@linkcode ConnectionClosedError}.
 * - **Owner of both:** a condition is where its lock is.
 * - **FIFO order:** whoever waits is notified in the order of arrival.
 *
 * @example Usage
 * ```ts
 * import { Condition } from "@concurrent/parallel/multiprocessing";
 * import { assertFalse } from "@std/assert";
 *
 * const condition = new Condition();
 * using _ = await condition.guard();
 *
 * assertFalse(await condition.wait({ timeout: 1 }));
 * ```
 */
export class Condition extends ThreadCondition {
  static {
    locks = new WeakMap();
  }

  /**
   * Creates a condition.
   *
   * @param lock Its lock, of this module; several conditions may have the same. A new `RLock` by default.
   * @throws {TypeError} If `lock` is none, or one of `threading`.
   */
  constructor(lock?: Lock | RLock) {
    const own = lockFor(lock);
    super(own);
    if (own !== undefined) locks.set(this, own);
  }
}

/** Arrived: made around another lock than the one that is asked for. */
interface ArrivedCore extends RemoteConditionCore {
  readonly lockObject: Lock | RLock;
}

/** The lock of the condition that is being made; undefined where its memory brings one. */
function lockFor(lock: Lock | RLock | undefined): Lock | RLock | undefined {
  const { core, adopted } = arrival();
  if (core !== undefined) return (core as ArrivedCore).lockObject;
  if (adopted !== undefined) return adopted.parts[1] as Lock | RLock;
  if (lock === undefined) return new RLock();
  if (!(lock instanceof Lock || lock instanceof RLock)) {
    throw new TypeError(
      `Cannot create a condition as 'lock' must be a Lock or an RLock of multiprocessing: current value is ${
        describe(lock)
      }`,
    );
  }
  const elsewhere = brokered(notedCore<object>(lock));
  if (elsewhere !== undefined) {
    const reference = elsewhere.callSync("newCondition", []) as Reference;
    offerCore(remoteCore(new BrokeredObject(reference), lock));
  }
  return lock;
}

function remoteCore(object: BrokeredObject, lockObject: Lock | RLock) {
  const core = new RemoteConditionCore(object, notedCore<LockLike>(lockObject));
  return Object.assign(core, { lockObject });
}

registerServedClass({
  tag: "multiprocessing.Condition",
  ctor: Condition,
  module: import.meta.url,
  type: "Condition",
  coreOf: (condition) => notedCore<object>(condition),
  served(condition) {
    const { serial, words } = notedCore<ConditionCore>(condition);
    const lock = locks.get(condition)!;
    const { serial: lockSerial, parts } = lockParts(notedCore<LockCore>(lock));
    const type = lock instanceof Lock ? "Lock" : "RLock";
    return { serial, parts: [words.buffer, type, lockSerial, ...parts] };
  },
  shared: ({ serial, parts }, lock) => ({ serial, parts: [parts[0], lock] }),
  extras: (condition) => locks.get(condition),
  remote: (object, lock) => remoteCore(object, lock as Lock | RLock),
});
