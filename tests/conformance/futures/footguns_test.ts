// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What hurts users of Python's pools must not exist here: one test for each,
// for every executor.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  asCompleted,
  BrokenExecutorError,
  CancelledError,
  errorOrigin,
  type Executor,
  InvalidStateError,
  SerializationError,
  TaskTimeoutError,
  TimeoutError,
  wait,
  WorkerCrashedError,
} from "../../../futures/mod.ts";
import { MAX_CHUNK } from "../../../_internal/pool/map_run.ts";
import { cpu, current, task } from "../../../mod.ts";
import { captureErrors, captureRejections } from "../../_suites/_console.ts";
import {
  collect,
  errorOf,
  Folder,
  soon,
  until,
} from "../../_suites/_helpers.ts";
import * as tasks from "../../_suites/_tasks.ts";
import { isAlive } from "../../_support/processes.ts";
import * as faulty from "../../faults/_fixtures/faulty.ts";
import { subjects } from "./_subjects.ts";

const PROGRAM = new URL("./_fixtures/program.ts", import.meta.url).href;

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Ends its worker for one of the items. */
function exitAt(bad: number, x: number): number {
  if (x === bad) Deno.exit(13);
  return x * x;
}

/** Starts the endless program; gives it and the pids of its children once they are at work. */
async function startEndless(name: string) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", PROGRAM, "endless", name],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await soon("its first line", reader.read());
    assert(!done, "the program ended too early");
    text += value;
  }
  const pids = text.split("\n")[0]!.split(" ").slice(1).map(Number);
  const rest = async () => {
    let left = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return left;
      left += value;
    }
  };
  return { child, pids: pids.filter((pid) => pid !== child.pid), rest };
}

