// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every executor does with one task, whatever it runs on. The other
// suites of this folder go on with pools, shutdown and map.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  CancelledError,
  type Executor,
  type PoolOptions,
  SerializationError,
  TaskTimeoutError,
  TimeoutError,
} from "../../futures/mod.ts";
import { task, type TaskOptions } from "../../mod.ts";
import { errorOf, Folder, scaled, soon, until } from "./_helpers.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

// deno-lint-ignore no-explicit-any -- functions of every signature
type AnyFunction = (...args: any[]) => any;

/** One implementation under test. */
export interface Subject {
  /** What its tests are called. */
  readonly name: string;
  readonly create: (options?: PoolOptions) => Executor;
  /** Where its tasks run. */
  readonly backend: "thread" | "process" | "inline";
  /** What its tasks are declared as. */
  readonly kind?: "cpu" | "io";
  /** True where its tasks run on other machines: what this one serves cannot go there. */
  readonly isRemote?: boolean;
}

/** Declares a function as the subject's tests want it. */
export function declare<F extends AnyFunction>(
  subject: Subject,
  fn: F,
  options: TaskOptions = {},
): F {
  const { kind } = subject;
  if (kind === undefined && Object.keys(options).length === 0) return fn;
  return task(fn, {
    ...options,
    ...(kind === undefined ? {} : { kind }),
  }) as unknown as F;
}

