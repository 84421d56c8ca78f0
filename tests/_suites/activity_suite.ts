// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What threads and processes have in common.

import { AsyncLocalStorage } from "node:async_hooks";
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
  InvalidStateError,
  SerializationError,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import type { Process } from "../../multiprocessing/mod.ts";
import type { Thread } from "../../threading/mod.ts";
import { stores, traces } from "./_context_tasks.ts";
import { errorOf, Folder, soon, until } from "./_helpers.ts";
import { untilFired } from "./_signal_tasks.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

/** `Thread` or `Process`. */
type ActivityClass = typeof Thread | typeof Process;

/** Tests of one of the two classes. */
export function activitySuite(Activity: ActivityClass): void {
  const { name } = Activity;
  const test = testsOf(`${name}.`);

  test("start() runs the target with its arguments", async () => {
    const activity = new Activity({ target: tasks.add, args: [20, 22] });
    assertFalse(activity.isAlive());
    assertStrictEquals(activity.start(), activity);
    assert(activity.isAlive());
    assertEquals(await activity.result(), 42);
    assertEquals(await activity.join(), true);
    assertFalse(activity.isAlive());
    assertEquals(await activity.result(), 42);
    assertEquals(await activity.join({ timeout: 0 }), true);
  });

  test("start() passes a signal that fires with its reason", async () => {
    using folder = new Folder();
    const controller = new AbortController();
    const activity = new Activity({
      target: untilFired,
      args: [folder.file("log"), { signal: controller.signal }],
    }).start();
    await until("it runs", () => folder.lines("log").length === 1);
    controller.abort(new RangeError("enough"));
    const seen = await soon("the reason", activity.result());
    assertInstanceOf(seen, RangeError);
    assertEquals(seen.message, "enough");
    await activity.join();
  });

  test("start() passes a signal that has fired, with its target", async () => {
    const { signal } = new AbortController();
    const fired = AbortSignal.abort("before");
    const activity = new Activity({
      target: () => [signal.aborted, fired.aborted, fired.reason],
    }).start();
    assertEquals(await activity.result(), [false, true, "before"]);
    await activity.join();
  });

  test("start() shows the target the context of its call", async () => {
    const storage = new AsyncLocalStorage<string>();
    const look = () => storage.getStore();
    const captured = new Activity({ target: look });
    const exported = new Activity({ target: stores });
    storage.run(
      "captured",
      () => traces.run("exported", () => [captured.start(), exported.start()]),
    );
    assertEquals(await captured.result(), "captured");
    assertEquals((await exported.result())[0], "exported");
    await captured.join();
    await exported.join();
  });

  test("start() without a target does nothing", async () => {
    const activity = new Activity().start();
    assertEquals(await activity.result(), undefined);
    await activity.join();
  });

  test("start() a second time is refused, running or ended", async () => {
    const activity = new Activity({ target: tasks.add, args: [1, 2] }).start();
    assertThrows(() => activity.start(), InvalidStateError);
    await activity.join();
    assertThrows(() => activity.start(), InvalidStateError);
  });

  test("join(), result() and terminate() before start() are refused", async () => {
    const activity = new Activity({ target: tasks.add, args: [1, 2] });
    await assertRejects(() => activity.join(), InvalidStateError);
    await assertRejects(() => activity.result(), InvalidStateError);
    await assertRejects(() => activity.terminate(), InvalidStateError);
    await activity[Symbol.asyncDispose]();
  });

  test("constructor() refuses what is not right", () => {
    assertThrows(
      () => new Activity({ target: 1 as unknown as () => void }),
      TypeError,
    );
    assertThrows(
      () => new Activity({ args: 1 as unknown as unknown[] }),
      TypeError,
    );
    assertThrows(
      () => new Activity({ signal: {} as unknown as AbortSignal }),
      TypeError,
    );
    return Promise.resolve();
  });

  test("start() throws where the target cannot travel, and can be tried again", async () => {
    const held: { promise?: Promise<void> } = { promise: Promise.resolve() };
    const activity = new Activity({ target: () => held.promise === undefined });
    assertThrows(() => activity.start(), SerializationError);
    assertFalse(activity.isAlive());
    delete held.promise;
    activity.start();
    assertEquals(await activity.result(), true);
    await activity.join();
  });

  test("join() gives false where the timeout passes", async () => {
    using folder = new Folder();
    const activity = new Activity({
      target: tasks.throughGate<number>,
      args: [folder.file("gate"), 7],
    }).start();
    assertEquals(await activity.join({ timeout: 0 }), false);
    assertEquals(await activity.join({ timeout: 20 }), false);
    await assertRejects(() => activity.join({ timeout: -1 }), RangeError);
    const reason = new RangeError("enough");
    await assertRejects(
      () => activity.join({ signal: AbortSignal.abort(reason) }),
      RangeError,
    );
    assert(activity.isAlive());
    folder.open("gate");
    assertEquals(await activity.join(), true);
    assertEquals(await activity.result(), 7);
  });

  test("result() rejects with the target's error, join() does not", async () => {
    const activity = new Activity({
      target: tasks.squareUnlessOdd,
      args: [3],
    }).start();
    await assertRejects(() => activity.result(), RangeError, "odd: 3");
    assertEquals(await activity.join(), true);
  });

  test("name is what was given, or a number", async () => {
    assertEquals(new Activity({ name: "Ada" }).name, "Ada");
    const [a, b] = [new Activity(), new Activity()];
    const number = (x: { name: string }) =>
      Number(new RegExp(`^${name}-(\\d+)$`).exec(x.name)![1]);
    assertEquals(number(b), number(a) + 1);
    const activity = new Activity({ name: "Grace", target: tasks.workerInfo })
      .start();
    const info = await activity.result();
    assertEquals(info.name, "Grace");
    assertEquals(info.kind, name.toLowerCase());
    await activity.join();
  });

  test("terminate() stops the target wherever it is", async () => {
    using folder = new Folder();
    const activity = new Activity({
      target: tasks.deaf,
      args: [folder.file("log")],
    }).start();
    await until("it runs", () => folder.lines("log").length === 1);
    const result = errorOf(activity.result());
    await soon("the end", activity.terminate());
    assertInstanceOf(await result, CancelledError);
    assertFalse(activity.isAlive());
    assertEquals(await activity.join(), true);
    await activity.terminate();
  });

  test("terminate() right after start() does not hang", async () => {
    const activity = new Activity({ target: tasks.add, args: [1, 2] }).start();
    await soon("the end", activity.terminate());
    assertFalse(activity.isAlive());
    await assertRejects(() => activity.result(), CancelledError);
  });

  test("signal stops the target", async () => {
    using folder = new Folder();
    const controller = new AbortController();
    const activity = new Activity({
      target: tasks.untilAborted,
      args: [folder.file("log")],
      signal: controller.signal,
    }).start();
    const result = errorOf(activity.result());
    await until("it runs", () => folder.lines("log").length === 1);
    const reason = new RangeError("stop");
    controller.abort(reason);
    const error = await soon("the end", result);
    assertInstanceOf(error, CancelledError);
    assertStrictEquals(error.cause, reason);
    await activity.join();
    const late = new Activity({ signal: AbortSignal.abort(reason) });
    assertThrows(() => late.start(), RangeError, "stop");
    assertFalse(late.isAlive());
  });

  test("signal stops a target that does not listen", async () => {
    using folder = new Folder();
    const controller = new AbortController();
    const activity = new Activity({
      target: tasks.deaf,
      args: [folder.file("log")],
      signal: controller.signal,
    }).start();
    const result = errorOf(activity.result());
    await until("it runs", () => folder.lines("log").length === 1);
    controller.abort();
    assertInstanceOf(await soon("the end", result), CancelledError);
    await soon("the end", activity.join());
  });

  test("result() rejects where the target ends its worker", async () => {
    const activity = new Activity({ target: tasks.crashingInitializer });
    activity.start();
    const error = await errorOf(activity.result());
    assertInstanceOf(error, WorkerCrashedError);
    assertEquals(error.exitCode, 9);
    await activity.join();
  });

  test("dispose joins", async () => {
    using folder = new Folder();
    let activity;
    {
      await using inner = new Activity({
        target: tasks.mark,
        args: [folder.file("log"), "done"],
      }).start();
      activity = inner;
    }
    assertFalse(activity.isAlive());
    assertEquals(folder.lines("log"), ["done"]);
  });

  test("start() of several runs them at the same time", async () => {
    using folder = new Folder();
    const gate = folder.file("gate");
    const all = ["a", "b", "c", "d"].map((x) =>
      new Activity({
        target: tasks.markedGate,
        args: [folder.file("log"), gate, x],
      }).start()
    );
    await until("all of them run", () => folder.lines("log").length === 4);
    folder.open("gate");
    const results = await Promise.all(all.map((one) => one.result()));
    assertEquals(results, ["a", "b", "c", "d"]);
    await Promise.all(all.map((one) => one.join()));
  });
}
