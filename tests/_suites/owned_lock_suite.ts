// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a lock does whose holder is known: for `Lock`, `RLock`, and `Condition` on
// top of either.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import type { WaitKind } from "../../_internal/memory/wait_queue.ts";
import {
  AbandonedLockError,
  type Event,
  InvalidStateError,
  WorkerCrashedError,
} from "../../threading/mod.ts";
import { turn } from "./_crew.ts";
import { errorOf, soon } from "./_helpers.ts";
import { crewOf, type Parties } from "./_parties.ts";
import type { AnyLock } from "./lock_suite.ts";

/** A lock that knows its holder. */
export interface OwnedLock extends AnyLock {
  locked(): boolean;
}

/** One class of such locks. */
export interface OwnedLockKind {
  readonly name: string;
  readonly parties: Parties;
  /** What a wait for it counts as. */
  readonly kind: WaitKind;
  make(): OwnedLock;
}

/** The tests that all of them pass. */
export function ownedLockSuite(lock: OwnedLockKind): void {
  stateTests(lock);
  deathTests(lock);
}

function stateTests({ name, make, parties }: OwnedLockKind): void {
  parties.test(`${name}.locked() tells whether anybody holds it`, async () => {
    const lock = make();
    assertFalse(lock.locked());
    lock.acquireSync();
    assert(lock.locked());
    lock.release();
    assertFalse(lock.locked());
    const [held, release] = [parties.event(), parties.event()];
    await using crew = crewOf(parties, 1, hold, lock, held, release);
    await soon("the lock is held", held.wait());
    assert(lock.locked());
    assertFalse(lock.tryAcquire());
    release.set();
    await crew.results();
    assertFalse(lock.locked());
  });

  parties.test(`${name}.release() of a free lock is refused`, () => {
    const lock = make();
    assertThrows(() => lock.release(), InvalidStateError, "nobody holds it");
    lock.acquireSync();
    lock.release();
    assertThrows(() => lock.release(), InvalidStateError, "nobody holds it");
    assert(lock.tryAcquire());
    lock.release();
  });
}

