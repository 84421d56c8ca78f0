// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's test_thread_pool.py, test_process_pool.py and
// test_interpreter_pool.py, under their names. What Python says of one kind of
// pool holds for threads and processes here.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  BrokenExecutorError,
  CancelledError,
  errorOrigin,
  type Future,
  InvalidStateError,
  SerializationError,
  TimeoutError,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { cpu, fromModule } from "../../mod.ts";
import { collect, errorOf, Folder, soon, until } from "./_helpers.ts";
import type { Subject } from "./executor_suite.ts";
import {
  initializeOnce,
  isForgotten,
  remember,
  setUpAs,
  whatWasSetUp,
} from "./_python_tasks.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Tests of what Python's pools have and its executors do not promise. */
export function pythonPoolSuite({ name, create }: Subject): void {
  const test = testsOf(`${name} `);
  // Declared: an automatic executor would have any number of them wait at a time.
  const gated = cpu(tasks.throughGate<number>);

  // -- test_thread_pool.py --

  test("test_map_submits_without_iteration: it does not, it is lazy", async () => {
    const executor = create({ maxWorkers: 2 });
    using folder = new Folder();
    executor.starmap(tasks.mark, [[folder.file("log"), "no"]]);
    await executor.submit(tasks.square, 1);
    await executor.shutdown();
    assertEquals(folder.lines("log"), []);
  });

  test("test_default_workers", async () => {
    await using executor = create();
    await executor.ready();
    assertEquals(executor.stats().workers, navigator.hardwareConcurrency);
  });

  test("test_saturation: no more workers than allowed", async () => {
    await using executor = create({ maxWorkers: 3 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const futures = range(15 * 3).map((i) => executor.submit(gated, gate, i));
    await until("three run", () => executor.stats().running === 3);
    assertEquals(executor.stats().workers, 3);
    folder.open("gate");
    assertEquals(await Promise.all(futures), range(45));
    assertEquals(executor.stats().workers, 3);
  });

  test("test_idle_thread_reuse and test_idle_process_reuse_one", async () => {
    await using executor = create({ maxWorkers: 3 });
    for (const [a, b] of [[21, 2], [6, 7], [3, 14]]) {
      assertEquals(await executor.submit(tasks.add, a!, b!), a! + b!);
    }
    assertEquals(executor.stats().workers, 1);
  });

  test("test_idle_process_reuse_multiple", async () => {
    await using executor = create({ maxWorkers: 4 });
    for (let i = 0; i < 3; i++) {
      await Promise.all([1, 2].map((x) => executor.submit(tasks.square, x)));
    }
    assert(executor.stats().workers <= 2);
  });

  test("test_executor_map_current_future_cancel: what a map gave up never runs", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const first = executor.submit(gated, folder.file("gate"), 1);
    await until("it runs", () => first.running());
    const log = folder.file("log");
    const results = executor.starmap(
      cpu(tasks.mark),
      [[log, "second"], [log, "third"]],
      { timeout: 0 },
    );
    await assertRejects(() => collect(results), TimeoutError);
    folder.open("gate");
    assertEquals(await first, 1);
    await executor.shutdown();
    assertEquals(folder.lines("log"), []);
  });

  // -- test_process_pool.py --

  test("test_max_workers_too_large: there is no such number", async () => {
    await using executor = create({ maxWorkers: 62 });
    assertEquals(await executor.submit(tasks.square, 3), 9);
  });

  test("test_map_chunksize", async () => {
    await using executor = create({ maxWorkers: 2 });
    const bad = () =>
      collect(executor.map(tasks.square, [], { chunkSize: -1 }));
    assertThrows(bad, RangeError, "chunkSize");
    const expected = range(40).map((x) => x * x);
    for (const chunkSize of [6, 50, 40]) {
      const results = executor.map(tasks.square, range(40), { chunkSize });
      assertEquals(await collect(results), expected);
    }
  });

  test("test_traceback: type, data, and where it was over there", async () => {
    await using executor = create({ maxWorkers: 1 });
    const error = await errorOf(executor.submit(tasks.failWell));
    assertInstanceOf(error, TypeError);
    assertEquals(error.message, "the outer one");
    assertEquals((error as TypeError & { code: number }).code, 42);
    assertStringIncludes(error.stack!, "at failWell");
    assertStringIncludes(error.stack!, "_tasks.ts:");
    // What is printed holds it too.
    assertStringIncludes(Deno.inspect(error), "at task 'failWell'");
    assertEquals(errorOrigin(error)?.task, "failWell");
  });

  test("test_ressources_gced_in_workers: a worker keeps no argument", async () => {
    await using executor = create({ maxWorkers: 1 });
    await executor.submit(remember, { some: "object" });
    await until("it is collected", () => executor.submit(isForgotten));
  });

  test("test_max_tasks_per_child", async () => {
    await using executor = create({ maxWorkers: 1, maxTasksPerWorker: 3 });
    const ids: number[] = [];
    for (let i = 0; i < 4; i++) {
      ids.push((await executor.submit(tasks.workerInfo)).id);
    }
    assertEquals(new Set(ids.slice(0, 3)).size, 1);
    assertNotEquals(ids[2], ids[3]);
    assertEquals(executor.stats().workers, 1);
    for (const maxTasksPerWorker of [0, -1, 1.5]) {
      assertThrows(() => create({ maxTasksPerWorker }), RangeError);
    }
  });

  test("test_max_tasks_per_child_pending_tasks_gh115634: a backlog does not hang", async () => {
    await using executor = create({ maxWorkers: 1, maxTasksPerWorker: 2 });
    const futures = range(7).map((i) => executor.submit(tasks.square, i));
    assertEquals(
      await soon("all", Promise.all(futures)),
      range(7).map((i) => i * i),
    );
  });

  test("test_max_tasks_early_shutdown: what is queued is done", async () => {
    const executor = create({ maxWorkers: 3, maxTasksPerWorker: 1 });
    const futures = range(6).map((i) => executor.submit(tasks.square, i));
    await soon("the end", executor.shutdown());
    assertEquals(await Promise.all(futures), range(6).map((i) => i * i));
  });

  test("test_shutdown_no_wait_max_tasks_gh119592: the rest runs all the same", async () => {
    const executor = create({ maxWorkers: 1, maxTasksPerWorker: 1 });
    const futures = range(5).map((i) => executor.submit(tasks.square, i));
    await executor.shutdown({ wait: false });
    assertEquals(
      await soon("all", Promise.all(futures)),
      range(5).map((i) => i * i),
    );
    await until("they are gone", () => executor.stats().workers === 0);
  });

  test("test_gc_during_max_tasks_worker_exit_gh152967: a dropped executor strands nobody", async () => {
    const futures = (() => {
      const executor = create({ maxWorkers: 1, maxTasksPerWorker: 1 });
      const all = range(4).map((i) => executor.submit(tasks.square, i));
      void executor.shutdown({ wait: false });
      return all;
    })();
    assertEquals(await soon("all", Promise.all(futures)), [0, 1, 4, 9]);
  });

  test("test_force_shutdown_during_max_tasks_worker_exit: nobody is replaced any more", async () => {
    using folder = new Folder();
    const executor = create({ maxWorkers: 1, maxTasksPerWorker: 1 });
    await executor.submit(tasks.square, 1);
    const futures = range(4).map((i) =>
      executor.submit(tasks.mark, folder.file("log"), `${i}`)
    );
    // The worker that ran the first task is on its way out.
    await soon("the end", executor.terminate());
    const ends = await Promise.allSettled(futures);
    const ran = ends.filter(({ status }) => status === "fulfilled").length;
    assertEquals(executor.stats().workers, 0);
    assertEquals(executor.stats().queued, 0);
    assert(folder.lines("log").length <= ran + 1);
    for (const end of ends) {
      if (end.status === "rejected") {
        assertInstanceOf(end.reason, CancelledError);
      }
    }
  });

  test("test_failed_worker_replacement_breaks_pool: nobody is stranded", async () => {
    using folder = new Folder();
    await using executor = create({
      maxWorkers: 1,
      maxTasksPerWorker: 1,
      initializer: initializeOnce,
      initArgs: [folder.file("log")],
    });
    const futures = range(4).map((i) => executor.submit(tasks.square, i));
    assertEquals(await soon("the first", futures[0]!), 0);
    for (const future of futures.slice(1)) {
      const error = await soon("the end", errorOf(future));
      assertInstanceOf(error, BrokenExecutorError);
      assertStringIncludes(error.message, "only once");
    }
  });

  test("test_terminate_workers, test_kill_workers, test_force_shutdown_workers: what runs never ends", async () => {
    using folder = new Folder();
    const executor = create({ maxWorkers: 1 });
    const running = executor.submit(gated, folder.file("gate"), 1);
    const waiting = executor.submit(cpu(tasks.mark), folder.file("log"), "no");
    await until("it runs", () => running.running());
    await soon("the end", executor.terminate());
    assert(running.cancelled());
    assert(waiting.cancelled());
    assertEquals(executor.stats().workers, 0);
    folder.open("gate");
    assertEquals(folder.lines("log"), []);
  });

  test("test_force_shutdown_workers_dead_workers", async () => {
    const executor = create({ maxWorkers: 1 });
    const future = executor.submit(tasks.crashingInitializer);
    await assertRejects(
      () => soon("the end", future.result()),
      WorkerCrashedError,
    );
    await soon("the end", executor.terminate());
    await soon("the end", executor.terminate());
  });

  test("test_force_shutdown_workers_not_started_yet", async () => {
    const executor = create();
    await soon("the end", executor.terminate());
    assertEquals(executor.stats().workers, 0);
  });

  test("test_force_shutdown_workers_stops_pool", async () => {
    const executor = create({ maxWorkers: 1 });
    assertEquals(await executor.submit(tasks.square, 2), 4);
    await executor.terminate();
    assertThrows(() => executor.submit(tasks.square, 2), InvalidStateError);
    assertThrows(() => executor.map(tasks.square, [2]), InvalidStateError);
  });

  // -- test_interpreter_pool.py --

  test("test_submit_closure and test_submit_local_instance: captures travel along", async () => {
    await using executor = create({ maxWorkers: 1 });
    class Adder {
      constructor(readonly n: number) {}
      add(x: number): number {
        return this.n + x;
      }
    }
    const adder = new Adder(40);
    assertEquals(await executor.submit((x: number) => adder.add(x), 2), 42);
    assertEquals(
      await executor.submit((it: Adder) => it.add(1), adder),
      41,
    );
  });

  test("test_submit_instance_method: bound to an object it cannot travel, in a function it can", async () => {
    await using executor = create({ maxWorkers: 1 });
    const counter = {
      n: 40,
      add(x: number): number {
        return this.n + x;
      },
    };
    assertThrows(
      () => executor.submit(counter.add.bind(counter), 2),
      SerializationError,
    );
    assertEquals(await executor.submit((x: number) => counter.add(x), 2), 42);
  });

  test("test_submit_func_globals: a module has its own variables over there", async () => {
    await using executor = create({ maxWorkers: 1 });
    setUpAs("here");
    assertEquals(await executor.submit(whatWasSetUp), undefined);
    await executor.submit(setUpAs, "over there");
    assertEquals(await executor.submit(whatWasSetUp), "over there");
    assertEquals(whatWasSetUp(), "here");
  });

  test("test_submit_exception_in_func", async () => {
    await using executor = create({ maxWorkers: 1 });
    // Declared: it is so short that an automatic executor sends it nowhere.
    const error = await errorOf(executor.submit(cpu(() => {
      throw new RangeError("spam");
    })));
    assertInstanceOf(error, RangeError);
    assertEquals(error.message, "spam");
    assertEquals(error.cause, undefined);
    assertEquals(
      errorOrigin(error)?.worker.kind,
      name === "ProcessPoolExecutor" ? "process" : "thread",
    );
  });

  test("test_pickle_errors_propagate: what cannot be read over there fails that task only", async () => {
    await using executor = create({ maxWorkers: 1 });
    const missing = fromModule<{ f: () => number }>(
      new URL("./_no_such_module.ts", import.meta.url),
    );
    const bad: Future<number> = executor.submit(missing.f);
    const good = executor.submit(tasks.square, 3);
    const error = await soon("the end", errorOf(bad));
    assertInstanceOf(error, Error);
    assertStringIncludes(error.message, "_no_such_module");
    assertEquals(await soon("the other", good), 9);
    assertEquals(executor.stats().crashes, 0);
  });

  test("test_run_in_executor: a future is awaited as it is", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(
      await Promise.all([executor.submit(tasks.add, 1, 2), Promise.resolve(4)]),
      [3, 4],
    );
  });

  test("test_run_in_executor_cancel: whoever awaits it hears of the cancel", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const running = executor.submit(gated, folder.file("gate"), 1);
    await until("it runs", () => running.running());
    const pending = executor.submit(tasks.square, 2);
    const awaited = errorOf((async () => await pending)());
    assert(pending.cancel());
    assertInstanceOf(await soon("the end", awaited), CancelledError);
    folder.open("gate");
    await running;
  });
}
