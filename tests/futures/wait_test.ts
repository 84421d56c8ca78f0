// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The behaviours of CPython's test_wait.py, under its names.

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Future, ThreadPoolExecutor, wait } from "../../futures/mod.ts";
import { soon } from "../_suites/_helpers.ts";
import * as tasks from "../_suites/_tasks.ts";

function successful(value = 1): Future<number> {
  const future = new Future<number>();
  future.setResult(value);
  return future;
}

function cancelled(): Future<number> {
  const future = new Future<number>();
  future.cancel();
  return future;
}

function failed(): Future<number> {
  const future = new Future<number>();
  future.addDoneCallback(() => {});
  future.setException(new RangeError("failed"));
  return future;
}

Deno.test("wait test_20369: duplicates count once", async () => {
  const future = successful();
  const { done, notDone } = await wait([future, future]);
  assertEquals(done.size, 1);
  assertEquals(notDone.size, 0);
});

Deno.test("wait() of nothing returns at once", async () => {
  for (const returnWhen of ["all", "first", "firstException"] as const) {
    const { done, notDone } = await soon("the end", wait([], { returnWhen }));
    assertEquals(done.size + notDone.size, 0);
  }
});

Deno.test("wait test_first_completed", async () => {
  const [a, b] = [new Future<number>(), new Future<string>()];
  const waiting = wait<unknown>([a, b], { returnWhen: "first" });
  a.setResult(1);
  const { done, notDone } = await waiting;
  assertEquals([...done], [a]);
  assertEquals([...notDone], [b]);
});

Deno.test("wait test_first_completed_some_already_completed", async () => {
  const [old, open] = [cancelled(), new Future<number>()];
  const { done, notDone } = await wait([old, open], { returnWhen: "first" });
  assertEquals([...done], [old]);
  assertEquals([...notDone], [open]);
});

Deno.test("wait test_first_exception", async () => {
  const [a, b, c] = Array.from({ length: 3 }, () => new Future<number>());
  const waiting = wait([a!, b!, c!], { returnWhen: "firstException" });
  a!.setResult(1);
  b!.setException(new RangeError("two"));
  const { done, notDone } = await soon("the end", waiting);
  assertEquals(done, new Set([a!, b!]));
  assertEquals(notDone, new Set([c!]));
});

Deno.test("wait test_first_exception_some_already_complete", async () => {
  const [a, b] = [new Future<number>(), new Future<number>()];
  const old = [successful(), cancelled()];
  const waiting = wait([...old, a, b], { returnWhen: "firstException" });
  a.setException(new RangeError("now"));
  const { done, notDone } = await soon("the end", waiting);
  assertEquals(done, new Set([...old, a]));
  assertEquals(notDone, new Set([b]));
});

Deno.test("wait test_first_exception_one_already_failed", async () => {
  const [old, open] = [failed(), new Future<number>()];
  const { done, notDone } = await wait([old, open], {
    returnWhen: "firstException",
  });
  assertEquals([...done], [old]);
  assertEquals([...notDone], [open]);
});

Deno.test("wait with 'firstException' and no failure waits for all", async () => {
  const open = new Future<number>();
  let isOver = false;
  const waiting = wait([successful(), cancelled(), open], {
    returnWhen: "firstException",
  }).finally(() => isOver = true);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(isOver, false);
  open.setResult(1);
  const { done } = await soon("the end", waiting);
  assertEquals(done.size, 3);
});

Deno.test("wait test_all_completed", async () => {
  const open = new Future<number>();
  const all = [successful(), failed(), cancelled(), open];
  const waiting = wait(all);
  open.setResult(1);
  const { done, notDone } = await waiting;
  assertEquals(done, new Set(all));
  assertEquals(notDone.size, 0);
});

Deno.test("wait test_timeout", async () => {
  const open = new Future<number>();
  const old = successful();
  for (const timeout of [0, 20]) {
    const { done, notDone } = await wait([old, open], { timeout });
    assertEquals([...done], [old]);
    assertEquals([...notDone], [open]);
  }
});

Deno.test("wait() ends with the reason of its signal", async () => {
  const open = new Future<number>();
  const reason = new RangeError("enough");
  await assertRejects(
    () => wait([open], { signal: AbortSignal.abort(reason) }),
    RangeError,
  );
  const controller = new AbortController();
  const waiting = wait([open], { signal: controller.signal });
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => waiting), reason);
});

Deno.test("wait() refuses what is no future, and odd options", async () => {
  const open = new Future<number>();
  for (const futures of [null, undefined, 1, "f", {}, [Promise.resolve(1)]]) {
    await assertRejects(
      () => wait(futures as unknown as Future<number>[]),
      TypeError,
    );
  }
  await assertRejects(() => wait([open], { timeout: -1 }), RangeError);
  await assertRejects(
    () => wait([open], { returnWhen: "last" as unknown as "all" }),
    RangeError,
  );
});

Deno.test("wait() looks after the errors: none surfaces as unhandled", async () => {
  const futures = Array.from({ length: 3 }, () => new Future<number>());
  const waiting = wait(futures);
  for (const future of futures) future.setException(new RangeError("late"));
  const { done } = await waiting;
  // A turn of the event loop, in which an unhandled rejection would surface.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(done.size, 3);
});

Deno.test("wait test_pending_calls_race", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 2 });
  const futures = Array.from(
    { length: 100 },
    (_, i) => executor.submit(tasks.square, i),
  );
  const { done } = await soon("all", wait(futures));
  assertEquals(done.size, 100);
});
