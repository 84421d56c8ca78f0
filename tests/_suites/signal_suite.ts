// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every executor does with an AbortSignal of the caller that a task gets.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { SerializationError, WorkerCrashedError } from "../../futures/mod.ts";
import type { TaskOptions } from "../../mod.ts";
import { collect, errorOf, Folder, soon, until } from "./_helpers.ts";
import * as signals from "./_signal_tasks.ts";
import * as tasks from "./_tasks.ts";
import { declare, type Subject } from "./executor_suite.ts";
import { testsOf } from "./_tests_of.ts";

// deno-lint-ignore no-explicit-any -- functions of every signature
type AnyFunction = (...args: any[]) => any;

/** Counts who listens to a signal. */
function countListeners(signal: AbortSignal): () => number {
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  Object.defineProperties(signal, {
    addEventListener: {
      value: (...args: Parameters<typeof addEventListener>) => {
        listeners++;
        addEventListener.apply(signal, args);
      },
    },
    removeEventListener: {
      value: (...args: Parameters<typeof removeEventListener>) => {
        listeners--;
        removeEventListener.apply(signal, args);
      },
    },
  });
  return () => listeners;
}

/** Tests of signals that travel, and of the reasons of those that do not. */
export function signalSuite(subject: Subject): void {
  const { name, create, backend } = subject;
  const on = <F extends AnyFunction>(fn: F, options?: TaskOptions): F =>
    declare(subject, fn, options);
  const test = testsOf(`${name}.`);

  // One that has no turn of the event loop between its start and its look.
  const looker: (signal: AbortSignal) => signals.Seen | Promise<signals.Seen> =
    backend === "inline" ? signals.lookLater : signals.look;

  test("submit() passes a signal that fires with its reason", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const controller = new AbortController();
    const future = executor.submit(
      on(signals.untilFired),
      folder.file("log"),
      { signal: controller.signal },
    );
    await until("it runs", () => folder.lines("log").length === 1);
    const reason = new RangeError("enough", { cause: { code: 7 } });
    controller.abort(reason);
    const seen = await soon("the reason", future);
    assertInstanceOf(seen, RangeError);
    assertEquals(seen.message, "enough");
    assertEquals(seen.cause, { code: 7 });
  });

  test("submit() passes the reasons of every kind", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const reasons: unknown[] = [
      "a text",
      0,
      null,
      { list: [1, 2] },
      new Map([[1, new Date(0)]]),
    ];
    for (const [i, reason] of reasons.entries()) {
      const controller = new AbortController();
      const log = folder.file(`log${i}`);
      const future = executor.submit(on(signals.untilFired), log, {
        signal: controller.signal,
      });
      await until("it runs", () => folder.lines(`log${i}`).length === 1);
      controller.abort(reason);
      assertEquals(await soon("the reason", future), reason);
    }
    const controller = new AbortController();
    const future = executor.submit(
      on(signals.untilFired),
      folder.file("log"),
      { signal: controller.signal },
    );
    controller.abort();
    const seen = await soon("the reason", future);
    assertInstanceOf(seen, DOMException);
    assertEquals(seen.name, "AbortError");
  });

  test("submit() passes a signal that has fired before", async () => {
    await using executor = create({ maxWorkers: 1 });
    const look = on(looker);
    assertEquals(await executor.submit(look, AbortSignal.abort("before")), {
      aborted: true,
      reason: "before",
      isSignal: true,
    });
    assertEquals(await executor.submit(look, new AbortController().signal), {
      aborted: false,
      isSignal: true,
    });
  });

  test("submit() passes a signal that fires while the call waits", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    // Declared: an automatic executor would not have them wait for each other.
    const look = on(looker, { kind: "cpu" });
    // Behind a short call, known as short: a thread is sent the next one ahead.
    for (let i = 0; i < 3; i++) {
      await executor.submit(on(tasks.identity, { kind: "cpu" }), i);
    }
    // What lets it go comes by the same way as the signal, and behind it.
    const gate = new AbortController();
    const before = executor.submit(
      on(signals.untilFired, { kind: "cpu" }),
      folder.file("log"),
      { signal: gate.signal },
    );
    const controller = new AbortController();
    const futures = Array.from(
      { length: 3 },
      () => executor.submit(look, controller.signal),
    );
    controller.abort("meanwhile");
    gate.abort();
    await soon("the call before", before);
    for (const future of futures) {
      assertEquals((await soon("the look", future)).reason, "meanwhile");
    }
  });

  test("submit() passes one signal as one object", async () => {
    await using executor = create({ maxWorkers: 1 });
    const { signal } = new AbortController();
    assert(
      await executor.submit(on(signals.areSame), [signal, signal], signal),
    );
    const isMine = async (passed: AbortSignal) => {
      await undefined;
      return passed === signal;
    };
    assert(await executor.submit(on(isMine), signal));
    assert(!await executor.submit(on(isMine), new AbortController().signal));
  });

  test("submit() captures a signal that fires", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const log = folder.file("log");
    const controller = new AbortController();
    const { signal } = controller;
    const untilFired = async () => {
      await Deno.writeTextFile(log, "begun\n", { append: true });
      if (!signal.aborted) {
        await new Promise((resolve) =>
          signal.addEventListener("abort", resolve)
        );
      }
      return signal.reason;
    };
    const future = executor.submit(on(untilFired));
    await until("it runs", () => folder.lines("log").length === 1);
    controller.abort("captured");
    assertEquals(await soon("the reason", future), "captured");
    // The next call of the same function finds it aborted.
    assertEquals(
      await soon("the reason", executor.submit(on(untilFired))),
      "captured",
    );
  });

  test("submit() passes signals that other signals fire", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const controller = new AbortController();
    const signal = AbortSignal.any([
      controller.signal,
      new AbortController().signal,
    ]);
    const future = executor.submit(
      on(signals.untilFired),
      folder.file("log"),
      { signal },
    );
    await until("it runs", () => folder.lines("log").length === 1);
    controller.abort("one of them");
    assertEquals(await soon("the reason", future), "one of them");
    const late = await soon(
      "the timeout",
      executor.submit(on(signals.untilFired), folder.file("log"), {
        signal: AbortSignal.timeout(1),
      }),
    );
    assertInstanceOf(late, DOMException);
    assertEquals(late.name, "TimeoutError");
  });

  test("map() passes signals, among the items and captured", async () => {
    await using executor = create({ maxWorkers: 1 });
    const fired = new AbortController();
    const { signal } = new AbortController();
    fired.abort("one");
    const items = Array.from(
      { length: 40 },
      (_, i) => i % 2 === 0 ? fired.signal : signal,
    );
    const look = on(looker);
    const seen = await collect(executor.map(look, items, { chunkSize: 8 }));
    assertEquals(
      seen.map(({ aborted }) => aborted),
      items.map(({ aborted }) => aborted),
    );
    const captured = fired.signal;
    const compare = async (item: AbortSignal) => {
      await undefined;
      return [captured.aborted, item === captured];
    };
    const compared = await collect(
      executor.map(on(compare), items, { chunkSize: 8 }),
    );
    assertEquals(compared, items.map((item) => [true, item === captured]));
  });

  test("map() fires a signal in a chunk that runs", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const controller = new AbortController();
    const log = folder.file("log");
    const items = [1, 2, 3].map((): [string, AbortSignal] => [
      log,
      controller.signal,
    ]);
    const seen = collect(
      executor.starmap(on(signals.lookTwice), items, { chunkSize: 3 }),
    );
    await until("it runs", () => folder.lines("log").length >= 1);
    controller.abort();
    const all = await soon("the chunk", seen);
    assertEquals(all[0], [false, true]);
    assertEquals(all.map(([, after]) => after), [true, true, true]);
  });

  test("cancel() gives the task its reason", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
    using folder = new Folder();
    const reasonOf = async (log: string, reason: unknown) => {
      const future = executor.submit(
        on(signals.reasonOfStop),
        folder.file(log),
      );
      await until("it runs", () => folder.lines(log).length === 1);
      future.cancel(reason);
      await errorOf(future);
      await until("it has ended", () => folder.lines(log).length === 2);
      return JSON.parse(folder.lines(log)[1]!);
    };
    assertEquals(await reasonOf("a", new RangeError("too late")), [
      "CancelledError",
      "RangeError: too late",
      "RangeError: too late",
    ]);
    assertEquals(await reasonOf("b", "a text"), [
      "CancelledError",
      "a text",
      "a text",
    ]);
    assertEquals(await reasonOf("c", undefined), [
      "CancelledError",
      null,
      null,
    ]);
  });

  test("submit() gives the task the reason of its signal option", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
    using folder = new Folder();
    const controller = new AbortController();
    const { signal } = controller;
    const future = executor.submit(
      on(signals.reasonOfStop, { signal }),
      folder.file("log"),
    );
    await until("it runs", () => folder.lines("log").length === 1);
    controller.abort(new TypeError("by the signal"));
    await errorOf(future);
    await until("it has ended", () => folder.lines("log").length === 2);
    assertEquals(JSON.parse(folder.lines("log")[1]!), [
      "CancelledError",
      "TypeError: by the signal",
      "TypeError: by the signal",
    ]);
  });

  if (backend === "inline") return;

  test("cancel() gives the task its reason where that first asks for its signal when it has been asked to stop", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
    using folder = new Folder();
    const future = executor.submit(
      on(signals.lateSignal),
      folder.file("log"),
    );
    await until("it runs", () => folder.lines("log").length === 1);
    future.cancel("not wanted");
    await errorOf(future);
    await until("it has ended", () => folder.lines("log").length === 2);
    assertEquals(JSON.parse(folder.lines("log")[1]!), [
      "CancelledError",
      "not wanted",
    ]);
  });

  test("submit() leaves no listener on a signal", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const listeners = countListeners(signal);
    using folder = new Folder();
    {
      await using executor = create({ maxWorkers: 1, cancelGrace: 0 });
      const look = on(signals.lookLater);
      await Promise.all(
        Array.from({ length: 100 }, () => executor.submit(look, signal)),
      );
      assertEquals(listeners(), 0);
      await collect(
        executor.map(look, new Array(100).fill(signal), { chunkSize: 10 }),
      );
      assertEquals(listeners(), 0);
      // Cancelled while it waits, and while it runs.
      const running = executor.submit(
        on(signals.untilFired),
        folder.file("a"),
        {
          signal,
        },
      );
      const pending = executor.submit(look, signal);
      await until("it runs", () => folder.lines("a").length === 1);
      pending.cancel();
      running.cancel();
      await errorOf(running);
      await pending.exception().catch(() => {});
      await until("nobody listens", () => listeners() === 0);
      await assertRejects(
        () => soon("the end", executor.submit(on(signals.crashWith), signal)),
        WorkerCrashedError,
      );
      assertEquals(listeners(), 0);
      const last = executor.submit(on(signals.untilFired), folder.file("b"), {
        signal,
      });
      await until("it runs", () => folder.lines("b").length === 1);
      const ended = errorOf(last);
      await executor.terminate();
      await ended;
    }
    assertEquals(listeners(), 0);
    controller.abort();
  });

  test("submit() describes a reason that cannot travel", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
    using folder = new Folder();
    const controller = new AbortController();
    const future = executor.submit(
      on(signals.untilFired),
      folder.file("log"),
      { signal: controller.signal },
    );
    controller.abort(() => 1);
    const seen = await soon("the reason", future);
    assertInstanceOf(seen, SerializationError);
    const stopped = executor.submit(
      on(signals.reasonOfStop),
      folder.file("stop"),
    );
    await until("it runs", () => folder.lines("stop").length === 1);
    stopped.cancel(new WeakMap());
    await errorOf(stopped);
    await until("it has ended", () => folder.lines("stop").length === 2);
    assertStringIncludes(folder.lines("stop")[1]!, "SerializationError");
  });

  test("submit() lets a task send the signal on", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const controller = new AbortController();
    const future = executor.submit(
      on(signals.sendOn),
      folder.file("log"),
      controller.signal,
    );
    await until("it runs", () => folder.lines("log").length === 1);
    controller.abort(new TypeError("down there"));
    const seen = await soon("the reason", future);
    assertInstanceOf(seen, TypeError);
    assertEquals(seen.message, "down there");
  });

  test("submit() passes a signal again where the task is retried", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const controller = new AbortController();
    const listeners = countListeners(controller.signal);
    const future = executor.submit(
      on(signals.crashOnce, { retries: 1 }),
      folder.file("log"),
      controller.signal,
    );
    await until("it runs again", () => folder.lines("log").length === 2);
    controller.abort("after the crash");
    assertEquals(await soon("the reason", future), "after the crash");
    assertEquals(listeners(), 0);
  });

  test("submit() refuses a signal in a result", async () => {
    await using executor = create({ maxWorkers: 1 });
    const error = await assertRejects(
      () =>
        executor.submit(on(signals.giveBack), new AbortController().signal)
          .result(),
      SerializationError,
    );
    assertStringIncludes(
      error.message,
      "an AbortSignal only travels to a task",
    );
    assertEquals(error.path, "result");
  });

  test("submit() refuses an AbortController", async () => {
    await using executor = create({ maxWorkers: 1 });
    const error = await assertRejects(
      // deno-lint-ignore require-await -- it throws at once
      async () => executor.submit(on(tasks.identity), new AbortController()),
      SerializationError,
    );
    assertStringIncludes(error.message, "send its signal");
  });
}
