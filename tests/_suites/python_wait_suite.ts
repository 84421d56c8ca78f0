// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's WaitTests and AsCompletedTests (test_wait.py, test_as_completed.py),
// under their names, with the futures of an executor.

import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { asCompleted, Future, TimeoutError, wait } from "../../futures/mod.ts";
import { collect, collected, errorOf, Folder, soon } from "./_helpers.ts";
import type { Subject } from "./executor_suite.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

function successful(): Future<number> {
  const future = new Future<number>();
  future.setResult(42);
  return future;
}

function cancelled(): Future<number> {
  const future = new Future<number>();
  future.cancel();
  return future;
}

function failed(): Future<number> {
  const future = new Future<number>();
  future.setException(new RangeError("failed"));
  return future;
}

/** Tests of `wait`. */
export function pythonWaitSuite({ name, create }: Subject): void {
  const test = testsOf(`${name} `);
  const gated = tasks.throughGate<number>;

  test("test_20369: duplicates count once", async () => {
    await using executor = create({ maxWorkers: 1 });
    const future = executor.submit(tasks.square, 2);
    const { done, notDone } = await soon("both", wait([future, future]));
    assertEquals([...done], [future]);
    assertEquals(notDone.size, 0);
  });

  test("test_first_completed", async () => {
    await using executor = create({ maxWorkers: 2 });
    using folder = new Folder();
    const fast = executor.submit(tasks.square, 42);
    const slow = executor.submit(gated, folder.file("gate"), 1);
    const own = new Future<number>();
    const { done, notDone } = await soon(
      "one",
      wait([own, slow, fast], { returnWhen: "first" }),
    );
    assertEquals(done, new Set([fast]));
    assertEquals(notDone, new Set([own, slow]));
    folder.open("gate");
    await slow;
  });

  test("test_first_completed_some_already_completed", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const slow = executor.submit(gated, folder.file("gate"), 1);
    const old = cancelled();
    const { done, notDone } = await soon(
      "one",
      wait([old, slow], { returnWhen: "first" }),
    );
    assertEquals([...done], [old]);
    assertEquals([...notDone], [slow]);
    folder.open("gate");
    await slow;
  });

  test("test_first_exception", async () => {
    await using executor = create({ maxWorkers: 2 });
    using folder = new Folder();
    const good = executor.submit(tasks.square, 1);
    const slow = executor.submit(gated, folder.file("gate"), 1);
    const bad = executor.submit(tasks.raise, 0) as Future<number>;
    const { done, notDone } = await soon(
      "the failure",
      wait([good, bad, slow], { returnWhen: "firstException" }),
    );
    assertEquals(done, new Set([good, bad]));
    assertEquals(notDone, new Set([slow]));
    folder.open("gate");
    await slow;
  });

  test("test_first_exception_some_already_complete", async () => {
    await using executor = create({ maxWorkers: 1 });
    const bad = executor.submit(tasks.raise, undefined) as Future<number>;
    const old = [successful(), cancelled()];
    const open = new Future<number>();
    const { done, notDone } = await soon(
      "the failure",
      wait([...old, bad, open], { returnWhen: "firstException" }),
    );
    assertEquals(done, new Set([...old, bad]));
    assertEquals(notDone, new Set([open]));
  });

  test("test_first_exception_one_already_failed", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const slow = executor.submit(gated, folder.file("gate"), 1);
    const old = failed();
    const { done, notDone } = await soon(
      "the failure",
      wait([old, slow], { returnWhen: "firstException" }),
    );
    assertEquals([...done], [old]);
    assertEquals([...notDone], [slow]);
    folder.open("gate");
    await slow;
  });

  test("test_all_completed", async () => {
    await using executor = create({ maxWorkers: 2 });
    const all = [
      executor.submit(tasks.square, 2),
      executor.submit(tasks.raise, "no") as Future<number>,
      successful(),
      failed(),
      cancelled(),
    ];
    const { done, notDone } = await soon("all", wait(all));
    assertEquals(done, new Set(all));
    assertEquals(notDone.size, 0);
  });

  test("test_timeout: it is no error, the sets tell", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const slow = executor.submit(gated, folder.file("gate"), 1);
    const old = [successful(), failed(), cancelled()];
    for (const timeout of [0, 30]) {
      const { done, notDone } = await wait([...old, slow], { timeout });
      assertEquals(done, new Set(old));
      assertEquals(notDone, new Set([slow]));
    }
    folder.open("gate");
    await slow;
  });

  test("test_pending_calls_race: a hundred that are released together", async () => {
    await using executor = create({ maxWorkers: 2 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const futures = Array.from(
      { length: 100 },
      (_, i) => executor.submit(gated, gate, i),
    );
    const waits = [
      wait(futures),
      wait(futures, { returnWhen: "firstException" }),
    ];
    folder.open("gate");
    for (const { done } of await soon("all", Promise.all(waits))) {
      assertEquals(done.size, 100);
    }
  });
}

/** Tests of `asCompleted`. */
export function pythonAsCompletedSuite({ name, create }: Subject): void {
  const test = testsOf(`${name} `);
  const gated = tasks.throughGate<number>;

  test("test_no_timeout: those that have settled come first", async () => {
    await using executor = create({ maxWorkers: 2 });
    const a = executor.submit(tasks.add, 2, 21);
    const b = executor.submit(tasks.add, 7, 6);
    const old = [cancelled(), failed(), successful()];
    const found = await soon("all", collect(asCompleted([a, ...old, b])));
    assertEquals(found.slice(0, 3), old);
    assertEquals(new Set(found), new Set([a, b, ...old]));
  });

  test("test_future_times_out: what has settled is yielded all the same", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const slow = executor.submit(gated, folder.file("gate"), 1);
    const old = [cancelled(), failed(), successful()];
    for (const timeout of [0, 100]) {
      const results = asCompleted([...old, slow], { timeout });
      for (const expected of old) {
        assertStrictEquals((await results.next()).value, expected);
      }
      assertInstanceOf(await errorOf(results.next()), TimeoutError);
    }
    folder.open("gate");
    await slow;
  });

  test("test_duplicate_futures: any iterable, each once", async () => {
    await using executor = create({ maxWorkers: 1 });
    const future = executor.submit(tasks.square, 2);
    const twice = function* () {
      yield future;
      yield future;
    };
    for (const futures of [[future, future], twice()]) {
      assertEquals(await soon("one", collect(asCompleted(futures))), [future]);
    }
  });

  test("test_correct_timeout_exception_msg", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const slow = executor.submit(gated, folder.file("gate"), 1);
    const futures = [cancelled(), slow, successful(), new Future<number>()];
    const error = await errorOf(collect(asCompleted(futures, { timeout: 0 })));
    assertInstanceOf(error, TimeoutError);
    assertStringIncludes(error.message, "2 of 4");
    folder.open("gate");
    await slow;
  });

  test("test_free_reference_yielded_future: what was yielded is not kept", async () => {
    await using executor = create({ maxWorkers: 1 });
    const open = new Future<unknown>();
    const start = () =>
      asCompleted<unknown>([
        executor.submit(tasks.square, 1),
        executor.submit(tasks.square, 2),
        successful(),
        open,
      ], { timeout: 60_000 });
    const results = start();
    const step = async () =>
      new WeakRef((await results.next()).value as Future<unknown>);
    const refs = [await step(), await step(), await step()];
    await collected(...refs);
    open.setResult(1);
    assertStrictEquals((await results.next()).value, open);
    assertEquals((await results.next()).done, true);
  });
}
