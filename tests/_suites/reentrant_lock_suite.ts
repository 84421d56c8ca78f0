// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a lock does that its holder can acquire again, after RLockTests of
// CPython's lock_tests.py: for `RLock`, and for a `Condition` on top of one.

import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { InvalidStateError } from "../../threading/mod.ts";
import { soon } from "./_helpers.ts";
import { crewOf, type SharedNumber } from "./_parties.ts";
import type { OwnedLock, OwnedLockKind } from "./owned_lock_suite.ts";

/** The tests that all of them pass. */
export function reentrantLockSuite(
  { name, make, parties }: OwnedLockKind,
): void {
  parties.test(`${name} is acquired again by its holder, in all ways`, async () => {
    const lock = make();
    const isFree = async () => {
      await using crew = crewOf(parties, 1, tryOnce, lock);
      return (await crew.results())[0];
    };
    assert(await lock.acquire());
    assert(await lock.acquire());
    assert(lock.acquireSync());
    assert(lock.tryAcquire());
    assert(await lock.acquire({ timeout: 0 }));
    assert(lock.acquireSync({ timeout: 0 }));
    {
      using _a = await lock.guard();
      using _b = lock.guardSync();
      assert(lock.locked());
    }
    for (let i = 0; i < 6; i++) {
      assert(lock.locked());
      if (i === 0 || i === 5) assertEquals(await isFree(), false);
      lock.release();
    }
    assertEquals(await isFree(), true);
    assertFalse(lock.locked());
    assertThrows(() => lock.release(), InvalidStateError, "nobody holds it");
  });

  parties.test(`${name}.acquire() goes on at once, however often its holder calls it`, async () => {
    const lock = make();
    const recurse = async (depth: number): Promise<number> => {
      using _ = await lock.guard();
      return depth === 0 ? 0 : 1 + await recurse(depth - 1);
    };
    assertEquals(await soon("the recursion", recurse(100)), 100);
    assertFalse(lock.locked());
  });

  parties.test(`${name}.release() by a ${parties.one} that does not hold it is refused`, async () => {
    const lock = make();
    lock.acquireSync();
    {
      await using crew = crewOf(parties, 1, tryRelease, lock);
      assertEquals(await crew.results(), ["another thread holds it"]);
    }
    assert(lock.locked());
    lock.release();
    await using crew = crewOf(parties, 1, tryRelease, lock);
    assertEquals(await crew.results(), ["nobody holds it"]);
  });

  for (const count of parties.counts) {
    parties.test(`${name} keeps ${count} ${parties.many} apart at all depths`, async () => {
      const lock = make();
      const sum = parties.number();
      await using crew = crewOf(
        parties,
        count,
        async (lock: OwnedLock, sum: SharedNumber, number: number) => {
          for (let i = 0; i < 150; i++) {
            const depth = 1 + (i + number) % 3;
            for (let j = 0; j < depth; j++) {
              if ((i + j) % 2 === 0) lock.acquireSync();
              else await lock.acquire();
              sum.value = sum.value + 1;
            }
            for (let j = 0; j < depth; j++) {
              sum.value = sum.value - 1;
              lock.release();
            }
            lock.acquireSync();
            if (sum.value !== 0) throw new RangeError(`found ${sum.value}`);
            lock.release();
          }
        },
        lock,
        sum,
      );
      await crew.results();
      assertFalse(lock.locked());
    });
  }
}

function tryOnce(lock: OwnedLock): boolean {
  const isTaken = lock.tryAcquire();
  if (isTaken) lock.release();
  return isTaken;
}

function tryRelease(lock: OwnedLock): string {
  try {
    lock.release();
    return "released";
  } catch (error) {
    if (!(error instanceof InvalidStateError)) throw error;
    return error.message.split(": ")[1]!;
  }
}
