// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The iterator of a map behaves as that of an async generator, however its
// methods are called.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  asCompleted,
  type MapOptions,
  ThreadPoolExecutor,
  wait,
} from "../../futures/mod.ts";
import { soon } from "../_suites/_helpers.ts";
import { identity, squareUnlessOdd } from "../_suites/_tasks.ts";

/** An endless input that tells what becomes of it. */
function source() {
  const events: string[] = [];
  let next = 0;
  return {
    events,
    *[Symbol.iterator](): Generator<number> {
      events.push("opened");
      try {
        for (;;) yield next++;
      } finally {
        events.push("closed");
      }
    },
  };
}

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

Deno.test("Executor.map() answers calls of next() in their order, made at once", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
  const results = pool.map(identity<number>, [1, 2, 3, 4, 5]);
  const steps = Array.from({ length: 8 }, () => results.next());
  assertEquals(await soon("all", Promise.all(steps)), [
    ...[1, 2, 3, 4, 5].map((value) => ({ done: false as const, value })),
    done,
    done,
    done,
  ]);
});

Deno.test("Executor.map() mixes calls of next() that wait with those that need not", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const results = pool.map(identity<number>, Array(300).keys(), {
    chunkSize: 7,
  });
  const found: Promise<IteratorResult<number>>[] = [];
  // One at a time, two at a time, three at a time.
  for (let i = 0; i < 300; i += found.length % 4 + 1) {
    for (let k = 0; k <= i % 3; k++) found.push(results.next());
    await found.at(-1);
  }
  const steps = await soon("all", Promise.all(found));
  const values = steps.filter((step) => !step.done).map((step) => step.value);
  assertEquals(values, [...values.keys()]);
  await results.return!();
});

Deno.test("Executor.map() closes its input at return(), after the next() that is under way", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const input = source();
  const results = pool.map(identity<number>, input);
  const next = results.next();
  const ended = results.return!("value");
  const late = results.next();
  assertEquals(await soon("the item", next), { done: false, value: 0 });
  assertEquals<unknown>(await ended, { done: true, value: "value" });
  assertEquals(await late, done);
  assertEquals(input.events, ["opened", "closed"]);
});

Deno.test("Executor.map() does not touch its input where it is ended before its first step", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const input = source();
  const returned = pool.map(identity<number>, input);
  assertEquals(await returned.return!(), done);
  assertEquals(await returned.next(), done);
  const thrown = pool.map(identity<number>, input);
  await assertRejects(() => thrown.throw!(new RangeError("mine")), RangeError);
  assertEquals(await thrown.next(), done);
  assertEquals(input.events, []);
});

Deno.test("Executor.map() closes its input at throw(), and is over", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const input = source();
  const results = pool.map(identity<number>, input);
  assertEquals((await results.next()).value, 0);
  await assertRejects(
    () => results.throw!(new RangeError("mine")),
    RangeError,
    "mine",
  );
  assertEquals(await results.next(), done);
  assertEquals(input.events, ["opened", "closed"]);
});

Deno.test("Executor.map() is over after an error, which it throws once", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const results = pool.map(squareUnlessOdd, [0, 2, 3, 4], { chunkSize: 4 });
  const steps = await soon(
    "all",
    Promise.allSettled(Array.from({ length: 5 }, () => results.next())),
  );
  assertEquals(
    steps.map((step) =>
      step.status === "fulfilled" ? step.value.value : `${step.reason}`
    ),
    [0, 4, "RangeError: odd: 3", undefined, undefined],
  );
});

Deno.test("Executor.map() can be disposed of", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const input = source();
  {
    await using results = pool.map(
      identity<number>,
      input,
    ) as AsyncIterableIterator<number> & AsyncDisposable;
    assertEquals((await results.next()).value, 0);
  }
  assertEquals(input.events, ["opened", "closed"]);
});

Deno.test("Executor.map() ends a settling iteration over an endless input with its executor", async () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const input = source();
  const results = pool.map(identity<number>, input, { onError: "settle" });
  assertEquals((await results.next()).value?.status, "fulfilled");
  await pool.terminate();
  const all = (async () => {
    for await (const _ of results);
  })();
  await assertRejects(() => soon("the end", all), Error, "terminated");
  assertEquals(input.events, ["opened", "closed"]);
});