function deathTests({ name, kind, make, parties }: OwnedLockKind): void {
  /** What is true of a lock right after its holder is gone; leaves it free. */
  async function checkAbandoned(lock: OwnedLock, use: number): Promise<void> {
    assertFalse(lock.locked());
    const wait = [
      () => lock.acquire(),
      // deno-lint-ignore require-await -- a throw becomes a rejection
      async () => lock.acquireSync(),
      // deno-lint-ignore require-await -- a throw becomes a rejection
      async () => lock.tryAcquire(),
      () => lock.acquire({ timeout: 0 }),
      // deno-lint-ignore require-await -- a throw becomes a rejection
      async () => lock.acquireSync({ timeout: 5 }),
    ][use]!;
    await assertRejects(wait, AbandonedLockError, "has ended");
    assert(lock.locked());
    await using crew = crewOf(
      parties,
      1,
      (lock: OwnedLock) => lock.tryAcquire(),
      lock,
    );
    assertEquals(await crew.results(), [false]);
    lock.release();
    // It is told once.
    assert(await lock.acquire());
    lock.release();
  }

  for (
    const [use, how] of ["acquire()", "acquireSync()", "tryAcquire()"].entries()
  ) {
    parties.test(`${name} of a ${parties.one} that has ended is told once: ${how}`, async () => {
      const lock = make();
      const thread = parties.start((lock: OwnedLock) => {
        lock.acquireSync();
      }, [lock]);
      await thread.join();
      await checkAbandoned(lock, use);
    });
  }

  for (const use of [3, 4]) {
    parties.test(`${name} of a terminated ${parties.one} is told once, with a timeout: ${use}`, async () => {
      const lock = make();
      const held = parties.event();
      await using crew = crewOf(parties, 1, hold, lock, held, parties.event());
      await soon("the lock is held", held.wait());
      await crew.terminate();
      await checkAbandoned(lock, use);
    });
  }

  parties.test(`${name} of a ${parties.one} that has crashed is told once`, async () => {
    const lock = make();
    const { crash } = parties;
    const thread = parties.start((lock: OwnedLock) => {
      lock.acquireSync();
      crash();
      return new Promise(() => {});
    }, [lock]);
    assertInstanceOf(await errorOf(thread.result()), WorkerCrashedError);
    await thread.join();
    await checkAbandoned(lock, 0);
  });

  parties.test(`${name}.guard() releases an abandoned lock, since nobody has the guard`, async () => {
    const lock = make();
    for (const guard of [() => lock.guard(), () => lock.guardSync()]) {
      await using crew = crewOf(
        parties,
        1,
        (lock: OwnedLock) => lock.acquireSync(),
        lock,
      );
      await crew.results();
      await crew.members[0]!.join();
      const error = await errorOf((async () => await guard())());
      assertInstanceOf(error, AbandonedLockError);
      assertFalse(lock.locked());
      (await guard())[Symbol.dispose]();
    }
  });

  parties.test(`${name} of a terminated ${parties.one} goes to the first one who waits, which is told`, async () => {
    const lock = make();
    const held = parties.event();
    await using crew = crewOf(parties, 1, hold, lock, held, parties.event());
    await soon("the lock is held", held.wait());
    // A thread that blocks, this one, and a thread that is suspended.
    await using blocked = crewOf(parties, 1, acquireSaying, lock, true);
    await parties.untilWaiting(kind, 1);
    const mine = lock.acquire().then(() => "clean", (error) => {
      assertInstanceOf(error, AbandonedLockError);
      return "told";
    });
    await parties.untilWaiting(kind, 2);
    await using suspended = crewOf(parties, 1, acquireSaying, lock, false);
    await parties.untilWaiting(kind, 3);
    await crew.terminate();
    assertEquals(await blocked.results(), ["told"]);
    assertEquals(await soon("my turn", mine), "clean");
    lock.release();
    assertEquals(await suspended.results(), ["clean"]);
    assertFalse(lock.locked());
  });

  parties.test(`${name} of a terminated ${parties.one} wakes this one where it is the first`, async () => {
    const lock = make();
    const held = parties.event();
    await using crew = crewOf(parties, 1, hold, lock, held, parties.event());
    await soon("the lock is held", held.wait());
    const first = errorOf(lock.acquire());
    await parties.untilWaiting(kind, 1);
    await using blocked = crewOf(parties, 1, acquireSaying, lock, true);
    await parties.untilWaiting(kind, 2);
    await crew.terminate();
    assertInstanceOf(await soon("my turn", first), AbandonedLockError);
    assert(lock.locked());
    lock.release();
    assertEquals(await blocked.results(), ["clean"]);
  });

  parties.test(`${name} is told again where the one who was told dies too`, async () => {
    const lock = make();
    for (let i = 0; i < 3; i++) {
      await using crew = crewOf(parties, 1, acquireAndDie, lock);
      assertEquals(await crew.results(), [i === 0 ? "clean" : "told"]);
      await crew.members[0]!.join();
    }
    await assertRejects(() => lock.acquire(), AbandonedLockError);
    lock.release();
    assert(lock.tryAcquire());
    lock.release();
  });

  parties.test(`${name} survives ${parties.many} that are terminated at random moments`, async () => {
    const lock = make();
    let told = 0;
    for (let round = 0; round < 3; round++) {
      const crew = crewOf(parties, 3, useForEver, lock);
      let mine = 0;
      const end = (async () => {
        while (crew.members.some((thread) => !thread.isAlive())) await turn();
        for (let i = 0; i < 10 + round * 7; i++) await turn();
        await crew.terminate();
      })();
      let isOver = false;
      end.finally(() => isOver = true);
      while (!isOver) {
        try {
          await soon("the lock", lock.acquire());
        } catch (error) {
          assertInstanceOf(error, AbandonedLockError);
          told++;
        }
        mine++;
        lock.release();
        await turn();
      }
      await end;
      assert(mine > 0);
    }
    assert(told <= 9);
    await lock.acquire().catch((error) =>
      assertInstanceOf(error, AbandonedLockError)
    );
    lock.release();
    assertFalse(lock.locked());
    await parties.untilWaiting(kind, 0);
  });
}

function hold(lock: OwnedLock, held: Event, release: Event): void {
  lock.acquireSync();
  held.set();
  release.waitSync();
  lock.release();
}

/** Acquires it, and tells whether it came from the dead. */
async function acquireSaying(
  lock: OwnedLock,
  isSync: boolean,
): Promise<string> {
  let said = "clean";
  try {
    if (isSync) lock.acquireSync();
    else await lock.acquire();
  } catch (error) {
    if (!(error instanceof AbandonedLockError)) throw error;
    said = "told";
  }
  lock.release();
  return said;
}

function acquireAndDie(lock: OwnedLock): string {
  try {
    lock.acquireSync();
    return "clean";
  } catch (error) {
    if (!(error instanceof AbandonedLockError)) throw error;
    return "told";
  }
}

async function useForEver(lock: OwnedLock, number: number): Promise<void> {
  for (let i = 0;; i++) {
    try {
      if (number === 0) await lock.acquire();
      else lock.acquireSync();
    } catch (error) {
      if (!(error instanceof AbandonedLockError)) throw error;
    }
    // Only where the event loop turns can a thread be terminated.
    if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    lock.release();
  }
}
