// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { InvalidStateError, Lock } from "../../threading/mod.ts";
import { Crew, untilWaiting } from "../_suites/_crew.ts";
import { THREADS } from "../_suites/_parties.ts";
import { lockSuite } from "../_suites/lock_suite.ts";
import { ownedLockSuite } from "../_suites/owned_lock_suite.ts";

const kind = {
  name: "Lock",
  kind: "Lock",
  make: () => new Lock(),
  parties: THREADS,
} as const;
lockSuite(kind);
ownedLockSuite(kind);

Deno.test("Lock.acquire() of the thread that holds it waits for itself", async () => {
  const lock = new Lock();
  await lock.acquire();
  assertFalse(await lock.acquire({ timeout: 5 }));
  assertFalse(lock.acquireSync({ timeout: 5 }));
  lock.release();
});

Deno.test("Lock.release() works on another thread than acquire()", async () => {
  const lock = new Lock();
  lock.acquireSync();
  const wait = lock.acquire();
  await using crew = new Crew(1, (lock: Lock) => lock.release(), lock);
  await crew.results();
  assert(await wait);
  // The hand-over has left it contended: the next release looks for waiters.
  await using second = new Crew(1, (lock: Lock) => lock.acquireSync(), lock);
  await untilWaiting("Lock", 1);
  lock.release();
  assertEquals(await second.results(), [true]);
});

Deno.test("Lock.release() on two threads at once frees it once", async () => {
  const lock = new Lock();
  for (let i = 0; i < 3; i++) {
    lock.acquireSync();
    await using crew = new Crew(
      2,
      (lock: Lock) => {
        try {
          lock.release();
          return true;
        } catch (error) {
          if (!(error instanceof InvalidStateError)) throw error;
          return false;
        }
      },
      lock,
    );
    assertEquals((await crew.results()).sort(), [false, true]);
    assertFalse(lock.locked());
  }
  assertThrows(() => lock.release(), InvalidStateError);
});
