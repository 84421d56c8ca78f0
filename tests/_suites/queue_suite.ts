// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every queue between threads does, after CPython's test_queue.py: on one
// thread, with blocking and with suspended users. `queue_threads_suite.ts` has
// the tests with more threads.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  DeadlockError,
  InvalidStateError,
  type Queue,
  QueueEmptyError,
  QueueFullError,
  QueueShutDownError,
  SerializationError,
} from "../../threading/mod.ts";
import { collect, errorOf, soon } from "./_helpers.ts";
import type { Parties } from "./_parties.ts";

/** How one class of queues differs from the others. */
export interface QueueKind {
  readonly name: string;
  readonly parties: Parties;
  /** In which order items come out. */
  readonly order: "fifo" | "lifo" | "lowest";
  /** False where a queue has no limit. */
  readonly isBounded: boolean;
  /** Makes an empty queue. */
  make<T>(maxSize?: number): Queue<T>;
}

/** What `items` come out as. */
export function ordered(kind: QueueKind, items: number[]): number[] {
  switch (kind.order) {
    case "fifo":
      return items;
    case "lifo":
      return items.toReversed();
    case "lowest":
      return items.toSorted((a, b) => a - b);
  }
}

/** True where a promise has not settled after all that was under way. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = {};
  const turn = new Promise((resolve) => setTimeout(() => resolve(pending), 5));
  return await Promise.race([promise, turn]) === pending;
}

/** What every queue does on one thread. */
export function queueSuite(kind: QueueKind): void {
  const { isBounded } = kind;
  orderTests(kind);
  waitTests(kind);
  doneTests(kind);
  shutdownTests(kind);
  iterationTests(kind);
  if (isBounded) boundedTests(kind);
}

function orderTests(kind: QueueKind): void {
  const { name, make, parties } = kind;

  for (const use of ["Sync", "try", "async"] as const) {
    parties.test(`${name} gives its items in its order (${use})`, async () => {
      const queue = make<number>();
      const items = [111, 333, 222];
      for (const item of items) {
        if (use === "Sync") queue.putSync(item);
        else if (use === "try") assert(queue.tryPut(item));
        else await queue.put(item);
      }
      assertEquals(queue.size, 3);
      assert(!queue.empty);
      const got: unknown[] = [];
      for (const _ of items) {
        if (use === "Sync") got.push(queue.getSync());
        else if (use === "try") got.push(queue.tryGet());
        else got.push(await queue.get());
      }
      assertEquals(got, ordered(kind, items));
      assert(queue.empty);
      assertEquals(queue.size, 0);
      assertStrictEquals(queue.tryGet(), undefined);
    });
  }

  parties.test(`${name} gives its items in its order while it is put and got at random`, () => {
    const queue = make<number>();
    const model: number[] = [];
    // A fixed sequence: what fails once fails again.
    let seed = 20;
    const random = (n: number) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed % n;
    };
    for (let i = 0; i < 20_000; i++) {
      // More puts than gets at first, then the other way round.
      if (random(10) < (i % 5_000 < 2_500 ? 7 : 3)) {
        const item = random(1_000) + (i % 2 === 0 ? 0 : 0.5);
        queue.putSync(item);
        if (kind.order === "lowest") {
          const at = model.findIndex((other) => other > item);
          model.splice(at < 0 ? model.length : at, 0, item);
        } else model.push(item);
      } else {
        const expected = kind.order === "lifo" ? model.pop() : model.shift();
        assertStrictEquals(queue.tryGet(), expected);
      }
      assertEquals(queue.size, model.length);
    }
  });

  parties.test(`${name} keeps its order with items of all lengths at random`, () => {
    const queue = make<[number, string]>();
    const model: number[] = [];
    let seed = 7;
    const random = (n: number) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed % n;
    };
    const text = (n: number) => "abcdefghij".repeat((n * 7919) % 60);
    for (let i = 0; i < 20_000; i++) {
      // It never holds many: what is in it goes round and round.
      if (random(40) > model.length + 5) {
        queue.putSync([i, text(i)]);
        model.push(i);
      } else {
        const expected = kind.order === "lifo" ? model.pop() : model.shift();
        const got = queue.tryGet();
        assertEquals(got?.[0], expected);
        if (got !== undefined) assert(got[1] === text(got[0]));
      }
    }
  });

  parties.test(`${name} keeps items of all lengths apart`, () => {
    const queue = make<[number, string]>();
    const texts = Array.from(
      { length: 200 },
      (_, i) => String.fromCharCode(33 + i % 90).repeat((i * 7919) % 5_000),
    );
    for (let round = 0; round < 3; round++) {
      for (const [i, text] of texts.entries()) queue.putSync([i, text]);
      const got = texts.map(() => queue.getSync());
      const order = ordered(kind, texts.map((_, i) => i));
      assertEquals(got, order.map((i) => [i, texts[i]!]));
    }
  });
}

