// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every event does, after EventTests of CPython's lock_tests.py.

import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  DeadlockError,
  type Event,
  type WaitOptions,
} from "../../threading/mod.ts";
import { errorOf, soon } from "./_helpers.ts";
import { crewOf, type Parties, type SharedNumber } from "./_parties.ts";

/** One class of events. */
export interface EventKind {
  readonly parties: Parties;
  make(): Event;
}

/** The tests that all events pass. */
export function eventSuite({ parties, make }: EventKind): void {
  parties.test("Event.isSet() tells what set() and clear() have done", () => {
    const event = make();
    assertFalse(event.isSet());
    for (let i = 0; i < 3; i++) {
      event.set();
      assert(event.isSet());
      event.set();
      assert(event.isSet());
      event.clear();
      assertFalse(event.isSet());
      event.clear();
      assertFalse(event.isSet());
    }
  });

  parties.test("Event.wait() of an event that is set gives true at once", async () => {
    const event = make();
    event.set();
    for (const timeout of [undefined, 0, 10]) {
      assertEquals(await event.wait({ timeout }), true);
      assertEquals(event.waitSync({ timeout }), true);
    }
    assertEquals(await event.wait(), true);
    assertEquals(event.waitSync(), true);
    assert(event.isSet());
  });

  parties.test("Event.wait() gives false when the timeout passes", async () => {
    const event = make();
    for (const timeout of [0, 1, 30]) {
      let start = performance.now();
      assertEquals(await event.wait({ timeout }), false);
      assert(performance.now() - start > timeout - 2);
      start = performance.now();
      assertEquals(event.waitSync({ timeout }), false);
      assert(performance.now() - start > timeout - 2);
    }
    await parties.untilWaiting("Event", 0);
  });

  parties.test("Event.wait() refuses a timeout or a signal that is none", async () => {
    const event = make();
    event.set();
    for (const timeout of [-1, NaN]) {
      assertThrows(() => event.waitSync({ timeout }), RangeError, "timeout");
      await assertRejects(() => event.wait({ timeout }), RangeError, "timeout");
    }
    const wrong = { signal: 1 } as unknown as WaitOptions;
    assertThrows(() => event.waitSync(wrong), TypeError, "signal");
    await assertRejects(() => event.wait(wrong), TypeError, "signal");
  });

  parties.test("Event.wait() rejects with the reason of an abort, and leaves no trace", async () => {
    const event = make();
    const reason = { why: "no more" };
    assertStrictEquals(
      await errorOf(event.wait({ signal: AbortSignal.abort(reason) })),
      reason,
    );
    const controller = new AbortController();
    const aborted = errorOf(event.wait({ signal: controller.signal }));
    const other = event.wait();
    await parties.untilWaiting("Event", 2);
    controller.abort(reason);
    assertStrictEquals(await aborted, reason);
    await parties.untilWaiting("Event", 1);
    event.set();
    assert(await other);
    const late = new AbortController();
    assert(await event.wait({ signal: late.signal }));
    late.abort();
  });

  parties.test("Event.set() releases everybody who waits, though clear() follows at once", async () => {
    const event = make();
    for (let round = 0; round < 10 / parties.slowness; round++) {
      const waits = Array.from({ length: 5 }, () => event.wait());
      await parties.untilWaiting("Event", 5);
      event.set();
      event.clear();
      assertEquals(
        await soon("all of them", Promise.all(waits)),
        Array(5).fill(true),
      );
      assertFalse(event.isSet());
    }
  });

  for (const count of parties.counts) {
    parties.test(`Event.set() releases ${count} ${parties.many} and this one, though clear() follows at once`, async () => {
      const event = make();
      await using crew = crewOf(
        parties,
        count,
        async (event: Event, number: number) =>
          number % 2 === 0 ? event.waitSync() : await event.wait(),
        event,
      );
      const mine = event.wait();
      await parties.untilWaiting("Event", count + 1);
      event.set();
      event.clear();
      assertEquals(await crew.results(), Array(count).fill(true));
      assert(await soon("this thread", mine));
      assertFalse(event.isSet());
    });
  }

  parties.test("Event hands a turn back and forth between threads", async () => {
    const [ping, pong] = [make(), make()];
    const rounds = 2_000 / parties.slowness;
    await using crew = crewOf(
      parties,
      1,
      async (ping: Event, pong: Event, rounds: number) => {
        for (let i = 0; i < rounds; i++) {
          if (i % 2 === 0) ping.waitSync();
          else await ping.wait();
          ping.clear();
          pong.set();
        }
        return rounds;
      },
      ping,
      pong,
      rounds,
    );
    for (let i = 0; i < rounds; i++) {
      ping.set();
      assert(i % 3 === 0 ? await pong.wait() : pong.waitSync());
      pong.clear();
    }
    assertEquals(await crew.results(), [rounds]);
  });

  parties.test("Event.set() makes what was written before it visible", async () => {
    const [event, value] = [make(), parties.number()];
    await using crew = crewOf(
      parties,
      2,
      (event: Event, value: SharedNumber) => {
        event.waitSync();
        return value.value;
      },
      event,
      value,
    );
    value.value = 42;
    event.set();
    assertEquals(await crew.results(), [42, 42]);
  });

  parties.test("Event survives threads that set, clear, wait and give up at once", async () => {
    const event = make();
    await using crew = crewOf(
      parties,
      4,
      async (event: Event, rounds: number, number: number) => {
        let seen = 0;
        for (let i = 0; i < rounds; i++) {
          if (number === 0) event.set();
          else if (number === 1) event.clear();
          else if (number === 2) {
            seen += event.waitSync({ timeout: 0.1 }) ? 1 : 0;
          } else seen += await event.wait({ timeout: 0.1 }) ? 1 : 0;
        }
        return seen;
      },
      event,
      400 / parties.slowness,
    );
    await crew.results();
    event.clear();
    assertFalse(event.isSet());
    const wait = event.wait();
    event.set();
    assert(await soon("the last one", wait));
    await parties.untilWaiting("Event", 0);
  });

  parties.test("Event passes over waiters whose threads are terminated", async () => {
    const event = make();
    await using doomed = crewOf(
      parties,
      2,
      async (event: Event, number: number) =>
        number === 0 ? event.waitSync() : await event.wait(),
      event,
    );
    await parties.untilWaiting("Event", 2);
    const mine = event.wait();
    await doomed.terminate();
    event.set();
    assert(await soon("this thread", mine));
    event.clear();
    assertFalse(await event.wait({ timeout: 0 }));
  });

  if (!parties.isElsewhere) {
    parties.test("Event.waitSync() throws where nobody is left who could set it", () => {
      const event = make();
      assertThrows(() => event.waitSync(), DeadlockError);
      event.set();
      assert(event.waitSync());
    });
  }

  parties.test("Event is the same object as an argument, captured, and returned", async () => {
    const event = make();
    await using crew = crewOf(parties, 1, (argument: Event) => {
      argument.set();
      return { same: argument === event, argument };
    }, event);
    const [result] = await crew.results();
    assert(result!.same);
    assertStrictEquals(result!.argument, event);
    assert(event.isSet());
  });
}
