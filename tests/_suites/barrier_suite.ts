// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every barrier does, after BarrierTests of CPython's lock_tests.py.

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
  type Barrier as AnyBarrier,
  type BarrierOptions,
  BrokenBarrierError,
  DeadlockError,
  type WaitOptions,
} from "../../threading/mod.ts";
import { turn } from "./_crew.ts";
import { errorOf, soon, until } from "./_helpers.ts";
import { crewOf, type Parties, type SharedNumber } from "./_parties.ts";

type Barrier = AnyBarrier;

/** One class of barriers. */
export interface BarrierKind {
  readonly parties: Parties;
  readonly Barrier: new (parties: number, options?: BarrierOptions) => Barrier;
}

/** The indexes from 0. */
const indexes = (count: number) => Array.from({ length: count }, (_, i) => i);

/** The tests that all barriers pass. */
export function barrierSuite({ parties, Barrier }: BarrierKind): void {
  parties.test("Barrier has its parties, nobody waiting, and is whole", () => {
    const barrier = new Barrier(3);
    assertEquals(barrier.parties, 3);
    assertEquals(barrier.nWaiting, 0);
    assertFalse(barrier.broken);
  });

  parties.test("Barrier refuses what it cannot be made of", () => {
    for (const parties of [0, -1, 1.5, NaN, Infinity, 2 ** 29]) {
      assertThrows(() => new Barrier(parties), RangeError, "'parties' must be");
    }
    for (const parties of [undefined, "2", null]) {
      assertThrows(
        () => new Barrier(parties as unknown as number),
        TypeError,
        "'parties' must be a number",
      );
    }
    for (const timeout of [-1, NaN]) {
      assertThrows(() => new Barrier(2, { timeout }), RangeError, "'timeout'");
    }
    const action = 1 as unknown as () => void;
    assertThrows(() => new Barrier(2, { action }), TypeError, "'action'");
  });

  parties.test("Barrier of one party never waits", async () => {
    let calls = 0;
    const barrier = new Barrier(1, { action: () => calls++ });
    assertEquals(await barrier.wait(), 0);
    assertEquals(barrier.waitSync(), 0);
    assertEquals(await barrier.wait({ timeout: 0 }), 0);
    assertEquals(calls, 3);
    assertEquals(barrier.waitSync({ timeout: 0 }), 0);
    assertEquals(new Barrier(1).waitSync(), 0);
  });

  parties.test("Barrier.wait() gives each party of a round another index, again and again", async () => {
    const barrier = new Barrier(5);
    for (let round = 0; round < 100; round++) {
      const waits = Array.from({ length: 5 }, () => barrier.wait());
      assertEquals(await soon("a round", Promise.all(waits)), indexes(5));
      assertEquals(barrier.nWaiting, 0);
    }
  });

  parties.test("Barrier.wait() waits until all are there", async () => {
    const barrier = new Barrier(3);
    let passed = 0;
    const visit = () => barrier.wait().then(() => passed++);
    const visits = [visit(), visit()];
    await turn();
    assertEquals(passed, 0);
    assertEquals(barrier.nWaiting, 2);
    visits.push(visit());
    await soon("the round", Promise.all(visits));
    assertEquals(passed, 3);
  });

  parties.test("Barrier.wait() refuses a timeout or a signal that is none, and stays whole", async () => {
    const barrier = new Barrier(2);
    for (const timeout of [-1, NaN]) {
      assertThrows(() => barrier.waitSync({ timeout }), RangeError, "timeout");
      await assertRejects(
        () => barrier.wait({ timeout }),
        RangeError,
        "timeout",
      );
    }
    const wrong = { signal: {} } as unknown as WaitOptions;
    assertThrows(() => barrier.waitSync(wrong), TypeError, "signal");
    await assertRejects(() => barrier.wait(wrong), TypeError, "signal");
    const signal = AbortSignal.abort("no");
    assertEquals(await errorOf(barrier.wait({ signal })), "no");
    assertFalse(barrier.broken);
    assertEquals(barrier.nWaiting, 0);
  });

  for (const count of parties.counts) {
    parties.test(`Barrier keeps ${count} ${parties.many} and this one in step`, async () => {
      const size = count + 1;
      const barrier = new Barrier(size);
      const steps = parties.number();
      const walk = async (
        barrier: Barrier,
        steps: SharedNumber,
        rounds: number,
        number: number,
      ) => {
        let sum = 0;
        for (let round = 0; round < rounds; round++) {
          steps.add(1);
          // Blocking and suspended parties of the same round.
          sum += (round + number) % 2 === 0
            ? barrier.waitSync()
            : await barrier.wait();
          const here = steps.value;
          const [low, high] = [
            (round + 1) * barrier.parties,
            (round + 2) * barrier.parties,
          ];
          // Nobody is a whole round ahead, or behind.
          if (here < low || here >= high) {
            throw new RangeError(`round ${round}: ${here} steps`);
          }
        }
        return sum;
      };
      const rounds = 800 / count / parties.slowness;
      await using crew = crewOf(parties, count, walk, barrier, steps, rounds);
      const mine = await walk(barrier, steps, rounds, 1);
      const sum = (await crew.results()).reduce((a, b) => a + b, mine);
      assertEquals(sum, rounds * size * (size - 1) / 2);
      assertFalse(barrier.broken);
      assertEquals(barrier.nWaiting, 0);
    });
  }

  parties.test("Barrier is used again and again", async () => {
    const barrier = new Barrier(2);
    const rounds = 100_000 / (parties.slowness === 1 ? 1 : 100);
    await using crew = crewOf(
      parties,
      1,
      (barrier: Barrier, rounds: number) => {
        let sum = 0;
        for (let i = 0; i < rounds; i++) sum += barrier.waitSync();
        return sum;
      },
      barrier,
      rounds,
    );
    // A process comes up only while this thread does not block.
    let sum = await barrier.wait();
    for (let i = 1; i < rounds; i++) sum += barrier.waitSync();
    assertEquals((await crew.results())[0]! + sum, rounds);
    assertFalse(barrier.broken);
  });

  parties.test("Barrier calls its action once in each round, before anybody passes", async () => {
    let calls = 0;
    const seen: number[] = [];
    const barrier = new Barrier(3, {
      action: async () => {
        await turn();
        calls++;
      },
    });
    for (let round = 1; round <= 3; round++) {
      const found = await soon(
        "a round",
        Promise.all([1, 2, 3].map(async () => {
          const index = await barrier.wait();
          seen.push(calls);
          return index;
        })),
      );
      assertEquals(found.toSorted(), [0, 1, 2]);
      assertEquals(seen.splice(0), [round, round, round]);
    }
  });

  parties.test("Barrier lets a whole round arrive while the action of the one before runs", async () => {
    const gates = [0, 1].map(() => Promise.withResolvers<void>());
    let calls = 0;
    const barrier = new Barrier(2, { action: () => gates[calls++]?.promise });
    const waits = Array.from({ length: 7 }, () => barrier.wait());
    await turn();
    assertEquals(calls, 1);
    assertEquals(barrier.nWaiting, 2);
    gates[0]!.resolve();
    assertEquals(await soon("round 1", Promise.all(waits.slice(0, 2))), [0, 1]);
    await until("the action of round 2", () => calls === 2);
    gates[1]!.resolve();
    assertEquals(await soon("round 2", Promise.all(waits.slice(2, 4))), [0, 1]);
    assertEquals(await soon("round 3", Promise.all(waits.slice(4, 6))), [0, 1]);
    assertEquals(calls, 3);
    assertEquals(barrier.nWaiting, 1);
    const last = barrier.wait();
    assertEquals(await soon("round 4", Promise.all([waits[6], last])), [0, 1]);
  });

  parties.test("Barrier runs its action on the thread that arrives last", async () => {
    const calls = parties.number();
    const rounds = 200 / parties.slowness;
    const barrier = new Barrier(3, { action: () => void calls.add(1) });
    await using crew = crewOf(
      parties,
      2,
      async (
        barrier: Barrier,
        calls: SharedNumber,
        rounds: number,
        number: number,
      ) => {
        for (let round = 1; round <= rounds; round++) {
          if (number === 0) barrier.waitSync();
          else await barrier.wait();
          const seen = calls.value;
          if (seen !== round && seen !== round + 1) {
            throw new RangeError(`round ${round}: ${seen} calls`);
          }
        }
      },
      barrier,
      calls,
      rounds,
    );
    for (let round = 1; round <= rounds; round++) await barrier.wait();
    await crew.results();
    assertEquals(calls.value, rounds);
  });

  parties.test("Barrier whose action throws is broken, and the error goes to who has run it", async () => {
    for (
      const action of [
        () => {
          throw new SyntaxError("inside");
        },
        () => Promise.reject(new SyntaxError("inside")),
      ]
    ) {
      const barrier = new Barrier(3, { action });
      const others = [errorOf(barrier.wait()), errorOf(barrier.wait())];
      await assertRejects(() => barrier.wait(), SyntaxError, "inside");
      for (const error of await Promise.all(others)) {
        assertInstanceOf(error, BrokenBarrierError);
      }
      assert(barrier.broken);
    }
  });

  parties.test("Barrier.waitSync() refuses an asynchronous action, and breaks", async () => {
    const barrier = new Barrier(2, {
      action: () => Promise.reject(new SyntaxError("nobody hears it")),
    });
    const other = errorOf(barrier.wait());
    await parties.untilWaiting("Barrier", 1);
    assertThrows(
      () => barrier.waitSync(),
      TypeError,
      "must not be asynchronous",
    );
    assertInstanceOf(await other, BrokenBarrierError);
  });

  parties.test("Barrier.abort() breaks it for those who wait, those who come, and a running action", async () => {
    const gate = Promise.withResolvers<void>();
    const barrier = new Barrier(3, { action: () => gate.promise });
    const waits = [1, 2, 3].map(() => errorOf(barrier.wait()));
    const next = errorOf(barrier.wait());
    await turn();
    barrier.abort();
    assert(barrier.broken);
    assertEquals(barrier.nWaiting, 0);
    gate.resolve();
    for (const error of await Promise.all([...waits, next])) {
      assertInstanceOf(error, BrokenBarrierError);
    }
    await assertRejects(() => barrier.wait(), BrokenBarrierError);
    assertThrows(() => barrier.waitSync({ timeout: 0 }), BrokenBarrierError);
    barrier.abort();
    assert(barrier.broken);
  });

  parties.test("Barrier.abort() of one party reaches all threads", async () => {
    const barrier = new Barrier(5);
    await using crew = crewOf(parties, 4, visitSaying, barrier);
    await parties.untilWaiting("Barrier", 4);
    barrier.abort();
    assertEquals(await crew.results(), Array(4).fill("BrokenBarrierError"));
    assert(barrier.broken);
  });

  parties.test("Barrier.reset() breaks it for those who wait, and it is as new", async () => {
    const barrier = new Barrier(5);
    for (let round = 0; round < 2; round++) {
      await using crew = crewOf(parties, 4, visitSaying, barrier);
      await parties.untilWaiting("Barrier", 4);
      barrier.reset();
      assertEquals(await crew.results(), Array(4).fill("BrokenBarrierError"));
      assertFalse(barrier.broken);
      assertEquals(barrier.nWaiting, 0);
    }
    await using crew = crewOf(parties, 4, visitSaying, barrier);
    const mine = await soon("the round", barrier.wait());
    assertEquals(
      [...await crew.results(), mine].sort(),
      [0, 1, 2, 3, 4],
    );
  });

  parties.test("Barrier.reset() during an action leaves nothing of the round", async () => {
    const gates = [0, 1].map(() => Promise.withResolvers<void>());
    let calls = 0;
    const barrier = new Barrier(2, { action: () => gates[calls++]!.promise });
    const old = [1, 2].map(() => errorOf(barrier.wait()));
    await turn();
    barrier.reset();
    const fresh = [barrier.wait(), barrier.wait()];
    await turn();
    assertEquals(calls, 2);
    // The action of the old round ends first; it must not end the new one.
    gates[0]!.resolve();
    for (const error of await Promise.all(old)) {
      assertInstanceOf(error, BrokenBarrierError);
    }
    assertEquals(barrier.nWaiting, 2);
    gates[1]!.resolve();
    assertEquals(await soon("the round", Promise.all(fresh)), [0, 1]);
  });

  parties.test("Barrier is whole again after abort() and reset()", async () => {
    const barrier = new Barrier(2);
    const waiting = errorOf(barrier.wait());
    barrier.abort();
    assertInstanceOf(await waiting, BrokenBarrierError);
    barrier.reset();
    assertFalse(barrier.broken);
    assertEquals(await Promise.all([barrier.wait(), barrier.wait()]), [0, 1]);
  });

  parties.test("Barrier.wait() breaks it when its timeout passes", async () => {
    for (const isSync of [false, true]) {
      const barrier = new Barrier(3);
      const other = errorOf(barrier.wait());
      await parties.untilWaiting("Barrier", 1);
      const start = performance.now();
      const error = isSync
        ? assertThrows(() => barrier.waitSync({ timeout: 20 }))
        : await errorOf(barrier.wait({ timeout: 20 }));
      assertInstanceOf(error, BrokenBarrierError);
      assert(performance.now() - start > 18);
      assertInstanceOf(await soon("the other", other), BrokenBarrierError);
      assert(barrier.broken);
    }
  });

  parties.test("Barrier.wait() that only polls breaks a barrier that is not full", async () => {
    const barrier = new Barrier(2);
    await assertRejects(() => barrier.wait({ timeout: 0 }), BrokenBarrierError);
    assert(barrier.broken);
    barrier.reset();
    const first = barrier.wait();
    assertEquals(await barrier.wait({ timeout: 0 }), 1);
    assertEquals(await first, 0);
    assertThrows(() => barrier.waitSync({ timeout: 0 }), BrokenBarrierError);
    assert(barrier.broken);
  });

  parties.test("Barrier has a timeout for those who say none", async () => {
    const barrier = new Barrier(2, { timeout: 10 });
    await assertRejects(() => barrier.wait(), BrokenBarrierError, "10 ms");
    barrier.reset();
    assertThrows(() => barrier.waitSync(), BrokenBarrierError, "10 ms");
    barrier.reset();
    // One that says more waits longer.
    const patient = barrier.wait({ timeout: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    assertFalse(barrier.broken);
    assertEquals(await barrier.wait(), 1);
    assertEquals(await patient, 0);
    // The timeout travels.
    await using crew = crewOf(parties, 1, visitSaying, barrier);
    assertEquals(await crew.results(), ["BrokenBarrierError"]);
  });

  parties.test("Barrier.wait() that is aborted rejects with the reason, and breaks it", async () => {
    const barrier = new Barrier(3);
    const controller = new AbortController();
    const aborted = errorOf(barrier.wait({ signal: controller.signal }));
    const other = errorOf(barrier.wait());
    await parties.untilWaiting("Barrier", 2);
    const reason = { why: "no more" };
    controller.abort(reason);
    assertStrictEquals(await aborted, reason);
    assertInstanceOf(await soon("the other", other), BrokenBarrierError);
    assert(barrier.broken);
  });

  parties.test("Barrier breaks where the thread of a party that waits is terminated", async () => {
    for (let number = 0; number < 2; number++) {
      const barrier = new Barrier(4);
      await using doomed = crewOf(
        parties,
        1,
        async (barrier: Barrier, isSync: boolean) =>
          isSync ? barrier.waitSync() : await barrier.wait(),
        barrier,
        number === 0,
      );
      await parties.untilWaiting("Barrier", 1);
      await using crew = crewOf(parties, 1, visitSaying, barrier);
      await parties.untilWaiting("Barrier", 2);
      const mine = errorOf(barrier.wait());
      await doomed.terminate();
      assertInstanceOf(await soon("this thread", mine), BrokenBarrierError);
      assertEquals(await crew.results(), ["BrokenBarrierError"]);
      assert(barrier.broken);
    }
  });

  parties.test("Barrier breaks where the only party that waits is terminated", async () => {
    const barrier = new Barrier(2);
    await using doomed = crewOf(parties, 1, visitSaying, barrier);
    await parties.untilWaiting("Barrier", 1);
    await doomed.terminate();
    assert(barrier.broken);
    await assertRejects(() => barrier.wait(), BrokenBarrierError);
    barrier.reset();
    assertEquals(await Promise.all([barrier.wait(), barrier.wait()]), [0, 1]);
  });

  parties.test("Barrier breaks where the thread that runs the action is terminated", async () => {
    const started = parties.event();
    const barrier = new Barrier(2, {
      action: () => {
        started.set();
        return new Promise(() => {});
      },
    });
    const mine = errorOf(barrier.wait());
    await parties.untilWaiting("Barrier", 1);
    await using doomed = crewOf(
      parties,
      1,
      (barrier: Barrier) => barrier.wait(),
      barrier,
    );
    await soon("the action", started.wait());
    await doomed.terminate();
    assertInstanceOf(await soon("this thread", mine), BrokenBarrierError);
  });

  parties.test("Barrier breaks where a party of the last round was terminated, and others wait for it", async () => {
    for (const isBefore of [true, false]) {
      const barrier = new Barrier(2);
      await using doomed = crewOf(parties, 1, async (barrier: Barrier) => {
        await barrier.wait();
        await new Promise(() => {});
      }, barrier);
      await soon("the first round", barrier.wait());
      if (isBefore) await doomed.terminate();
      const mine = errorOf(barrier.wait());
      if (!isBefore) {
        await parties.untilWaiting("Barrier", 1);
        await doomed.terminate();
      }
      assertInstanceOf(await soon("this thread", mine), BrokenBarrierError);
      barrier.reset();
      assertEquals(await Promise.all([barrier.wait(), barrier.wait()]), [0, 1]);
    }
  });

  parties.test("Barrier stays whole where the threads of the last round have ended in order", async () => {
    const barrier = new Barrier(3);
    for (let round = 0; round < 3; round++) {
      await using crew = crewOf(parties, 2, visitSaying, barrier);
      const mine = await soon("the round", barrier.wait());
      assertEquals([...await crew.results(), mine].sort(), [0, 1, 2]);
      for (const thread of crew.members) await thread.join();
      assertFalse(barrier.broken);
    }
  });

  if (!parties.isElsewhere) {
    parties.test("Barrier.waitSync() throws where nobody is left who could arrive, and breaks", async () => {
      const barrier = new Barrier(2);
      assertThrows(() => barrier.waitSync(), DeadlockError);
      assert(barrier.broken);
      await assertRejects(() => barrier.wait(), BrokenBarrierError);
    });
  }

  parties.test("Barrier is the same object as an argument, captured, and returned", async () => {
    const options: BarrierOptions = { timeout: 60_000, action: () => {} };
    const barrier = new Barrier(2, options);
    await using crew = crewOf(parties, 1, async (argument: Barrier) => ({
      same: argument === barrier,
      index: await argument.wait(),
      argument,
    }), barrier);
    const mine = await barrier.wait();
    const [found] = await crew.results();
    assert(found!.same);
    assertEquals([found!.index, mine].sort(), [0, 1]);
    assertStrictEquals(found!.argument, barrier);
  });

  parties.test("Barrier travels with an action that uses the barrier", async () => {
    const seen = parties.number();
    const barrier: Barrier = new Barrier(2, {
      action: () => {
        seen.add(barrier.parties * 10 + barrier.nWaiting);
      },
    });
    await using crew = crewOf(parties, 1, (argument: Barrier) => {
      for (let i = 0; i < 10; i++) argument.waitSync();
      return argument === barrier;
    }, barrier);
    for (let i = 0; i < 10; i++) await barrier.wait();
    assertEquals(await crew.results(), [true]);
    assertEquals(seen.value, 220);
  });
}

/** The index, or the name of the error. */
async function visitSaying(
  barrier: Barrier,
  number: number,
): Promise<number | string> {
  try {
    return number % 2 === 0 ? barrier.waitSync() : await barrier.wait();
  } catch (error) {
    return (error as Error).name;
  }
}
