// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertThrows } from "@std/assert";
import { Condition, Event, Lock, RLock } from "../../threading/mod.ts";
import { setInterruption } from "../../_internal/memory/parking.ts";
import type { LockCore } from "../../_internal/memory/lock_core.ts";
import { lockCoreOf } from "../../threading/_lock_cores.ts";
import { Crew } from "../_suites/_crew.ts";
import { THREADS } from "../_suites/_parties.ts";
import { conditionSuite } from "../_suites/condition_suite.ts";

conditionSuite({ parties: THREADS, Condition, Lock, RLock });

Deno.test("Condition.waitSync() of a task that is to end waits for the lock all the same", async () => {
  const lock = new Lock();
  const condition = new Condition(lock);
  const held = new Event();
  await using crew = new Crew(
    1,
    (condition: Condition, held: Event) => {
      condition.acquireSync();
      held.set();
      // It keeps the lock until somebody has come for it, and a while longer.
      const { queue } = lockCoreOf(lock) as LockCore;
      const end = performance.now() + 5_000;
      while (queue.isEmpty && performance.now() < end);
      new Event().waitSync({ timeout: 20 });
      condition.release();
    },
    condition,
    held,
  );
  lock.acquireSync();
  setInterruption(() =>
    held.isSet() ? new SyntaxError("the task is over") : undefined
  );
  try {
    assertThrows(() => condition.waitSync(), SyntaxError, "is over");
  } finally {
    setInterruption(() => undefined);
  }
  assert(lockCoreOf(lock)!.isOwn);
  lock.release();
  await crew.results();
});
