// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What semaphores do beside what all locks do, after BaseSemaphoreTests of
// CPython's lock_tests.py.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import {
  type BoundedSemaphore as AnyBoundedSemaphore,
  type Event,
  Semaphore as ThreadSemaphore,
} from "../../threading/mod.ts";
import { turn } from "./_crew.ts";
import { soon } from "./_helpers.ts";
import { lockSuite } from "./lock_suite.ts";
import { crewOf, type Parties, type SharedNumber } from "./_parties.ts";

type Semaphore = ThreadSemaphore;
type BoundedSemaphore = AnyBoundedSemaphore;

/** The two classes of a family. */
export interface SemaphoreKinds {
  readonly parties: Parties;
  readonly Semaphore: new (value?: number) => Semaphore;
  readonly BoundedSemaphore: new (value?: number) => BoundedSemaphore;
}

/** The tests that all semaphores pass. */
export function semaphoreSuite(
  { parties, Semaphore, BoundedSemaphore }: SemaphoreKinds,
): void {
  for (const Class of [Semaphore, BoundedSemaphore] as const) {
    const { name } = Class;
    const waits = "Semaphore" as const;
    lockSuite({ name, kind: waits, make: () => new Class(), parties });

    parties.test(`${name} has one permit unless it is told otherwise`, () => {
      const semaphore = new Class();
      assertEquals(semaphore.value, 1);
      assert(semaphore.tryAcquire());
      assertEquals(semaphore.value, 0);
      assertFalse(semaphore.tryAcquire());
      semaphore.release();
      assertEquals(new Class(0).value, 0);
      assertEquals(new Class(7).value, 7);
      assertEquals(new Class(2 ** 30 - 1).value, 2 ** 30 - 1);
    });

    parties.test(`${name} refuses a number of permits that is none`, () => {
      for (const value of [-1, 1.5, NaN, Infinity, 2 ** 30, -(2 ** 31)]) {
        assertThrows(() => new Class(value), RangeError, "'value' must be");
      }
      for (const value of ["1", null, {}]) {
        assertThrows(
          () => new Class(value as unknown as number),
          TypeError,
          "'value' must be",
        );
      }
    });

    parties.test(`${name}.release() refuses a number that is none, and changes nothing`, () => {
      const semaphore = new Class(3);
      semaphore.acquireSync();
      for (const n of [0, -1, 1.5, NaN, Infinity, 2 ** 30]) {
        assertThrows(() => semaphore.release(n), RangeError, "'n' must");
      }
      assertThrows(
        () => semaphore.release("1" as unknown as number),
        TypeError,
        "'n' must be",
      );
      assertEquals(semaphore.value, 2);
    });

    parties.test(`${name}.acquire() takes permits until none is left`, async () => {
      const semaphore = new Class(4);
      assert(semaphore.tryAcquire());
      assert(await semaphore.acquire());
      assert(semaphore.acquireSync());
      assert(await semaphore.acquire({ timeout: 0 }));
      assertFalse(semaphore.tryAcquire());
      assertFalse(await semaphore.acquire({ timeout: 1 }));
      semaphore.release(4);
      assertEquals(semaphore.value, 4);
    });

    parties.test(`${name}.release(n) lets n of those go on that wait longest, in phases`, async () => {
      const semaphore = new Class(7);
      for (let i = 0; i < 7; i++) await semaphore.acquire();
      const passed: number[] = [];
      const waits = Array.from({ length: 9 }, async (_, i) => {
        await semaphore.acquire();
        passed.push(i);
      });
      await turn();
      assertEquals(passed, []);
      semaphore.release(2);
      await turn();
      assertEquals(passed, [0, 1]);
      semaphore.release();
      semaphore.release();
      await turn();
      assertEquals(passed, [0, 1, 2, 3]);
      assertEquals(semaphore.value, 0);
      for (let i = 0; i < 3; i++) semaphore.release();
      await turn();
      assertEquals(passed.length, 7);
      // Two wait, three come back: one is left.
      semaphore.release(3);
      await soon("all of them", Promise.all(waits));
      assertEquals(passed, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
      assertEquals(semaphore.value, 1);
    });

    parties.test(`${name}.release(n) lets n ${parties.many} go on, in phases`, async () => {
      const semaphore = new Class(7);
      for (let i = 0; i < 7; i++) semaphore.acquireSync();
      const passed = parties.number();
      await using crew = crewOf(
        parties,
        6,
        async (semaphore: Semaphore, passed: SharedNumber, number: number) => {
          if (number % 2 === 0) semaphore.acquireSync();
          else await semaphore.acquire();
          passed.add(1);
        },
        semaphore,
        passed,
      );
      await parties.untilWaiting(waits, 6);
      assertEquals(passed.value, 0);
      semaphore.release(2);
      await parties.untilWaiting(waits, 4);
      semaphore.release(1);
      await parties.untilWaiting(waits, 3);
      semaphore.release(4);
      await crew.results();
      assertEquals(passed.value, 6);
      assertEquals(semaphore.value, 1);
    });

    for (const count of parties.counts) {
      parties.test(`${name} never lets more in than it has permits: ${count} ${parties.many} and this one`, async () => {
        const permits = 3;
        const semaphore = new Class(permits);
        const inside = parties.number();
        const rounds = 400 / parties.slowness;
        const visit = async (
          semaphore: Semaphore,
          inside: SharedNumber,
          permits: number,
          rounds: number,
          number: number,
        ) => {
          let most = 0;
          for (let i = 0; i < rounds; i++) {
            if ((i + number) % 3 === 0) await semaphore.acquire();
            else if ((i + number) % 3 === 1) semaphore.acquireSync();
            else while (!semaphore.acquireSync({ timeout: 1 }));
            most = Math.max(most, inside.add(1));
            for (let j = 0; j < 100; j++);
            inside.add(-1);
            semaphore.release();
          }
          if (most > permits) throw new RangeError(`${most} were inside`);
          return most;
        };
        await using crew = crewOf(
          parties,
          count,
          visit,
          semaphore,
          inside,
          permits,
          rounds,
        );
        await visit(semaphore, inside, permits, rounds, 0);
        await crew.results();
        assertEquals(semaphore.value, permits);
        assertEquals(inside.value, 0);
        await parties.untilWaiting(waits, 0);
      });
    }

    parties.test(`${name} does not get a permit back from a ${parties.one} that has ended`, async () => {
      const semaphore = new Class(2);
      await using crew = crewOf(
        parties,
        1,
        (semaphore: Semaphore) => semaphore.acquireSync(),
        semaphore,
      );
      await crew.results();
      await crew.members[0]!.join();
      assertEquals(semaphore.value, 1);
      semaphore.release();
      assertEquals(semaphore.value, 2);
    });

    parties.test(`${name} keeps its class and its limit when it travels`, async () => {
      const semaphore = new Class(2);
      await using crew = crewOf(parties, 1, (semaphore: Semaphore) => {
        semaphore.acquireSync();
        semaphore.release();
        let error: unknown;
        try {
          semaphore.release();
        } catch (e) {
          error = e;
        }
        return [semaphore.constructor.name, semaphore.value, error];
      }, semaphore);
      const [[found, value, error]] = await crew.results() as [
        [string, number, unknown],
      ];
      assertEquals(found, name);
      assertEquals(value, (Class as unknown) === Semaphore ? 3 : 2);
      assertEquals(
        error instanceof RangeError,
        (Class as unknown) === BoundedSemaphore,
      );
    });
  }

  parties.test("Semaphore that is signalled by another thread counts every signal", async () => {
    const semaphore = new Semaphore(0);
    await using crew = crewOf(
      parties,
      2,
      (semaphore: Semaphore, count: number) => {
        for (let i = 0; i < count; i++) semaphore.release();
      },
      semaphore,
      2_000 / parties.slowness,
    );
    for (let i = 0; i < 4_000 / parties.slowness; i++) {
      if (i % 2 === 0) assert(await semaphore.acquire());
      else assert(semaphore.acquireSync());
    }
    await crew.results();
    assertEquals(semaphore.value, 0);
  });

  parties.test("Semaphore.release() may give it more permits than at first", () => {
    const semaphore = new Semaphore(1);
    semaphore.release();
    semaphore.release(5);
    assertEquals(semaphore.value, 7);
    const full = new Semaphore(2 ** 30 - 1);
    assertThrows(() => full.release(), RangeError, "'n' must");
    assertEquals(full.value, 2 ** 30 - 1);
  });

  parties.test("BoundedSemaphore.release() refuses what nobody has acquired, and changes nothing", async () => {
    const semaphore = new BoundedSemaphore(2);
    assertInstanceOf(semaphore, ThreadSemaphore);
    assertThrows(() => semaphore.release(), RangeError, "more than 2 permits");
    await semaphore.acquire();
    assertThrows(() => semaphore.release(2), RangeError, "more than 2 permits");
    assertEquals(semaphore.value, 1);
    semaphore.release();
    assertEquals(semaphore.value, 2);
  });

  parties.test("BoundedSemaphore.release() refuses what is too much while somebody waits", async () => {
    const semaphore = new BoundedSemaphore(2);
    await semaphore.acquire();
    await semaphore.acquire();
    const wait = semaphore.acquire();
    assertThrows(() => semaphore.release(3), RangeError, "more than 2 permits");
    semaphore.release(2);
    assert(await soon("the waiter", wait));
    assertEquals(semaphore.value, 1);
  });

  parties.test("BoundedSemaphore keeps its limit with threads that release at once", async () => {
    const semaphore = new BoundedSemaphore(1);
    const start = parties.event();
    semaphore.acquireSync();
    await using crew = crewOf(
      parties,
      4,
      (semaphore: BoundedSemaphore, start: Event) => {
        start.waitSync();
        try {
          semaphore.release();
          return 1;
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          return 0;
        }
      },
      semaphore,
      start,
    );
    await parties.untilWaiting("Event", 4);
    start.set();
    const released = await crew.results();
    assertEquals(released.reduce((sum: number, one) => sum + one, 0), 1);
    assertEquals(semaphore.value, 1);
  });
}