function waitTests(kind: QueueKind): void {
  const { name, make, parties } = kind;

  parties.test(`${name}.get() waits for a put()`, async () => {
    const queue = make<number>();
    const got = queue.get();
    assert(await isPending(got));
    await queue.put(1);
    assertEquals(await soon("get", got), 1);
    assert(queue.empty);
  });

  parties.test(`${name}.get() serves those who wait in the order of arrival`, async () => {
    const queue = make<number>();
    const got: string[] = [];
    const waits = ["a", "b", "c"].map((who) =>
      queue.get().then((item) => got.push(`${who}${item}`))
    );
    queue.putSync(1);
    // Promised to the first one already.
    assertStrictEquals(queue.tryGet(), undefined);
    await waits[0];
    queue.putSync(2);
    await waits[1];
    queue.putSync(3);
    await soon("all", Promise.all(waits));
    assertEquals(got, ["a1", "b2", "c3"]);
  });

  parties.test(`${name}.get() fails with a QueueEmptyError when the time is up, and leaves no trace`, async () => {
    const queue = make<number>();
    await assertRejects(() => queue.get({ timeout: 0 }), QueueEmptyError);
    const start = performance.now();
    await assertRejects(() => queue.get({ timeout: 20 }), QueueEmptyError);
    assertThrows(() => queue.getSync({ timeout: 20 }), QueueEmptyError);
    assert(performance.now() - start >= 35);
    assertThrows(() => queue.getSync({ timeout: 0 }), QueueEmptyError);
    // Nobody is in front of this one.
    queue.putSync(5);
    assertEquals(queue.tryGet(), 5);
    queue.putSync(6);
    assertEquals(await queue.get({ timeout: 0 }), 6);
  });

  parties.test(`${name} refuses timeouts below 0 and NaN, also where nobody has to wait`, async () => {
    const queue = make<number>(1);
    for (const timeout of [-1, NaN, -Infinity]) {
      await assertRejects(() => queue.put(1, { timeout }), RangeError);
      assertThrows(() => queue.putSync(1, { timeout }), RangeError);
      await assertRejects(() => queue.get({ timeout }), RangeError);
      assertThrows(() => queue.getSync({ timeout }), RangeError);
      await assertRejects(() => queue.join({ timeout }), RangeError);
      assertThrows(() => queue.joinSync({ timeout }), RangeError);
    }
    assert(queue.empty);
    assertEquals(queue.joinSync({ timeout: 0 }), true);
  });

  parties.test(`${name}.get() rejects with the reason of an abort, and leaves no trace`, async () => {
    const queue = make<number>();
    const controller = new AbortController();
    const aborted = queue.get({ signal: controller.signal });
    const second = queue.get();
    const reason = { why: "enough" };
    controller.abort(reason);
    assertStrictEquals(await errorOf(aborted), reason);
    const { signal } = controller;
    assertStrictEquals(await errorOf(queue.get({ signal })), reason);
    assertStrictEquals(await errorOf(queue.put(1, { signal })), reason);
    assertThrows(() => queue.getSync({ signal }));
    await queue.put(2);
    assertEquals(await soon("second", second), 2);
    assert(queue.empty);
  });

  parties.test(`${name}.get() whose item is there when it is aborted gets it`, async () => {
    const queue = make<number>();
    const controller = new AbortController();
    const got = queue.get({ signal: controller.signal });
    queue.putSync(1);
    controller.abort();
    assertEquals(await got, 1);
    assert(queue.empty);
  });

  if (!parties.isElsewhere) {
    parties.test(`${name}.getSync() fails with a DeadlockError where nobody can put`, () => {
      const queue = make<number>();
      assertThrows(() => queue.getSync(), DeadlockError);
      queue.putSync(1);
      assertThrows(() => queue.joinSync(), DeadlockError);
      assertEquals(queue.getSync(), 1);
    });
  }

  parties.test(`${name}.put() of what cannot travel fails at once and puts nothing`, async () => {
    const queue = make<unknown>();
    const bad = [1, new WeakMap()];
    const error = await errorOf(queue.put(bad));
    assertInstanceOf(error, SerializationError);
    assertEquals(error.path, "item[1]");
    assertThrows(() => queue.putSync(bad), SerializationError);
    assertThrows(() => queue.tryPut(bad), SerializationError);
    assert(queue.empty);
    assertThrows(() => queue.taskDone(), InvalidStateError);
    queue.putSync([2, "good"]);
    assertEquals(queue.getSync(), [2, "good"]);
  });

  parties.test(`${name}.put() may be called while an item is read for another one`, () => {
    const queue = make<unknown>();
    queue.putSync([2, {
      get inner() {
        queue.putSync(1);
        return "outer";
      },
    }]);
    const got = [queue.tryGet(), queue.tryGet()];
    const both = [1, [2, { inner: "outer" }]];
    assertEquals(got, kind.order === "lifo" ? both.toReversed() : both);
  });

  parties.test(`${name} is empty, open and without a limit when it is made`, () => {
    const queue = make<number>();
    assert(!queue.full);
    assert(!queue.isShutdown);
    assertEquals(queue.maxSize, 0);
  });
}

