// Copyright 2026 the @concurrent/parallel authors. MIT license.

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
  DeadlockError,
  Event,
  InvalidStateError,
  RWLock,
  SharedValue,
  TimeoutError,
  type WaitOptions,
} from "../../threading/mod.ts";
import { Crew, turn, untilWaiting } from "../_suites/_crew.ts";
import { errorOf, soon } from "../_suites/_helpers.ts";

/** Both sides of a lock, under the same names. */
function sides(lock: RWLock) {
  return [
    {
      name: "reading",
      acquire: (options?: WaitOptions) => lock.acquireRead(options),
      acquireSync: (options?: WaitOptions) => lock.acquireReadSync(options),
      tryAcquire: () => lock.tryAcquireRead(),
      release: () => lock.releaseRead(),
      guard: (options?: WaitOptions) => lock.readGuard(options),
      guardSync: (options?: WaitOptions) => lock.readGuardSync(options),
    },
    {
      name: "writing",
      acquire: (options?: WaitOptions) => lock.acquireWrite(options),
      acquireSync: (options?: WaitOptions) => lock.acquireWriteSync(options),
      tryAcquire: () => lock.tryAcquireWrite(),
      release: () => lock.releaseWrite(),
      guard: (options?: WaitOptions) => lock.writeGuard(options),
      guardSync: (options?: WaitOptions) => lock.writeGuardSync(options),
    },
  ];
}

Deno.test("RWLock is acquired and released in all ways, on both sides", async () => {
  const lock = new RWLock();
  for (let round = 0; round < 3; round++) {
    for (const side of sides(lock)) {
      assertFalse(lock.locked());
      assert(await side.acquire());
      assert(lock.locked());
      side.release();
      assert(side.acquireSync());
      side.release();
      assert(side.tryAcquire());
      side.release();
      assert(await side.acquire({ timeout: 0 }));
      side.release();
      assert(side.acquireSync({ timeout: 5 }));
      side.release();
      {
        using _ = await side.guard();
        assert(lock.locked());
      }
      {
        using _ = side.guardSync();
        assert(lock.locked());
      }
      await assertRejects(async () => {
        using _ = await side.guard();
        throw new SyntaxError("inside");
      }, SyntaxError);
      assertFalse(lock.locked());
    }
  }
});

Deno.test("RWLock lets readers share, and a writer nothing", async () => {
  const lock = new RWLock();
  await lock.acquireRead();
  assert(lock.acquireReadSync());
  assert(lock.tryAcquireRead());
  assertFalse(lock.tryAcquireWrite());
  assertFalse(lock.acquireWriteSync({ timeout: 5 }));
  assertFalse(await lock.acquireWrite({ timeout: 5 }));
  // The writers have given up: readers come in as before.
  assert(lock.tryAcquireRead());
  for (let i = 0; i < 4; i++) {
    assertFalse(lock.tryAcquireWrite());
    lock.releaseRead();
  }
  assert(lock.tryAcquireWrite());
  assertFalse(lock.tryAcquireWrite());
  assertFalse(lock.tryAcquireRead());
  assertFalse(await lock.acquireRead({ timeout: 5 }));
  assertFalse(lock.acquireReadSync({ timeout: 5 }));
  await assertRejects(() => lock.readGuard({ timeout: 1 }), TimeoutError);
  assertThrows(() => lock.writeGuardSync({ timeout: 1 }), TimeoutError);
  lock.releaseWrite();
  assertFalse(lock.locked());
});

Deno.test("RWLock refuses a release of what this thread does not hold", async () => {
  const lock = new RWLock();
  const check = () => {
    for (const side of sides(lock)) {
      assertThrows(() => side.release(), InvalidStateError, side.name);
    }
  };
  check();
  lock.acquireReadSync();
  assertThrows(() => lock.releaseWrite(), InvalidStateError);
  lock.releaseRead();
  lock.acquireWriteSync();
  assertThrows(() => lock.releaseRead(), InvalidStateError);
  lock.releaseWrite();
  check();
  for (const [number, side] of sides(lock).entries()) {
    const [held, release] = [new Event(), new Event()];
    await using crew = new Crew(1, hold, lock, number === 0, held, release);
    await held.wait();
    check();
    assert(lock.locked());
    // What it holds itself beside that it may release.
    if (number === 0) {
      lock.acquireReadSync();
      lock.releaseRead();
      assertThrows(() => side.release(), InvalidStateError, side.name);
    }
    release.set();
    await crew.results();
    assertFalse(lock.locked());
  }
});

