// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Tasks that submit tasks: to the executor that runs them, and to others.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  AutoExecutor,
  CancelledError,
  type Executor,
  type Future,
  InvalidStateError,
  PoolExecutor,
  ProcessPoolExecutor,
  SerializationError,
  ThreadPoolExecutor,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import type { TaskOptions } from "../../mod.ts";
import { Process } from "../../multiprocessing/mod.ts";
import { Queue, Thread } from "../../threading/mod.ts";
import { errorOf, Folder, HeldTimers, soon, until } from "./_helpers.ts";
import * as nested from "./_nested_tasks.ts";
import * as streams from "./_stream_tasks.ts";
import * as tasks from "./_tasks.ts";
import { declare, type Subject } from "./executor_suite.ts";
import { testsOf } from "./_tests_of.ts";

// deno-lint-ignore no-explicit-any -- functions of every signature
type AnyFunction = (...args: any[]) => any;

/** Tests of nested submits. Not for tasks that run in place. */
export function nestedSuite(subject: Subject): void {
  const { name, create, backend } = subject;
  const on = <F extends AnyFunction>(fn: F, options?: TaskOptions): F =>
    declare(subject, fn, options);
  /** On the worker that its tasks wait for: an automatic executor has others for what is not declared. */
  const inTurn = <F extends AnyFunction>(fn: F): F => on(fn, { kind: "cpu" });
  const test = testsOf(`${name}.`);

  for (const maxWorkers of [1, 2, navigator.hardwareConcurrency + 2]) {
    const suffix = `on ${maxWorkers} workers`;

    test(`submit() lets a task submit and wait ${suffix}`, async () => {
      await using executor = create({ maxWorkers });
      assertEquals(
        await soon("fib", executor.submit(on(nested.fib), executor, 9)),
        34,
      );
    });

    test(`submit() lets a task use all that executors do ${suffix}`, async () => {
      await using executor = create({ maxWorkers });
      assertEquals(
        await soon("the end", executor.submit(on(nested.everyWay), executor)),
        {
          mapped: [1, 4, 9, 16],
          starred: [1, 4, 9, 16],
          streamed: 40,
          waited: [4, 0],
          completed: [1, 4, 9, 16],
        },
      );
    });
  }

  test("submit() nests 500 tasks on one worker", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(
      await soon("the end", executor.submit(on(nested.depth), executor, 500)),
      500,
    );
    // An automatic one has threads for what waits and for what computes.
    const most = executor instanceof AutoExecutor ? 2 : 1;
    assert(executor.stats().workers <= most);
    assertEquals(executor.stats().completed, 501);
  });

  test("submit() takes many tasks of one task", async () => {
    await using executor = create({ maxWorkers: 1 });
    let sum = 0;
    for (let i = 0; i < 400; i++) sum += i * i;
    assertEquals(
      await soon("the end", executor.submit(on(nested.squares), executor, 400)),
      sum,
    );
  });

  test("submit() nests through concurrent calls", async () => {
    await using executor = create({ maxWorkers: 1, concurrency: 3 });
    const futures = [5, 6, 7].map((n) =>
      executor.submit(on(nested.fib), executor, n)
    );
    assertEquals(await soon("all", Promise.all(futures)), [5, 8, 13]);
  });

  test("submit() goes to and fro between two executors", async () => {
    await using executor = create({ maxWorkers: 1 });
    await using other = backend === "thread"
      ? new ProcessPoolExecutor({ maxWorkers: 1 })
      : new ThreadPoolExecutor({ maxWorkers: 1 });
    const there = backend === "thread" ? "process" : "thread";
    assertEquals(
      await soon(
        "the end",
        executor.submit(on(nested.pingPong), executor, other, 5),
      ),
      [backend, there, backend, there, backend, there],
    );
  });

  test("submit() takes an executor by every way", async () => {
    await using executor = create({ maxWorkers: 1 });
    const captured = on(async (n: number) =>
      await executor.submit((m: number) => m * m, n)
    );
    assertEquals(await executor.submit(captured, 7), 49);
    const inMap = on(async (map: Map<string, Executor[]>) =>
      await map.get("pools")![0]!.submit((m: number) => m + 1, 1)
    );
    assertEquals(
      await executor.submit(inMap, new Map([["pools", [executor]]])),
      2,
    );
    const same = on((a: Executor, b: { pool: Executor }) =>
      a === b.pool && a === executor
    );
    assertEquals(
      await executor.submit(same, executor, { pool: executor }),
      true,
    );
    const className = on((pool: Executor) => pool.constructor.name);
    assertEquals(
      await executor.submit(className, executor),
      executor.constructor.name,
    );
    const isPool = on((pool: Executor) => pool instanceof PoolExecutor);
    assertEquals(await executor.submit(isPool, executor), true);
  });

  test("submit() brings an executor home as itself", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertStrictEquals(
      await executor.submit(on(tasks.identity<Executor>), executor),
      executor,
    );
    const [inner] = await executor.submit(
      on((pools: Executor[]) => pools),
      [executor],
    );
    assertStrictEquals(inner, executor);
  });

  test("submit() passes an executor through a queue", async () => {
    await using executor = create({ maxWorkers: 1 });
    const queue = new Queue<Executor>();
    await queue.put(executor);
    const thread = new Thread({
      target: async (queue: Queue<Executor>) =>
        await nested.squareAt(await queue.get(), 6),
      args: [queue],
    });
    thread.start();
    assertEquals(await soon("the result", thread.result()), 36);
    await thread.join();
    await queue.put(executor);
    assertStrictEquals(await queue.get(), executor);
  });

  test("submit() serves threads and processes that get the executor", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const Host of [Thread, Process]) {
      const host = new Host({
        target: nested.squareAt,
        args: [executor as Executor, 9],
      });
      host.start();
      assertEquals(await soon("the result", host.result()), 81);
      await host.join();
    }
  });

  test("submit() serves a thread and a pool that a task starts", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(
      await soon(
        "the thread",
        executor.submit(on(nested.throughThread), executor, 3),
      ),
      9,
    );
    assertEquals(
      await soon(
        "the pool",
        executor.submit(on(nested.throughInnerPool), executor, 4),
      ),
      16,
    );
  });

  test("submit() serves an executor among the arguments of the initializer", async () => {
    await using other = new ThreadPoolExecutor({ maxWorkers: 1 });
    await using executor = create({
      maxWorkers: 1,
      initializer: nested.keep,
      initArgs: [other],
    });
    assertEquals(
      await soon("the result", executor.submit(on(nested.useKept), 5)),
      25,
    );
  });

  test("submit() gives a task the errors of its tasks", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(
      await executor.submit(on(nested.errorBelow), executor, tasks.failWell),
      {
        class: "TypeError",
        name: "TypeError",
        message: "the outer one",
        cause: "RangeError",
      },
    );
    // What it does not catch becomes its own.
    const through = on(async (pool: Executor) =>
      await pool.submit(tasks.failWell)
    );
    const error = await errorOf(executor.submit(through, executor));
    assertInstanceOf(error, TypeError);
    assertInstanceOf(error.cause, RangeError);
    assertEquals(error.cause.cause, "the innermost");
    assertEquals((error as Error & { code?: number }).code, 42);
  });

  test("submit() refuses what a task cannot send at the call", async () => {
    await using executor = create({ maxWorkers: 1 });
    const refused = on(async (pool: Executor) => {
      try {
        await pool.submit((x: unknown) => x, [{ it: new WeakMap() }]);
      } catch (error) {
        const { name, path } = error as SerializationError;
        return [name, path];
      }
    });
    assertEquals(
      await executor.submit(refused, executor),
      ["SerializationError", "args[0][0].it"],
    );
    const result = on(async (pool: Executor) => {
      try {
        await pool.submit(() => new WeakMap());
      } catch (error) {
        const { name, path } = error as SerializationError;
        return [name, path];
      }
    });
    assertEquals(
      await executor.submit(result, executor),
      ["SerializationError", "result"],
    );
  });

  test("submit() gives a task its own functions and instances back", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(
      await executor.submit(on(nested.pointBelow), executor),
      [true, 5, 4],
    );
    const local = on(async (pool: Executor) => {
      const fn = () => 1;
      const back = await pool.submit((it: () => number) => it, fn);
      return back === fn;
    });
    assertEquals(await executor.submit(local, executor), true);
  });

  test("submit() lets a task cancel a task of its own", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
    using folder = new Folder();
    const log = folder.file("log");
    assertEquals(
      await soon(
        "the end",
        executor.submit(on(nested.cancelRunning), executor, log, log),
      ),
      {
        isCancelled: false,
        name: "CancelledError",
        cause: "not needed",
        state: "cancelled",
      },
    );
    await until("it has heard", () => folder.lines("log").length === 2);
    assertEquals(folder.lines("log"), ["begun", "CancelledError"]);
  });

  test("submit() never runs a nested task that was cancelled at once", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const cancelled = async (pool: Executor, log: string) => {
      const futures = [1, 2, 3].map((i) =>
        pool.submit(tasks.mark, log, `${i}`)
      );
      const isCancelled = futures.map((future) => future.cancel());
      await Promise.allSettled(futures);
      return [isCancelled, futures.map(({ state }) => state)];
    };
    assertEquals(
      await executor.submit(
        inTurn(cancelled),
        executor,
        folder.file("log"),
      ),
      [[true, true, true], ["cancelled", "cancelled", "cancelled"]],
    );
    // The next task is behind whatever they left.
    assertEquals(await executor.submit(on(tasks.square), 3), 9);
    assertEquals(folder.lines("log"), []);
  });

  test("submit() keeps the options of nested tasks", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
    using folder = new Folder();
    const submit = on(nested.withOptions);
    assertEquals(
      await executor.submit(submit, executor, {}, tasks.countDown, 3),
      { value: "done", last: 3 },
    );
    assertEquals(
      await executor.submit(
        submit,
        executor,
        { retries: 2 },
        tasks.failTimes,
        folder.file("fails"),
        2,
      ),
      { value: 3, last: undefined },
    );
    const late = await soon(
      "the timeout",
      executor.submit(
        submit,
        executor,
        { timeout: 20, name: "late" },
        tasks.untilAborted,
        folder.file("late"),
      ),
    ) as { name: string; message: string };
    assertEquals(late.name, "TaskTimeoutError");
    assert(late.message.includes("'late'"), late.message);
    await executor.submit(
      inTurn(nested.orderBelow),
      executor,
      folder.file("order"),
    );
    assertEquals(folder.lines("order"), ["2 1", "2 3", "1 2", "0 0"]);
  });

  test("submit() moves what a nested task is given to move", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(
      await executor.submit(on(nested.moveBelow), executor),
      // A process gets a copy.
      [1 << 16, backend === "process" ? 1 << 16 : 0],
    );
  });

  test("submit() keeps `current` of a task while others run on its worker", async () => {
    await using executor = create({ maxWorkers: 1 });
    const seen = await soon(
      "the end",
      executor.submit(on(nested.currentAround), executor),
    );
    assertEquals(seen, new Array(9).fill(true));
  });

  test("submit() tells a task that waits for its task to stop", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 60_000 });
    using folder = new Folder();
    const stopped = on(async (pool: Executor, below: string, log: string) => {
      const { signal } = (await import("../../mod.ts")).current;
      // Before the other one runs: then this one is told to stop.
      const future = pool.submit(tasks.untilAborted, below);
      signal.addEventListener("abort", () => {
        tasks.mark(log, String((signal.reason as Error).cause));
        future.cancel();
      });
      await future;
    });
    const future = executor.submit(
      stopped,
      executor,
      folder.file("below"),
      folder.file("log"),
    );
    await until("it waits", () => folder.lines("below").length === 1);
    future.cancel("the caller has gone");
    assertInstanceOf(await errorOf(future), CancelledError);
    await until("both have heard", () => folder.lines("below").length === 2);
    assertEquals(folder.lines("log"), ["the caller has gone"]);
    assertEquals(await executor.submit(on(tasks.square), 2), 4);
  });

  test("shutdown() finishes what tasks submit meanwhile", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const late = on(async (pool: Executor, gate: string) => {
      await tasks.throughGate(gate, undefined);
      return await nested.fib(pool, 6);
    });
    const future = executor.submit(late, executor, folder.file("gate"));
    const closed = executor.shutdown();
    await assertRejects(
      // deno-lint-ignore require-await -- it throws at once
      async () => executor.submit(on(tasks.square), 2),
      InvalidStateError,
    );
    folder.open("gate");
    assertEquals(await soon("the result", future), 8);
    await soon("the end", closed);
  });

  test("shutdown() waits for tasks whose submitter has ended", async () => {
    using folder = new Folder();
    {
      await using executor = create({ maxWorkers: 1 });
      assertEquals(
        await executor.submit(
          on(nested.submitAndLeave),
          executor,
          folder.file("gate"),
          folder.file("log"),
        ),
        "left",
      );
      folder.open("gate");
    }
    assertEquals(folder.lines("log"), ["ended"]);
  });

  test("shutdown() of a task is refused to wait for itself", async () => {
    const executor = create({ maxWorkers: 1 });
    await using other = new ThreadPoolExecutor({ maxWorkers: 1 });
    await other.submit(tasks.square, 1);
    assertEquals(
      await executor.submit(on(nested.shutdownBelow), executor, "shutdown"),
      "InvalidStateError",
    );
    // It was heard all the same.
    await assertRejects(
      // deno-lint-ignore require-await -- it throws at once
      async () => executor.submit(on(tasks.square), 2),
      InvalidStateError,
    );
    await executor.shutdown();
  });

  test("shutdown() and terminate() of a task close another executor", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const verb of ["shutdown", "terminate"] as const) {
      const other = new ThreadPoolExecutor({ maxWorkers: 1 });
      assertEquals(await other.submit(tasks.square, 2), 4);
      assertEquals(
        await soon(
          verb,
          executor.submit(on(nested.shutdownBelow), other as Executor, verb),
        ),
        "closed",
      );
      assertEquals(other.stats().workers, 0);
      assertEquals(
        await executor.submit(on(nested.closedBelow), other as Executor),
        ["InvalidStateError", "InvalidStateError", "NotSupportedError"],
      );
      await other.shutdown();
    }
  });

  test("ready() of a task starts the workers of another executor", async () => {
    await using executor = create({ maxWorkers: 1 });
    await using other = new ThreadPoolExecutor({ maxWorkers: 2 });
    assertEquals(
      await executor.submit(on(nested.closedBelow), other as Executor),
      ["fine", "fine", "NotSupportedError"],
    );
    assertEquals(other.stats().workers, 2);
  });

  test("terminate() ends tasks and their tasks", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const future = executor.submit(
      on(nested.submitAndStay),
      executor,
      folder.file("below"),
      folder.file("own"),
    );
    await until("both run", () => folder.lines("below").length === 1);
    const ended = errorOf(future);
    await soon("the end", executor.terminate());
    assertInstanceOf(await ended, CancelledError);
    assertEquals(executor.stats().workers, 0);
  });

  test("submit() cancels the tasks of a task whose worker ends", async () => {
    await using executor = create({ maxWorkers: 2, cancelGrace: 60_000 });
    using folder = new Folder();
    await executor.ready();
    const future = executor.submit(
      on(nested.submitAndCrash),
      executor,
      folder.file("below"),
    );
    const error = await soon("the crash", errorOf(future));
    assertInstanceOf(error, WorkerCrashedError);
    assertEquals(error.exitCode, 4);
    await until("it was told", () => folder.lines("below").length === 2);
    assertEquals(folder.lines("below"), ["begun", "CancelledError"]);
    assertEquals(await executor.submit(on(nested.fib), executor, 5), 5);
  });

  test("submit() spares a task whose task ends its worker", async () => {
    await using executor = create({ maxWorkers: 2 });
    await executor.ready();
    const below = await soon(
      "the crash",
      executor.submit(on(nested.errorBelow), executor, nested.exitWorker),
    ) as { class: string };
    assertEquals(below.class, "WorkerCrashedError");
    assertEquals(executor.stats().crashes, 1);
    assertEquals(executor.stats().completed, 1);
  });

  test("cancel() of a task that does not stop cancels what it has submitted", async () => {
    // A time of no other timer, which passes when it is told to: the generator has
    // as long to run its `finally`.
    const cancelGrace = 54_321;
    using grace = new HeldTimers(cancelGrace);
    const executor = create({ maxWorkers: 1, cancelGrace });
    using folder = new Folder();
    const future = executor.submit(
      on(streams.deafConsumer),
      executor,
      folder.file("below"),
      folder.file("own"),
    );
    await until("it consumes", () => folder.lines("own").length === 1);
    future.cancel();
    assertEquals(grace.size, 1);
    grace.fire();
    await soon("the end", errorOf(future));
    // The generator holds the worker of the task, and has no end of its own.
    await soon("the pool is closed", executor.shutdown());
    assertEquals(executor.stats().workers, 0);
    assertEquals(folder.lines("below").length, 1);
  });

  test("submit() nests where workers take one task each", async () => {
    await using executor = create({ maxWorkers: 1, maxTasksPerWorker: 1 });
    assertEquals(
      await soon("fib", executor.submit(on(nested.fib), executor, 4)),
      3,
    );
  });

  test("submit() lets tasks submit beyond 'queueLimit'", async () => {
    await using executor = create({ maxWorkers: 1, queueLimit: 1 });
    assertEquals(
      await soon("the end", executor.submit(on(nested.squares), executor, 50)),
      40_425,
    );
  });

  test("submit() serves several submitters at a time", async () => {
    await using executor = create({ maxWorkers: 2 });
    const futures: Future<number>[] = [];
    for (let i = 0; i < 20; i++) {
      futures.push(executor.submit(on(nested.squares), executor, i));
    }
    const expected = Array.from({ length: 20 }, (_, n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += i * i;
      return sum;
    });
    assertEquals(await soon("all", Promise.all(futures)), expected);
  });

  test("submit() ends the worker of a task that forgets a failure", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    // As any rejection does that nobody handles.
    const forgets = on(async (pool: Executor, gate: string) => {
      pool.submit(tasks.raise, new RangeError("forgotten"));
      await tasks.throughGate(gate, undefined);
    });
    const error = await soon(
      "the crash",
      errorOf(executor.submit(forgets, executor, folder.file("never"))),
    );
    assertInstanceOf(error, WorkerCrashedError);
    assertInstanceOf(error.cause, RangeError);
    assertEquals(error.cause.message, "forgotten");
    assertEquals(await executor.submit(on(tasks.square), 4), 16);
  });

  test("submit() says that instances of subclasses of executors do not travel", async () => {
    class Special extends ThreadPoolExecutor {}
    await using executor = create({ maxWorkers: 1 });
    await using special = new Special({ maxWorkers: 1 });
    assertThrows(
      () => executor.submit(on(tasks.identity<unknown>), { special }),
      SerializationError,
      "its class Special extends ThreadPoolExecutor",
    );
  });
}