function boundedTests(kind: QueueKind): void {
  const { name, make, parties } = kind;

  parties.test(`${name} checks 'maxSize'`, () => {
    assertThrows(() => make("1" as unknown as number), TypeError);
    assertThrows(() => make(NaN), RangeError);
    assertThrows(() => make(1.5), RangeError);
    const queue = make(2);
    assertThrows(() => queue.maxSize = NaN, RangeError);
    assertEquals(queue.maxSize, 2);
    for (const none of [0, -1, -1e12, Infinity, 2 ** 40]) {
      const unlimited = make<number>(none);
      for (let i = 0; i < 100; i++) assert(unlimited.tryPut(i));
      assert(!unlimited.full);
    }
  });

  parties.test(`${name}.tryPut() and put() tell that the queue is full`, async () => {
    const queue = make<number>(2);
    assert(queue.tryPut(1));
    assert(!queue.full);
    assert(queue.tryPut(2));
    assert(queue.full);
    assert(!queue.tryPut(3));
    await assertRejects(() => queue.put(3, { timeout: 0 }), QueueFullError);
    const start = performance.now();
    await assertRejects(() => queue.put(3, { timeout: 20 }), QueueFullError);
    assertThrows(() => queue.putSync(3, { timeout: 20 }), QueueFullError);
    assert(performance.now() - start >= 35);
    assertThrows(() => queue.putSync(3, { timeout: 0 }), QueueFullError);
    assertEquals(queue.size, 2);
    queue.tryGet();
    // Nobody is in front of this one.
    assert(queue.tryPut(4));
  });

  parties.test(`${name}.put() waits for a place, and is served in the order of arrival`, async () => {
    const queue = make<number>(1);
    queue.putSync(0);
    const done: number[] = [];
    const puts = [1, 2, 3].map((item) =>
      queue.put(item).then(() => done.push(item))
    );
    assert(await isPending(puts[0]!));
    assertEquals(queue.size, 1);
    for (let item = 0; item < 3; item++) {
      assertEquals(queue.tryGet(), item);
      // The place is promised.
      assert(!queue.tryPut(99));
      await soon("its turn", puts[item]!);
      assertEquals(done.length, item + 1);
    }
    assertEquals(queue.tryGet(), 3);
    assertEquals(done, [1, 2, 3]);
    assert(queue.tryPut(4));
  });

  parties.test(`${name}.put() that is aborted puts nothing and leaves no trace`, async () => {
    const queue = make<number>(1);
    queue.putSync(0);
    const controller = new AbortController();
    const aborted = queue.put(1, { signal: controller.signal });
    const second = queue.put(2);
    controller.abort("enough");
    assertStrictEquals(await errorOf(aborted), "enough");
    assertEquals(queue.tryGet(), 0);
    await soon("second", second);
    assertEquals(queue.tryGet(), 2);
    assert(queue.empty);
    assert(queue.tryPut(3));
  });

  parties.test(`${name}.maxSize may be lowered and raised`, async () => {
    const queue = make<number>(5);
    for (const item of [1, 2, 3]) queue.putSync(item);
    queue.maxSize = 2;
    assertEquals(queue.maxSize, 2);
    assertEquals(queue.size, 3);
    assert(queue.full);
    const put = queue.put(4);
    queue.getSync();
    assert(await isPending(put));
    queue.getSync();
    await soon("a place", put);
    assertEquals(queue.size, 2);
    const puts = [5, 6, 7].map((item) => queue.put(item));
    assert(await isPending(puts[0]!));
    queue.maxSize = 4;
    await soon("two places", Promise.all(puts.slice(0, 2)));
    assert(await isPending(puts[2]!));
    queue.maxSize = 0;
    await soon("no limit", puts[2]!);
    assertEquals(queue.size, 5);
  });

  parties.test(`${name}.shutdown() wakes those who wait to put`, async () => {
    for (const immediate of [false, true]) {
      const queue = make<number>(1);
      queue.putSync(1);
      const puts = [2, 3].map((item) => queue.put(item));
      assert(await isPending(puts[0]!));
      queue.shutdown({ immediate });
      for (const put of puts) {
        await assertRejects(() => put, QueueShutDownError);
      }
      assertEquals(queue.size, immediate ? 0 : 1);
    }
  });

  parties.test(`${name}.shutdown() before a promised place is taken fails its putter`, async () => {
    const queue = make<number>(1);
    queue.putSync(1);
    const put = queue.put(2);
    queue.tryGet();
    queue.shutdown();
    await assertRejects(() => put, QueueShutDownError);
    assert(queue.empty);
    assert(await queue.join({ timeout: 0 }) === false);
    queue.taskDone();
    assert(await queue.join());
  });

  parties.test(`${name} makes a producer keep pace with its consumer`, async () => {
    const queue = make<number>(3);
    let most = 0;
    const producer = (async () => {
      for (let i = 0; i < 50; i++) {
        await queue.put(i);
        most = Math.max(most, queue.size);
      }
      queue.shutdown();
    })();
    const got = await soon("the items", collect(queue));
    await producer;
    assertEquals(
      got.toSorted((a, b) => a - b),
      Array.from({ length: 50 }, (_, i) => i),
    );
    assert(most <= 3 && most > 1);
  });
}