Deno.test("RWLock refuses a timeout or a signal that is none, and heeds an abort", async () => {
  const lock = new RWLock();
  for (const side of sides(lock)) {
    for (const timeout of [-1, NaN]) {
      assertThrows(() => side.acquireSync({ timeout }), RangeError, "timeout");
      await assertRejects(
        () => side.acquire({ timeout }),
        RangeError,
        "timeout",
      );
    }
    const wrong = { signal: {} } as unknown as WaitOptions;
    assertThrows(() => side.acquireSync(wrong), TypeError, "signal");
    const signal = AbortSignal.abort("no");
    assertEquals(await errorOf(side.acquire({ signal })), "no");
    assertEquals(await errorOf(side.guard({ signal })), "no");
    assertFalse(lock.locked());
  }
});

Deno.test("RWLock serves in the order of arrival, readers in a row together", async () => {
  const lock = new RWLock();
  const log: string[] = [];
  const gates = new Map<string, () => void>();
  const visit = async (name: string) => {
    const isReader = name.startsWith("r");
    using _ = await (isReader ? lock.readGuard() : lock.writeGuard());
    log.push(name);
    await new Promise<void>((resolve) => gates.set(name, resolve));
  };
  const visits = ["w1", "r1", "r2", "w2", "r3", "w3", "w4", "r4", "r5"]
    .map(visit);
  const phase = async (expected: string) => {
    await turn();
    assertEquals(log.splice(0).join(" "), expected);
  };
  const leave = (name: string) => gates.get(name)!();
  await phase("w1");
  leave("w1");
  await phase("r1 r2");
  assertFalse(lock.tryAcquireRead());
  leave("r2");
  await phase("");
  leave("r1");
  await phase("w2");
  leave("w2");
  await phase("r3");
  leave("r3");
  await phase("w3");
  leave("w3");
  await phase("w4");
  leave("w4");
  await phase("r4 r5");
  leave("r4");
  leave("r5");
  await soon("all", Promise.all(visits));
  assertFalse(lock.locked());
});

Deno.test("RWLock lets readers in whom a writer that gives up was in the way of", async () => {
  for (const isAbort of [true, false]) {
    const lock = new RWLock();
    const controller = new AbortController();
    await lock.acquireRead();
    const writer = lock.acquireWrite(
      isAbort ? { signal: controller.signal } : { timeout: 20 },
    ).then((taken) => taken, (error) => error);
    const readers = [lock.acquireRead(), lock.acquireRead()];
    await untilWaiting("RWLock", 3);
    if (isAbort) controller.abort("no");
    assertEquals(await writer, isAbort ? "no" : false);
    assertEquals(await soon("readers", Promise.all(readers)), [true, true]);
    for (let i = 0; i < 3; i++) lock.releaseRead();
    assert(lock.tryAcquireWrite());
    lock.releaseWrite();
    await untilWaiting("RWLock", 0);
  }
});

for (const count of [2, 4, 8]) {
  Deno.test(`RWLock keeps writers apart from everybody: ${count} threads and this one`, async () => {
    const lock = new RWLock();
    const [readers, writers] = [
      new SharedValue("int32", 0),
      new SharedValue("int32", 0),
    ];
    const sum = new SharedValue("int32", 0);
    const work = async (
      lock: RWLock,
      readers: SharedValue,
      writers: SharedValue,
      sum: SharedValue,
      rounds: number,
      number: number,
    ) => {
      let writes = 0;
      for (let i = 0; i < rounds; i++) {
        const way = (i * 7 + number) % 3;
        if ((i + number) % 4 === 0) {
          if (way === 0) await lock.acquireWrite();
          else if (way === 1) lock.acquireWriteSync();
          else while (!lock.acquireWriteSync({ timeout: 1 }));
          if (writers.add(1) !== 1 || readers.value !== 0) {
            throw new RangeError("a writer is not alone");
          }
          sum.value = sum.value + 1;
          writes++;
          writers.add(-1);
          lock.releaseWrite();
        } else {
          if (way === 0) await lock.acquireRead();
          else if (way === 1) lock.acquireReadSync();
          else while (!lock.acquireReadSync({ timeout: 1 }));
          readers.add(1);
          if (writers.value !== 0) {
            throw new RangeError("a reader met a writer");
          }
          readers.add(-1);
          lock.releaseRead();
        }
      }
      return writes;
    };
    const rounds = 2_400 / count;
    await using crew = new Crew(
      count,
      work,
      lock,
      readers,
      writers,
      sum,
      rounds,
    );
    const mine = await work(lock, readers, writers, sum, 200, 0);
    const writes = (await crew.results()).reduce((a, b) => a + b, mine);
    assertEquals(sum.value, writes);
    assertFalse(lock.locked());
    await untilWaiting("RWLock", 0);
  });
}

