// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's test_deadlock.py, and what test_process_pool.py says of workers
// that die, under their names. There one death breaks the pool; here it costs
// the tasks that ran, and every test ends with a task that runs.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  type Executor,
  SerializationError,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { cpu, fromModule } from "../../mod.ts";
import * as faulty from "../faults/_fixtures/faulty.ts";
import { errorOf, Folder, soon, until } from "./_helpers.ts";
import type { Subject } from "./executor_suite.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

/** Larger than any buffer between caller and worker. */
const BIG = 8 * 1024 * 1024;

async function assertAlive(executor: Executor): Promise<void> {
  assertEquals(await soon("the next", executor.submit(tasks.square, 3)), 9);
}

async function assertCrash(
  promise: PromiseLike<unknown>,
): Promise<WorkerCrashedError> {
  const error = await soon("the end", errorOf(promise));
  assertInstanceOf(error, WorkerCrashedError);
  return error;
}

/** Tests of what dies, and of what cannot travel. */
export function pythonCrashSuite({ name, create, backend }: Subject): void {
  const test = testsOf(`${name} `);

  test("test_killed_child: its task fails, what waits runs, the pool goes on", async () => {
    await using executor = create({ maxWorkers: 1 });
    const kill = backend === "process" ? faulty.killSelf : faulty.selfClose;
    const killed = executor.submit(kill);
    const waiting = executor.submit(tasks.square, 2);
    await assertCrash(killed);
    assertEquals(await soon("the other", waiting), 4);
    await assertAlive(executor);
  });

  test("test_broken_process_pool_traceback: each future has an error of its own", async () => {
    await using executor = create({ maxWorkers: 1, concurrency: 2 });
    using folder = new Folder();
    // Declared alike: an automatic executor keeps what waits apart from the rest.
    const beside = executor.submit(
      cpu(tasks.untilAborted),
      folder.file("log"),
    );
    await until("it runs", () => folder.lines("log").length === 1);
    const killed = executor.submit(cpu(faulty.denoExit), 3);
    const [one, other] = [await assertCrash(killed), await assertCrash(beside)];
    assertNotStrictEquals(one, other);
    assertEquals([one.task, other.task], ["denoExit", "untilAborted"]);
    await assertAlive(executor);
  });

  test("test_traceback_when_child_process_terminates_abruptly: the error says how", async () => {
    await using executor = create({ maxWorkers: 1 });
    const error = await assertCrash(executor.submit(faulty.denoExit, 99));
    assertEquals(error.exitCode, 99);
    assertStringIncludes(error.message, "exit code 99");
    assertStringIncludes(error.message, error.worker);
  });

  test("test_error_at_task_pickle: the call throws, nothing is submitted", async () => {
    await using executor = create({ maxWorkers: 1 });
    const unsendable = { socket: new WeakMap() };
    assertThrows(
      () => executor.submit(tasks.identity<unknown>, unsendable),
      SerializationError,
    );
    assertEquals(executor.stats().queued, 0);
    await assertAlive(executor);
  });

  test("test_exit_at_task_unpickle and test_crash_at_task_unpickle: a module that ends its worker", async () => {
    await using executor = create({ maxWorkers: 1 });
    const { unreachable } = fromModule<{ unreachable: () => number }>(
      new URL("../faults/_fixtures/exits_when_imported.ts", import.meta.url),
    );
    const error = await assertCrash(executor.submit(unreachable));
    assertEquals(error.exitCode, 5);
    await assertAlive(executor);
  });

  test("test_error_at_task_unpickle: that task fails, and keeps its worker", async () => {
    await using executor = create({ maxWorkers: 1 });
    const { f } = fromModule<{ f: () => number }>(
      new URL("./_no_such_module.ts", import.meta.url),
    );
    const error = await soon("the end", errorOf(executor.submit(f)));
    assertInstanceOf(error, Error);
    await assertAlive(executor);
    assertEquals(executor.stats().crashes, 0);
  });

  test("test_crash_during_func_exec_on_worker and test_exit_during_func_exec_on_worker", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const code of [0, 1]) {
      const error = await assertCrash(executor.submit(faulty.denoExit, code));
      assertEquals(error.exitCode, code);
    }
    await assertAlive(executor);
  });

  test("test_error_during_func_exec_on_worker", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertInstanceOf(
      await soon("the end", errorOf(executor.submit(tasks.failWell))),
      TypeError,
    );
    await assertAlive(executor);
    assertEquals(executor.stats().crashes, 0);
  });

  test("test_crash_during_result_pickle_on_worker and test_exit_during_result_pickle_on_worker", async () => {
    await using executor = create({ maxWorkers: 1 });
    const future = executor.submit(() => ({
      get value(): number {
        return Deno.exit(4);
      },
    }));
    assertEquals((await assertCrash(future)).exitCode, 4);
    await assertAlive(executor);
  });

  test("test_error_during_result_pickle_on_worker", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const fn of [faulty.badResult, faulty.explosiveResult]) {
      const error = await soon("the end", errorOf(executor.submit(fn)));
      assertInstanceOf(error, SerializationError);
    }
    await assertAlive(executor);
    assertEquals(executor.stats().crashes, 0);
  });

  test("test_error_during_result_unpickle_in_result_handler: nothing of the user runs there", async () => {
    // What comes back is put together without a constructor or a setter.
    class Strict {
      value = 1;
      constructor(isAllowed: boolean) {
        if (!isAllowed) throw new RangeError("not without an argument");
      }
    }
    await using executor = create({ maxWorkers: 1 });
    const result = await executor.submit(
      tasks.identity<Strict>,
      new Strict(true),
    );
    assertInstanceOf(result, Strict);
    assertEquals(result.value, 1);
  });

  test("test_shutdown_deadlock: a worker that dies after the shutdown was called", async () => {
    const executor = create({ maxWorkers: 1 });
    const future = executor.submit(faulty.denoExit, 1);
    const closed = executor.shutdown();
    await assertCrash(future);
    await soon("the end", closed);
    assertEquals(executor.stats().workers, 0);
  });

  test("test_shutdown_deadlock_pickle: what cannot travel is refused before the shutdown", async () => {
    const executor = create({ maxWorkers: 1 });
    const before = executor.submit(tasks.square, 2);
    assertThrows(
      () => executor.submit(tasks.identity<unknown>, new WeakMap()),
      SerializationError,
    );
    await executor.shutdown({ wait: false });
    assertEquals(await soon("the rest", before), 4);
    await until("it has ended", () => executor.stats().workers === 0);
  });

  test("test_crash_big_data: a worker that dies while much is on its way to it", async () => {
    await using executor = create({ maxWorkers: 1 });
    const big = new Uint8Array(BIG);
    const killed = executor.submit(faulty.denoExit, 6);
    const futures = [1, 2].map(() =>
      executor.submit((data: Uint8Array) => data.length, big)
    );
    await assertCrash(killed);
    assertEquals(await soon("the rest", Promise.all(futures)), [BIG, BIG]);
  });

  test("test_gh105829_should_not_deadlock_if_wakeup_pipe_full: submits never block", async () => {
    await using executor = create({ maxWorkers: 1 });
    const futures = Array.from(
      { length: 1000 },
      (_, i) => executor.submit(tasks.square, i),
    );
    await soon("all", Promise.all(futures));
    assert(futures.every((future) => future.done()));
  });
}
