// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Everything that can go wrong in a worker, for threads and processes: the
// right future fails with the right error, soon; what else was submitted
// completes; the pool goes on; nothing is left behind.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  CancelledError,
  type Executor,
  type PoolOptions,
  ProcessPoolExecutor,
  SerializationError,
  TaskTimeoutError,
  ThreadPoolExecutor,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { fromModule, task } from "../../mod.ts";
import { errorOf, Folder, scaled, soon, until } from "../_suites/_helpers.ts";
import { add, markedGate, square, throughGate } from "../_suites/_tasks.ts";
import * as faulty from "./_fixtures/faulty.ts";

/** Milliseconds within which a failure has to be known, once the worker is up. */
const SOON = 1_000;

interface Backend {
  readonly name: string;
  readonly create: (options: PoolOptions) => Executor;
  readonly isProcess: boolean;
  /** True where nothing stops a worker that computes. */
  readonly canBeStuck: boolean;
}

const backends: Backend[] = [
  {
    name: "ThreadPoolExecutor",
    create: (options) => new ThreadPoolExecutor(options),
    isProcess: false,
    canBeStuck: true,
  },
  {
    name: "ThreadPoolExecutor with 'resourceLimits'",
    create: (options) =>
      new ThreadPoolExecutor({
        name: "ThreadPoolExecutor with 'resourceLimits'",
        ...options,
        resourceLimits: { maxOldGenerationSizeMb: 256 },
      }),
    isProcess: false,
    canBeStuck: false,
  },
  {
    name: "ProcessPoolExecutor",
    create: (options) => new ProcessPoolExecutor(options),
    isProcess: true,
    canBeStuck: false,
  },
];

/** What is thrown where the worker itself ends. */
interface Crash {
  readonly what: string;
  readonly fn: (...args: never[]) => unknown;
  readonly args?: unknown[];
  readonly exitCode?: number;
  readonly signal?: string;
  readonly cause?: string;
  readonly only?: "process";
}

const crashes: Crash[] = [
  { what: "calls Deno.exit(7)", fn: faulty.denoExit, args: [7], exitCode: 7 },
  { what: "calls Deno.exit(0)", fn: faulty.denoExit, args: [0], exitCode: 0 },
  {
    what: "calls process.exit(6)",
    fn: faulty.nodeExit,
    args: [6],
    exitCode: 6,
  },
  { what: "closes itself", fn: faulty.selfClose, exitCode: 0 },
  {
    what: "is killed",
    fn: faulty.killSelf,
    signal: "SIGKILL",
    only: "process",
  },
  { what: "throws in a timer", fn: faulty.throwInTimer, cause: "in a timer" },
  {
    what: "leaves a rejection unhandled",
    fn: faulty.rejectUnhandled,
    cause: "nobody looks",
  },
];