Deno.test("RWLock has readers of several threads inside at a time", async () => {
  const lock = new RWLock();
  const inside = new SharedValue("int32", 0);
  await using crew = new Crew(
    3,
    (lock: RWLock, inside: SharedValue) => {
      using _ = lock.readGuardSync();
      inside.add(1);
      // It stays until all are there.
      const end = performance.now() + 60_000;
      while (inside.value < 3 && performance.now() < end);
      return inside.value;
    },
    lock,
    inside,
  );
  assertEquals(await crew.results(), [3, 3, 3]);
  assertFalse(lock.locked());
});

for (const isReader of [true, false]) {
  const next = isReader ? "reader" : "writer";

  Deno.test(`RWLock of a writer that has died is told once, to a ${next}`, async () => {
    const lock = new RWLock();
    const [reading, writing] = sides(lock);
    const side = isReader ? reading! : writing!;
    const uses = [
      () => side.acquire(),
      // deno-lint-ignore require-await -- a throw becomes a rejection
      async () => side.acquireSync(),
      // deno-lint-ignore require-await -- a throw becomes a rejection
      async () => side.tryAcquire(),
    ];
    for (const use of uses) {
      await using crew = new Crew(
        1,
        (lock: RWLock) => lock.acquireWriteSync(),
        lock,
      );
      await crew.results();
      await crew.threads[0]!.join();
      assertFalse(lock.locked());
      await assertRejects(use, AbandonedLockError, "has ended");
      assert(lock.locked());
      side.release();
      assertFalse(lock.locked());
      assert(await side.acquire());
      side.release();
    }
    await using crew = new Crew(
      1,
      (lock: RWLock) => lock.acquireWriteSync(),
      lock,
    );
    await crew.results();
    await crew.threads[0]!.join();
    await assertRejects(() => side.guard(), AbandonedLockError);
    assertFalse(lock.locked());
  });

  Deno.test(`RWLock of a terminated writer goes to the ${next} that waits, told once`, async () => {
    const lock = new RWLock();
    const [held, release] = [new Event(), new Event()];
    await using doomed = new Crew(1, hold, lock, false, held, release);
    await held.wait();
    await using first = new Crew(1, acquireSaying, lock, isReader);
    await untilWaiting("RWLock", 1);
    const mine = acquireSaying(lock, true);
    await untilWaiting("RWLock", 2);
    await doomed.terminate();
    assertEquals(await first.results(), ["told"]);
    assertEquals(await soon("this thread", mine), "clean");
    assertFalse(lock.locked());
  });
}

Deno.test("RWLock gets the holds of a reader back that has ended", async () => {
  const lock = new RWLock();
  for (const how of ["ended", "terminated"]) {
    const [held, release] = [new Event(), new Event()];
    await using crew = new Crew(
      1,
      async (lock: RWLock, held: Event, release: Event, how: string) => {
        for (let i = 0; i < 3; i++) lock.acquireReadSync();
        held.set();
        if (how !== "ended") await release.wait();
      },
      lock,
      held,
      release,
      how,
    );
    await held.wait();
    await lock.acquireRead();
    if (how === "ended") {
      await crew.results();
      await crew.threads[0]!.join();
    } else await crew.terminate();
    // Its own hold is left.
    assertFalse(lock.tryAcquireWrite());
    assert(lock.locked());
    lock.releaseRead();
    assertFalse(lock.locked());
    assert(lock.tryAcquireWrite());
    lock.releaseWrite();
  }
});

