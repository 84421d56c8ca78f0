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
import { Crew, untilWaiting } from "../_suites/_crew.ts";
import { soon } from "../_suites/_helpers.ts";
import { lockSuite } from "../_suites/lock_suite.ts";
import { ownedLockSuite } from "../_suites/owned_lock_suite.ts";
import { reentrantLockSuite } from "../_suites/reentrant_lock_suite.ts";

const kind = {
  name: "RLock",
  kind: "RLock",
  isReentrant: true,
  make: () => new RLock(),
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

Deno.test("RLock.acquire() waits while another function of this thread is about to go on with it", async () => {
  const lock = new RLock();
  let inside = 0;
  const visit = async (guarded: boolean) => {
    for (let i = 0; i < 20; i++) {
      if (guarded) {
        using _ = await lock.guard();
        assertEquals(++inside, 1);
        inside--;
      } else {
        await (i % 2 === 0
          ? lock.acquire()
          : lock.acquire({ timeout: 10_000 }));
        assertEquals(++inside, 1);
        inside--;
        lock.release();
      }
    }
  };
  await soon(
    "all visits",
    Promise.all(Array.from({ length: 10 }, (_, i) => visit(i % 2 === 0))),
  );
  assertFalse(lock.locked());
});

Deno.test("RLock that is acquired and released before anybody awaits is free for one", async () => {
  const lock = new RLock();
  const first = lock.acquire();
  lock.release();
  const order: string[] = [];
  const visit = async (name: string) => {
    await lock.acquire();
    order.push(`${name} in`);
    await first;
    lock.release();
    order.push(`${name} out`);
  };
  // The first delivery must not count for the second holder.
  await soon("both", Promise.all([visit("a"), visit("b")]));
  assertEquals(order.indexOf("b in") > order.indexOf("a in"), true);
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