for (const { name, create, isProcess, canBeStuck } of backends) {
  const test = (criterion: string, fn: () => Promise<void>) =>
    Deno.test(`${name} with a task that ${criterion}`, fn);

  for (const crash of crashes) {
    if (crash.only === "process" && !isProcess) continue;
    if (crash.fn === faulty.selfClose && isProcess) continue;
    test(`${crash.what} loses this task only`, async () => {
      await using executor = create({ maxWorkers: 2 });
      using folder = new Folder();
      await executor.ready();
      const beside = executor.submit(
        throughGate<string>,
        folder.file("gate"),
        "beside",
      );
      await until("the other runs", () => beside.running());
      const since = performance.now();
      const failing = executor.submit(
        task(crash.fn as (...args: unknown[]) => unknown, { name: "faulty" }),
        ...crash.args ?? [],
      );
      const queued = [1, 2, 3].map((x) => executor.submit(square, x));
      const error = await soon("the end", errorOf(failing));
      const took = performance.now() - since;
      assert(took < scaled(SOON), `${took} ms`);
      assertInstanceOf(error, WorkerCrashedError);
      assertEquals(error.task, "faulty");
      assertStringIncludes(error.worker, name);
      assertEquals(error.exitCode, crash.exitCode);
      assertEquals(error.signal, crash.signal);
      if (crash.cause !== undefined) {
        assertInstanceOf(error.cause, RangeError);
        assertEquals(error.cause.message, crash.cause);
      }
      assertEquals(await soon("the queued", Promise.all(queued)), [1, 4, 9]);
      folder.open("gate");
      assertEquals(await soon("the other", beside), "beside");
      assertEquals(await soon("the next", executor.submit(add, 1, 1)), 2);
      assertEquals(executor.stats().crashes, 1);
    });
  }

  test("cannot be ended, with a timeout, settles on time", async () => {
    const executor = create({ maxWorkers: 1, cancelGrace: 50 });
    using folder = new Folder();
    const flag = new Int32Array(new SharedArrayBuffer(8));
    await executor.submit(add, 1, 1);
    const since = performance.now();
    const failing = canBeStuck
      ? executor.submit(task(faulty.stuckUntil, { timeout: 100 }), flag)
      : executor.submit(
        task(faulty.stuckWhile, { timeout: 100 }),
        folder.path,
      );
    const queued = executor.submit(square, 3);
    try {
      assertInstanceOf(
        await soon("the end", errorOf(failing)),
        TaskTimeoutError,
      );
      const took = performance.now() - since;
      assert(took >= 95 && took < scaled(SOON), `${took} ms`);
      assertEquals(await soon("the queued", queued), 9);
      const { failed, crashes } = executor.stats();
      assertEquals({ failed, crashes }, { failed: 1, crashes: 0 });
      // On a busy machine its time may be over before the thread has taken it.
      if (Atomics.load(flag, 1) === 1) {
        await until("it is known as stuck", () => executor.stats().stuck === 1);
      }
    } finally {
      Atomics.store(flag, 0, 1);
    }
    await until("its end is known", () => executor.stats().stuck === 0);
    await soon("the shutdown", executor.shutdown());
  });

  const refused: [string, () => unknown, string][] = [
    ["returns what cannot travel", faulty.badResult, "result.socket"],
    ["returns what throws when it is read", faulty.explosiveResult, ""],
  ];
  for (const [what, fn, path] of refused) {
    test(`${what} fails, and keeps its worker`, async () => {
      await using executor = create({ maxWorkers: 1 });
      const error = await soon("the end", errorOf(executor.submit(fn)));
      assertInstanceOf(error, Error);
      if (path !== "") {
        assertInstanceOf(error, SerializationError);
        assertEquals(error.path, path);
      }
      assertEquals(await soon("the next", executor.submit(add, 1, 1)), 2);
      assertEquals(executor.stats().restarts, 0);
    });
  }

  const odd: [string, () => unknown][] = [
    ["returns an object whose 'then' throws", faulty.explosiveThen],
    ["throws an error that holds what cannot travel", faulty.badError],
    ["throws an error whose properties throw", faulty.explosiveError],
    ["throws a proxy that throws", faulty.proxyError],
    ["throws an error that is its own cause", faulty.cyclicError],
    ["overflows its stack", faulty.overflow],
    ["throws a symbol", faulty.notAnError],
  ];
  for (const [what, fn] of odd) {
    test(`${what} fails, and keeps its worker`, async () => {
      await using executor = create({ maxWorkers: 1 });
      const failing = executor.submit(fn);
      await soon("the end", errorOf(failing));
      assertEquals(failing.state, "finished");
      assertEquals(await soon("the next", executor.submit(add, 1, 1)), 2);
      assertEquals(executor.stats().restarts, 0);
    });
  }

  test("throws an error with unsendable parts keeps the rest", async () => {
    await using executor = create({ maxWorkers: 1 });
    const error = await errorOf(executor.submit(faulty.badError));
    assertInstanceOf(error, RangeError);
    assertEquals(error.message, "with a weak map");
  });

  test("returns a thenable that calls back twice settles once", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(await executor.submit(faulty.neverThen), 1);
    assertEquals(await executor.submit(add, 1, 1), 2);
  });

  test("returns a very deep value answers in some way", async () => {
    await using executor = create({ maxWorkers: 1 });
    const future = executor.submit(faulty.deepResult);
    await soon("the end", future.then(() => {}, () => {}));
    assertEquals(await soon("the next", executor.submit(add, 1, 1)), 2);
  });

  test("is given what cannot travel is refused at once", async () => {
    await using executor = create({ maxWorkers: 1 });
    const error = assertThrows(
      () =>
        executor.submit((x: unknown) => x, { here: { socket: new WeakMap() } }),
      SerializationError,
    );
    assertEquals(error.path, "args[0].here.socket");
    assertEquals(executor.stats().queued, 0);
    assertEquals(await executor.submit(add, 1, 1), 2);
  });

  test("is in a module that ends its worker fails, others complete", async () => {
    await using executor = create({ maxWorkers: 1 });
    const { unreachable } = fromModule<
      typeof import("./_fixtures/exits_when_imported.ts")
    >(import.meta.resolve("./_fixtures/exits_when_imported.ts"));
    const failing = executor.submit(unreachable);
    const queued = executor.submit(square, 3);
    const error = await soon("the end", errorOf(failing));
    assertInstanceOf(error, WorkerCrashedError);
    assertEquals(await soon("the queued", queued), 9);
  });

  test("ends its worker again and again leaves a pool that works", async () => {
    await using executor = create({ maxWorkers: 2 });
    const futures = Array.from(
      { length: 6 },
      (_, i) =>
        i % 2 === 0
          ? executor.submit(faulty.denoExit, i)
          : executor.submit(square, i),
    );
    const settled = await soon("all", Promise.allSettled(futures));
    assertEquals(
      settled.map(({ status }) => status),
      futures.map((_, i) => i % 2 === 0 ? "rejected" : "fulfilled"),
    );
    assertEquals(await soon("the next", executor.submit(add, 1, 1)), 2);
  });

  test("ends its worker during a shutdown does not hold it up", async () => {
    const executor = create({ maxWorkers: 1 });
    const failing = executor.submit(faulty.denoExit, 1);
    const queued = executor.submit(square, 3);
    const failed = errorOf(failing);
    await soon("the shutdown", executor.shutdown());
    assertInstanceOf(await failed, WorkerCrashedError);
    assertEquals(await queued, 9);
  });

  test("ends its worker with several calls under way fails all of them", async () => {
    await using executor = create({ maxWorkers: 1, concurrency: 3 });
    using folder = new Folder();
    const beside = executor.submit(
      markedGate,
      folder.file("log"),
      folder.file("gate"),
      "x",
    );
    await until("it runs", () => folder.lines("log").length === 1);
    const failing = executor.submit(faulty.denoExit, 1);
    const errors = await soon(
      "the ends",
      Promise.all([errorOf(beside), errorOf(failing)]),
    );
    for (const error of errors) assertInstanceOf(error, WorkerCrashedError);
    assertEquals(await soon("the next", executor.submit(add, 1, 1)), 2);
  });

  test("ends its worker while another is large on its way does not deadlock", async () => {
    await using executor = create({ maxWorkers: 1 });
    await executor.ready();
    const failing = executor.submit(faulty.denoExit, 1);
    const size = 8_000_000;
    const large = executor.submit(
      (bytes: Uint8Array) => bytes.length,
      new Uint8Array(size),
    );
    assertInstanceOf(
      await soon("the end", errorOf(failing)),
      WorkerCrashedError,
    );
    assertEquals(await soon("the large one", large), size);
  });
}

