// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The behaviours of CPython's test_future.py, under its names.

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
  CancelledError,
  Future,
  InvalidStateError,
  TimeoutError,
} from "../../../futures/mod.ts";
import { captureErrors } from "../../_suites/_console.ts";

/** One future in each state. */
function futures() {
  const pending = new Future<number>();
  const running = new Future<number>();
  running.setRunningOrNotifyCancel();
  const cancelled = new Future<number>();
  cancelled.cancel();
  const notified = new Future<number>();
  notified.cancel();
  notified.setRunningOrNotifyCancel();
  const failed = new Future<number>();
  failed.addDoneCallback(() => {});
  failed.setException(new RangeError("failed"));
  const successful = new Future<number>();
  successful.setResult(42);
  return { pending, running, cancelled, notified, failed, successful };
}

Deno.test("Future test_done_callback_with_result", () => {
  const future = new Future<number>();
  const seen: unknown[] = [];
  future.addDoneCallback((f) => seen.push(f, f.state));
  assertEquals(seen, []);
  future.setResult(5);
  assertStrictEquals(seen[0], future);
  assertEquals(seen[1], "finished");
});

Deno.test("Future test_done_callback_with_exception", async () => {
  const future = new Future<number>();
  let seen: Future<number> | undefined;
  future.addDoneCallback((f) => seen = f);
  const error = new RangeError("test");
  future.setException(error);
  assertStrictEquals(await seen!.exception(), error);
});

Deno.test("Future test_done_callback_with_cancel", () => {
  const future = new Future<number>();
  let cancelled: boolean | undefined;
  future.addDoneCallback((f) => cancelled = f.cancelled());
  assert(future.cancel());
  assertEquals(cancelled, true);
});

Deno.test("Future test_done_callback_raises", () => {
  using errors = captureErrors();
  const future = new Future<number>();
  const called: string[] = [];
  future.addDoneCallback(() => {
    called.push("raising");
    throw new RangeError("of the callback");
  });
  future.addDoneCallback(() => called.push("fine"));
  future.setResult(5);
  assertEquals(called, ["raising", "fine"]);
  assertEquals(errors.lines.length, 1);
});

Deno.test("Future test_done_callback_already_successful", () => {
  const future = new Future<number>();
  future.setResult(5);
  let called = false;
  future.addDoneCallback(() => called = true);
  assert(called);
});

Deno.test("Future test_done_callback_already_failed", async () => {
  const { failed } = futures();
  let seen: Promise<unknown> | undefined;
  failed.addDoneCallback((f) => seen = f.exception());
  assertInstanceOf(await seen, RangeError);
});

Deno.test("Future test_done_callback_already_cancelled", () => {
  const { cancelled } = futures();
  let called = false;
  cancelled.addDoneCallback((f) => called = f.cancelled());
  assert(called);
});

Deno.test("Future test_done_callback_raises_already_succeeded", () => {
  using errors = captureErrors();
  const { successful } = futures();
  successful.addDoneCallback(() => {
    throw new RangeError("of the callback");
  });
  assertEquals(errors.lines.length, 1);
});

Deno.test("Future test_done_callback runs in the order of adding, once", () => {
  const future = new Future<number>();
  const order: number[] = [];
  for (const i of [1, 2, 3]) future.addDoneCallback(() => order.push(i));
  future.setResult(0);
  assertThrows(() => future.setResult(1), InvalidStateError);
  assertFalse(future.cancel());
  assertEquals(order, [1, 2, 3]);
  assertThrows(
    () => future.addDoneCallback(1 as unknown as () => void),
    TypeError,
  );
});

Deno.test("Future test_cancel", () => {
  const all = futures();
  assert(all.pending.cancel());
  assertEquals(all.pending.state, "cancelled");
  assertFalse(all.running.cancel());
  assertEquals(all.running.state, "running");
  assert(all.cancelled.cancel());
  assertEquals(all.cancelled.state, "cancelled");
  assert(all.notified.cancel());
  assertEquals(all.notified.state, "cancelled");
  assertFalse(all.failed.cancel());
  assertEquals(all.failed.state, "finished");
  assertFalse(all.successful.cancel());
  assertEquals(all.successful.state, "finished");
});

