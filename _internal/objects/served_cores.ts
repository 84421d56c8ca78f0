// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What users outside of the program may do with an object of its shared memory,
// by type. A view belongs to one of them: its core was made for that agent.
// `remote_cores.ts` is the other side. Waits return what was granted, 0 where the
// timeout has passed.

import { BarrierCore } from "../memory/barrier_core.ts";
import { ConditionCore } from "../memory/condition_core.ts";
import { EventCore } from "../memory/event_core.ts";
import { LockCore } from "../memory/lock_core.ts";
import { RLockCore } from "../memory/rlock_core.ts";
import { SemaphoreCore } from "../memory/semaphore_core.ts";
import type { Waitable } from "../memory/waiting.ts";
import { numbersView } from "./served_numbers.ts";
import { lockMemory } from "./lock_memory.ts";
import { queueView } from "./served_queue.ts";
import type { CoreView, Method, ServedMemory } from "./core_view.ts";

const VIEWS: Readonly<Record<string, (memory: ServedMemory) => CoreView>> = {
  Lock: (memory) => lockView(new LockCore("Lock", lockMemory(memory))),
  RLock: (memory) => lockView(new RLockCore(lockMemory(memory))),
  Condition: conditionView,
  Semaphore: semaphoreView,
  Event: eventView,
  Barrier: barrierView,
  Queue: queueView,
  Numbers: numbersView,
};

/**
 * The methods of an object for the agent that this thread is acting for.
 *
 * @throws {TypeError} If there is no such type.
 */
export function viewOf(type: string, memory: ServedMemory): CoreView {
  const make = Object.hasOwn(VIEWS, type) ? VIEWS[type] : undefined;
  if (make === undefined) {
    throw new TypeError(
      `Cannot serve an object as 'type' must be known: current value is ${type}`,
    );
  }
  return make(memory);
}

/** Waits as the caller asks: for so long, and while it wants to. */
function waitFor(core: Waitable): Method {
  return ([op, timeout], { signal }) => core.waitAsync(op, { timeout, signal });
}

function lockView(core: LockCore): CoreView {
  return {
    wait: waitFor(core),
    tryAcquire: () => core.tryAcquire(),
    release: () => core.release(),
    isLocked: () => core.isLocked,
    agent: () => core.tag,
    newCondition: () => new ConditionCore(core),
  };
}

function conditionView({ serial, parts }: ServedMemory): CoreView {
  const [words, type, lockSerial, ...lockParts] = parts as [
    SharedArrayBuffer,
    string,
    number,
    ...unknown[],
  ];
  const memory = lockMemory({ serial: lockSerial, parts: lockParts });
  const core = new ConditionCore(
    type === "Lock" ? new LockCore("Lock", memory) : new RLockCore(memory),
    wordsOf({ serial, parts: [words] }),
  );
  return {
    // Whoever is gone comes back for the lock, which it cannot get any more.
    sleep: ([timeout], { signal }) => core.sleep({ timeout, signal }),
    notify: ([count]) => core.notify(count),
  };
}

function semaphoreView(memory: ServedMemory): CoreView {
  const core = new SemaphoreCore(wordsOf(memory));
  return {
    wait: waitFor(core),
    tryAcquire: () => core.tryAcquire(),
    release: ([count]) => core.release(count),
    value: () => core.value,
  };
}

function eventView(memory: ServedMemory): CoreView {
  const core = new EventCore(wordsOf(memory));
  return {
    wait: waitFor(core),
    isSet: () => core.isSet,
    set: () => core.set(),
    clear: () => core.clear(),
  };
}

function barrierView(memory: ServedMemory): CoreView {
  const core = new BarrierCore(wordsOf(memory));
  return {
    wait: waitFor(core),
    finish: ([generation]) => core.finish(generation),
    fail: ([generation]) => core.fail(generation),
    abort: () => core.abort(),
    reset: () => core.reset(),
    isBroken: () => core.isBroken,
    waiting: () => core.waiting,
  };
}

function wordsOf({ serial, parts }: ServedMemory) {
  return { serial, words: new Int32Array(parts[0] as SharedArrayBuffer) };
}
