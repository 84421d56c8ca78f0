// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Thread } from "../../threading/mod.ts";
import { PriorityQueue } from "../../threading/priority_queue.ts";
import { soon } from "../_suites/_helpers.ts";
import { THREADS } from "../_suites/_parties.ts";
import { queueSuite } from "../_suites/queue_suite.ts";
import { queueThreadsSuite } from "../_suites/queue_threads_suite.ts";

const kind = {
  name: "PriorityQueue",
  order: "lowest",
  parties: THREADS,
  isBounded: true,
  make: <T>(maxSize?: number) => new PriorityQueue<T>(maxSize),
} as const;

queueSuite(kind);
queueThreadsSuite(kind);

/** Everything that comes out. */
function drain<T>(queue: PriorityQueue<T>): T[] {
  const items: T[] = [];
  while (!queue.empty) items.push(queue.getSync());
  return items;
}

Deno.test("PriorityQueue takes the priority of numbers, strings, dates, arrays and objects", () => {
  const lists: unknown[][] = [
    [-Infinity, -1.5, 0, 2, 1e300, Infinity],
    ["", "A", "B", "a", "aa", "b", "\uffff"],
    [new Date(-5), new Date(0), new Date(7)],
    [[1, { b: 1 }], [2, "x"], [3]],
    [["a", 2], ["b", 1]],
    [{ priority: 1, name: "z" }, { priority: 2, name: "a" }],
    [-(10n ** 30n), -1n, 0n, 2n ** 60n, 2n ** 60n + 1n, 10n ** 400n],
  ];
  for (const list of lists) {
    const queue = new PriorityQueue<unknown>();
    for (const item of list.toReversed()) queue.putSync(item);
    assertEquals(drain(queue), list);
  }
});

Deno.test("PriorityQueue compares numbers, bigints and dates with each other", () => {
  const near = 2 ** 53;
  const sorted = [
    -Infinity,
    -(10n ** 400n),
    -(2n ** 60n) - 1n,
    -(2n ** 60n),
    -1,
    new Date(0),
    1n,
    1.5,
    new Date(2),
    near,
    BigInt(near) + 1n,
    near + 2,
    2n ** 60n - 1n,
    2 ** 60,
    2n ** 60n + 1n,
    2n ** 60n + 2n,
    10n ** 400n,
    10n ** 401n,
    Infinity,
  ];
  for (let round = 0; round < 20; round++) {
    const queue = new PriorityQueue<unknown>();
    const shuffled = sorted.toSorted((a, b) =>
      (Number(String(a).length) * (round * 7 + 3)) % 11 -
      (Number(String(b).length) * (round * 7 + 3)) % 11
    );
    for (const item of round % 2 ? shuffled : shuffled.toReversed()) {
      queue.putSync(item);
    }
    assertEquals(drain(queue), sorted);
  }
});

Deno.test("PriorityQueue gives items of the same priority in the order of their put()", () => {
  const queue = new PriorityQueue<[number | string | bigint, unknown]>();
  // What cannot be compared stands behind what can.
  for (const priority of [1, "p", 10n ** 30n]) {
    for (let i = 0; i < 100; i++) queue.putSync([priority, i % 2 ? { i } : i]);
    const got = drain(queue).map(([, item]) =>
      typeof item === "number" ? item : (item as { i: number }).i
    );
    assertEquals(got, Array.from({ length: 100 }, (_, i) => i));
  }
});

Deno.test("PriorityQueue orders strings as they compare, under puts and gets", () => {
  const queue = new PriorityQueue<string>();
  const model: string[] = [];
  let seed = 3;
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed % n;
  };
  for (let i = 0; i < 3_000; i++) {
    if (random(10) < (i < 2_000 ? 6 : 4)) {
      const text = Array.from(
        { length: random(6) },
        () => "abäz\ud83d\ude00"[random(6)],
      ).join("").repeat(1 + random(3));
      queue.putSync(text);
      model.push(text);
      model.sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
    } else assertEquals(queue.tryGet(), model.shift());
  }
  assertEquals(drain(queue), model);
});

Deno.test("PriorityQueue refuses an item without a priority and puts nothing", async () => {
  const queue = new PriorityQueue<unknown>();
  const bad = [
    NaN,
    null,
    undefined,
    true,
    {},
    [],
    [[1]],
    { priority: "a".at(5) },
    new Date(NaN),
    Symbol.iterator,
    () => 1,
  ];
  for (const item of bad) {
    assertThrows(() => queue.putSync(item), TypeError, "priority");
    assertThrows(() => queue.tryPut(item), TypeError, "priority");
    await assertRejects(() => queue.put(item), TypeError, "priority");
  }
  assert(queue.empty);
  assert(await queue.join({ timeout: 0 }));
});

Deno.test("PriorityQueue refuses a priority that cannot be compared with those in it", async () => {
  const queue = new PriorityQueue<unknown>();
  queue.putSync(1);
  await assertRejects(() => queue.put("a"), TypeError, "number");
  assertThrows(() => queue.putSync(["a", 1]), TypeError);
  assertEquals(queue.size, 1);
  queue.putSync(5n);
  assertEquals(drain(queue), [1, 5n]);
  // An empty queue takes any kind.
  queue.putSync("a");
  assertThrows(() => queue.putSync(1), TypeError, "string");
  assertEquals(drain(queue), ["a"]);
  for (const _ of [1, 2, 3]) queue.taskDone();
  assert(await queue.join({ timeout: 0 }));
});

Deno.test("PriorityQueue gives the place of a putter that is refused to the next one", async () => {
  const queue = new PriorityQueue<unknown>(2);
  queue.putSync(1);
  queue.putSync(5);
  const refused = queue.put("a");
  const next = queue.put(3);
  assertEquals(queue.tryGet(), 1);
  await assertRejects(() => refused, TypeError);
  await soon("its place", next);
  assertEquals(drain(queue), [3, 5]);
});

Deno.test("PriorityQueue's option 'priority' chooses the order, in other threads too", async () => {
  const sign = -1;
  const queue = new PriorityQueue<{ size: number }>(0, {
    priority: (item) => item.size * sign,
  });
  const thread = new Thread({
    target: () => {
      for (const size of [2, 9, 4]) queue.putSync({ size });
      return queue.getSync().size;
    },
  }).start();
  assertEquals(await thread.result(), 9);
  await thread.join();
  queue.putSync({ size: 3 });
  assertEquals(drain(queue).map(({ size }) => size), [4, 3, 2]);
  assertThrows(
    () => new PriorityQueue(0, { priority: 1 as unknown as () => number }),
    TypeError,
  );
});

Deno.test("PriorityQueue.put() passes an error of 'priority' on and puts nothing", async () => {
  const queue = new PriorityQueue<number>(0, {
    priority: (n) => {
      if (n > 5) throw new RangeError("too much");
      return n;
    },
  });
  await assertRejects(() => queue.put(6), RangeError, "too much");
  assertThrows(() => queue.putSync(7), RangeError, "too much");
  queue.putSync(5);
  assertEquals(drain(queue), [5]);
});

Deno.test("PriorityQueue.get() gives the lowest of what is there when its turn comes", async () => {
  const queue = new PriorityQueue<number>();
  const got = queue.get();
  queue.putSync(5);
  queue.putSync(1);
  assertEquals(await got, 1);
  assertEquals(await queue.get(), 5);
});
