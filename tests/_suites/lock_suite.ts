// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every lock does, whatever it is called, after BaseLockTests of CPython's
// lock_tests.py: for `Lock`, `RLock`, `Condition` and both semaphores.
// `owned_lock_suite.ts` has the tests of what belongs to the thread that holds it.

import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import type { WaitKind } from "../../_internal/memory/wait_queue.ts";
import {
  DeadlockError,
  TimeoutError,
  type WaitOptions,
} from "../../threading/mod.ts";
import { type AnyCrew, turn } from "./_crew.ts";
import { errorOf, soon } from "./_helpers.ts";
import { crewOf, type Parties, type SharedNumber } from "./_parties.ts";

/** What all locks have. */
export interface AnyLock {
  acquire(options?: WaitOptions): Promise<boolean>;
  acquireSync(options?: WaitOptions): boolean;
  tryAcquire(): boolean;
  release(): void;
  guard(options?: WaitOptions): Promise<Disposable>;
  guardSync(options?: WaitOptions): Disposable;
}

/** One class of locks. */
export interface LockKind {
  readonly name: string;
  readonly parties: Parties;
  /** What a wait for it counts as. */
  readonly kind: WaitKind;
  make(): AnyLock;
  /** The thread that holds it acquires it again. */
  readonly isReentrant?: boolean;
}

/** The tests that all locks pass. */
export function lockSuite(lock: LockKind): void {
  basicTests(lock);
  waitTests(lock);
  threadTests(lock);
  travelTests(lock);
}

function basicTests({ name, make, isReentrant, parties }: LockKind): void {
  parties.test(`${name} is acquired and released, again and again`, async () => {
    const lock = make();
    for (let i = 0; i < 3; i++) {
      assert(await lock.acquire());
      lock.release();
      assert(lock.acquireSync());
      lock.release();
      assert(lock.tryAcquire());
      lock.release();
      assert(await lock.acquire({ timeout: 0 }));
      lock.release();
      assert(lock.acquireSync({ timeout: 10 }));
      lock.release();
    }
  });

  parties.test(`${name}.guard() releases at the end of the block, also on an error`, async () => {
    const lock = make();
    const isFree = async () => {
      await using crew = crewOf(parties, 1, tryOnce, lock);
      return (await crew.results())[0];
    };
    {
      using _ = await lock.guard();
      assertEquals(await isFree(), false);
    }
    assertEquals(await isFree(), true);
    await assertRejects(
      async () => {
        using _ = await lock.guard();
        throw new SyntaxError("inside");
      },
      SyntaxError,
      "inside",
    );
    assertThrows(
      () => {
        using _ = lock.guardSync();
        throw new SyntaxError("inside");
      },
      SyntaxError,
      "inside",
    );
    assertEquals(await isFree(), true);
  });

  parties.test(`${name}.guard() releases once only`, () => {
    const lock = make();
    const guard = lock.guardSync();
    guard[Symbol.dispose]();
    assert(lock.tryAcquire());
    guard[Symbol.dispose]();
    if (!isReentrant) assertFalse(lock.tryAcquire());
    lock.release();
  });

  parties.test(`${name} refuses a timeout or a signal that is none, at the call`, async () => {
    const lock = make();
    for (const timeout of [-1, -100, NaN, -Infinity]) {
      assertThrows(() => lock.acquireSync({ timeout }), RangeError, "timeout");
      assertThrows(() => lock.guardSync({ timeout }), RangeError, "timeout");
      await assertRejects(
        () => lock.acquire({ timeout }),
        RangeError,
        "timeout",
      );
      await assertRejects(() => lock.guard({ timeout }), RangeError, "timeout");
    }
    const wrong = { timeout: "1" } as unknown as WaitOptions;
    assertThrows(() => lock.acquireSync(wrong), TypeError, "timeout");
    await assertRejects(() => lock.acquire(wrong), TypeError, "timeout");
    const signal = {} as unknown as AbortSignal;
    assertThrows(() => lock.acquireSync({ signal }), TypeError, "signal");
    // Nothing of that has taken it.
    assert(lock.tryAcquire());
    lock.release();
    assert(await lock.acquire({ timeout: Infinity }));
    lock.release();
  });

  parties.test(`${name}.acquire() with a signal that is aborted does not take it`, async () => {
    const lock = make();
    const reason = { why: "no more" };
    const signal = AbortSignal.abort(reason);
    assertStrictEquals(await errorOf(lock.acquire({ signal })), reason);
    assertStrictEquals(await errorOf(lock.guard({ signal })), reason);
    let thrown: unknown;
    try {
      lock.acquireSync({ signal });
    } catch (error) {
      thrown = error;
    }
    assertStrictEquals(thrown, reason);
    await using crew = crewOf(parties, 1, tryOnce, lock);
    assertEquals(await crew.results(), [true]);
  });
}

