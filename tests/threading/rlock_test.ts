// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  AbandonedLockError,
  Event,
  InvalidStateError,
  RLock,
} from "../../threading/mod.ts";
import { lockCoreOf } from "../../threading/_lock_cores.ts";
import { Crew, untilWaiting } from "../_suites/_crew.ts";
import { soon } from "../_suites/_helpers.ts";
import { THREADS } from "../_suites/_parties.ts";
import { lockSuite } from "../_suites/lock_suite.ts";
import { ownedLockSuite } from "../_suites/owned_lock_suite.ts";
import { reentrantLockSuite } from "../_suites/reentrant_lock_suite.ts";

const kind = {
  name: "RLock",
  kind: "RLock",
  isReentrant: true,
  make: () => new RLock(),
  parties: THREADS,
} as const;
lockSuite(kind);
ownedLockSuite(kind);
reentrantLockSuite(kind);

Deno.test("RLock is held once by whoever takes it from the dead", async () => {
  const lock = new RLock();
  await using crew = new Crew(
    1,
    (lock: RLock) => {
      for (let i = 0; i < 5; i++) lock.acquireSync();
    },
    lock,
  );
  await crew.results();
  await crew.threads[0]!.join();
  await assertRejects(() => lock.acquire(), AbandonedLockError);
  lock.release();
  assertFalse(lock.locked());
  assertThrows(() => lock.release(), InvalidStateError, "nobody holds it");
});

Deno.test("RLock is held once by a waiter that takes it from the dead", async () => {
  const lock = new RLock();
  const held = new Event();
  await using crew = new Crew(
    1,
    (lock: RLock, held: Event) => {
      for (let i = 0; i < 5; i++) lock.acquireSync();
      held.set();
      new Event().waitSync({ timeout: 60_000 });
    },
    lock,
    held,
  );
  await held.wait();
  await using waiter = new Crew(
    1,
    (lock: RLock) => {
      try {
        lock.acquireSync();
        return "clean";
      } catch (error) {
        if (!(error instanceof AbandonedLockError)) throw error;
      }
      lock.acquireSync();
      lock.release();
      lock.release();
      return lock.locked() ? "still held" : "told";
    },
    lock,
  );
  await untilWaiting("RLock", 1);
  await crew.terminate();
  assertEquals(await waiter.results(), ["told"]);
});

/** How many more times than once this thread has acquired it. */
function depthOf(lock: RLock): number {
  assert(lock.locked());
  return lockCoreOf(lock)!.depth;
}

Deno.test("RLock.acquire() waits while another function of this thread is about to go on with it", async () => {
  const lock = new RLock();
  const visit = async (i: number) => {
    for (let round = 0; round < 20; round++) {
      if ((i + round) % 3 === 0) {
        using _ = await lock.guard();
        // Nobody else has come in since it was granted.
        assertEquals(depthOf(lock), 0);
      } else {
        await lock.acquire(round % 2 === 0 ? undefined : { timeout: 10_000 });
        assertEquals(depthOf(lock), 0);
        lock.release();
      }
    }
  };
  await soon(
    "all visits",
    Promise.all(Array.from({ length: 10 }, (_, i) => visit(i))),
  );
  assertFalse(lock.locked());
});

Deno.test("RLock that is released before anybody goes on with it is not taken for held by the next one", async () => {
  const lock = new RLock();
  const dropped = lock.acquire();
  lock.release();
  const depths: number[] = [];
  const visit = async () => {
    await lock.acquire();
    depths.push(depthOf(lock));
    lock.release();
  };
  // It asks after the first holder would have gone on, and before the second does.
  const late = Promise.resolve().then(visit);
  await soon("all", Promise.all([visit(), late, dropped]));
  assertEquals(depths, [0, 0]);
  assertFalse(lock.locked());
});

Deno.test("RLock.acquireSync() passes while an asynchronous call of this thread was granted it", async () => {
  const lock = new RLock();
  const [held, release, released] = [new Event(), new Event(), new Event()];
  await using crew = new Crew(
    1,
    (lock: RLock, held: Event, release: Event, released: Event) => {
      lock.acquireSync();
      held.set();
      release.waitSync();
      lock.release();
      released.set();
    },
    lock,
    held,
    release,
    released,
  );
  await held.wait();
  let isIn = false;
  const wait = lock.acquire().then(() => isIn = true);
  await untilWaiting("RLock", 1);
  release.set();
  released.waitSync();
  // It was handed over, and the function that waits has not gone on.
  assert(lock.acquireSync());
  assertFalse(isIn);
  const other = lock.acquire();
  lock.release();
  assert(await soon("the function", wait));
  lock.release();
  assert(await soon("the other function", other));
  lock.release();
  assertFalse(lock.locked());
  await crew.results();
});