Deno.test("ThreadPoolExecutor does not import what a task needs that was cancelled while it waited", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1 });
  using folder = new Folder();
  const kind = (value: unknown) => typeof value;
  // Only what was measured is sent ahead.
  assertEquals(await executor.submit(kind, 1), "number");
  const url = new URL("./_fixtures/faulty_module.ts", import.meta.url);
  const mark = folder.file("imported");
  url.search = `${new URLSearchParams({ fault: "Deno.exit", mark })}`;
  const { unreachable } = fromModule<
    typeof import("./_fixtures/faulty_module.ts")
  >(url);
  const first = executor.submit(throughGate<number>, folder.file("gate"), 1);
  const cancelled = executor.submit(kind, unreachable);
  assertEquals(executor.stats().queued, 1);
  assert(cancelled.cancel());
  assertInstanceOf(await errorOf(cancelled), CancelledError);
  folder.open("gate");
  assertEquals([await first, await executor.submit(square, 3)], [1, 9]);
  const left = await Array.fromAsync(Deno.readDir(folder.path));
  assertEquals(left.map(({ name }) => name), ["gate"]);
  assertEquals(executor.stats().crashes, 0);
});

Deno.test("ProcessPoolExecutor whose worker is killed from outside loses its task only, within 1 s", async () => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1 });
  using folder = new Folder();
  const path = folder.file("pid");
  const future = executor.submit(faulty.waitAs, path);
  const queued = executor.submit(square, 3);
  await until("it runs", async () => {
    try {
      return (await Deno.readTextFile(path)).length > 0;
    } catch {
      return false;
    }
  });
  const since = performance.now();
  Deno.kill(Number(await Deno.readTextFile(path)), "SIGKILL");
  const error = await soon("the end", errorOf(future));
  const took = performance.now() - since;
  assertInstanceOf(error, WorkerCrashedError);
  assertEquals(error.signal, "SIGKILL");
  assertEquals(error.exitCode, undefined);
  assert(took < scaled(SOON), `${took} ms`);
  assertEquals(await soon("the queued", queued), 9);
});

Deno.test("ProcessPoolExecutor whose idle worker is killed starts another", async () => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1 });
  const pid = await executor.submit(faulty.ownPid);
  Deno.kill(pid, "SIGKILL");
  await until("it is gone", () => executor.stats().workers === 0);
  const other = await soon("the next", executor.submit(faulty.ownPid));
  assert(other !== pid);
});

Deno.test("ProcessPoolExecutor whose idle worker is killed at the moment of a submit answers", async () => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1 });
  const pid = await executor.submit(faulty.ownPid);
  Deno.kill(pid, "SIGKILL");
  const future = executor.submit(add, 1, 1);
  const end = await soon("the end", future.then((x) => x, (e) => e));
  assert(end === 2 || end instanceof WorkerCrashedError);
  assertEquals(await soon("the next", executor.submit(add, 1, 1)), 2);
});

Deno.test("ProcessPoolExecutor whose worker is stopped and killed while it starts goes on", async () => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 2 });
  const futures = [1, 2, 3, 4].map((x) => executor.submit(square, x));
  assertEquals(await soon("all", Promise.all(futures)), [1, 4, 9, 16]);
});
