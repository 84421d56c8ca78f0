// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's _TestPool and its neighbours (Lib/test/_test_multiprocessing.py),
// under their names: once over processes, once over threads.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  type BasePool,
  BrokenExecutorError,
  CancelledError,
  InvalidStateError,
  type PoolOptions,
  SerializationError,
  TimeoutError,
} from "../../multiprocessing/mod.ts";
import { collect, collected, errorOf, Folder, soon } from "./_helpers.ts";
import { appendLine, bigError, failAtThree, workerId } from "./_pool_tasks.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const squares = (n: number) => range(n).map((x) => x * x);

/** Ends after `n` items by an error, as Python's `exception_throwing_generator`. */
function* throwingAt(n: number): Generator<number> {
  for (let i = 0; i < n; i++) yield i;
  throw new RangeError("the input has failed");
}

/** An input whose iterator cannot be had. */
const withoutIterator: Iterable<number> = {
  [Symbol.iterator](): Iterator<number> {
    throw new RangeError("the input has failed");
  },
};

/** Which pool is tested. */
export interface PoolSubject {
  readonly name: string;
  create(options?: PoolOptions): BasePool;
}

/** Tests of what Python's pools have. */
export function pythonMpPoolSuite({ name, create }: PoolSubject): void {
  const test = testsOf(`${name} `);

  test("test_apply", async () => {
    await using pool = create({ processes: 2 });
    assertEquals(await pool.apply(tasks.square, [5]), 25);
    assertEquals(await pool.apply(tasks.list), []);
    assertEquals(await pool.apply(tasks.add, [2, 3], { name: "sum" }), 5);
    const error = await errorOf(pool.apply(tasks.raise, [new TypeError("x")]));
    assertInstanceOf(error, TypeError);
  });

  test("test_map", async () => {
    await using pool = create({ processes: 2 });
    assertEquals(await pool.map(tasks.square, range(10)), squares(10));
    assertEquals(
      await pool.map(tasks.square, range(100), { chunkSize: 20 }),
      squares(100),
    );
  });

  test("test_map_chunksize: nothing does not stall", async () => {
    await using pool = create({ processes: 1 });
    const result = pool.mapAsync(tasks.square, [], { chunkSize: 1 });
    assertEquals(await result.get({ timeout: 10_000 }), []);
    for (const chunkSize of [0, -1, 1.5]) {
      assertThrows(
        () => pool.mapAsync(tasks.square, [1], { chunkSize }),
        RangeError,
      );
      assertThrows(
        () => pool.imap(tasks.square, [1], { chunkSize }),
        RangeError,
      );
    }
    await assertRejects(
      () => pool.map(tasks.square, [1], { chunkSize: 0 }),
      RangeError,
    );
  });

  test("test_starmap, test_starmap_async", async () => {
    await using pool = create({ processes: 2 });
    const pairs = range(100).map((i): [number, number] => [i, 99 - i]);
    const expected = pairs.map(([a, b]) => a + b);
    assertEquals(await pool.starmap(tasks.add, pairs), expected);
    assertEquals(
      await pool.starmap(tasks.add, pairs, { chunkSize: 20 }),
      expected,
    );
    assertEquals(await pool.starmapAsync(tasks.add, pairs).get(), expected);
  });

  test("test_map_async", async () => {
    await using pool = create({ processes: 2 });
    const result = pool.mapAsync(tasks.square, range(10));
    assertEquals(await result.get(), squares(10));
    assertEquals(await result.get({ timeout: 0 }), squares(10));
    assertEquals(await result, squares(10));
  });

  test("test_map_async_callbacks: one of the two, once", async () => {
    await using pool = create({ processes: 1 });
    const calls: unknown[] = [];
    const callbacks = {
      callback: (value: unknown) => calls.push(["callback", value]),
      errorCallback: (error: unknown) => calls.push(["errorCallback", error]),
    };
    await pool.mapAsync(tasks.square, [2, 3], callbacks).wait();
    assertEquals(calls.splice(0), [["callback", [4, 9]]]);
    await pool.mapAsync(tasks.squareUnlessOdd, [1], callbacks).wait();
    assertEquals(calls.length, 1);
    assertEquals(
      (calls.splice(0) as [string, Error][])[0]![0],
      "errorCallback",
    );
    await pool.mapAsync(tasks.squareUnlessOdd, [1, 2, 3], callbacks).wait();
    assertEquals(calls.length, 1);
    const [[kind, error]] = calls as [[string, Error]];
    assertEquals(kind, "errorCallback");
    assertEquals(error.message, "odd: 1");
  });

  test("test_map_unplicklable: an error, no hang", async () => {
    await using pool = create({ processes: 2 });
    const items = [1, new WeakMap(), 3];
    await assertRejects(
      () => pool.map(tasks.identity, items),
      SerializationError,
      "WeakMap",
    );
    assertEquals(await pool.map(tasks.square, range(3)), squares(3));
  });

  test("test_map_handle_iterable_exception", async () => {
    await using pool = create({ processes: 2 });
    for (
      const items of [
        withoutIterator,
        throwingAt(0),
        throwingAt(10),
        throwingAt(100),
      ]
    ) {
      for (const chunkSize of ["auto", 1, 7] as const) {
        await assertRejects(
          () => pool.map(tasks.square, items, { chunkSize }),
          RangeError,
          "the input has failed",
        );
        // A generator that has failed is at its end.
        if (items !== withoutIterator) break;
      }
    }
    assertEquals(await pool.map(tasks.square, range(3)), squares(3));
  });

  test("test_async, test_async_timeout", async () => {
    await using pool = create({ processes: 1 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const result = pool.applyAsync(tasks.throughGate<number>, [gate, 49]);
    assertEquals(result.ready(), false);
    assertThrows(() => result.successful(), InvalidStateError);
    await assertRejects(() => result.get({ timeout: 1 }), TimeoutError);
    assertEquals(await result.wait({ timeout: 1 }), false);
    folder.open("gate");
    assertEquals(await result.wait(), true);
    assertEquals(await result.get(), 49);
    assert(result.ready());
    assert(result.successful());
    const failed = pool.applyAsync(tasks.squareUnlessOdd, [1]);
    await failed.wait();
    assertEquals(failed.successful(), false);
    await assertRejects(() => failed.get(), RangeError, "odd: 1");
    await assertRejects(() => failed.get(), RangeError, "odd: 1");
  });

  test("test_imap", async () => {
    await using pool = create({ processes: 2 });
    assertEquals(
      await collect(pool.imap(tasks.square, range(10))),
      squares(10),
    );
    const results = pool.imap(tasks.square, range(10));
    for (const square of squares(10)) {
      assertEquals(await results.next(), { done: false, value: square });
    }
    assertEquals((await results.next()).done, true);
    assertEquals((await results.next()).done, true);
    assertEquals(
      await collect(pool.imap(tasks.square, range(1000), { chunkSize: 100 })),
      squares(1000),
    );
  });

  test("test_imap_handle_iterable_exception: what comes before is delivered", async () => {
    await using pool = create({ processes: 2 });
    for (const chunkSize of [1, 2, 4] as const) {
      const results = pool.imap(tasks.square, throwingAt(3), { chunkSize });
      for (const square of squares(3)) {
        assertEquals((await results.next()).value, square);
      }
      await assertRejects(() => results.next(), RangeError, "the input");
      assertEquals((await results.next()).done, true);
    }
    const none = pool.imap(tasks.square, withoutIterator);
    await assertRejects(() => none.next(), RangeError, "the input");
    assertEquals((await none.next()).done, true);
  });

  test("test_imap_unordered", async () => {
    await using pool = create({ processes: 2 });
    const values = await collect(
      pool.imapUnordered(tasks.square, range(100), { chunkSize: 7 }),
    );
    assertEquals(values.sort((a, b) => a - b), squares(100));
  });

  test("test_imap_unordered_handle_iterable_exception", async () => {
    await using pool = create({ processes: 2 });
    const results = pool.imapUnordered(tasks.square, throwingAt(10));
    const values: number[] = [];
    await assertRejects(
      async () => {
        for await (const value of results) values.push(value);
      },
      RangeError,
      "the input",
    );
    assertEquals(values.sort((a, b) => a - b), squares(10));
  });

  test("an iterator survives the error of an item, and goes on", async () => {
    await using pool = create({ processes: 2 });
    for (const chunkSize of [1, 3]) {
      const results = pool.imap(tasks.squareUnlessOdd, range(4), { chunkSize });
      assertEquals((await results.next()).value, 0);
      await assertRejects(() => results.next(), RangeError, "odd: 1");
      assertEquals((await results.next()).value, 4);
      await assertRejects(() => results.next(), RangeError, "odd: 3");
      assertEquals((await results.next()).done, true);
    }
  });

  test("test_make_pool, test_pool_maxtasksperchild_invalid", async () => {
    for (const processes of [0, -1, 1.5]) {
      assertThrows(() => create({ processes }), RangeError, "'processes'");
    }
    for (const maxTasksPerChild of [0, -1, 0.5]) {
      assertThrows(
        () => create({ maxTasksPerChild }),
        RangeError,
        "'maxTasksPerChild'",
      );
    }
    for (
      const options of [
        { maxTasksPerChild: "12" },
        { processes: "2" },
        { initializer: 1 },
        { initArgs: 1 },
      ]
    ) assertThrows(() => create(options as unknown as PoolOptions), TypeError);
    await using pool = create({ processes: 3 });
    await pool.ready();
    assertEquals(pool.stats().workers, 3);
  });

  test("test_terminate: what waits ends quickly", async () => {
    const pool = create({ processes: 2 });
    using folder = new Folder();
    const gates = new Array(10_000).fill([folder.file("never"), 1]);
    const all = pool.starmapAsync(tasks.throughGate<number>, gates, {
      chunkSize: 1,
    });
    const one = pool.applyAsync(tasks.throughGate<number>, gates[0]);
    await soon("the pool ends", pool.terminate());
    assertEquals(await pool.join(), true);
    assertInstanceOf(await errorOf(all), CancelledError);
    assertInstanceOf(await errorOf(one), CancelledError);
  });

  test("test_empty_iterable", async () => {
    await using pool = create({ processes: 1 });
    assertEquals(await pool.map(tasks.square, []), []);
    assertEquals(await collect(pool.imap(tasks.square, [])), []);
    assertEquals(await collect(pool.imapUnordered(tasks.square, [])), []);
    assertEquals(await pool.mapAsync(tasks.square, []).get(), []);
    assertEquals(await pool.starmap(tasks.add, []), []);
    assertEquals(pool.stats().workers, 0);
  });

  test("test_context, test_enter: unusable after its end", async () => {
    let ended: BasePool;
    {
      await using pool = create({ processes: 1 });
      ended = pool;
      assertEquals(await pool.map(tasks.square, range(3)), squares(3));
    }
    assertThrows(
      () => ended.applyAsync(tasks.square, [1]),
      InvalidStateError,
      "the pool was closed",
    );
    assertThrows(() => ended.mapAsync(tasks.square, [1]), InvalidStateError);
    assertThrows(() => ended.imap(tasks.square, [1]), InvalidStateError);
    await assertRejects(
      () => ended.apply(tasks.square, [1]),
      InvalidStateError,
    );
    await assertRejects(() => ended.ready(), InvalidStateError);
  });

  test("join() before close() is refused", async () => {
    await using pool = create({ processes: 1 });
    await assertRejects(() => pool.join(), InvalidStateError, "still open");
  });

  test("test_traceback, test_wrapped_exception: the error is the task's own", async () => {
    await using pool = create({ processes: 1 });
    const error = await errorOf(pool.apply(tasks.failWell));
    assertInstanceOf(error, TypeError);
    assertStringIncludes(error.stack!, "failWell");
    assertInstanceOf(error.cause, RangeError);
    assertEquals(error.cause.cause, "the innermost");
    const other = await errorOf(pool.map(tasks.failWell, [1, 2]));
    assertInstanceOf(other, TypeError);
    assertStringIncludes(other.stack!, "failWell");
  });

  test("test_map_no_failfast: every call runs, also beside huge errors", async () => {
    await using pool = create({ processes: 2 });
    using folder = new Folder();
    const items = range(20).map((i): [string, number] => [
      folder.file("log"),
      i,
    ]);
    for (const chunkSize of ["auto", 6] as const) {
      const error = await errorOf(
        pool.starmap(failAtThree, items, { chunkSize }),
      );
      assertEquals((error as Error).message, "three");
      assertEquals(folder.lines("log").length, 20);
      await Deno.remove(folder.file("log"));
    }
    const huge = await errorOf(pool.map(bigError, range(8)));
    assertEquals((huge as Error).message.length, 1 << 20);
  });

  test("test_release_task_refs: a pool forgets what it has done", async () => {
    await using pool = create({ processes: 1 });
    let ref: WeakRef<object>;
    await (async () => {
      const items = [{ some: "thing" }];
      ref = new WeakRef(items[0]!);
      await pool.map(tasks.identity, items);
      await collect(pool.imap(tasks.identity, items));
      await pool.apply(tasks.identity<unknown>, [items[0]]);
    })();
    await collected(ref!);
  });

  test("test_async_error_callback", async () => {
    await using pool = create({ processes: 1 });
    const told: unknown[] = [];
    pool.applyAsync(tasks.squareUnlessOdd, [1], {
      errorCallback: (error) => told.push(error),
    });
    await pool.apply(tasks.square, [1]);
    assertEquals(told.length, 1);
    assertInstanceOf(told[0], RangeError);
  });

  test("test_unpickleable_result: an error each time, no worker is lost", async () => {
    await using pool = create({ processes: 1 });
    const before = await pool.apply(workerId);
    for (let i = 0; i < 20; i++) {
      const told: unknown[] = [];
      const result = pool.applyAsync(() => new WeakMap(), [], {
        callback: () => told.push("callback"),
        errorCallback: (error) => told.push(error),
      });
      await assertRejects(() => result.get(), SerializationError, "WeakMap");
      assertEquals(told.length, 1);
      assertInstanceOf(told[0], SerializationError);
    }
    const items = range(3);
    await assertRejects(
      () => pool.map(() => new WeakMap(), items),
      SerializationError,
    );
    assertEquals(await pool.apply(workerId), before);
  });

  test("test_pool_worker_lifetime: workers are replaced", async () => {
    await using pool = create({ processes: 2, maxTasksPerChild: 10 });
    const ids = await Promise.all(
      range(40).map(() => pool.apply(workerId)),
    );
    assert(new Set(ids).size >= 4, `${new Set(ids).size} workers`);
  });

  test("test_pool_worker_lifetime_early_close: what was accepted is finished", async () => {
    const pool = create({ processes: 2, maxTasksPerChild: 1 });
    const results = range(6).map((i) => pool.applyAsync(tasks.square, [i]));
    pool.close();
    await pool.join();
    assertEquals(await Promise.all(results), squares(6));
  });

  test("test_release_unused_processes, test_large_pool: no more workers than work", async () => {
    await using pool = create({ processes: 100 });
    assertEquals(await pool.map(tasks.square, range(2)), squares(2));
    assert(pool.stats().workers <= 2, `${pool.stats().workers} workers`);
  });

  test("test_pool_initializer", async () => {
    await using pool = create({
      processes: 2,
      initializer: tasks.initialize,
      initArgs: ["it was"],
    });
    assertEquals(await pool.map(tasks.initialValue, range(2)), [
      "it was",
      "it was",
    ]);
  });

  test("an initializer that fails breaks the pool, with its error as the cause", async () => {
    await using pool = create({
      processes: 2,
      initializer: tasks.failingInitializer,
      initArgs: ["not today"],
    });
    for (
      const result of [
        pool.apply(tasks.square, [1]),
        pool.map(tasks.square, range(100)),
        pool.imap(tasks.square, range(3)).next(),
      ]
    ) {
      const error = await errorOf(
        soon<unknown>("the pool is broken", result),
      );
      assertInstanceOf(error, BrokenExecutorError);
      assertInstanceOf(error.cause, TypeError);
      assertEquals(error.cause.message, "not today");
    }
    assertThrows(() => pool.applyAsync(tasks.square, [1]), BrokenExecutorError);
  });

  test("gh-155477: close() with an iterator that is half read does not hang", async () => {
    const pool = create({ processes: 2 });
    using folder = new Folder();
    const items = range(50).map((i): [string, string] => [
      folder.file("log"),
      `${i}`,
    ]);
    const results = pool.imap(
      appendLine,
      (function* () {
        for (const item of items) yield item;
      })(),
      { bufferSize: 4 },
    );
    assertEquals((await results.next()).value, "0");
    pool.close();
    // It is read on after the close,
    assertEquals((await results.next()).value, "1");
    // and ended by whoever has read enough.
    await results.return!();
    assertEquals(await soon("the pool ends", pool.join()), true);
    assert(folder.lines("log").length < 10, "pulled no more than the window");
  });

  test("an error that ends a loop over imap() does not hold up the pool's end", async () => {
    // The five seconds for which those are waited for who may go on.
    const patience: number[] = [];
    const { setTimeout } = globalThis;
    globalThis.setTimeout = ((fn: () => void, delay: number) => {
      if (delay > 4_000 && delay <= 5_000) patience.push(delay);
      return setTimeout(fn, delay);
    }) as typeof setTimeout;
    try {
      const error = await errorOf((async () => {
        await using pool = create({ processes: 1 });
        const results = pool.imap(tasks.squareUnlessOdd, range(1000), {
          bufferSize: 4,
        });
        for await (const _ of results);
      })());
      assertInstanceOf(error, RangeError);
    } finally {
      globalThis.setTimeout = setTimeout;
    }
    assertEquals(patience, []);
  });

  test("gh-155477: terminate() releases an iterator that is half read", async () => {
    const pool = create({ processes: 1 });
    const results = pool.imap(tasks.square, range(1000), { bufferSize: 4 });
    await results.next();
    await pool.terminate();
    await assertRejects(
      async () => {
        for await (const _ of results);
      },
      CancelledError,
    );
  });
}