function doneTests(kind: QueueKind): void {
  const { name, make, parties } = kind;

  parties.test(`${name}.taskDone() fails when it is called too often`, () => {
    const queue = make<number>();
    assertThrows(() => queue.taskDone(), InvalidStateError);
    queue.putSync(1);
    queue.taskDone();
    assertThrows(() => queue.taskDone(), InvalidStateError);
  });

  parties.test(`${name}.join() waits for all items to be done, as often as one likes`, async () => {
    const queue = make<number>();
    assert(await queue.join());
    assert(queue.joinSync());
    for (let round = 0; round < 2; round++) {
      queue.putSync(1);
      queue.putSync(2);
      const joins = [queue.join(), queue.join()];
      for (const _ of [1, 2]) {
        assert(await isPending(joins[0]!));
        await queue.get();
        // Taken is not done.
        assert(await isPending(joins[1]!));
        queue.taskDone();
      }
      assertEquals(await soon("join", Promise.all(joins)), [true, true]);
    }
  });

  parties.test(`${name}.join() tells that the time is up, and ends on an abort`, async () => {
    const queue = make<number>();
    queue.putSync(1);
    assertEquals(await queue.join({ timeout: 0 }), false);
    assertEquals(await queue.join({ timeout: 10 }), false);
    assertEquals(queue.joinSync({ timeout: 10 }), false);
    const signal = AbortSignal.abort("enough");
    assertStrictEquals(await errorOf(queue.join({ signal })), "enough");
    queue.taskDone();
    assertEquals(await queue.join({ timeout: 0 }), true);
  });
}

