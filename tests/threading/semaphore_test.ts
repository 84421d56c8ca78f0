// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import {
  BoundedSemaphore,
  Event,
  Semaphore,
  SharedValue,
} from "../../threading/mod.ts";
import { Crew, turn, untilWaiting } from "../_suites/_crew.ts";
import { soon } from "../_suites/_helpers.ts";
import { THREADS } from "../_suites/_parties.ts";
import { lockSuite } from "../_suites/lock_suite.ts";

for (const Class of [Semaphore, BoundedSemaphore]) {
  const { name } = Class;
  const waits = "Semaphore";
  lockSuite({ name, kind: waits, make: () => new Class(), parties: THREADS });

  Deno.test(`${name} has one permit unless it is told otherwise`, () => {
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

  Deno.test(`${name} refuses a number of permits that is none`, () => {
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

  Deno.test(`${name}.release() refuses a number that is none, and changes nothing`, () => {
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

  Deno.test(`${name}.acquire() takes permits until none is left`, async () => {
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

  Deno.test(`${name}.release(n) lets n of those go on that wait longest, in phases`, async () => {
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

  Deno.test(`${name}.release(n) lets n threads go on, in phases`, async () => {
    const semaphore = new Class(7);
    for (let i = 0; i < 7; i++) semaphore.acquireSync();
    const passed = new SharedValue("int32", 0);
    await using crew = new Crew(
      6,
      async (semaphore: Semaphore, passed: SharedValue, number: number) => {
        if (number % 2 === 0) semaphore.acquireSync();
        else await semaphore.acquire();
        passed.add(1);
      },
      semaphore,
      passed,
    );
    await untilWaiting(waits, 6);
    assertEquals(passed.value, 0);
    semaphore.release(2);
    await untilWaiting(waits, 4);
    semaphore.release(1);
    await untilWaiting(waits, 3);
    semaphore.release(4);
    await crew.results();
    assertEquals(passed.value, 6);
    assertEquals(semaphore.value, 1);
  });

  for (const count of [2, 4, 8]) {
    Deno.test(`${name} never lets more in than it has permits: ${count} threads and this one`, async () => {
      const permits = 3;
      const semaphore = new Class(permits);
      const inside = new SharedValue("int32", 0);
      const visit = async (
        semaphore: Semaphore,
        inside: SharedValue,
        permits: number,
        number: number,
      ) => {
        let most = 0;
        for (let i = 0; i < 400; i++) {
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
      await using crew = new Crew(count, visit, semaphore, inside, permits);
      await visit(semaphore, inside, permits, 0);
      await crew.results();
      assertEquals(semaphore.value, permits);
      assertEquals(inside.value, 0);
      await untilWaiting(waits, 0);
    });
  }

  Deno.test(`${name} does not get a permit back from a thread that has ended`, async () => {
    const semaphore = new Class(2);
    await using crew = new Crew(
      1,
      (semaphore: Semaphore) => semaphore.acquireSync(),
      semaphore,
    );
    await crew.results();
    await crew.threads[0]!.join();
    assertEquals(semaphore.value, 1);
    semaphore.release();
    assertEquals(semaphore.value, 2);
  });

  Deno.test(`${name} keeps its class and its limit when it travels`, async () => {
    const semaphore = new Class(2);
    await using crew = new Crew(
      1,
      (semaphore: Semaphore) => {
        semaphore.acquireSync();
        semaphore.release();
        let error: unknown;
        try {
          semaphore.release();
        } catch (e) {
          error = e;
        }
        return [semaphore.constructor.name, semaphore.value, error];
      },
      semaphore,
    );
    const [[found, value, error]] = await crew.results() as [
      [string, number, unknown],
    ];
    assertEquals(found, name);
    assertEquals(value, Class === Semaphore ? 3 : 2);
    assertEquals(error instanceof RangeError, Class === BoundedSemaphore);
  });
}

Deno.test("Semaphore that is signalled by another thread counts every signal", async () => {
  const semaphore = new Semaphore(0);
  await using crew = new Crew(
    2,
    (semaphore: Semaphore) => {
      for (let i = 0; i < 2_000; i++) semaphore.release();
    },
    semaphore,
  );
  for (let i = 0; i < 4_000; i++) {
    if (i % 2 === 0) assert(await semaphore.acquire());
    else assert(semaphore.acquireSync());
  }
  await crew.results();
  assertEquals(semaphore.value, 0);
});

Deno.test("Semaphore.release() may give it more permits than at first", () => {
  const semaphore = new Semaphore(1);
  semaphore.release();
  semaphore.release(5);
  assertEquals(semaphore.value, 7);
  const full = new Semaphore(2 ** 30 - 1);
  assertThrows(() => full.release(), RangeError, "'n' must");
  assertEquals(full.value, 2 ** 30 - 1);
});

Deno.test("BoundedSemaphore.release() refuses what nobody has acquired, and changes nothing", async () => {
  const semaphore = new BoundedSemaphore(2);
  assertInstanceOf(semaphore, Semaphore);
  assertThrows(() => semaphore.release(), RangeError, "more than 2 permits");
  await semaphore.acquire();
  assertThrows(() => semaphore.release(2), RangeError, "more than 2 permits");
  assertEquals(semaphore.value, 1);
  semaphore.release();
  assertEquals(semaphore.value, 2);
});

Deno.test("BoundedSemaphore.release() refuses what is too much while somebody waits", async () => {
  const semaphore = new BoundedSemaphore(2);
  await semaphore.acquire();
  await semaphore.acquire();
  const wait = semaphore.acquire();
  assertThrows(() => semaphore.release(3), RangeError, "more than 2 permits");
  semaphore.release(2);
  assert(await soon("the waiter", wait));
  assertEquals(semaphore.value, 1);
});

Deno.test("BoundedSemaphore keeps its limit with threads that release at once", async () => {
  const semaphore = new BoundedSemaphore(1);
  const start = new Event();
  semaphore.acquireSync();
  await using crew = new Crew(
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
  await untilWaiting("Event", 4);
  start.set();
  const released = await crew.results();
  assertEquals(released.reduce((sum: number, one) => sum + one, 0), 1);
  assertEquals(semaphore.value, 1);
});
