// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Pool and ThreadPool beyond what Python's own tests ask of them.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  type AsyncResult,
  CancelledError,
  InvalidStateError,
  SerializationError,
  task,
  TaskTimeoutError,
  TimeoutError,
  WorkerCrashedError,
} from "../../multiprocessing/mod.ts";
import { captureErrors, captureRejections } from "./_console.ts";
import { collect, errorOf, Folder, soon, until } from "./_helpers.ts";
import { crashAt, failAtThree, sleepy } from "./_pool_tasks.ts";
import type { PoolSubject } from "./python_mp_pool_suite.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Tests of both pools. */
export function mpPoolSuite({ name, create }: PoolSubject): void {
  const test = testsOf(`${name}.`);

  test("apply() runs closures with what they captured, and tasks with their options", async () => {
    await using pool = create({ processes: 1 });
    const factor = 3;
    assertEquals(await pool.apply((n: number) => n * factor, [4]), 12);
    const never = task(() => new Promise<never>(() => {}), { timeout: 1 });
    assertInstanceOf(await errorOf(pool.apply(never)), TaskTimeoutError);
    // Options of the call add to those of the task.
    const both = errorOf(pool.apply(never, [], { name: "mine" }));
    const error = await both as Error;
    assertInstanceOf(error, TaskTimeoutError);
    assert(error.message.includes("'mine'"), error.message);
  });

  test("apply() checks its arguments", async () => {
    await using pool = create({ processes: 1 });
    // deno-lint-ignore no-explicit-any -- what TypeScript refuses
    const wrong = pool as any;
    assertThrows(() => wrong.applyAsync(1), TypeError, "'fn'");
    assertThrows(() => wrong.applyAsync(tasks.square, 1), TypeError, "'args'");
    for (
      const options of [null, 1, { callback: 1 }, { errorCallback: {} }, {
        timeout: "1",
      }]
    ) {
      assertThrows(
        () => wrong.applyAsync(tasks.square, [1], options),
        TypeError,
      );
    }
    assertThrows(
      () => wrong.applyAsync(tasks.square, [1], { timeout: -1 }),
      RangeError,
    );
    assertThrows(() => wrong.mapAsync(tasks.square, 1), TypeError, "'items'");
    assertThrows(
      () => wrong.mapAsync(tasks.square, [], { callback: 1 }),
      TypeError,
    );
    assertThrows(
      () => pool.applyAsync(tasks.identity<unknown>, [new WeakMap()]),
      SerializationError,
      "args[0]",
    );
    await assertRejects(() => wrong.apply(1), TypeError);
    await assertRejects(() => wrong.map(1, []), TypeError);
    await assertRejects(() => wrong.join({ timeout: -1 }), RangeError);
    const result = pool.applyAsync(tasks.square, [2]);
    await assertRejects(() => result.get({ timeout: -1 }), RangeError);
    await assertRejects(() => result.wait({ timeout: NaN }), RangeError);
    await assertRejects(
      () => pool.imap(tasks.square, [1]).next({ timeout: -1 }),
      RangeError,
    );
    assertEquals(await result, 4);
  });

  test("a result is a promise: await, then, all", async () => {
    await using pool = create({ processes: 2 });
    const results = range(5).map((i) => pool.applyAsync(tasks.square, [i]));
    assertEquals(await Promise.all(results), [0, 1, 4, 9, 16]);
    assertEquals(await results[2]!.then((n) => n + 1), 5);
    assertEquals(String(results[0]), "[object AsyncResult]");
    const signal = AbortSignal.abort("no more");
    const result = pool.applyAsync(tasks.square, [3]);
    assertEquals(await errorOf(result.get({ signal })), "no more");
    assertEquals(await errorOf(result.wait({ signal })), "no more");
  });

  test("an error that nobody looks at surfaces once; those that were looked at do not", async () => {
    await using pool = create({ processes: 1 });
    using rejections = captureRejections();
    const looked: AsyncResult<number>[] = [
      pool.applyAsync(tasks.squareUnlessOdd, [1]),
      pool.applyAsync(tasks.squareUnlessOdd, [3], { errorCallback() {} }),
    ];
    await looked[0]!.wait();
    await pool.apply(tasks.square, [2]);
    await rejections.turn();
    assertEquals(rejections.reasons, []);
    pool.applyAsync(tasks.squareUnlessOdd, [5]);
    await pool.apply(tasks.square, [2]);
    await rejections.turn();
    assertEquals(rejections.reasons.length, 1);
    const waiting = pool.applyAsync(tasks.square, [2]);
    await pool.terminate();
    await rejections.turn();
    assertEquals(rejections.reasons.length, 1);
    assertInstanceOf(await errorOf(waiting), CancelledError);
  });

  test("a callback that throws is shown, and harms nobody", async () => {
    await using pool = create({ processes: 1 });
    using errors = captureErrors();
    const fail = () => {
      throw new TypeError("a bad callback");
    };
    const result = pool.applyAsync(tasks.square, [2], { callback: fail });
    assertEquals(await result, 4);
    const other = pool.mapAsync(tasks.square, [2], {
      callback: () => Promise.reject(new TypeError("a bad callback")),
    });
    assertEquals(await other, [4]);
    await pool.applyAsync(tasks.squareUnlessOdd, [1], { errorCallback: fail })
      .wait();
    await until("all are shown", () => errors.lines.length === 3);
    for (const [prefix] of errors.lines) {
      assertEquals(prefix, "Exception in a callback of a pool:");
    }
    assertEquals(await pool.apply(tasks.square, [3]), 9);
  });

  test("a signal cancels a call that waits and one that runs", async () => {
    await using pool = create({ processes: 1 });
    using folder = new Folder();
    const controller = new AbortController();
    const { signal } = controller;
    const gate = [folder.file("never"), 1] as [string, number];
    const running = pool.applyAsync(tasks.throughGate<number>, gate, {
      signal,
    });
    const waiting = pool.applyAsync(tasks.throughGate<number>, gate, {
      signal,
    });
    controller.abort("enough");
    for (const result of [running, waiting]) {
      const error = await errorOf(soon("it is cancelled", result));
      assertInstanceOf(error, CancelledError);
      assertEquals(error.cause, "enough");
    }
    assertEquals(await pool.apply(tasks.square, [3]), 9);
  });

  test("a worker that dies takes along what it ran, and nothing else", async () => {
    await using pool = create({ processes: 2 });
    using folder = new Folder();
    const others = range(6).map((i) =>
      pool.applyAsync(tasks.throughGate<number>, [folder.file("gate"), i])
    );
    const crashed = pool.applyAsync(crashAt, [0], { priority: 1 });
    folder.open("gate");
    assertInstanceOf(await errorOf(crashed), WorkerCrashedError);
    assertEquals(await Promise.all(others), range(6));
    const error = await errorOf(
      soon("the map ends", pool.map(crashAt, [1, 2, 0, 3], { chunkSize: 1 })),
    );
    assertInstanceOf(error, WorkerCrashedError);
    const results = pool.imap(crashAt, [1, 0, 2], { chunkSize: 1 });
    assertEquals((await results.next()).value, 1);
    assertInstanceOf(await errorOf(results.next()), WorkerCrashedError);
    assertEquals((await results.next()).value, 2);
    assertEquals((await results.next()).done, true);
    assertEquals(await pool.map(tasks.square, [1, 2, 3]), [1, 4, 9]);
  });

  test("map() takes any iterable, asynchronous ones too", async () => {
    await using pool = create({ processes: 2 });
    async function* slowly(n: number) {
      for (let i = 0; i < n; i++) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        yield i;
      }
    }
    assertEquals(await pool.map(tasks.square, slowly(4)), [0, 1, 4, 9]);
    assertEquals(await pool.map(tasks.square, new Set([3, 4])), [9, 16]);
    assertEquals(await pool.map((c: string) => c + c, "ab"), ["aa", "bb"]);
    assertEquals(
      await pool.starmap(tasks.add, new Map([[1, 2], [3, 4]])),
      [3, 7],
    );
    assertEquals(await collect(pool.imap(tasks.square, slowly(3))), [0, 1, 4]);
  });

  test("map() takes an array as it is at the call", async () => {
    await using pool = create({ processes: 1 });
    const items = range(5_000);
    const result = pool.mapAsync(tasks.square, items);
    items.fill(-1);
    items.length = 1;
    const squares = await result;
    assertEquals(squares.length, 5_000);
    assertEquals(squares[4_999], 4_999 ** 2);
    const gaps = [1, , 3] as number[];
    assertEquals(await pool.map(tasks.identity<unknown>, gaps), [
      1,
      undefined,
      3,
    ]);
    assertEquals(await pool.map(tasks.square, Array(4).keys()), [0, 1, 4, 9]);
    const even = Object.assign([1, 2, 3, 4], {
      *[Symbol.iterator]() {
        yield* [2, 4];
      },
    });
    assertEquals(await pool.map(tasks.square, even), [4, 16]);
  });

  test("map() with failFast ends at the first error and cancels the rest", async () => {
    await using pool = create({ processes: 1 });
    using folder = new Folder();
    const items = range(5_000).map((i): [string, number] => [
      folder.file("log"),
      i,
    ]);
    const error = await errorOf(
      pool.starmap(failAtThree, items, { failFast: true, chunkSize: 1 }),
    );
    assertEquals((error as Error).message, "three");
    assert(folder.lines("log").length < 5_000);
  });

  test("map() ends at its timeout and by its signal", async () => {
    await using pool = create({ processes: 1, cancelGrace: 0 });
    using folder = new Folder();
    const gates = range(3).map((i): [string, number] => [
      folder.file("never"),
      i,
    ]);
    await assertRejects(
      () => pool.starmap(tasks.throughGate<number>, gates, { timeout: 5 }),
      TimeoutError,
    );
    const controller = new AbortController();
    const result = pool.starmapAsync(tasks.throughGate<number>, gates, {
      signal: controller.signal,
    });
    controller.abort("enough");
    assertEquals(await errorOf(result), "enough");
    assertEquals(await pool.apply(tasks.square, [3]), 9);
  });

  test("imap() reads an endless input no further than its window", async () => {
    await using pool = create({ processes: 2 });
    let pulled = 0;
    let closed = false;
    function* endless() {
      try {
        for (;;) yield pulled++;
      } finally {
        closed = true;
      }
    }
    const found: number[] = [];
    for await (
      const n of pool.imap(tasks.identity<number>, endless(), { bufferSize: 8 })
    ) {
      found.push(n);
      assert(pulled <= n + 9, `${pulled} pulled at ${n}`);
      if (n === 99) break;
    }
    assertEquals(found, range(100));
    assert(closed);
  });

  test("imap() begins at the call", async () => {
    await using pool = create({ processes: 1 });
    using folder = new Folder();
    const results = pool.imap(
      (path: string) => tasks.mark(path, "run"),
      [folder.file("log")],
    );
    await until("it has run", () => folder.lines("log").length === 1);
    assertEquals(await collect(results), ["run"]);
  });

  test("imap().next() gives up at its timeout, and loses no result", async () => {
    await using pool = create({ processes: 1 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const results = pool.imap(
      async (i: number) => i === 0 ? await tasks.throughGate(gate, i) : i,
      range(3),
      { chunkSize: 1 },
    );
    for (const timeout of [0, 5, 1]) {
      await assertRejects(() => results.next({ timeout }), TimeoutError);
    }
    const signal = AbortSignal.abort("enough");
    assertEquals(await errorOf(results.next({ signal })), "enough");
    folder.open("gate");
    assertEquals((await results.next()).value, 0);
    assertEquals((await results.next({ timeout: 10_000 })).value, 1);
    assertEquals((await results.next()).value, 2);
    assertEquals((await results.next()).done, true);
  });

  test("imapUnordered() gives what is done first", async () => {
    await using pool = create({ processes: 2 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const results = pool.imapUnordered(
      async (i: number) => i === 0 ? await tasks.throughGate(gate, i) : i,
      range(4),
      { chunkSize: 1 },
    );
    const found = [(await results.next()).value, (await results.next()).value];
    assert(!found.includes(0), `${found}`);
    folder.open("gate");
    for await (const value of results) found.push(value);
    assertEquals(found.toSorted(), range(4));
  });

  test("close() lets a map finish its whole input", async () => {
    const pool = create({ processes: 1 });
    const input = Promise.withResolvers<void>();
    const result = pool.mapAsync(
      tasks.square,
      (async function* () {
        yield 1;
        await input.promise;
        yield* [2, 3];
      })(),
    );
    pool.close();
    pool.close();
    assertThrows(() => pool.applyAsync(tasks.square, [1]), InvalidStateError);
    assertEquals(await pool.join({ timeout: 0 }), false);
    input.resolve();
    assertEquals(await result, [1, 4, 9]);
    assertEquals(await pool.join(), true);
    assertEquals(await pool.join({ timeout: 0 }), true);
  });

  test("join() gives up an iterator that nobody reads, which ends with an error", async () => {
    const pool = create({ processes: 1 });
    const results = pool.imap(tasks.square, range(100), {
      bufferSize: 4,
      chunkSize: 1,
    });
    assertEquals((await results.next()).value, 0);
    pool.close();
    {
      using _ = hastened();
      assertEquals(await soon("the pool ends", pool.join()), true);
    }
    const found: number[] = [];
    const error = await errorOf((async () => {
      for await (const value of results) found.push(value);
    })());
    // What was pulled is delivered; there is no silent end.
    assertInstanceOf(error, InvalidStateError);
    assertEquals(found, [1, 4, 9]);
  });

  test("terminate() ends the input of a map that waits for it", async () => {
    const pool = create({ processes: 1 });
    const result = pool.mapAsync(
      tasks.square,
      (async function* () {
        yield 1;
        await new Promise(() => {});
      })(),
    );
    await pool.terminate();
    assertInstanceOf(await errorOf(soon("it ends", result)), CancelledError);
    await pool.terminate();
    assertEquals(await pool.join(), true);
  });

  test("a pool cannot be sent", async () => {
    await using pool = create({ processes: 1 });
    assertThrows(
      () => pool.applyAsync(tasks.identity<unknown>, [pool]),
      SerializationError,
      "a pool stays where it was made",
    );
  });

  test("stats() tells what it has done", async () => {
    await using pool = create({ processes: 1, name: "mine" });
    await pool.map(tasks.square, range(10));
    await pool.apply(sleepy, [1]);
    const { workers, completed, perWorker } = pool.stats();
    assertEquals([workers, completed], [1, 11]);
    assertEquals(perWorker[0]!.name, "mine");
  });
}

/** Has the five seconds that a pool waits for a reader pass at once. */
function hastened(): Disposable {
  const { setTimeout } = globalThis;
  const { now } = performance;
  let late = 0;
  performance.now = () => now.call(performance) + late;
  globalThis.setTimeout = ((fn: () => void, delay: number) => {
    if (!(delay > 4_000 && delay <= 5_000)) return setTimeout(fn, delay);
    return setTimeout(() => {
      late += delay;
      fn();
    }, 1);
  }) as typeof setTimeout;
  return {
    [Symbol.dispose]() {
      globalThis.setTimeout = setTimeout;
      performance.now = now;
    },
  };
}