Deno.test("RWLock goes to a writer that waits when its last reader is terminated", async () => {
  const lock = new RWLock();
  const [held, release] = [new Event(), new Event()];
  await using doomed = new Crew(1, hold, lock, true, held, release);
  await held.wait();
  await using writer = new Crew(1, acquireSaying, lock, false);
  await untilWaiting("RWLock", 1);
  const mine = acquireSaying(lock, false);
  await untilWaiting("RWLock", 2);
  await doomed.terminate();
  assertEquals(await writer.results(), ["clean"]);
  assertEquals(await soon("this thread", mine), "clean");
  assertFalse(lock.locked());
});

Deno.test("RWLock survives readers and writers that are terminated at random moments", async () => {
  const lock = new RWLock();
  for (let round = 0; round < 4; round++) {
    const crew = new Crew(
      3,
      async (lock: RWLock, number: number) => {
        for (let i = 0;; i++) {
          const isReader = (i + number) % 2 === 0;
          try {
            if (isReader) lock.acquireReadSync();
            else lock.acquireWriteSync();
          } catch (error) {
            if (!(error instanceof AbandonedLockError)) throw error;
          }
          if (i % 5 === 0) await new Promise((done) => setTimeout(done, 0));
          if (isReader) lock.releaseRead();
          else lock.releaseWrite();
        }
      },
      lock,
    );
    for (let i = 0; i < 20 + round * 5; i++) {
      await acquireSaying(lock, i % 2 === 0);
      await turn();
    }
    await crew.terminate();
    await soon("a writer", acquireSaying(lock, false));
    assertFalse(lock.locked());
    await untilWaiting("RWLock", 0);
  }
});

Deno.test("RWLock is not confused by a thread in the place of a dead one", async () => {
  const lock = new RWLock();
  for (let i = 0; i < 5; i++) {
    await using crew = new Crew(
      1,
      (lock: RWLock) => {
        const taken = lock.acquireReadSync();
        lock.acquireReadSync();
        lock.releaseRead();
        return taken;
      },
      lock,
    );
    assertEquals(await crew.results(), [true]);
    await crew.threads[0]!.join();
  }
  assertFalse(lock.locked());
  assert(lock.tryAcquireWrite());
  lock.releaseWrite();
});

Deno.test("RWLock of a thread that waits for itself throws where it would block", () => {
  const lock = new RWLock();
  lock.acquireWriteSync();
  assertThrows(() => lock.acquireReadSync(), DeadlockError);
  assertThrows(() => lock.acquireWriteSync(), DeadlockError);
  lock.releaseWrite();
  lock.acquireReadSync();
  assertThrows(() => lock.acquireWriteSync(), DeadlockError);
  lock.releaseRead();
  assertFalse(lock.locked());
});

Deno.test("RWLock is the same object as an argument, captured, and returned", async () => {
  const lock = new RWLock();
  await using crew = new Crew(
    1,
    (argument: RWLock) => {
      using _ = argument.writeGuardSync();
      return { same: argument === lock && lock.locked(), argument };
    },
    lock,
  );
  const [found] = await crew.results();
  assert(found!.same);
  assertStrictEquals(found!.argument, lock);
});

Deno.test("RWLock tells of a dead writer only those who come after it", async () => {
  const lock = new RWLock();
  const [held, release] = [new Event(), new Event()];
  await using doomed = new Crew(1, hold, lock, false, held, release);
  await held.wait();
  const first = errorOf(lock.acquireRead());
  const second = lock.acquireRead();
  const third = lock.acquireWrite();
  await untilWaiting("RWLock", 3);
  await doomed.terminate();
  assertInstanceOf(await soon("the first", first), AbandonedLockError);
  assert(await soon("the second", second));
  lock.releaseRead();
  lock.releaseRead();
  assert(await soon("the third", third));
  lock.releaseWrite();
});

async function hold(
  lock: RWLock,
  isReader: boolean,
  held: Event,
  release: Event,
): Promise<void> {
  if (isReader) lock.acquireReadSync();
  else lock.acquireWriteSync();
  held.set();
  await release.wait();
  if (isReader) lock.releaseRead();
  else lock.releaseWrite();
}

/** Acquires it, and tells whether it came from the dead. */
async function acquireSaying(lock: RWLock, isReader: boolean): Promise<string> {
  let said = "clean";
  try {
    if (isReader) await lock.acquireRead();
    else await lock.acquireWrite();
  } catch (error) {
    if (!(error instanceof AbandonedLockError)) throw error;
    said = "told";
  }
  if (isReader) lock.releaseRead();
  else lock.releaseWrite();
  return said;
}