for (const { name, create, backend } of subjects) {
  const test = (criterion: string, fn: () => Promise<void>) =>
    Deno.test(`${name} footgun ${criterion}`, fn);
  // Declared: an automatic executor would have any number of them wait at a time.
  const gated = cpu(tasks.throughGate<number>);

  test("1: a worker that dies leaves its task, and a map, waiting for ever", async () => {
    await using executor = create({ maxWorkers: 2 });
    const bound = (x: number) => exitAt(5, x);
    const outcomes = await soon(
      "the map",
      collect(
        executor.map(bound, range(10), { chunkSize: 1, onError: "settle" }),
      ),
    );
    assertEquals(
      outcomes.map(({ status }) => status === "rejected"),
      range(10).map((x) => x === 5),
    );
    const failed = outcomes[5]!;
    assert(failed.status === "rejected");
    assertInstanceOf(failed.reason, WorkerCrashedError);
    assertEquals(failed.reason.exitCode, 13);
    assertEquals(failed.reason.task, "bound");
    assertStringIncludes(failed.reason.worker, name);
    const error = await soon(
      "the map",
      errorOf(collect(executor.map(bound, range(10)))),
    );
    assertInstanceOf(error, WorkerCrashedError);
  });

  test("2: one death breaks the pool for ever, and fails the innocent", async () => {
    await using executor = create({ maxWorkers: 2 });
    const futures = range(20).map((x) => executor.submit(exitAt, 7, x));
    const ends = await soon("all", Promise.allSettled(futures));
    assertEquals(
      ends.flatMap(({ status }, x) => status === "rejected" ? [x] : []),
      [7],
    );
    assertEquals(await soon("the next", executor.submit(exitAt, 7, 3)), 9);
    assertEquals(executor.stats().crashes, 1);
  });

  test("3: a running future cannot be cancelled", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 20 });
    using folder = new Folder();
    for (const fn of [tasks.untilAborted, tasks.hotLoop, tasks.deaf]) {
      const log = `${fn.name}`;
      const future = executor.submit(fn, folder.file(log));
      await until("it runs", () => folder.lines(log).length === 1);
      // The task may be faster than the word that it runs.
      await until("it is known", () => future.running());
      future.cancel("enough");
      const error = await soon("the end", errorOf(future));
      assertInstanceOf(error, CancelledError);
      assertEquals(error.cause, "enough");
      assert(future.cancelled());
      assertEquals(await soon("the next", executor.submit(tasks.square, 2)), 4);
    }
  });

  test("4: a timeout stops the waiting and not the work", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 20 });
    using folder = new Folder();
    const future = executor.submit(gated, folder.file("gate"), 1);
    await until("it runs", () => future.running());
    const late = await errorOf(future.result({ timeout: 5 }));
    assertInstanceOf(late, TimeoutError);
    assertFalse(late instanceof TaskTimeoutError);
    assert(future.running());
    folder.open("gate");
    assertEquals(await future, 1);
    // The task's own time is another thing: it is stopped.
    const limited = task(tasks.deaf, { timeout: 50 });
    const stopped = executor.submit(limited, folder.file("log"));
    assertInstanceOf(
      await soon("the end", errorOf(stopped)),
      TaskTimeoutError,
    );
    assertEquals(await soon("the next", executor.submit(tasks.square, 2)), 4);
  });

  test("5: futures count as running that nobody runs, and cannot be cancelled", async () => {
    await using executor = create({ maxWorkers: 2 });
    using folder = new Folder();
    await executor.submit(tasks.mark, folder.file("warm"), "x");
    const running = [1, 2].map((i) =>
      executor.submit(gated, folder.file("gate"), i)
    );
    await until("two run", () => running.every((future) => future.running()));
    // Declared: what blocks has threads of its own.
    const rest = range(10).map((i) =>
      executor.submit(cpu(tasks.mark), folder.file("log"), `${i}`)
    );
    assertEquals(new Set(rest.map((future) => future.state)).size, 1);
    assertEquals(rest[0]!.state, "pending");
    for (const future of rest) assert(future.cancel());
    folder.open("gate");
    await Promise.all(running);
    await executor.submit(tasks.square, 1);
    assertEquals(folder.lines("log"), []);
  });

  test("6: wait() and asCompleted() hang at cancelled futures", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const running = executor.submit(gated, folder.file("gate"), 1);
    await until("it runs", () => running.running());
    const [plain, ...others] = range(4).map((i) =>
      executor.submit(gated, folder.file("gate"), i)
    );
    const waiting = wait([plain!, ...others]);
    const iterating = collect(asCompleted([plain!, ...others]));
    plain!.cancel();
    const { done } = await soon(
      "the first",
      wait([plain!, running], { returnWhen: "first" }),
    );
    assertEquals([...done], [plain!]);
    const closed = executor.shutdown({ cancelFutures: true });
    assertEquals((await soon("all", waiting)).done.size, 4);
    assertEquals((await soon("all", iterating)).length, 4);
    folder.open("gate");
    await soon("the end", closed);
  });

  test("7: Ctrl-C hangs, or leaves children behind", async () => {
    const { child, pids, rest } = await startEndless(name);
    child.kill("SIGINT");
    const [text, { code, signal }] = await soon(
      "its end",
      Promise.all([rest(), child.status]),
    );
    assertEquals(text, "finally\n");
    assert(signal === "SIGINT" || code === 130, `${code} ${signal}`);
    for (const pid of pids) {
      await until(`${pid} is gone`, () => !isAlive(pid));
    }
  });

  test("8: a shutdown has no timeout, and an idle pool holds the program up", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const future = executor.submit(tasks.deaf, folder.file("log"));
    await until("it runs", () => folder.lines("log").length === 1);
    await until("it is known", () => future.running());
    const late = executor.shutdown({ timeout: 20 });
    await assertRejects(() => soon("the answer", late), TimeoutError);
    // It was accepted: it goes on, until somebody says otherwise.
    assert(future.running());
    await soon("the end", executor.terminate());
    assert(future.cancelled());
  });

  if (backend === "process") {
    test("9: workers outlive a parent that is killed", async () => {
      const { child, pids, rest } = await startEndless(name);
      assertEquals(pids.length > 0, true);
      child.kill("SIGKILL");
      await child.status;
      await rest();
      for (const pid of pids) {
        await until(`${pid} is gone`, () => !isAlive(pid));
      }
    });
  }

  test("10: the error of a future that was dropped is lost", async () => {
    using rejections = captureRejections();
    const executor = create({ maxWorkers: 1 });
    executor.submit(tasks.raise, "dropped");
    await executor.shutdown();
    await rejections.turn();
    assertEquals(rejections.reasons, ["dropped"]);
  });

  test("11: a map eats its whole input at once", async () => {
    await using executor = create({ maxWorkers: 2 });
    for (
      const [bufferSize, most] of [
        // Pulled and not yet yielded.
        [4, 5 + 4],
        // A few chunks for each worker, however short the calls turn out to be.
        [undefined, 5 + 2 * 3 * MAX_CHUNK],
      ] as const
    ) {
      let pulled = 0;
      const endless = async function* () {
        for (;;) yield await Promise.resolve(pulled++);
      };
      const options = bufferSize === undefined ? {} : { bufferSize };
      let taken = 0;
      for await (const _ of executor.map(tasks.square, endless(), options)) {
        if (++taken === 5) break;
      }
      assert(pulled <= most, `${pulled} pulled`);
    }
  });

  test("12: a map ends silently after an error, and its rest is lost", async () => {
    await using executor = create({ maxWorkers: 2 });
    const outcomes = await collect(
      executor.map(tasks.squareUnlessOdd, range(6), { onError: "settle" }),
    );
    assertEquals(
      outcomes.map(({ status }) => status),
      range(6).map((x) => x % 2 === 0 ? "fulfilled" : "rejected"),
    );
    const unordered = executor.map(tasks.square, range(6), { ordered: false });
    assertEquals(
      (await collect(unordered)).toSorted((a, b) => a - b),
      [0, 1, 4, 9, 16, 25],
    );
    // Leaving early cancels, and closes the input.
    let isClosed = false;
    const input = function* () {
      try {
        for (let i = 0;; i++) yield i;
      } finally {
        isClosed = true;
      }
    };
    const results = executor.map(tasks.square, input());
    await results.next();
    await results.return?.();
    assert(isClosed);
    await until("nothing is left", () => executor.stats().queued === 0);
  });

  test("13: an initializer that fails is tried for ever, or its error is lost", async () => {
    using folder = new Folder();
    await using executor = create({
      maxWorkers: 2,
      initializer: tasks.failTimes,
      initArgs: [folder.file("log"), 1_000],
    });
    const ready = await soon("the answer", errorOf(executor.ready()));
    assertInstanceOf(ready, BrokenExecutorError);
    const error = errorOf(
      (async () => await executor.submit(tasks.square, 1))(),
    );
    assertInstanceOf(await soon("the answer", error), BrokenExecutorError);
    assertInstanceOf(ready.cause, RangeError);
    assertStringIncludes(ready.cause.message, "run ");
    assert(folder.lines("log").length <= 2);
  });

  test("14: an error that cannot be read kills the thread of results", async () => {
    await using executor = create({ maxWorkers: 1 });
    const bad = [
      faulty.explosiveError,
      faulty.proxyError,
      faulty.cyclicError,
      faulty.badError,
      faulty.notAnError,
    ];
    const ends = await soon(
      "the ends",
      Promise.allSettled(bad.map((fn) => executor.submit(fn))),
    );
    for (const { status } of ends) assertEquals(status, "rejected");
    assertEquals(await soon("the next", executor.submit(tasks.square, 2)), 4);
    assertEquals(executor.stats().crashes, 0);
    await soon("the end", executor.terminate());
  });

  test("15: an exit in a task hangs, and a callback that throws kills the pool", async () => {
    using errors = captureErrors();
    await using executor = create({ maxWorkers: 1 });
    const future = executor.submit(tasks.square, 2);
    future.addDoneCallback(() => {
      throw new RangeError("of the callback");
    });
    assertEquals(await soon("the result", future), 4);
    assertEquals(errors.lines.length, 1);
    const exit = executor.submit(faulty.denoExit, 0);
    assertInstanceOf(await soon("the end", errorOf(exit)), WorkerCrashedError);
    assertEquals(await soon("the next", executor.submit(tasks.square, 3)), 9);
  });

  test("27: a task that submits to its own full pool waits for ever", async () => {
    await using executor: Executor = create({ maxWorkers: 1 });
    const countdown = async (n: number): Promise<number> =>
      n === 0 ? 0 : 1 + await executor.submit(countdown, n - 1);
    assertEquals(await soon("the depth", executor.submit(countdown, 5)), 5);
    const all = [3, 2, 1].map((n) => executor.submit(countdown, n));
    assertEquals(await soon("all", Promise.all(all)), [3, 2, 1]);
  });

  test("33: a map of tiny calls pays for each, and cannot fail early", async () => {
    await using executor = create({ maxWorkers: 1 });
    const count = 20_000;
    let [sum, chunks] = [0, 0];
    const results = executor.map(tasks.square, range(count), {
      // Once for each chunk.
      onProgress: () => chunks++,
    });
    for await (const x of results) sum += x;
    assertEquals(sum, range(count).reduce((all, x) => all + x * x, 0));
    assert(chunks < count / 10, `${chunks} chunks`);
    let pulled = 0;
    const input = function* () {
      for (;;) yield pulled++;
    };
    const failing = executor.map(tasks.raise, input());
    await errorOf(failing.next());
    assert(pulled <= 3 * MAX_CHUNK, `${pulled} pulled`);
    assertEquals((await failing.next()).done, true);
  });

  test("34: workers that are replaced leave tasks behind", async () => {
    const executor = create({ maxWorkers: 2, maxTasksPerWorker: 1 });
    // Declared: none of them would need a worker.
    const square = cpu(tasks.square);
    const futures = range(12).map((i) => executor.submit(square, i));
    const closed = executor.shutdown();
    assertEquals(
      await soon("all", Promise.all(futures)),
      range(12).map((i) => i * i),
    );
    await soon("the end", closed);
    assert(executor.stats().restarts >= 9, `${executor.stats().restarts}`);
  });

  test("38: where an error was is text that is glued to it", async () => {
    await using executor = create({ maxWorkers: 1, name: "pool" });
    const error = await errorOf(
      executor.submit(task(tasks.failWell, { name: "parse" })),
    );
    assertInstanceOf(error, TypeError);
    assertEquals(error.message, "the outer one");
    assertInstanceOf(error.cause, RangeError);
    assertStringIncludes(error.stack!, "at failWell (");
    assertEquals(errorOrigin(error)?.task, "parse");
    assertEquals(errorOrigin(error)?.worker.name, "pool");
  });

  test("39: nobody can see what a pool does", async () => {
    await using executor = create({ maxWorkers: 1, name: "pool" });
    // Declared: an automatic executor has workers of several kinds.
    const future = executor.submit(cpu(tasks.countDown), 3);
    const reports = collect(future.progress);
    await future;
    const last = (await reports).at(-1);
    assertEquals(last, { done: 3, total: 3 });
    await errorOf(executor.submit(cpu(tasks.raise), 1));
    const stats = executor.stats();
    const { completed, failed, workers, runTime, perWorker } = stats;
    assertEquals({ completed, failed, workers }, {
      completed: 1,
      failed: 1,
      workers: 1,
    });
    assert(stats.utilization >= 0 && stats.utilization <= 1);
    assert(runTime.p50 <= runTime.p99, Deno.inspect(runTime));
    assertEquals(
      perWorker.map((worker) => [worker.name, worker.tasks]),
      [["pool", 2]],
    );
    assertEquals(
      await executor.submit(() => current.worker.name),
      "pool",
    );
  });

  test("16: what cannot travel is found out late, or never", async () => {
    await using executor = create({ maxWorkers: 1 });
    const socket = new WeakMap();
    const error = assertThrows(
      () => executor.submit(() => socket.has({})),
      SerializationError,
    );
    assertStringIncludes(error.message, "socket");
    await executor.shutdown();
    assertThrows(() => executor.submit(tasks.square, 1), InvalidStateError);
  });
}
