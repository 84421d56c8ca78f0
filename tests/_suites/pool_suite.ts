// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What executors that keep workers do with them: start, initialize, replace,
// limit, count, and how they end.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  BrokenExecutorError,
  BrokenProcessPoolError,
  BrokenThreadPoolError,
  CancelledError,
  type Executor,
  type Future,
  InvalidStateError,
  type PoolOptions,
  SerializationError,
  TaskTimeoutError,
  TimeoutError,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { fromModule, NotSupportedError, task } from "../../mod.ts";
import { errorOf, Folder, soon, until } from "./_helpers.ts";
import { declare, type Subject } from "./executor_suite.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

/** Tests of what is under an executor. */
export function poolSuite(subject: Subject): void {
  const { name, create, backend } = subject;
  // deno-lint-ignore no-explicit-any -- functions of every signature
  const on = <F extends (...args: any[]) => any>(fn: F): F =>
    declare(subject, fn);
  const test = testsOf(`${name}.`);
  const Broken = backend === "thread"
    ? BrokenThreadPoolError
    : BrokenProcessPoolError;

  test("constructor() refuses options out of range, and starts nothing", () => {
    for (
      const options of [
        { maxWorkers: 0 },
        { maxWorkers: -1 },
        { maxWorkers: 1.5 },
        { maxWorkers: NaN },
        { minWorkers: -1 },
        { maxWorkers: 1, minWorkers: 2 },
        { concurrency: 0 },
        { maxTasksPerWorker: 0 },
        { queueLimit: 0 },
        { idleTimeout: -1 },
        { idleTimeout: NaN },
        { cancelGrace: -1 },
      ]
    ) assertThrows(() => create(options), RangeError);
    assertThrows(
      () => create({ maxWorkers: "2" as unknown as number }),
      TypeError,
    );
    assertThrows(
      () => create({ initializer: 1 as unknown as () => void }),
      TypeError,
    );
    for (
      const options of [
        { name: 5 },
        { name: Symbol("pool") },
        { initArgs: "abc" },
        {
          initializer: function* () {
            yield 1;
          },
        },
        { resourceLimits: 64 },
        // As Python's: it would be overlooked.
        4,
        null,
      ]
    ) assertThrows(() => create(options as PoolOptions), TypeError);
    assertThrows(() => create({ name: "n".repeat(9000) }), RangeError);
    assertEquals(create().stats().workers, 0);
    return Promise.resolve();
  });

  test("cancel() reaches a task whose worker has just ended", async () => {
    await using executor = create({ maxWorkers: 1, concurrency: 3 });
    using folder = new Folder();
    const others = ["a", "b"].map((mark) =>
      executor.submit(
        task(on(tasks.markedGate), { retries: 1 }),
        folder.file("log"),
        folder.file("gate"),
        mark,
      )
    );
    await until("they run", () => folder.lines("log").length === 2);
    const crash = executor.submit(on(tasks.crashTimes), folder.file("n"), 1);
    // Before the others are run once more.
    crash.addDoneCallback(() => {
      for (const other of others) other.cancel("the first has failed");
    });
    assertInstanceOf(await errorOf(crash), WorkerCrashedError);
    for (const other of others) {
      const error = await errorOf(soon("the others", other));
      assertInstanceOf(error, CancelledError);
      assertEquals(error.cause, "the first has failed");
    }
    assertEquals(folder.lines("log").length, 2);
  });

  test("submit() starts no more workers than there is work", async () => {
    await using executor = create({ maxWorkers: 3 });
    for (let i = 0; i < 4; i++) {
      assertEquals(await executor.submit(on(tasks.square), i), i * i);
    }
    assertEquals(executor.stats().workers, 1);
  });

  test("submit() starts the first worker before the call is encoded", async () => {
    await using executor = create({ maxWorkers: 2 });
    const seen: number[] = [];
    const argument = {
      get workers(): number {
        seen.push(executor.stats().workers);
        return 1;
      },
    };
    const future = executor.submit(on(tasks.identity<unknown>), argument);
    assertEquals([...new Set(seen)], [1]);
    assertEquals(await future, { workers: 1 });
  });

  /** Functions of a new module that says when it is imported, and is not imported here. */
  const moduleOf = (folder: Folder, text: string) => {
    const log = JSON.stringify(folder.file("log"));
    Deno.writeTextFileSync(
      folder.file("module.js"),
      `Deno.writeTextFileSync(${log}, "import\\n", { append: true });\n${text}`,
    );
    return fromModule<{ answer(): number }>(
      `file://${folder.file("module.js")}`,
    );
  };

  test("prewarm() has each worker import what a function needs, and calls nothing", async () => {
    await using executor = create({ maxWorkers: 2 });
    using folder = new Folder();
    const { answer } = moduleOf(
      folder,
      "export let calls = 0; export const answer = () => ++calls;",
    );
    await executor.prewarm(answer);
    assertEquals(folder.lines("log").length, 2);
    const { workers, running, completed } = executor.stats();
    assertEquals({ workers, running, completed }, {
      workers: 2,
      running: 0,
      completed: 0,
    });
    assertEquals(await executor.submit(on(answer)), 1);
    assertEquals(folder.lines("log").length, 2);
  });

  test("prewarm() goes on beside a task", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const future = executor.submit(on(tasks.throughGate<number>), gate, 1);
    const { answer } = moduleOf(folder, "export const answer = () => 42;");
    await executor.prewarm(answer, on(tasks.square), answer);
    assertFalse(future.done());
    folder.open("gate");
    assertEquals(await future, 1);
    assertEquals(await executor.submit(on(answer)), 42);
    assertEquals(folder.lines("log").length, 1);
  });

  test("prewarm() without functions is ready()", async () => {
    await using executor = create({ maxWorkers: 2, minWorkers: 1 });
    await executor.prewarm();
    assertEquals(executor.stats().workers, 1);
  });

  test("prewarm() rejects with the error of a module, and the pool goes on", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const { answer } = moduleOf(folder, `throw new RangeError("not here");`);
    await assertRejects(
      () => executor.prewarm(tasks.square, answer),
      RangeError,
      "not here",
    );
    assertEquals(await executor.submit(on(tasks.square), 3), 9);
  });

  test("prewarm() rejects where the worker ends meanwhile", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const { answer } = moduleOf(
      folder,
      `Deno.exit(3); await new Promise(() => {});`,
    );
    const error = await errorOf(
      soon("its end", executor.prewarm(answer)),
    );
    assertInstanceOf(error, WorkerCrashedError);
    assertEquals(await executor.submit(on(tasks.square), 3), 9);
  });

  test("prewarm() rejects when the executor is terminated", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const { answer } = moduleOf(folder, `await new Promise(() => {});`);
    const prewarmed = errorOf(executor.prewarm(answer));
    await until("it is imported", () => folder.lines("log").length === 1);
    await executor.terminate();
    assertInstanceOf(await soon("its end", prewarmed), InvalidStateError);
  });

  test("prewarm() refuses what cannot be sent or called", async () => {
    await using executor = create({ maxWorkers: 1 });
    const held = new WeakMap();
    await assertRejects(
      () => executor.prewarm(() => held),
      SerializationError,
      "held",
    );
    await assertRejects(
      () => executor.prewarm(4 as unknown as () => number),
      TypeError,
    );
    await executor.shutdown();
    await assertRejects(
      () => executor.prewarm(tasks.square),
      InvalidStateError,
    );
  });

  test("prewarm() of a task is refused", async () => {
    await using executor = create({ maxWorkers: 1 });
    const error = await errorOf(
      executor.submit(on(async (it: Executor) => await it.prewarm()), executor),
    );
    assertInstanceOf(error, NotSupportedError);
  });

  test("submit() starts 'maxWorkers' workers at most", async () => {
    await using executor = create({ maxWorkers: 3 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const futures = Array.from(
      { length: 12 },
      (_, i) => executor.submit(on(tasks.throughGate<number>), gate, i),
    );
    await until("three run", () => executor.stats().running >= 3);
    const { workers, queued, running } = executor.stats();
    assertEquals({ workers, queued, running }, {
      workers: 3,
      queued: 9,
      running: 3,
    });
    assertEquals(futures.filter((future) => future.running()).length, 3);
    folder.open("gate");
    assertEquals(await Promise.all(futures), [...Array(12).keys()]);
  });

  test("submit() leaves no task behind a busy worker while another one is idle", async () => {
    await using executor = create({ maxWorkers: 2 });
    using folder = new Folder();
    // What is known to be short may be sent ahead.
    await executor.submit(on(tasks.square), 1);
    const [first, second] = ["a", "b"].map((gate) =>
      executor.submit(on(tasks.throughGate), folder.file(gate), gate)
    );
    await until("both run", () => executor.stats().running === 2);
    const short = [2, 3].map((x) => executor.submit(on(tasks.square), x));
    folder.open("a");
    assertEquals(await soon("the short ones", Promise.all(short)), [4, 9]);
    assertEquals([first!.state, second!.state], ["finished", "running"]);
    folder.open("b");
    await second;
  });

  test("submit() has no task overtaken by many, whatever runs before it", async () => {
    await using executor = create({ maxWorkers: 2 });
    using folder = new Folder();
    await executor.submit(on(tasks.busy), 3);
    const long = executor.submit(on(tasks.throughGate), folder.file("gate"), 0);
    await until("it runs", () => executor.stats().running === 1);
    const order: number[] = [];
    const short = Array.from({ length: 60 }, async (_, i) => {
      await executor.submit(on(tasks.busy), 3);
      order.push(i);
    });
    await soon("the short ones", Promise.all(short));
    assertEquals(long.state, "running");
    for (const [place, i] of order.entries()) {
      assert(Math.abs(place - i) < 20, `${i} was number ${place}`);
    }
    folder.open("gate");
    await long;
  });

  test("submit() runs as many calls at a time as 'concurrency' says", async () => {
    await using executor = create({ maxWorkers: 1, concurrency: 3 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const futures = Array.from(
      { length: 5 },
      (_, i) =>
        executor.submit(
          on(tasks.markedGate),
          folder.file("log"),
          gate,
          `${i}`,
        ),
    );
    await until("three run", () => folder.lines("log").length === 3);
    // The tasks may be faster than the word that they run.
    await until(
      "it is known",
      () => futures.slice(0, 3).every((future) => future.running()),
    );
    assertEquals(futures.map((f) => f.state), [
      "running",
      "running",
      "running",
      "pending",
      "pending",
    ]);
    folder.open("gate");
    await Promise.all(futures);
  });

  test("submit() refuses one more task than 'queueLimit'", async () => {
    await using executor = create({ maxWorkers: 1, queueLimit: 2 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const running = executor.submit(on(tasks.throughGate<number>), gate, 0);
    await until("it runs", () => running.running());
    const waiting = [1, 2].map((i) =>
      executor.submit(on(tasks.throughGate<number>), gate, i)
    );
    assertThrows(
      () => executor.submit(on(tasks.throughGate<number>), gate, 3),
      InvalidStateError,
      "queueLimit",
    );
    assert(waiting[0]!.cancel());
    const more = executor.submit(on(tasks.throughGate<number>), gate, 4);
    folder.open("gate");
    assertEquals(await Promise.all([running, waiting[1], more]), [0, 2, 4]);
  });

  test("initializer runs once on each worker before its first task", async () => {
    using folder = new Folder();
    await using executor = create({
      maxWorkers: 2,
      initializer: tasks.initialize,
      initArgs: [{ answer: 42 }, folder.file("log")],
    });
    const futures = Array.from(
      { length: 6 },
      () => executor.submit(on(tasks.initialValue)),
    );
    for (const value of await Promise.all(futures)) {
      assertEquals(value, { answer: 42 });
    }
    await executor.ready();
    assertEquals(folder.lines("log").length, executor.stats().workers);
    assertEquals(executor.stats().completed, 6);
  });

  test("initializer that fails breaks the executor", async () => {
    await using executor = create({
      maxWorkers: 2,
      initializer: tasks.failingInitializer,
      initArgs: ["no such thing"],
    });
    const futures = Array.from(
      { length: 4 },
      (_, i) => executor.submit(on(tasks.square), i),
    );
    const errors = await soon("the ends", Promise.all(futures.map(errorOf)));
    for (const error of errors) {
      assertInstanceOf(error, Broken);
      assertInstanceOf(error, BrokenExecutorError);
      assertInstanceOf(error.cause, TypeError);
      assertEquals(error.cause.message, "no such thing");
    }
    assertEquals(new Set(errors).size, 4);
    assertThrows(() => executor.submit(on(tasks.square), 1), Broken);
    await assertRejects(() => executor.ready(), Broken);
    await soon("the shutdown", executor.shutdown());
    assertThrows(() => executor.submit(on(tasks.square), 1), Broken);
  });

  test("initializer that ends its worker breaks the executor", async () => {
    await using executor = create({
      maxWorkers: 1,
      initializer: tasks.crashingInitializer,
    });
    const error = await soon(
      "the end",
      errorOf(executor.submit(on(tasks.square), 1)),
    );
    assertInstanceOf(error, Broken);
    assertInstanceOf(error.cause, WorkerCrashedError);
    assertEquals(error.cause.exitCode, 9);
  });

  test("initializer that takes longer than its timeout breaks the executor", async () => {
    await using executor = create({
      maxWorkers: 1,
      initializer: task(() => new Promise<never>(() => {}), { timeout: 100 }),
    });
    const error = await soon(
      "the end",
      errorOf(executor.submit(on(tasks.square), 1)),
    );
    assertInstanceOf(error, Broken);
    assertInstanceOf(error.cause, TaskTimeoutError);
    assertStringIncludes(error.cause.message, "within 100 ms");
  });

  test("initializer with a timeout that it keeps is as without", async () => {
    await using executor = create({
      maxWorkers: 1,
      initializer: task(tasks.initialize, { timeout: 60_000 }),
      initArgs: ["kept"],
    });
    assertEquals(await executor.submit(on(tasks.initialValue)), "kept");
  });

  test("submit() does not count tasks for which there are workers to start against 'queueLimit'", async () => {
    await using executor = create({ maxWorkers: 2, queueLimit: 1 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const accepted = [1, 2, 3].map((x) =>
      executor.submit(on(tasks.throughGate<number>), gate, x)
    );
    assertThrows(
      () => executor.submit(on(tasks.square), 4),
      InvalidStateError,
      "queueLimit",
    );
    folder.open("gate");
    assertEquals(await Promise.all(accepted), [1, 2, 3]);
  });

  test("maxTasksPerWorker holds with several calls under way", async () => {
    await using executor = create({
      maxWorkers: 1,
      maxTasksPerWorker: 3,
      concurrency: 2,
    });
    const infos = await Promise.all(
      Array.from({ length: 10 }, () => executor.submit(on(tasks.workerInfo))),
    );
    const counts = new Map<number, number>();
    for (const { id } of infos) counts.set(id, (counts.get(id) ?? 0) + 1);
    assertEquals([...counts.values()].toSorted(), [1, 3, 3, 3]);
  });

  test("minWorkers are kept after a crash", async () => {
    await using executor = create({ maxWorkers: 2, minWorkers: 2 });
    await executor.ready();
    await errorOf(executor.submit(on(tasks.crashingInitializer)));
    await until("both are up", () => executor.stats().idle === 2);
  });

  test("name is the name of a lone worker, and numbered with several", async () => {
    await using lone = create({ maxWorkers: 1, name: "lone" });
    assertEquals((await lone.submit(on(tasks.workerInfo))).name, "lone");
    await using several = create({ maxWorkers: 2, name: "several" });
    assertEquals(
      (await several.submit(on(tasks.workerInfo))).name,
      "several_0",
    );
  });

  test("terminate() while the initializer runs ends everything", async () => {
    using folder = new Folder();
    const executor = create({
      maxWorkers: 1,
      initializer: tasks.deaf,
      initArgs: [folder.file("log")],
    });
    const future = executor.submit(on(tasks.square), 1);
    await until("it is on", () => folder.lines("log").length === 1);
    await soon("the end", executor.terminate());
    await assertRejects(() => future.result(), CancelledError);
    assertEquals(executor.stats().workers, 0);
  });

  test("maxTasksPerWorker replaces the worker after so many tasks", async () => {
    await using executor = create({ maxWorkers: 1, maxTasksPerWorker: 3 });
    const ids: number[] = [];
    for (let i = 0; i < 4; i++) {
      ids.push((await executor.submit(on(tasks.workerInfo))).id);
    }
    assertEquals(ids[0], ids[1]);
    assertEquals(ids[1], ids[2]);
    assertNotEquals(ids[2], ids[3]);
    const { workers, restarts, crashes } = executor.stats();
    assertEquals({ workers, restarts, crashes }, {
      workers: 1,
      restarts: 1,
      crashes: 0,
    });
  });

  test("maxTasksPerWorker does not hold back a backlog, nor a shutdown", async () => {
    const executor = create({ maxWorkers: 1, maxTasksPerWorker: 1 });
    const futures = Array.from(
      { length: 5 },
      (_, i) => executor.submit(on(tasks.square), i),
    );
    const closed = executor.shutdown();
    assertEquals(await soon("all", Promise.all(futures)), [0, 1, 4, 9, 16]);
    await soon("the end", closed);
  });

  test("idleTimeout stops idle workers above 'minWorkers'", async () => {
    await using executor = create({
      maxWorkers: 3,
      minWorkers: 1,
      idleTimeout: 30,
    });
    using folder = new Folder();
    const futures = Array.from(
      { length: 3 },
      () => executor.submit(on(tasks.throughGate), folder.file("gate"), 0),
    );
    await until("three run", () => executor.stats().running === 3);
    folder.open("gate");
    await Promise.all(futures);
    await until("one is left", () => executor.stats().workers === 1);
    const { id } = await executor.submit(on(tasks.workerInfo));
    // Several times as long: that one stays.
    await new Promise((resolve) => setTimeout(resolve, 150));
    assertEquals((await executor.submit(on(tasks.workerInfo))).id, id);
  });

  test("idleTimeout stops workers that never had a task", async () => {
    await using executor = create({ maxWorkers: 2, idleTimeout: 20 });
    await executor.ready();
    await until("none is left", () => executor.stats().workers === 0);
    assertEquals(await executor.submit(on(tasks.square), 5), 25);
  });

  test("idleTimeout may be longer than any timer", async () => {
    await using executor = create({ maxWorkers: 1, idleTimeout: 1e12 });
    assertEquals(await executor.submit(on(tasks.square), 5), 25);
    assertEquals(executor.stats().idle, 1);
  });

  test("ready() starts the workers ahead", async () => {
    await using executor = create({ maxWorkers: 2 });
    await executor.ready();
    const { workers, idle } = executor.stats();
    assertEquals({ workers, idle }, { workers: 2, idle: 2 });
    await executor.ready();
    assertEquals(executor.stats().workers, 2);
  });

  test("ready() keeps the workers that are up until the others are", async () => {
    using folder = new Folder();
    await using executor = create({
      maxWorkers: 2,
      idleTimeout: 5,
      initializer: tasks.secondTakesLonger,
      initArgs: [folder.file("begun")],
    });
    await soon("both", executor.ready());
    assertEquals(folder.lines("begun").length, 2);
    await until("none is left", () => executor.stats().workers === 0);
  });

  test("ready() rejects where it ends before", async () => {
    const executor = create({ maxWorkers: 1 });
    const ready = errorOf(executor.ready());
    await executor.terminate();
    assertInstanceOf(await soon("the answer", ready), CancelledError);
    await assertRejects(() => executor.ready(), InvalidStateError);
  });

  test("stats() counts what happened", async () => {
    await using executor = create({ maxWorkers: 1 });
    await executor.submit(on(tasks.square), 1);
    await errorOf(executor.submit(on(tasks.raise), 1));
    await errorOf(executor.submit(on(tasks.crashingInitializer)));
    const { completed, failed, cancelled, crashes, restarts, stuck } = executor
      .stats();
    assertEquals({ completed, failed, cancelled, crashes, restarts, stuck }, {
      completed: 1,
      failed: 2,
      cancelled: 0,
      crashes: 1,
      restarts: 1,
      stuck: 0,
    });
  });

  test("stats() counts the calls of a map one by one", async () => {
    await using executor = create({ maxWorkers: 2 });
    const numbers = Array(1000).keys();
    for await (
      const _ of executor.map(on(tasks.squareUnlessOdd), numbers, {
        onError: "settle",
      })
    );
    const { completed, failed, runTime, waitTime, perWorker } = executor
      .stats();
    assertEquals([completed, failed], [500, 500]);
    assertEquals([runTime.count, waitTime.count], [1000, 1000]);
    const total = perWorker.reduce((sum, { tasks }) => sum + tasks, 0);
    assertEquals(total, 1000);
  });

  test("stats() tells how long tasks ran and waited, and what workers did", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(executor.stats().perWorker, []);
    assertEquals(executor.stats().utilization, 0);
    await executor.ready();
    const info = await executor.submit(on(tasks.workerInfo));
    const before = executor.stats().perWorker[0]!;
    assertEquals(before.id, info.id);
    assertEquals(before.name, info.name);
    assertEquals(before.kind, info.kind);
    assertEquals(before.pid === undefined, info.kind !== "process");
    assertEquals([before.state, before.tasks, before.running], ["idle", 1, 0]);
    const both = [40, 40].map((ms) => executor.submit(on(tasks.busy), ms));
    await until("the first runs", () => both[0]!.running());
    const during = executor.stats();
    assertEquals(during.perWorker[0]!.state, "busy");
    assert(during.perWorker[0]!.running >= 1);
    await Promise.all(both);
    const { runTime, waitTime, utilization, perWorker } = executor.stats();
    assertEquals([runTime.count, waitTime.count], [3, 3]);
    assert(runTime.max >= 40, `${runTime.max}`);
    assert(runTime.p99 >= runTime.p50 && runTime.max >= runTime.p99);
    const after = perWorker[0]!;
    assertEquals([after.state, after.tasks, after.running], ["idle", 3, 0]);
    assert(after.busyTime >= 40, `${after.busyTime}`);
    assert(after.utilization > 0 && after.utilization <= 1);
    assert(utilization > 0 && utilization <= 1);
    // In turn on a worker that runs one at a time: the second has waited.
    if (backend !== "inline") assert(waitTime.max >= 30, `${waitTime.max}`);
  });

  test("shutdown() finishes what was accepted, then stops the workers", async () => {
    const executor = create({ maxWorkers: 2 });
    const futures = Array.from(
      { length: 50 },
      (_, i) => executor.submit(on(tasks.square), i),
    );
    await executor.shutdown();
    assert(futures.every((future) => future.state === "finished"));
    assertEquals(executor.stats().workers, 0);
    const error = assertThrows(
      () => executor.submit(on(tasks.square), 1),
      InvalidStateError,
    );
    assertStringIncludes(error.message, "shut down");
    assertThrows(() => executor.map(on(tasks.square), [1]), InvalidStateError);
    await executor.shutdown();
    await executor.terminate();
  });

  test("shutdown() of an executor that was never used ends at once", async () => {
    const executor = create();
    await soon("the end", executor.shutdown());
    await soon("the end", create().terminate());
    assertThrows(() => executor.submit(on(tasks.square), 1), InvalidStateError);
  });

  test("shutdown() with 'wait: false' returns at once and finishes all the same", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const future = executor.submit(
      on(tasks.throughGate<number>),
      folder.file("gate"),
      7,
    );
    const other = executor.submit(on(tasks.square), 3);
    await executor.shutdown({ wait: false });
    assertEquals(future.done(), false);
    folder.open("gate");
    assertEquals(await future, 7);
    assertEquals(await other, 9);
    await executor.shutdown();
    assertEquals(executor.stats().workers, 0);
  });

  test("shutdown() with 'cancelFutures' cancels what has not begun", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const first = executor.submit(on(tasks.throughGate<number>), gate, 0);
    await until("it runs", () => first.running());
    const rest = Array.from(
      { length: 5 },
      () => executor.submit(on(tasks.throughGate<number>), gate, 1),
    );
    const closed = executor.shutdown({ cancelFutures: true });
    assert(rest.every((future) => future.cancelled()));
    folder.open("gate");
    assertEquals(await first, 0);
    await soon("the end", closed);
  });

  test("shutdown() with 'cancelFutures' cancels what was sent ahead", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    await executor.submit(on(tasks.mark), folder.file("warm"), "x");
    const first = executor.submit(
      on(tasks.throughGate<number>),
      folder.file("gate"),
      0,
    );
    await until("it runs", () => first.running());
    const rest = Array.from(
      { length: 5 },
      () => executor.submit(on(tasks.mark), folder.file("ran"), "no"),
    );
    const closed = executor.shutdown({ cancelFutures: true });
    folder.open("gate");
    await soon("the end", closed);
    assertEquals(
      rest.map((future) => future.state),
      Array(5).fill("cancelled"),
    );
    assertEquals(folder.lines("ran"), []);
  });

  test("shutdown() rejects where the timeout passes, and goes on", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const future = executor.submit(
      on(tasks.throughGate<number>),
      folder.file("gate"),
      1,
    );
    await assertRejects(() => executor.shutdown({ timeout: 20 }), TimeoutError);
    await assertRejects(() => executor.shutdown({ timeout: -1 }), RangeError);
    folder.open("gate");
    await executor.shutdown();
    assertEquals(await future, 1);
  });

  test("shutdown() while workers start does not hang", async () => {
    for (const cancelFutures of [false, true]) {
      const executor = create({ maxWorkers: 2 });
      const futures = [1, 2, 3].map((x) =>
        executor.submit(on(tasks.square), x)
      );
      if (cancelFutures) futures[2]!.cancel();
      await soon("the end", executor.shutdown({ cancelFutures }));
      assert(futures.every((future) => future.done()));
      assertEquals(executor.stats().workers, 0);
    }
  });

  test("cancel() of everything, then shutdown(), does not hang", async () => {
    const executor = create({ maxWorkers: 2 });
    const futures = [1, 2, 3].map((x) => executor.submit(on(tasks.square), x));
    // A thread may have begun with one meanwhile: that one is asked to stop.
    for (const future of futures) future.cancel();
    await soon("the end", executor.shutdown());
    for (const future of futures) assert(future.done());
  });

  test("terminate() cancels what runs and what waits", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const futures: Future<unknown>[] = [
      executor.submit(on(tasks.deaf), folder.file("log")),
      executor.submit(on(tasks.square), 1),
      executor.submit(on(tasks.square), 2),
    ];
    await until("it runs", () => folder.lines("log").length === 1);
    const ended = executor.terminate();
    assertEquals(futures.map((f) => f.state), Array(3).fill("cancelled"));
    await soon("the end", ended);
    const { workers, running, queued, cancelled } = executor.stats();
    assertEquals({ workers, running, queued, cancelled }, {
      workers: 0,
      running: 0,
      queued: 0,
      cancelled: 3,
    });
    const error = assertThrows(
      () => executor.submit(on(tasks.square), 1),
      InvalidStateError,
    );
    assertStringIncludes(error.message, "terminated");
    await executor.terminate();
    await executor.shutdown();
  });

  test("terminate() while workers start ends them", async () => {
    const executor = create({ maxWorkers: 3 });
    const futures = [1, 2, 3].map((x) => executor.submit(on(tasks.square), x));
    await soon("the end", executor.terminate());
    assert(futures.every((future) => future.cancelled()));
  });

  test("terminate() cuts a shutdown short", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const future = executor.submit(on(tasks.deaf), folder.file("log"));
    await until("it runs", () => folder.lines("log").length === 1);
    const closed = executor.shutdown();
    await soon("the end", executor.terminate());
    await soon("the end", closed);
    assert(future.cancelled());
  });

  test("dispose finishes what was accepted", async () => {
    let future: Future<number>;
    {
      await using executor = create({ maxWorkers: 1 });
      future = executor.submit(on(tasks.square), 6);
    }
    assertEquals(future.state, "finished");
    assertEquals(await future, 36);
  });

  test("cancel() while the only worker starts leaves it for the next task", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const future = executor.submit(on(tasks.mark), folder.file("ran"), "yes");
    // A thread may come up while this one is not let go on.
    const isCancelled = future.cancel();
    assert(isCancelled === future.cancelled());
    if (!isCancelled) assertEquals(await future, "yes");
    assertEquals(
      await soon("the next", executor.submit(on(tasks.square), 3)),
      9,
    );
    assertEquals(folder.lines("ran"), isCancelled ? [] : ["yes"]);
    assertEquals(executor.stats().workers, 1);
  });
}