Deno.test("Future test_cancelled, test_done, test_running: a table over the states", () => {
  const table = Object.entries(futures()).map(([name, future]) => [
    name,
    future.state,
    future.cancelled(),
    future.done(),
    future.running(),
  ]);
  assertEquals(table, [
    ["pending", "pending", false, false, false],
    ["running", "running", false, false, true],
    ["cancelled", "cancelled", true, true, false],
    ["notified", "cancelled", true, true, false],
    ["failed", "finished", false, true, false],
    ["successful", "finished", false, true, false],
  ]);
});

Deno.test("Future test_result_with_timeout", async () => {
  const all = futures();
  const result = (f: Future<number>) => f.result({ timeout: 0 });
  await assertRejects(() => result(all.pending), TimeoutError);
  await assertRejects(() => result(all.running), TimeoutError);
  await assertRejects(() => result(all.cancelled), CancelledError);
  await assertRejects(() => result(all.notified), CancelledError);
  await assertRejects(() => result(all.failed), RangeError);
  assertEquals(await result(all.successful), 42);
  for (const timeout of [-1, NaN]) {
    await assertRejects(() => all.successful.result({ timeout }), RangeError);
  }
});

Deno.test("Future test_exception_with_timeout", async () => {
  const all = futures();
  const exception = (f: Future<number>) => f.exception({ timeout: 0 });
  await assertRejects(() => exception(all.pending), TimeoutError);
  await assertRejects(() => exception(all.running), TimeoutError);
  await assertRejects(() => exception(all.cancelled), CancelledError);
  await assertRejects(() => exception(all.notified), CancelledError);
  assertInstanceOf(await exception(all.failed), RangeError);
  assertEquals(await exception(all.successful), undefined);
});

Deno.test("Future test_result_with_success", async () => {
  const future = new Future<number>();
  const waiting = future.result({ timeout: 10_000 });
  setTimeout(() => future.setResult(42), 1);
  assertEquals(await waiting, 42);
});

Deno.test("Future test_result_with_cancel", async () => {
  const future = new Future<number>();
  const waiting = future.result({ timeout: 10_000 });
  setTimeout(() => future.cancel("why"), 1);
  const error = await assertRejects(() => waiting, CancelledError);
  assertEquals(error.cause, "why");
});

Deno.test("Future test_exception_with_success", async () => {
  const future = new Future<number>();
  const waiting = future.exception({ timeout: 10_000 });
  setTimeout(() => future.setException(new RangeError("late")), 1);
  assertInstanceOf(await waiting, RangeError);
});

Deno.test("Future test_multiple_set_result", async () => {
  const future = new Future<number>();
  future.setResult(1);
  assertThrows(() => future.setResult(2), InvalidStateError, "finished");
  assertThrows(() => future.setException(new RangeError()), InvalidStateError);
  assertEquals(await future, 1);
});

Deno.test("Future test_multiple_set_exception", async () => {
  const future = new Future<number>();
  const error = new RangeError("first");
  future.addDoneCallback(() => {});
  future.setException(error);
  assertThrows(() => future.setException(new TypeError()), InvalidStateError);
  assertStrictEquals(await future.exception(), error);
});

Deno.test("Future test_set_running_or_notify_cancel", () => {
  const all = futures();
  assert(all.pending.setRunningOrNotifyCancel());
  assert(all.pending.running());
  assertFalse(all.cancelled.setRunningOrNotifyCancel());
  for (const future of [all.running, all.failed, all.successful]) {
    assertThrows(() => future.setRunningOrNotifyCancel(), InvalidStateError);
  }
  assertThrows(() => all.cancelled.setResult(1), InvalidStateError);
});

Deno.test("Future test_repr", () => {
  const texts = Object.values(futures()).map((future) => Deno.inspect(future));
  assertEquals(texts, [
    "<Future state=pending>",
    "<Future state=running>",
    "<Future state=cancelled>",
    "<Future state=cancelled>",
    "<Future state=finished raised RangeError>",
    "<Future state=finished returned Number>",
  ]);
});
