// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every condition does, after ConditionTests of CPython's lock_tests.py.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  AbandonedLockError,
  type Condition as AnyCondition,
  DeadlockError,
  type Event,
  InvalidStateError,
  type Lock as AnyLock,
  type RLock as AnyRLock,
  type WaitOptions,
} from "../../threading/mod.ts";
import { turn } from "./_crew.ts";
import { errorOf, soon, until } from "./_helpers.ts";
import { lockSuite } from "./lock_suite.ts";
import { ownedLockSuite } from "./owned_lock_suite.ts";
import { crewOf, type Parties, type SharedNumber } from "./_parties.ts";
import { reentrantLockSuite } from "./reentrant_lock_suite.ts";

type Condition = AnyCondition;
/** Long enough that the first look is over before it. */
const LOOKING = { timeout: 100 };
type Lock = AnyLock;

/** The classes of a family. */
export interface ConditionKind {
  readonly parties: Parties;
  readonly Condition: new (lock?: Lock | AnyRLock) => Condition;
  readonly Lock: new () => Lock;
  readonly RLock: new () => AnyRLock;
}

/** The tests that all conditions pass. */
export function conditionSuite(
  { parties, Condition, Lock, RLock }: ConditionKind,
): void {
  const onRLock = {
    name: "Condition",
    kind: "RLock",
    isReentrant: true,
    make: () => new Condition(),
    parties,
  } as const;
  lockSuite(onRLock);
  ownedLockSuite(onRLock);
  reentrantLockSuite(onRLock);

  parties.test("Condition refuses a lock that is none", () => {
    for (const lock of [1, {}, parties.event(), new Condition()]) {
      assertThrows(
        () => new Condition(lock as unknown as Lock),
        TypeError,
        "'lock' must be a Lock or an RLock",
      );
    }
  });

  parties.test("Condition has the state of the lock that it was given", async () => {
    for (const lock of [new Lock(), new RLock()]) {
      const condition = new Condition(lock);
      await condition.acquire();
      assert(lock.locked());
      lock.release();
      assertFalse(condition.locked());
      lock.acquireSync();
      condition.notify();
      condition.release();
      assertFalse(lock.locked());
    }
  });

  for (
    const { name, make } of [
      { name: "Condition on an RLock", make: () => new Condition() },
      { name: "Condition on a Lock", make: () => new Condition(new Lock()) },
    ]
  ) {
    parties.test(`${name} refuses wait() and notify() of a ${parties.one} that does not hold the lock`, async () => {
      const condition = make();
      const check = async () => {
        await assertRejects(() => condition.wait(), InvalidStateError);
        await assertRejects(
          () => condition.wait({ timeout: 0 }),
          InvalidStateError,
        );
        assertThrows(() => condition.waitSync(), InvalidStateError);
        await assertRejects(
          () => condition.waitFor(() => true),
          InvalidStateError,
        );
        assertThrows(
          () => condition.waitForSync(() => true),
          InvalidStateError,
        );
        assertThrows(() => condition.notify(), InvalidStateError);
        assertThrows(() => condition.notifyAll(), InvalidStateError);
      };
      await check();
      const [held, release] = [parties.event(), parties.event()];
      await using crew = crewOf(parties, 1, hold, condition, held, release);
      await held.wait();
      await check();
      release.set();
      await crew.results();
      assertFalse(condition.locked());
    });

    parties.test(`${name} refuses what is wrong at the call, and keeps the lock`, async () => {
      const condition = make();
      await condition.acquire();
      for (const timeout of [-1, NaN]) {
        await assertRejects(() => condition.wait({ timeout }), RangeError);
        assertThrows(() => condition.waitSync({ timeout }), RangeError);
        await assertRejects(
          () => condition.waitFor(() => true, { timeout }),
          RangeError,
        );
      }
      const wrong = { signal: {} } as unknown as WaitOptions;
      await assertRejects(() => condition.wait(wrong), TypeError);
      for (const n of [0, -1, 1.5, NaN]) {
        assertThrows(() => condition.notify(n), RangeError, "'n' must be");
      }
      const notFunction = 1 as unknown as () => boolean;
      await assertRejects(() => condition.waitFor(notFunction), TypeError);
      assertThrows(() => condition.waitForSync(notFunction), TypeError);
      await assertRejects(
        () => condition.waitFor(() => Promise.resolve(false)),
        TypeError,
        "must not be asynchronous",
      );
      const aborted = { signal: AbortSignal.abort("no") };
      assertEquals(await errorOf(condition.wait(aborted)), "no");
      assertEquals(await errorOf(condition.waitFor(() => true, aborted)), "no");
      assert(condition.locked());
      condition.release();
      assertFalse(condition.locked());
    });

    parties.test(`${name}.notify() lets those go on that wait longest, one lock holder at a time`, async () => {
      const condition = make();
      const order: string[] = [];
      let inside = 0;
      const visit = async (i: number) => {
        await condition.acquire();
        assertEquals(++inside, 1);
        inside--;
        assertEquals(await condition.wait(), true);
        assertEquals(++inside, 1);
        order.push(`${i}`);
        inside--;
        condition.release();
      };
      const visits = Array.from({ length: 9 }, (_, i) => visit(i));
      await parties.untilWaiting("Condition", 9);
      const phase = async (notify: () => void, count: number) => {
        await condition.acquire();
        notify();
        await turn();
        // They are notified, and wait for the lock.
        const before = order.length;
        order.push("|");
        condition.release();
        await until("the phase", () => order.length === before + 1 + count);
        await turn();
        assertEquals(order.length, before + 1 + count);
      };
      await phase(() => condition.notify(), 1);
      await phase(() => condition.notify(3), 3);
      await phase(() => (condition.notify(), condition.notify()), 2);
      // More than there are.
      await phase(() => condition.notify(5), 3);
      await phase(() => condition.notifyAll(), 0);
      await Promise.all(visits);
      assertEquals(order.join(""), "|0|123|45|678|");
      assertFalse(condition.locked());
    });

    for (const count of parties.counts) {
      parties.test(`${name}.notify() lets exactly as many go on as it says: ${count} ${parties.many}`, async () => {
        const condition = make();
        const passed = parties.number();
        await using crew = crewOf(
          parties,
          count,
          async (
            condition: Condition,
            passed: SharedNumber,
            number: number,
          ) => {
            condition.acquireSync();
            const isNotified = number % 2 === 0
              ? condition.waitSync()
              : await condition.wait();
            passed.value = passed.value + 1;
            condition.release();
            return isNotified;
          },
          condition,
          passed,
        );
        const mine = (async () => {
          using _ = await condition.guard();
          return await condition.wait();
        })();
        await parties.untilWaiting("Condition", count + 1);
        let left = count + 1;
        for (const n of [1, Math.ceil(count / 2)]) {
          {
            using _ = await condition.guard();
            condition.notify(n);
            left -= n;
          }
          await parties.untilWaiting("Condition", left);
        }
        {
          using _ = await condition.guard();
          condition.notifyAll();
        }
        assertEquals(await crew.results(), Array(count).fill(true));
        assert(await soon("this thread", mine));
        assertEquals(passed.value, count);
        assertFalse(condition.locked());
      });
    }

    parties.test(`${name}.wait() gives false when the timeout passes, holding the lock`, async () => {
      const condition = make();
      await condition.acquire();
      for (const timeout of [0, 1, 30]) {
        let start = performance.now();
        assertEquals(await condition.wait({ timeout }), false);
        assert(performance.now() - start > timeout - 2);
        assert(condition.locked());
        start = performance.now();
        assertEquals(condition.waitSync({ timeout }), false);
        assert(performance.now() - start > timeout - 2);
        assert(condition.locked());
      }
      condition.release();
      assertFalse(condition.locked());
      await parties.untilWaiting("Condition", 0);
    });

    parties.test(`${name}.wait() that has timed out or was aborted swallows no notification`, async () => {
      const condition = make();
      const controller = new AbortController();
      const results: string[] = [];
      const visit = async (name: string, options: WaitOptions) => {
        await condition.acquire();
        try {
          results.push(`${name} ${await condition.wait(options)}`);
        } catch (error) {
          results.push(`${name} ${error}`);
        } finally {
          assert(condition.locked());
          condition.release();
        }
      };
      const visits = [
        visit("aborted", { signal: controller.signal }),
        visit("late", { timeout: 1 }),
        visit("notified", {}),
      ];
      await until("it has timed out", () => results.length === 1);
      await parties.untilWaiting("Condition", 2);
      controller.abort("stop");
      await until("two are gone", () => results.length === 2);
      {
        using _ = await condition.guard();
        condition.notify();
      }
      await soon("all of them", Promise.all(visits));
      assertEquals(results[2], "notified true");
      assertEquals(results.slice(0, 2).sort(), ["aborted stop", "late false"]);
      assertFalse(condition.locked());
    });

    parties.test(`${name}.wait() that was aborted waits for the lock before it rejects`, async () => {
      const condition = make();
      const controller = new AbortController();
      let isOver = false;
      const visit = (async () => {
        await condition.acquire();
        try {
          await condition.wait({ signal: controller.signal });
        } finally {
          isOver = true;
          condition.release();
        }
      })();
      await parties.untilWaiting("Condition", 1);
      const [held, release] = [parties.event(), parties.event()];
      await using crew = crewOf(parties, 1, hold, condition, held, release);
      await held.wait();
      controller.abort("stop");
      await turn();
      assertFalse(isOver);
      release.set();
      assertEquals(await errorOf(visit), "stop");
      await crew.results();
      assertFalse(condition.locked());
    });

    parties.test(`${name}.wait() that was notified and then aborted was notified`, async () => {
      const condition = make();
      const controller = new AbortController();
      await condition.acquire();
      const wait = condition.wait({ signal: controller.signal, timeout: 20 });
      // In the same turn: however busy the machine is, the timeout comes after it.
      assert(condition.tryAcquire());
      condition.notify();
      controller.abort("stop");
      await new Promise((resolve) => setTimeout(resolve, 30));
      condition.release();
      assertEquals(await wait, true);
      condition.release();
      assertFalse(condition.locked());
    });

    parties.test(`${name}.waitFor() looks at once, after each notification, and at the end`, async () => {
      const condition = make();
      await condition.acquire();
      let looks = 0;
      assertEquals(await condition.waitFor(() => ++looks), 1);
      assertEquals(condition.waitForSync(() => ++looks), 2);
      assertEquals(
        await condition.waitFor(() => ++looks > 99, { timeout: 0 }),
        false,
      );
      assertEquals(looks, 3);
      assertEquals(
        condition.waitForSync(() => ++looks > 99 ? "yes" : "", LOOKING),
        "",
      );
      // A timer may be early by less than a millisecond; then it looks once more.
      assert(looks === 5 || looks === 6);
      looks = 5;
      assertEquals(
        await condition.waitFor(() => ++looks > 99 ? "yes" : "", LOOKING),
        "",
      );
      assert(looks === 7 || looks === 8);
      await assertRejects(
        () =>
          condition.waitFor(() => {
            throw new SyntaxError("inside");
          }),
        SyntaxError,
      );
      assert(condition.locked());
      condition.release();
    });

    parties.test(`${name}.waitFor() waits for what another ${parties.one} does`, async () => {
      const condition = make();
      const state = parties.number();
      await using crew = crewOf(
        parties,
        1,
        (condition: Condition, state: SharedNumber) => {
          condition.acquireSync();
          const seen = condition.waitForSync(() =>
            state.value === 4 && state.value
          );
          state.value = 5;
          condition.notifyAll();
          condition.release();
          return seen;
        },
        condition,
        state,
      );
      await parties.untilWaiting("Condition", 1);
      for (let i = 1; i <= 4; i++) {
        using _ = await condition.guard();
        state.value = i;
        condition.notify();
      }
      {
        using _ = await condition.guard();
        assertEquals(await condition.waitFor(() => state.value === 5), true);
      }
      assertEquals(await crew.results(), [4]);
    });

    parties.test(`${name}.waitFor() counts its timeout over all notifications`, async () => {
      const condition = make();
      const start = performance.now();
      let isOver = false;
      const visit = (async () => {
        using _ = await condition.guard();
        const value = await condition.waitFor(() => false, { timeout: 400 });
        isOver = true;
        return [value, performance.now() - start] as const;
      })();
      // From the start, and not once more from each notification: it would have no end.
      await until("its time is up", async () => {
        using _ = await condition.guard();
        condition.notifyAll();
        return isOver;
      });
      const [value, time] = await visit;
      assertEquals(value, false);
      assert(time > 390, `it took ${time} ms`);
    });

    parties.test(`${name} hands items from ${parties.many} to ${parties.many} without losing any`, async () => {
      const condition = make();
      const stock = parties.number();
      const target = async (
        condition: Condition,
        stock: SharedNumber,
        rounds: number,
        number: number,
      ) => {
        const isProducer = number % 2 === 0;
        for (let i = 0; i < rounds; i++) {
          condition.acquireSync();
          const ready = () => isProducer ? stock.value < 3 : stock.value > 0;
          if (number < 2) condition.waitForSync(ready);
          else await condition.waitFor(ready);
          stock.value = stock.value + (isProducer ? 1 : -1);
          // Both sides wait here: one alone might be the wrong one.
          condition.notifyAll();
          condition.release();
        }
      };
      await using crew = crewOf(
        parties,
        4,
        target,
        condition,
        stock,
        500 / parties.slowness,
      );
      await crew.results();
      assertEquals(stock.value, 0);
      assertFalse(condition.locked());
      await parties.untilWaiting("Condition", 0);
    });

    parties.test(`${name} passes over a waiter whose ${parties.one} is terminated`, async () => {
      const condition = make();
      await using doomed = crewOf(parties, 2, waitOnce, condition);
      await parties.untilWaiting("Condition", 2);
      const mine = (async () => {
        using _ = await condition.guard();
        return await condition.wait();
      })();
      await parties.untilWaiting("Condition", 3);
      await doomed.terminate();
      {
        using _ = await condition.guard();
        condition.notify();
      }
      assert(await soon("this thread", mine));
      assertFalse(condition.locked());
    });

    parties.test(`${name} gives the notification of a ${parties.one} that dies with it to the next one`, async () => {
      const condition = make();
      await using doomed = crewOf(parties, 1, waitOnce, condition);
      await parties.untilWaiting("Condition", 1);
      await using next = crewOf(parties, 1, waitOnce, condition);
      await parties.untilWaiting("Condition", 2);
      await condition.acquire();
      condition.notify();
      // It is notified, and waits for the lock, which is held here.
      await parties.untilWaiting("Condition", 1);
      await doomed.terminate();
      condition.release();
      assertEquals(await next.results(), [true]);
      assertFalse(condition.locked());
    });

    parties.test(`${name} keeps no notification of the dead for those who come later`, async () => {
      const condition = make();
      await using doomed = crewOf(parties, 1, waitOnce, condition);
      await parties.untilWaiting("Condition", 1);
      await condition.acquire();
      condition.notify();
      await parties.untilWaiting("Condition", 0);
      await doomed.terminate();
      assertEquals(await condition.wait({ timeout: 10 }), false);
      condition.release();
    });

    parties.test(`${name}.wait() tells that a holder of the lock has died, holding the lock`, async () => {
      const condition = make();
      const mine = (async () => {
        await condition.acquire();
        const error = await errorOf(condition.wait());
        const isHeld = condition.locked();
        condition.release();
        return [error, isHeld];
      })();
      await parties.untilWaiting("Condition", 1);
      const thread = parties.start((condition: Condition) => {
        condition.acquireSync();
        condition.notify();
      }, [condition]);
      const [error, isHeld] = await soon("this thread", mine);
      await thread.join();
      assertInstanceOf(error, AbandonedLockError);
      assertEquals(isHeld, true);
      assertFalse(condition.locked());
    });

    if (parties.isElsewhere) continue;

    parties.test(`${name}.waitSync() throws where nobody is left who could notify it`, () => {
      const condition = make();
      condition.acquireSync();
      assertThrows(() => condition.waitSync(), DeadlockError);
      assert(condition.locked());
      condition.release();
    });
  }

  parties.test("Condition.wait() releases an RLock at all its depth, and restores it", async () => {
    const condition = new Condition();
    for (const isSync of [true, false]) {
      await using crew = crewOf(
        parties,
        1,
        async (condition: Condition, isSync: boolean) => {
          for (let i = 0; i < 3; i++) condition.acquireSync();
          if (isSync) condition.waitSync();
          else await condition.wait();
          let releases = 0;
          while (condition.locked()) {
            condition.release();
            releases++;
          }
          return releases;
        },
        condition,
        isSync,
      );
      await parties.untilWaiting("Condition", 1);
      {
        using _ = await condition.guard();
        condition.notify();
      }
      assertEquals(await crew.results(), [3]);
      await condition.acquire();
      await condition.acquire();
      const options = { timeout: 2 };
      assertFalse(
        isSync ? condition.waitSync(options) : await condition.wait(options),
      );
      condition.release();
      assert(condition.locked());
      condition.release();
      assertFalse(condition.locked());
    }
  });

  parties.test("Condition lets a loop that notifies and what it wakes alternate on one thread", async () => {
    const condition = new Condition();
    const items: number[] = [];
    const taken: number[] = [];
    const consume = async () => {
      for (let i = 0; i < 50; i++) {
        using _ = await condition.guard();
        await condition.waitFor(() => items.length > 0);
        taken.push(items.shift()!);
      }
    };
    const consumers = [consume(), consume(), consume()];
    for (let i = 0; i < 150; i++) {
      // It acquires in the same turn in which it has released.
      await condition.acquire();
      items.push(i);
      condition.notify();
      condition.release();
    }
    await soon("all items", Promise.all(consumers));
    assertEquals(taken, Array.from({ length: 150 }, (_, i) => i));
    assertFalse(condition.locked());
  });

  parties.test("Condition travels with its lock: two of one lock are so over there", async () => {
    const lock = new Lock();
    const [a, b] = [new Condition(lock), new Condition(lock)];
    await using crew = crewOf(
      parties,
      1,
      (parts: { a: Condition; b: Condition; lock: Lock }) => {
        const same = parts.a === a && parts.b === b && parts.lock === lock;
        parts.a.acquireSync();
        const isOne = parts.b.locked() && lock.locked();
        parts.b.notify();
        lock.release();
        return { same, isOne, ...parts };
      },
      { a, b, lock },
    );
    const [found] = await crew.results();
    assert(found!.same);
    assert(found!.isOne);
    assertStrictEquals(found!.a, a);
    assertStrictEquals(found!.b, b);
    assertStrictEquals(found!.lock, lock);
  });
}

function hold(condition: Condition, held: Event, release: Event): void {
  condition.acquireSync();
  held.set();
  release.waitSync();
  condition.release();
}

function waitOnce(condition: Condition): boolean {
  condition.acquireSync();
  const isNotified = condition.waitSync();
  condition.release();
  return isNotified;
}