function waitTests({ name, kind, make, isReentrant, parties }: LockKind): void {
  if (isReentrant) return;

  parties.test(`${name}.acquire() gives false when the timeout passes`, async () => {
    const lock = make();
    lock.acquireSync();
    assertFalse(lock.tryAcquire());
    assertFalse(lock.acquireSync({ timeout: 0 }));
    assertFalse(await lock.acquire({ timeout: 0 }));
    for (const timeout of [1, 30]) {
      let start = performance.now();
      assertFalse(lock.acquireSync({ timeout }));
      assert(performance.now() - start > timeout - 2);
      start = performance.now();
      assertFalse(await lock.acquire({ timeout }));
      assert(performance.now() - start > timeout - 2);
    }
    await assertRejects(() => lock.guard({ timeout: 1 }), TimeoutError, "1 ms");
    assertThrows(() => lock.guardSync({ timeout: 1 }), TimeoutError, "1 ms");
    // Nothing is left of all of them: it is free at once, and for one.
    lock.release();
    assert(lock.tryAcquire());
    assertFalse(lock.tryAcquire());
    lock.release();
  });

  parties.test(`${name}.acquire() goes on in the order of arrival`, async () => {
    const lock = make();
    await lock.acquire();
    const order: number[] = [];
    const waits = Array.from({ length: 50 }, async (_, i) => {
      await lock.acquire();
      order.push(i);
      lock.release();
    });
    lock.release();
    await soon("all of them", Promise.all(waits));
    assertEquals(order, Array.from(waits.keys()));
  });

  parties.test(`${name}.tryAcquire() overtakes nobody who waits`, async () => {
    const lock = make();
    await lock.acquire();
    const wait = lock.acquire();
    lock.release();
    assertFalse(lock.tryAcquire());
    assertFalse(lock.acquireSync({ timeout: 0 }));
    assert(await wait);
    lock.release();
    assert(lock.tryAcquire());
    lock.release();
  });

  parties.test(`${name} keeps asynchronous functions on one thread apart`, async () => {
    const lock = make();
    let inside = 0;
    let visits = 0;
    const visit = async (i: number) => {
      for (let round = 0; round < 5; round++) {
        using _ = await lock.guard();
        assertEquals(++inside, 1);
        visits++;
        if (i % 2 === 0) await turn();
        else await Promise.resolve();
        inside--;
      }
    };
    await soon(
      "all visits",
      Promise.all(Array.from({ length: 10 }, (_, i) => visit(i))),
    );
    assertEquals(visits, 50);
  });

  parties.test(`${name}.acquire() that is aborted leaves no trace`, async () => {
    const lock = make();
    await lock.acquire();
    const controllers = Array.from({ length: 5 }, () => new AbortController());
    const waits = controllers.map(({ signal }) =>
      lock.acquire({ signal }).then(() => true, (error) => error)
    );
    const last = lock.acquire();
    await parties.untilWaiting(kind, 6);
    for (const i of [0, 2, 4]) controllers[i]!.abort(`reason ${i}`);
    assertEquals(await waits[0], "reason 0");
    assertEquals(await waits[2], "reason 2");
    assertEquals(await waits[4], "reason 4");
    await parties.untilWaiting(kind, 3);
    lock.release();
    assertEquals(await waits[1], true);
    lock.release();
    assertEquals(await waits[3], true);
    lock.release();
    assertEquals(await last, true);
    // Too late: it has been acquired.
    controllers[1]!.abort();
    lock.release();
    assert(lock.tryAcquire());
    lock.release();
    await parties.untilWaiting(kind, 0);
  });

  parties.test(`${name}.acquire() that is aborted while it is granted does not swallow the lock`, async () => {
    const lock = make();
    for (let i = 0; i < 20; i++) {
      await lock.acquire();
      const controller = new AbortController();
      const first = lock.acquire({ signal: controller.signal })
        .then(() => true, () => false);
      const second = lock.acquire();
      if (i % 2 === 0) {
        lock.release();
        controller.abort();
      } else {
        controller.abort();
        lock.release();
      }
      const isFirst = await soon("the first one", first);
      assertEquals(isFirst, i % 2 === 0);
      if (isFirst) lock.release();
      assert(await soon("the second one", second));
      lock.release();
    }
  });

  if (parties.isElsewhere) return;

  parties.test(`${name}.acquireSync() throws where nobody is left who could release it`, () => {
    const lock = make();
    lock.acquireSync();
    assertThrows(() => lock.acquireSync(), DeadlockError);
    lock.release();
    assert(lock.acquireSync());
    lock.release();
  });
}

