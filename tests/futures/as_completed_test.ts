// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The behaviours of CPython's test_as_completed.py, under its names.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  asCompleted,
  Future,
  ThreadPoolExecutor,
  TimeoutError,
} from "../../futures/mod.ts";
import { collect, errorOf, soon } from "../_suites/_helpers.ts";
import * as tasks from "../_suites/_tasks.ts";

function successful(): Future<number> {
  const future = new Future<number>();
  future.setResult(1);
  return future;
}

Deno.test("asCompleted test_no_timeout", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 2 });
  const a = executor.submit(tasks.square, 2);
  const b = executor.submit(tasks.square, 3);
  const old = successful();
  const cancelled = new Future<number>();
  cancelled.cancel();
  const found = await soon(
    "all",
    collect(asCompleted([a, old, b, cancelled])),
  );
  assertEquals(found.slice(0, 2), [old, cancelled]);
  assertEquals(new Set(found), new Set([a, b, old, cancelled]));
});

Deno.test("asCompleted() yields futures in the order in which they settle", async () => {
  const [a, b, c] = Array.from({ length: 3 }, () => new Future<number>());
  const found = collect(asCompleted([a!, b!, c!]));
  c!.setResult(3);
  a!.setException(new RangeError("one"));
  b!.cancel();
  assertEquals(await found, [c!, a!, b!]);
});

Deno.test("asCompleted test_future_times_out", async () => {
  for (const timeout of [0, 30]) {
    const [old, open] = [successful(), new Future<number>()];
    const results = asCompleted([old, open], { timeout });
    assertStrictEquals((await results.next()).value, old);
    assertInstanceOf(await errorOf(results.next()), TimeoutError);
    assertEquals((await results.next()).done, true);
  }
});

Deno.test("asCompleted test_duplicate_futures", async () => {
  const future = successful();
  function* twice() {
    yield future;
    yield future;
  }
  assertEquals(await collect(asCompleted(twice())), [future]);
});

Deno.test("asCompleted test_correct_timeout_exception_msg", async () => {
  const futures = [
    successful(),
    new Future<number>(),
    successful(),
    new Future<number>(),
  ];
  const error = await errorOf(collect(asCompleted(futures, { timeout: 0 })));
  assertStringIncludes((error as Error).message, "2 of 4");
});

Deno.test("asCompleted() of nothing ends at once", async () => {
  assertEquals(await collect(asCompleted([])), []);
  assertEquals(await collect(asCompleted([], { timeout: 0 })), []);
});

Deno.test("asCompleted() answers steps that were asked for together", async () => {
  const [a, b] = [new Future<number>(), new Future<number>()];
  const results = asCompleted([a, b]);
  const steps = Promise.all([results.next(), results.next(), results.next()]);
  b.setResult(2);
  a.setResult(1);
  const found = await soon("the steps", steps);
  assertEquals(
    new Set(found.map(({ value }) => value)),
    new Set([a, b, undefined]),
  );
  assertEquals(found.filter(({ done }) => done).length, 1);
});

Deno.test("asCompleted() that is left answers a step under way", async () => {
  const open = new Future<number>();
  const results = asCompleted([open], { timeout: 60_000 });
  const step = results.next();
  await results.return!();
  assertEquals((await soon("the step", step)).done, true);
});

Deno.test("asCompleted() ends with the reason of its signal", async () => {
  const open = new Future<number>();
  const controller = new AbortController();
  const results = collect(asCompleted([open], { signal: controller.signal }));
  const reason = new RangeError("enough");
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => results), reason);
});

Deno.test("asCompleted() checks its arguments at the call", () => {
  assertThrows(() => asCompleted([successful()], { timeout: -1 }), RangeError);
  for (const futures of [null, undefined, 1, "f", {}, [Promise.resolve(1)]]) {
    assertThrows(
      () => asCompleted(futures as unknown as Future<number>[]),
      TypeError,
    );
  }
});

Deno.test("asCompleted() looks after the errors: none surfaces as unhandled", async () => {
  const future = new Future<number>();
  const results = asCompleted([future]);
  future.setException(new RangeError("late"));
  await new Promise((resolve) => setTimeout(resolve, 0));
  const { value } = await results.next();
  assert(value === future);
});

Deno.test("asCompleted() that nobody iterates leaves no timer behind", () => {
  // The sanitizers of the test see one that is left.
  const later = new Future<number>();
  asCompleted([successful(), later], { timeout: 60_000 });
  later.setResult(1);
  asCompleted([], { timeout: 60_000 });
});
