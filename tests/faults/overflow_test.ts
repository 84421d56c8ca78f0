// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A worker whose heap is full, at each stage of a call: it costs the task that
// did it, and nobody else.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenExecutorError,
  CancelledError,
  type Executor,
  type PoolOptions,
  ProcessPoolExecutor,
  TaskTimeoutError,
  ThreadPoolExecutor,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { AbandonedLockError, Lock, Thread } from "../../threading/mod.ts";
import { fromModule, task } from "../../mod.ts";
import { errorOf, Folder, soon, until } from "../_suites/_helpers.ts";
import { add, markedGate, square, throughGate } from "../_suites/_tasks.ts";
import * as overflow from "./_fixtures/overflow.ts";

/** Small, so that it is full soon. */
const LIMITS = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 6 };
/** Filling a heap takes its time on a busy machine. */
const PATIENCE = 120_000;

type Backend = "thread" | "process";

function create(backend: Backend, options: PoolOptions): Executor {
  const all = { resourceLimits: LIMITS, ...options };
  return backend === "thread"
    ? new ThreadPoolExecutor(all)
    : new ProcessPoolExecutor(all);
}

/** The error is that of a worker that was out of memory. */
function checkOverflow(error: unknown): void {
  assertInstanceOf(error, WorkerCrashedError);
  assertInstanceOf(error.cause, RangeError);
  assertStringIncludes(error.cause.message, "out of memory");
  assertStringIncludes(
    error.cause.message,
    "'resourceLimits.maxOldGenerationSizeMb' of 24 MB",
  );
}

interface Stage {
  readonly what: string;
  readonly fn: (...args: never[]) => unknown;
  readonly args?: (folder: Folder) => unknown[];
  /** What the task has left in the file "log". */
  readonly log?: string[];
  readonly only?: Backend;
}

const stages: Stage[] = [
  { what: "a task fills", fn: overflow.grow },
  { what: "a task fills after a promise", fn: overflow.growLater },
  { what: "a timer of a task fills", fn: overflow.growInTimer },
  {
    what: "a task fills in spite of catch and finally",
    fn: overflow.growStubbornly,
    args: (folder) => [folder.file("log")],
    log: [],
  },
  { what: "one list fills", fn: overflow.growList },
  { what: "one text fills", fn: overflow.growText },
  { what: "one map fills", fn: overflow.growMap },
  {
    what: "the encoding of a result fills",
    fn: overflow.growingResult,
    args: (folder) => [folder.file("log")],
    log: ["returned"],
  },
  {
    what: "the decoding of an argument fills",
    fn: overflow.countItems,
    args: () => [overflow.manyObjects()],
  },
  {
    what: "the import of a task's module fills",
    fn: fromModule<typeof import("./_fixtures/overflows_when_imported.ts")>(
      import.meta.resolve("./_fixtures/overflows_when_imported.ts"),
    ).unreachable,
  },
];