/** Tests of `submit` and of the future that it gives. */
export function executorSuite(subject: Subject): void {
  const { name, create, backend } = subject;
  const on = <F extends AnyFunction>(fn: F, options?: TaskOptions): F =>
    declare(subject, fn, options);
  /** What waits for the one worker: an automatic executor has others for what is not declared. */
  const inTurn = <F extends AnyFunction>(fn: F, options?: TaskOptions): F =>
    on(fn, { ...options, kind: "cpu" });
  const test = testsOf(`${name}.`);

  test("submit() gives a future of the result", async () => {
    await using executor = create({ maxWorkers: 1 });
    const future = executor.submit(on(tasks.add), 20, 22);
    assertEquals(await future, 42);
    assertEquals(future.state, "finished");
    assert(future.done());
    assertFalse(future.cancelled());
    assertFalse(future.cancel());
  });

  test("submit() takes and gives values of every type", async () => {
    await using executor = create({ maxWorkers: 1 });
    const shared = { n: 1 };
    const cyclic: Record<string, unknown> = { name: "loop" };
    cyclic.self = cyclic;
    const values: unknown[] = [
      undefined,
      null,
      true,
      -0,
      NaN,
      Infinity,
      2 ** 53,
      -(10n ** 30n),
      "",
      "grüße 🦕",
      "x".repeat(100_000),
      [],
      [1, , 3], // deno-lint-ignore-line no-sparse-arrays -- holes are the point
      { a: { b: [1] } },
      new Date(0),
      new Date(NaN),
      /a+b/giu,
      new Map<unknown, unknown>([[{ k: 1 }, new Set([1, "2"])]]),
      new Set([NaN]),
      new Uint8Array([1, 2, 3]),
      new Float64Array([0.5, -0]),
      new Uint8Array(300_000).fill(7),
      new DataView(new ArrayBuffer(4)),
      new RangeError("a value, not thrown"),
      new URL("https://example.com/?a=1"),
      [shared, shared],
    ];
    const results = await Promise.all(
      values.map((value) =>
        executor.submit(on(tasks.identity<unknown>), value)
      ),
    );
    for (const [i, value] of values.entries()) {
      assertEquals(results[i], value, `value ${i}`);
    }
    const pair = results.at(-1) as object[];
    assertStrictEquals(pair[0], pair[1]);
    const loop = await executor.submit(
      on(tasks.identity<Record<string, unknown>>),
      cyclic,
    );
    assertStrictEquals(loop.self, loop);
  });

  test("submit() passes any number of arguments, undefined ones too", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(await executor.submit(on(tasks.list)), []);
    assertEquals(
      await executor.submit(on(tasks.list), undefined, undefined),
      [undefined, undefined],
    );
    const many = Array.from({ length: 300 }, (_, i) => i);
    assertEquals(await executor.submit(on(tasks.list), ...many), many);
  });

  test("submit() takes closures, arrows, async functions and methods", async () => {
    await using executor = create({ maxWorkers: 1 });
    const factor = 3;
    const helper = (x: number) => x * factor;
    assertEquals(await executor.submit(on((x: number) => helper(x)), 4), 12);
    assertEquals(
      // deno-lint-ignore require-await -- an async function is the point
      await executor.submit(on(async (x: number) => x + factor), 4),
      7,
    );
  });

  if (backend !== "inline") {
    test("submit() encodes the arguments at once", async () => {
      await using executor = create({ maxWorkers: 1 });
      const values = [1, 2, 3];
      const future = executor.submit(on(tasks.identity<number[]>), values);
      values.push(4);
      assertEquals(await future, [1, 2, 3]);
    });

    test("submit() throws where an argument or a capture cannot travel", async () => {
      await using executor = create({ maxWorkers: 1 });
      const error = assertThrows(
        () =>
          executor.submit(on(tasks.identity<unknown>), {
            deep: [Promise.resolve()],
          }),
        SerializationError,
      );
      assertStringIncludes(error.path, "args[0].deep[0]");
      const weak = new WeakMap();
      assertThrows(
        () => executor.submit(on(() => weak.has({}))),
        SerializationError,
      );
      // Nothing is lost or broken by it.
      assertEquals(await executor.submit(on(tasks.add), 1, 2), 3);
    });

    test("submit() rejects where the result cannot travel", async () => {
      await using executor = create({ maxWorkers: 1 });
      const future = executor.submit(on(() => ({ a: new WeakMap() })));
      const error = await assertRejects(() => future, SerializationError);
      assertStringIncludes(error.path, "result.a");
      assertEquals(await executor.submit(on(tasks.add), 1, 2), 3);
    });
  }

  test("submit() refuses what is no function, and generator functions", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const value of [undefined, null, 1, "f", {}]) {
      assertThrows(
        () => executor.submit(value as unknown as () => void),
        TypeError,
      );
    }
    assertThrows(
      () => executor.submit(on(function* () {})),
      TypeError,
      "stream()",
    );
  });

  test("submit() rejects with the task's error: class, message, properties, cause", async () => {
    await using executor = create({ maxWorkers: 1 });
    const error = await assertRejects(
      () => executor.submit(on(tasks.failWell)),
      TypeError,
      "the outer one",
    ) as TypeError & { code: number; details: unknown };
    assertEquals(error.code, 42);
    assertEquals(error.details, { path: ["a", "b"] });
    assertInstanceOf(error.cause, RangeError);
    assertEquals(error.cause.message, "the inner one");
    assertEquals(error.cause.cause, "the innermost");
    assertStringIncludes(error.stack ?? "", "failWell");
  });

  test("submit() keeps the members of an AggregateError", async () => {
    await using executor = create({ maxWorkers: 1 });
    const error = await assertRejects(
      () => executor.submit(on(tasks.failTogether)),
      AggregateError,
      "several",
    );
    assertInstanceOf(error.errors[0], RangeError);
    assertInstanceOf(error.errors[1], TypeError);
    assertEquals(error.errors[2], "three");
  });

  test("submit() gives an error of an unknown class its name", async () => {
    await using executor = create({ maxWorkers: 1 });
    const error = await errorOf(executor.submit(on(tasks.failOddly)));
    assertInstanceOf(error, Error);
    assertEquals(error.name, "Odd");
    assertEquals(error.message, "a class of its own");
  });

  test("submit() rejects with falsy values as they are", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const value of [undefined, null, 0, -0, NaN, "", false, 0n]) {
      const future = executor.submit(on(tasks.raise), value);
      assertEquals(await errorOf(future), value);
      assertEquals(await future.exception(), value);
      assertEquals(future.state, "finished");
    }
  });

  test("submit() tells an error that is returned from one that is thrown", async () => {
    await using executor = create({ maxWorkers: 1 });
    const value = await executor.submit(
      on(tasks.identity<Error>),
      new RangeError("fine"),
    );
    assertInstanceOf(value, RangeError);
  });

  test("submit() runs tasks in the order of their submission", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const path = folder.file("order");
    const futures = Array.from(
      { length: 30 },
      (_, i) => executor.submit(on(tasks.mark), path, String(i)),
    );
    await Promise.all(futures);
    assertEquals(
      folder.lines("order"),
      Array.from({ length: 30 }, (_, i) => `${i}`),
    );
  });

  if (backend !== "inline") {
    test("submit() starts higher priorities first", async () => {
      await using executor = create({ maxWorkers: 1 });
      using folder = new Folder();
      const gate = folder.file("gate");
      const order = folder.file("order");
      const first = executor.submit(inTurn(tasks.throughGate<number>), gate, 1);
      await until("the first runs", () => first.running());
      const futures = [0, -1, 5, 0, 5, 1].map((priority, i) =>
        executor.submit(
          inTurn(tasks.mark, { priority }),
          order,
          `${priority} ${i}`,
        )
      );
      folder.open("gate");
      await Promise.all([first, ...futures]);
      assertEquals(folder.lines("order"), [
        "5 2",
        "5 4",
        "1 5",
        "0 0",
        "0 3",
        "-1 1",
      ]);
    });
  }

  test("submit() runs a task again as often as 'retries' says", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    assertEquals(
      await executor.submit(
        on(tasks.failTimes, { retries: 2 }),
        folder.file("ok"),
        2,
      ),
      3,
    );
    const error = await assertRejects(
      () =>
        executor.submit(
          on(tasks.failTimes, { retries: 2 }),
          folder.file("bad"),
          3,
        ),
      RangeError,
    );
    assertEquals(error.message, "run 3");
    assertEquals(folder.lines("bad").length, 3);
  });

  if (backend !== "inline") {
    test("submit() runs a task again after a crash", async () => {
      await using executor = create({ maxWorkers: 1 });
      using folder = new Folder();
      assertEquals(
        await soon(
          "the second run",
          executor.submit(
            on(tasks.crashTimes, { retries: 1 }),
            folder.file("runs"),
            1,
          ),
        ),
        2,
      );
    });

    test("submit() moves what is transferred", async () => {
      await using executor = create({ maxWorkers: 1 });
      const buffer = new ArrayBuffer(100_000);
      const size = await executor.submit(
        on(tasks.byteLength, { transfer: (b: ArrayBuffer) => [b] }),
        buffer,
      );
      assertEquals(size, 100_000);
    });
  }

  if (backend !== "inline") {
    test("submit() refuses what cannot be transferred, and moves nothing then", async () => {
      await using executor = create({ maxWorkers: 1 });
      const buffer = new ArrayBuffer(8);
      const moved = new ArrayBuffer(8);
      structuredClone(moved, { transfer: [moved] });
      for (
        const [transfer, text] of [
          [[buffer, new Uint8Array(8)], "transfer[1]"],
          [[buffer, 5], "transfer[1]"],
          [[buffer, buffer], "names it twice"],
          [[buffer, moved], "moved before"],
        ] as const
      ) {
        const fn = on(tasks.byteLength, {
          transfer: [...transfer] as Transferable[],
        });
        assertThrows(
          () => executor.submit(fn, buffer),
          SerializationError,
          text,
        );
        assertEquals(buffer.byteLength, 8);
      }
    });
  }

  test("cancel() of a pending future keeps its task from running", async () => {
    await using executor = create({ maxWorkers: 1, concurrency: 1 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const count = backend === "inline" ? 256 : 1;
    const first = Array.from(
      { length: count },
      () => executor.submit(inTurn(tasks.throughGate<number>), gate, 1),
    );
    const pending = executor.submit(
      inTurn(tasks.mark),
      folder.file("ran"),
      "no",
    );
    assertEquals(pending.state, "pending");
    assert(pending.cancel("not wanted"));
    assert(pending.cancel());
    assertEquals(pending.state, "cancelled");
    assertFalse(pending.running());
    const error = await assertRejects(() => pending.result(), CancelledError);
    assertEquals(error.cause, "not wanted");
    await assertRejects(() => pending.exception(), CancelledError);
    folder.open("gate");
    await Promise.all(first);
    assertEquals(await executor.submit(on(tasks.add), 1, 1), 2);
    assertEquals(folder.lines("ran"), []);
    assertEquals(executor.stats().cancelled, 1);
  });

  test("cancel() of a running future asks its task to stop", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
    using folder = new Folder();
    const future = executor.submit(on(tasks.untilAborted), folder.file("log"));
    await until("it runs", () => folder.lines("log").length === 1);
    // The task may be faster than the word that it runs.
    await until("it is known", () => future.running());
    assertFalse(future.cancel("enough"));
    const error = await soon("the end", errorOf(future));
    assertInstanceOf(error, CancelledError);
    assertEquals(error.cause, "enough");
    assertEquals(future.state, "cancelled");
    assertEquals(folder.lines("log"), ["begun", "CancelledError"]);
    // It listened, so its worker lives on.
    assertEquals(await executor.submit(on(tasks.add), 1, 1), 2);
    assertEquals(executor.stats().restarts, 0);
  });

  test("cancel() gives a task up that does not stop within the grace period", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 20 });
    using folder = new Folder();
    const future = executor.submit(on(tasks.deaf), folder.file("log"));
    await until("it runs", () => folder.lines("log").length === 1);
    const since = performance.now();
    future.cancel();
    await assertRejects(() => soon("the end", future), CancelledError);
    const took = performance.now() - since;
    assert(took >= 15 && took < scaled(1_000), `${took} ms`);
    assertEquals(
      await soon("the next", executor.submit(on(tasks.add), 1, 1)),
      2,
    );
  });

  test("submit() stops a task that runs longer than its timeout", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 20 });
    using folder = new Folder();
    // A worker of those that can be stopped is up before its time counts.
    await executor.submit(on(tasks.workerInfo, { timeout: 60_000 }));
    const since = performance.now();
    const future = executor.submit(
      on(tasks.deaf, { timeout: 50, name: "slow one" }),
      folder.file("log"),
    );
    const error = await assertRejects(
      () => soon("the end", future),
      TaskTimeoutError,
    );
    assertInstanceOf(error, TimeoutError);
    assertStringIncludes(error.message, "slow one");
    const took = performance.now() - since;
    assert(took >= 45 && took < scaled(1_500), `${took} ms`);
    assertEquals(
      await soon("the next", executor.submit(on(tasks.add), 1, 1)),
      2,
    );
    assertEquals(executor.stats().failed, 1);
  });

  test("submit() tells a task that listens that its time is over", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
    using folder = new Folder();
    // The module that it is in has been imported before its time begins.
    await executor.submit(on(tasks.add), 1, 1);
    const future = executor.submit(
      on(tasks.untilAborted, { timeout: 200 }),
      folder.file("log"),
    );
    await assertRejects(() => soon("the end", future), TaskTimeoutError);
    await until("it has noted it", () => folder.lines("log").length === 2);
    assertEquals(folder.lines("log"), ["begun", "TaskTimeoutError"]);
    assertEquals(executor.stats().restarts, 0);
  });

  test("submit() cancels by the task's signal, pending and running", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
    using folder = new Folder();
    const controller = new AbortController();
    const { signal } = controller;
    const running = executor.submit(
      on(tasks.untilAborted, { signal }),
      folder.file("log"),
    );
    await until("it runs", () => folder.lines("log").length === 1);
    const pending = executor.submit(
      on(tasks.mark, { signal }),
      folder.file("ran"),
      "maybe",
    );
    const reason = new RangeError("stop it");
    controller.abort(reason);
    const error = await soon("the end", errorOf(running));
    assertInstanceOf(error, CancelledError);
    assertStrictEquals(error.cause, reason);
    if (backend !== "inline") {
      assertEquals(pending.state, "cancelled");
      assertEquals(folder.lines("ran"), []);
    } else await errorOf(pending);
  });

  test("submit() does not run a task whose signal has fired", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    await executor.submit(on(tasks.add), 1, 1);
    const future = executor.submit(
      on(tasks.mark, { signal: AbortSignal.abort("before") }),
      folder.file("ran"),
      "yes",
    );
    assertEquals(future.state, "cancelled");
    const error = await assertRejects(() => future.result(), CancelledError);
    assertEquals(error.cause, "before");
    await executor.submit(on(tasks.add), 1, 1);
    assertEquals(folder.lines("ran"), []);
  });

  if (backend !== "inline") {
    test("current.throwIfAborted() leaves a hot loop at a cancel", async () => {
      await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
      using folder = new Folder();
      const future = executor.submit(on(tasks.hotLoop), folder.file("log"));
      await until("it runs", () => folder.lines("log").length === 1);
      future.cancel();
      await assertRejects(() => soon("the end", future), CancelledError);
      assertEquals(folder.lines("log"), ["begun", "CancelledError"]);
      assertEquals(await executor.submit(on(tasks.add), 1, 1), 2);
      assertEquals(executor.stats().restarts, 0);
    });

    test("current.throwIfAborted() leaves a hot loop at a timeout", async () => {
      await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
      using folder = new Folder();
      const future = executor.submit(
        on(tasks.hotLoop, { timeout: 100 }),
        folder.file("log"),
      );
      await assertRejects(() => soon("the end", future), TaskTimeoutError);
      await until("it has left", () => folder.lines("log").length === 2);
      assertEquals(folder.lines("log"), ["begun", "TaskTimeoutError"]);
      assertEquals(executor.stats().restarts, 0);
    });
  }

  test("current.progress() reaches the future", async () => {
    await using executor = create({ maxWorkers: 1 });
    const future = executor.submit(on(tasks.countDown), 20);
    const reports = [];
    for await (const report of future.progress) reports.push(report);
    assertEquals(await future, "done");
    assert(reports.length >= 1);
    assertEquals(reports.at(-1), { done: 20, total: 20 });
    for (const [i, { done, total }] of reports.entries()) {
      assertEquals(total, 20);
      if (i > 0) assert(done > reports[i - 1]!.done);
    }
  });

  test("current.worker says where the task runs", async () => {
    await using executor = create({ maxWorkers: 2, name: "workshop" });
    const info = await executor.submit(on(tasks.workerInfo));
    assertEquals(info.kind, backend);
    assert(info.id > 0);
    assertStringIncludes(info.name, "workshop");
  });

  test("submit() keeps calls that run at a time apart", async () => {
    await using executor = create({ maxWorkers: 1, concurrency: 4 });
    using folder = new Folder();
    const futures = Array.from(
      { length: 4 },
      () => executor.submit(on(tasks.workerTwice), folder.file("gate")),
    );
    await until("all of them run", () => futures.every((f) => f.running()));
    folder.open("gate");
    for (const { before, after } of await Promise.all(futures)) {
      assert(before);
      assert(after);
    }
  });

  test("cancel() among calls that run at a time stops the one only", async () => {
    await using executor = create({
      maxWorkers: 1,
      concurrency: 3,
      cancelGrace: 20,
    });
    using folder = new Folder();
    const stuck = executor.submit(on(tasks.deaf), folder.file("log"));
    const other = executor.submit(
      on(tasks.markedGate),
      folder.file("other"),
      folder.file("gate"),
      "kept",
    );
    await until(
      "both run",
      () => folder.lines("log").length + folder.lines("other").length === 2,
    );
    stuck.cancel();
    await assertRejects(() => soon("the end", stuck), CancelledError);
    folder.open("gate");
    assertEquals(await soon("the other", other), "kept");
    assertEquals(
      await soon("the next", executor.submit(on(tasks.add), 1, 1)),
      2,
    );
    await soon("the shutdown", executor.shutdown());
  });

  test("submit() survives a future that its user has settled", async () => {
    await using executor = create({ maxWorkers: 1 });
    const future = executor.submit(on(tasks.add), 1, 2);
    future.setResult(99);
    assertEquals(await future, 99);
    const failing = executor.submit(on(tasks.raise), new RangeError("late"));
    failing.setResult(1 as never);
    assertEquals(
      await soon("the next", executor.submit(on(tasks.add), 1, 1)),
      2,
    );
  });

  test("submit() works from a callback of a future", async () => {
    await using executor = create({ maxWorkers: 1 });
    const inner = Promise.withResolvers<number>();
    executor.submit(on(tasks.add), 1, 2).addDoneCallback(() => {
      inner.resolve(executor.submit(on(tasks.add), 3, 4));
    });
    assertEquals(await soon("the inner", inner.promise), 7);
  });
}