function shutdownTests(kind: QueueKind): void {
  const { name, make, parties } = kind;
  const closed = async (queue: Queue<number>, canGet: boolean) => {
    assert(queue.isShutdown);
    await assertRejects(() => queue.put(1), QueueShutDownError);
    await assertRejects(
      () => queue.put(1, { timeout: 0 }),
      QueueShutDownError,
    );
    assertThrows(() => queue.putSync(1), QueueShutDownError);
    assertThrows(() => queue.tryPut(1), QueueShutDownError);
    if (canGet) return;
    await assertRejects(() => queue.get(), QueueShutDownError);
    await assertRejects(() => queue.get({ timeout: 10 }), QueueShutDownError);
    assertThrows(() => queue.getSync(), QueueShutDownError);
    assertThrows(() => queue.tryGet(), QueueShutDownError);
  };

  parties.test(`${name}.shutdown() of an empty queue ends put() and get()`, async () => {
    for (const immediate of [false, true]) {
      const queue = make<number>();
      assertEquals(queue.shutdown({ immediate }), []);
      await closed(queue, false);
      assert(await queue.join());
    }
  });

  parties.test(`${name}.shutdown() lets what is left be taken`, async () => {
    const queue = make<number>();
    for (const item of [1, 2, 3]) queue.putSync(item);
    assertEquals(queue.shutdown(), []);
    await closed(queue, true);
    const got = [await queue.get(), queue.getSync(), queue.tryGet()];
    assertEquals(got, ordered(kind, [1, 2, 3]));
    await closed(queue, false);
    const join = queue.join();
    for (const _ of got) {
      assert(await isPending(join));
      queue.taskDone();
    }
    assert(await soon("join", join));
    assertThrows(() => queue.taskDone(), InvalidStateError);
  });

  parties.test(`${name}.shutdown({ immediate: true }) returns what it drops, and counts it as done`, async () => {
    const queue = make<unknown>();
    const items = [1, 1.5, 2];
    for (const item of items) queue.putSync(item);
    const join = queue.join();
    assertEquals(queue.shutdown({ immediate: true }), ordered(kind, items));
    assertEquals(queue.size, 0);
    assert(await soon("join", join));
    assertThrows(() => queue.taskDone(), InvalidStateError);
    await closed(queue as Queue<number>, false);
    assertEquals(queue.shutdown({ immediate: true }), []);
  });

  parties.test(`${name}.shutdown({ immediate: true }) leaves items that were taken to be done`, async () => {
    const queue = make<number>();
    for (const item of [1, 2, 3]) queue.putSync(item);
    queue.getSync();
    const join = queue.join();
    assertEquals(queue.shutdown({ immediate: true }).length, 2);
    assert(await isPending(join));
    queue.taskDone();
    assert(await soon("join", join));
    assertThrows(() => queue.taskDone(), InvalidStateError);
  });

  parties.test(`${name}.shutdown() can be followed by one that drops, and never be undone`, async () => {
    const queue = make<number>();
    queue.putSync(1);
    queue.shutdown();
    queue.shutdown();
    assertEquals(queue.size, 1);
    assertEquals(queue.shutdown({ immediate: true }), [1]);
    assertEquals(queue.shutdown({ immediate: false }), []);
    await closed(queue, false);
  });

  parties.test(`${name}.shutdown() wakes those who wait to get`, async () => {
    for (const immediate of [false, true]) {
      const queue = make<number>();
      const gets = [queue.get(), queue.get(), queue.get({ timeout: 10_000 })];
      assert(await isPending(gets[0]!));
      queue.shutdown({ immediate });
      for (const got of gets) {
        await assertRejects(() => got, QueueShutDownError);
      }
    }
  });

  parties.test(`${name}.shutdown() keeps the items that were promised`, async () => {
    const queue = make<number>();
    const gets = [queue.get(), queue.get(), queue.get()];
    queue.putSync(1);
    queue.putSync(2);
    queue.shutdown();
    const ends = await soon("all", Promise.allSettled(gets));
    assertEquals(ends.map(({ status }) => status), [
      "fulfilled",
      "fulfilled",
      "rejected",
    ]);
    assertEquals((await Promise.all(gets.slice(0, 2))).toSorted(), [1, 2]);
  });

  parties.test(`${name}.shutdown({ immediate: true }) takes promised items away`, async () => {
    const queue = make<number>();
    const got = queue.get();
    queue.putSync(1);
    assertEquals(queue.shutdown({ immediate: true }), [1]);
    await assertRejects(() => got, QueueShutDownError);
  });
}

function iterationTests(kind: QueueKind): void {
  const { name, make, parties } = kind;

  parties.test(`${name} can be iterated until it is shut down`, async () => {
    const queue = make<number>();
    for (const item of [1, 2, 3]) queue.putSync(item);
    queue.shutdown();
    assertEquals(await collect(queue), ordered(kind, [1, 2, 3]));
    assertEquals(await collect(queue), []);
  });

  parties.test(`${name} shares its items among those who iterate`, async () => {
    const queue = make<number>();
    const loops = [1, 2, 3].map(() => collect(queue));
    for (let i = 0; i < 90; i++) {
      await queue.put(i);
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    queue.shutdown();
    const got = await soon("the loops", Promise.all(loops));
    for (const part of got) assert(part.length > 0);
    assertEquals(
      got.flat().toSorted((a, b) => a - b),
      Array.from({ length: 90 }, (_, i) => i),
    );
  });

  parties.test(`${name} can be used after a loop over it was left`, async () => {
    const queue = make<number>();
    for (const item of [1, 1.5]) queue.putSync(item);
    for await (const _ of queue) break;
    assertEquals(queue.size, 1);
    queue.tryGet();
    queue.putSync(3);
    assertEquals(queue.tryGet(), 3);
    // A loop ends where an item cannot be had, too.
    const iterator = queue[Symbol.asyncIterator]();
    const next = iterator.next();
    queue.shutdown();
    assertEquals(await next, { done: true, value: undefined });
  });
}