for (const backend of ["thread", "process"] as const) {
  const name = backend === "thread"
    ? "ThreadPoolExecutor"
    : "ProcessPoolExecutor";
  const test = (criterion: string, fn: () => Promise<void>) =>
    Deno.test(`${name} with a heap that ${criterion}`, fn);

  for (const { what, fn, args, log, only } of stages) {
    if (only !== undefined && only !== backend) continue;
    test(`${what} loses this task only`, async () => {
      await using executor = create(backend, { maxWorkers: 2 });
      using folder = new Folder();
      await executor.ready();
      const beside = executor.submit(
        throughGate<string>,
        folder.file("gate"),
        "beside",
      );
      await until("the other runs", () => beside.running());
      const failing = executor.submit(
        task(fn as (...args: unknown[]) => unknown, { name: "faulty" }),
        ...args?.(folder) ?? [],
      );
      const queued = [1, 2, 3].map((x) => executor.submit(square, x));
      const error = await soon("the end", errorOf(failing), PATIENCE);
      checkOverflow(error);
      assertEquals((error as WorkerCrashedError).task, "faulty");
      assertEquals(await soon("the queued", Promise.all(queued)), [1, 4, 9]);
      folder.open("gate");
      assertEquals(await soon("the other", beside), "beside");
      assertEquals(await soon("the next", executor.submit(add, 1, 1)), 2);
      assert(executor.stats().crashes >= 1);
      assertEquals(executor.stats().failed, 1);
      if (log !== undefined) assertEquals(folder.lines("log"), log);
    });
  }

  test("is full again and again leaves a pool that works", async () => {
    await using executor = create(backend, { maxWorkers: 2 });
    const before = threads();
    for (let i = 0; i < 20; i++) {
      const failing = executor.submit(overflow.grow);
      const beside = executor.submit(square, i);
      checkOverflow(await soon("the end", errorOf(failing), PATIENCE));
      assertEquals(await soon("the one beside", beside), i * i);
    }
    assertEquals(await executor.submit(add, 1, 1), 2);
    const { crashes, failed, completed, stuck } = executor.stats();
    assertEquals({ crashes, failed, completed, stuck }, {
      crashes: 20,
      failed: 20,
      completed: 21,
      stuck: 0,
    });
    await until("the threads are gone", () => threads() <= before + 2);
  });

  test("is full in the initializer breaks the pool", async () => {
    await using executor = create(backend, {
      maxWorkers: 1,
      initializer: overflow.grow,
    });
    const futures = [1, 2].map((x) => executor.submit(square, x));
    for (const future of futures) {
      const error = await soon("the end", errorOf(future), PATIENCE);
      assertInstanceOf(error, BrokenExecutorError);
      assertInstanceOf(error.cause, RangeError);
      assertStringIncludes(error.cause.message, "out of memory");
    }
    assertInstanceOf(
      await errorOf((async () => await executor.submit(square, 3))()),
      BrokenExecutorError,
    );
  });

  test("is full with several calls under way fails all of them", async () => {
    await using executor = create(backend, { maxWorkers: 1, concurrency: 3 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const beside = ["1", "2"].map((name) =>
      executor.submit(markedGate, folder.file("marks"), gate, name)
    );
    // What has not begun is not lost: another worker runs it.
    await until("they have begun", () => folder.lines("marks").length === 2);
    const failing = executor.submit(overflow.growLater);
    for (const future of [failing, ...beside]) {
      checkOverflow(await soon("the end", errorOf(future), PATIENCE));
    }
    assertEquals(await soon("the next", executor.submit(add, 1, 1)), 2);
    assertEquals(executor.stats().crashes, 1);
  });

  test("a task fills once is no hindrance to its retry", async () => {
    await using executor = create(backend, { maxWorkers: 1 });
    using folder = new Folder();
    const future = executor.submit(
      task(overflow.growOnce, { retries: 1 }),
      folder.file("once"),
    );
    assertEquals(await soon("the end", future, PATIENCE), "done");
    assertEquals(executor.stats().crashes, 1);
  });

  test("an idle worker fills costs nobody anything", async () => {
    await using executor = create(backend, { maxWorkers: 1 });
    assertEquals(await executor.submit(overflow.growWhenIdle), "done");
    await until("it is gone", () => executor.stats().workers === 0);
    assertEquals(await soon("the next", executor.submit(add, 1, 1)), 2);
  });
}

Deno.test("ThreadPoolExecutor with a heap that is full releases the locks that the thread held", async () => {
  await using executor = new ThreadPoolExecutor({
    maxWorkers: 1,
    resourceLimits: LIMITS,
  });
  const lock = new Lock();
  const failing = executor.submit(overflow.growWithLock, lock);
  checkOverflow(await soon("the end", errorOf(failing), PATIENCE));
  assertInstanceOf(
    await soon("the lock", errorOf(lock.acquire())),
    AbandonedLockError,
  );
  lock.release();
});

Deno.test("ThreadPoolExecutor with 'resourceLimits' inside a thread loses the task only", async () => {
  const thread = new Thread({
    target: async () => {
      await using executor = new ThreadPoolExecutor({
        maxWorkers: 1,
        resourceLimits: LIMITS,
      });
      const failing = executor.submit(overflow.grow);
      const error = await failing.exception();
      return {
        error,
        next: await executor.submit(square, 3),
        crashes: executor.stats().crashes,
      };
    },
  }).start();
  const { error, next, crashes } = await soon(
    "the thread",
    thread.result(),
    PATIENCE,
  );
  checkOverflow(error);
  assertEquals({ next, crashes }, { next: 9, crashes: 1 });
  await thread.join();
});

Deno.test("ThreadPoolExecutor with 'resourceLimits' stops a thread that computes", async () => {
  for (const how of ["timeout", "cancel"] as const) {
    await using executor = new ThreadPoolExecutor({
      maxWorkers: 1,
      cancelGrace: 20,
      resourceLimits: LIMITS,
    });
    // It is up, and has the module.
    await executor.submit(overflow.countItems, []);
    const counter = new SharedArrayBuffer(4);
    const words = new Int32Array(counter);
    const future = executor.submit(
      how === "timeout"
        ? task(overflow.countForEver, { timeout: 200 })
        : overflow.countForEver,
      counter,
    );
    if (how === "cancel") {
      // On a busy machine a timeout may be over before the thread counts.
      await until("it counts", () => words[0]! !== 0);
      future.cancel();
    }
    assertInstanceOf(
      await soon("the end", errorOf(future)),
      how === "timeout" ? TaskTimeoutError : CancelledError,
    );
    await until("it counts no more", async () => {
      const before = words[0]!;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return words[0]! === before;
    });
    assertEquals(await soon("the next", executor.submit(square, 3)), 9);
    await until("it is not stuck", () => executor.stats().stuck === 0);
  }
});

/** Threads of this program, where the system tells. */
function threads(): number {
  try {
    return [...Deno.readDirSync("/proc/self/task")].filter(({ name }) =>
      Deno.readTextFileSync(`/proc/self/task/${name}/comm`).startsWith(
        "worker-",
      )
    ).length;
  } catch {
    return 0;
  }
}