function threadTests({ name, kind, make, parties }: LockKind): void {
  parties.test(`${name}.tryAcquire() gives false where another ${parties.one} holds it`, async () => {
    const lock = make();
    lock.acquireSync();
    {
      await using crew = crewOf(parties, 1, tryOnce, lock);
      assertEquals(await crew.results(), [false]);
    }
    lock.release();
    await using crew = crewOf(parties, 1, tryOnce, lock);
    assertEquals(await crew.results(), [true]);
  });

  parties.test(`${name}.acquire() in another ${parties.one} gives false when the timeout passes`, async () => {
    const lock = make();
    lock.acquireSync();
    await using crew = crewOf(
      parties,
      2,
      async (lock: AnyLock, number: number) => {
        const start = performance.now();
        const taken = number === 0
          ? lock.acquireSync({ timeout: 40 })
          : await lock.acquire({ timeout: 40 });
        return [taken, performance.now() - start > 38];
      },
      lock,
    );
    assertEquals(await crew.results(), [[false, true], [false, true]]);
    lock.release();
    assert(lock.tryAcquire());
    lock.release();
  });

  for (const count of parties.counts) {
    parties.test(`${name} lets one in at a time: ${count} ${parties.many} and this one`, async () => {
      const lock = make();
      // Read and written in two steps: any overlap loses an update.
      const sum = parties.number();
      const inside = parties.number();
      const rounds = 2_400 / count / parties.slowness;
      await using crew = crewOf(
        parties,
        count,
        hammer,
        lock,
        sum,
        inside,
        rounds,
      );
      let mine = 0;
      for (; mine < 200 / parties.slowness; mine++) {
        await lock.acquire();
        assertEquals(inside.add(1), 1);
        sum.value = sum.value + 1;
        inside.add(-1);
        lock.release();
      }
      assertEquals(
        await crew.results(),
        Array(count).fill(0),
      );
      assertEquals(sum.value, count * rounds + mine);
      assert(lock.tryAcquire());
      lock.release();
      await parties.untilWaiting(kind, 0);
    });
  }

  parties.test(`${name} goes to ${parties.many} in the order of arrival`, async () => {
    const lock = make();
    const place = parties.number();
    await lock.acquire();
    const target = (lock: AnyLock, place: SharedNumber) => {
      lock.acquireSync();
      const mine = place.value++;
      lock.release();
      return mine;
    };
    const crews: AnyCrew<number>[] = [];
    try {
      for (let i = 0; i < 4; i++) {
        crews.push(crewOf(parties, 1, target, lock, place));
        await parties.untilWaiting(kind, i + 1);
      }
      lock.release();
      const places = await Promise.all(crews.map((crew) => crew.results()));
      assertEquals(places, [[0], [1], [2], [3]]);
    } finally {
      for (const crew of crews) await crew[Symbol.asyncDispose]();
    }
  });

  parties.test(`${name} survives waiters that give up at random moments`, async () => {
    const lock = make();
    const held = parties.number();
    await using crew = crewOf(
      parties,
      4,
      async (lock: AnyLock, held: SharedNumber, number: number) => {
        let seed = number + 7;
        const random = (n: number) =>
          (seed = (seed * 1103515245 + 12345) % 2 ** 31) % n;
        for (let i = 0; i < 300; i++) {
          const timeout = random(4) / 4;
          const isTaken = number % 2 === 0
            ? lock.acquireSync({ timeout })
            : await lock.acquire({ timeout });
          if (!isTaken) continue;
          if (held.add(1) !== 1) throw new RangeError("two hold it");
          for (let j = random(2_000); j > 0; j--);
          held.add(-1);
          lock.release();
        }
      },
      lock,
      held,
    );
    await crew.results();
    await parties.untilWaiting(kind, 0);
    assert(lock.tryAcquire());
    lock.release();
  });

  parties.test(`${name} passes over a waiter whose ${parties.one} is terminated`, async () => {
    const lock = make();
    await lock.acquire();
    await using doomed = crewOf(
      parties,
      2,
      async (lock: AnyLock, number: number) => {
        if (number === 0) lock.acquireSync();
        else await lock.acquire();
      },
      lock,
    );
    await parties.untilWaiting(kind, 2);
    await using crew = crewOf(parties, 1, (lock: AnyLock) => {
      lock.acquireSync();
      lock.release();
      return true;
    }, lock);
    await parties.untilWaiting(kind, 3);
    await doomed.terminate();
    lock.release();
    assertEquals(await crew.results(), [true]);
    assert(lock.tryAcquire());
    lock.release();
  });
}