Deno.test("Executor.map() loses no item where the machine is so busy that time passes between any two lines", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  await pool.ready();
  const now = performance.now;
  let late = 0;
  performance.now = () => now.call(performance) + (late += 20);
  try {
    const results = pool.map(identity<number>, Array(20).keys(), {
      bufferSize: 1,
    });
    assertEquals(
      await soon("all", Array.fromAsync(results)),
      [...Array(20).keys()],
    );
  } finally {
    performance.now = now;
  }
});

Deno.test("Executor.map() throws what the function has thrown, also where closing the input fails", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const input = {
    [Symbol.iterator]: (): Iterator<number> => ({
      next: () => ({ done: false, value: 3 }),
      return: () => {
        throw new RangeError("return() has failed");
      },
    }),
  };
  const fails = (): never => {
    throw new TypeError("the function has failed");
  };
  await assertRejects(
    () => soon("the end", Array.fromAsync(pool.map(fails, input))),
    TypeError,
    "the function has failed",
  );
  const results = pool.map(identity<number>, input);
  await results.next();
  await assertRejects(
    () => results.throw!(new SyntaxError("thrown in")),
    SyntaxError,
    "thrown in",
  );
});

Deno.test("Executor.map() refuses an input whose iterator is none", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const inputs: [unknown, string][] = [
    [{ [Symbol.iterator]: () => 3 }, "must give an iterator"],
    [{ [Symbol.asyncIterator]: () => ({}) }, "must give an iterator"],
    [
      { [Symbol.iterator]: () => ({ next: () => 3 }) },
      "must give objects with 'done' and 'value' at next()",
    ],
    [
      { [Symbol.asyncIterator]: () => ({ next: () => undefined }) },
      "must give objects with 'done' and 'value' at next()",
    ],
  ];
  for (const [input, message] of inputs) {
    await assertRejects(
      () =>
        soon(
          "the end",
          Array.fromAsync(
            pool.map(identity<number>, input as Iterable<number>),
          ),
        ),
      TypeError,
      message,
    );
  }
});

Deno.test("Executor.starmap() names an item that is no list of arguments, in its place", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const lists = [[1], null, [2], 3, new Set([4])];
  const results = pool.starmap(
    identity<number>,
    lists as unknown as [number][],
    { onError: "settle" } as MapOptions,
  ) as AsyncIterableIterator<unknown>;
  const settled = await soon("all", Array.fromAsync(results));
  assertEquals(
    (settled as PromiseSettledResult<number>[]).map((one) =>
      one.status === "fulfilled" ? one.value : one.reason.message
    ),
    [
      1,
      "Cannot starmap as 'items' must hold arrays of arguments: current value is null",
      2,
      "Cannot starmap as 'items' must hold arrays of arguments: current value is 3",
      4,
    ],
  );
});

Deno.test("What takes options refuses null for them", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const none = null as unknown as Record<never, never>;
  const message = "'options' must be an object: current value is null";
  assertThrows(() => pool.map(identity, [], none), TypeError, message);
  assertThrows(() => pool.starmap(identity, [], none), TypeError, message);
  assertThrows(() => asCompleted([], none), TypeError, message);
  await assertRejects(() => wait([], none), TypeError, message);
  await assertRejects(() => pool.shutdown(none), TypeError, message);
});

async function* inPromises<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

for (
  const [name, input] of [["slow input", undefined], [
    "slow asynchronous input",
    inPromises,
  ]] as const
) {
  Deno.test(`map() lets timers run between the items of a ${name} whose results are there at once`, async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    await pool.ready();
    let items = 0;
    let most = 0;
    let since = 0;
    function* slow() {
      for (; items < 200; items++) {
        const end = performance.now() + 1;
        while (performance.now() < end);
        since++;
        yield items;
      }
    }
    const timer = setInterval(() => {
      most = Math.max(most, since);
      since = 0;
    }, 1);
    const all = input === undefined ? slow() : input(slow());
    const results = pool.map((x: number) => x, all, { bufferSize: 1_000 });
    for await (const _ of results);
    clearInterval(timer);
    assertEquals(items, 200);
    // By the clock eight items, and one that was under way.
    assert(Math.max(most, since) <= 30, `${most} and ${since} items at a time`);
  });
}