function travelTests({ name, make, parties }: LockKind): void {
  parties.test(`${name} is the same object as an argument, captured, and returned`, async () => {
    const lock = make();
    const other = make();
    const nested = { list: [lock], map: new Map([["other", other]]) };
    const thread = parties.start((argument: typeof nested) => {
      const same = argument.list[0] === lock &&
        argument.map.get("other") === other && lock !== other;
      lock.acquireSync();
      other.acquireSync();
      other.release();
      lock.release();
      return { same, lock, other: argument.map.get("other") };
    }, [nested]);
    const { same, lock: back, other: alsoBack } = await thread.result();
    await thread.join();
    assert(same);
    assertStrictEquals(back, lock);
    assertStrictEquals(alsoBack, other);
  });

  // What a process has made is gone with it.
  if (!parties.leaveObjects) return;

  parties.test(`${name} that a ${parties.one} has made is the same one for this one and the next`, async () => {
    const thread = parties.start( // deno-lint-ignore no-explicit-any -- the class is what is under test
      (Class: any) => new Class(),
      [make().constructor],
    );
    const made = await thread.result() as unknown;
    await thread.join();
    const again = parties.start((lock: unknown) => lock, [made]);
    assertStrictEquals(await again.result(), made);
    await again.join();
  });
}

/** Whether it is free; gives it back. */
function tryOnce(lock: AnyLock): boolean {
  const isTaken = lock.tryAcquire();
  if (isTaken) lock.release();
  return isTaken;
}

/** Acquires it in all ways, and counts whom it meets inside. */
async function hammer(
  lock: AnyLock,
  sum: SharedNumber,
  inside: SharedNumber,
  rounds: number,
  number: number,
): Promise<number> {
  let met = 0;
  for (let i = 0; i < rounds; i++) {
    switch ((i + number) % 4) {
      case 0:
        lock.acquireSync();
        break;
      case 1:
        await lock.acquire();
        break;
      case 2:
        while (!lock.tryAcquire());
        break;
      case 3:
        while (!lock.acquireSync({ timeout: 50 }));
        break;
    }
    if (inside.add(1) !== 1) met++;
    sum.value = sum.value + 1;
    inside.add(-1);
    lock.release();
  }
  return met;
}
