// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A caller that is busy hears late of everything, also of its own timers: what
// a worker has answered by then counts.

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  CancelledError,
  type Executor,
  InvalidStateError,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  wait,
} from "../../futures/mod.ts";
import { task } from "../../mod.ts";
import { errorOf, Folder, soon, until } from "../_suites/_helpers.ts";
import { busy, mark, markedGate, square } from "../_suites/_tasks.ts";

/** Holds this event loop up, and leaves the core to the workers. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Holds it up until something has happened elsewhere, and for so long at least. */
function holdUntil(condition: () => boolean, ms: number): void {
  const since = performance.now();
  while (!condition() && performance.now() - since < 30_000) pause(5);
  // What has happened is told a moment later.
  pause(Math.max(ms - (performance.now() - since), 300));
}

for (const Pool of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  Deno.test(`${Pool.name}.submit() does not hold a busy caller against a task with a timeout`, async () => {
    using folder = new Folder();
    const path = folder.file("ran");
    await using pool = new Pool({ maxWorkers: 1 });
    await pool.submit(square, 1);
    const future = pool.submit(task(mark, { timeout: 1000 }), path, "ran");
    // To a process it leaves with the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve));
    // It has run, and its time is over before anybody looks.
    holdUntil(() => folder.lines("ran").length > 0, 1200);
    assertEquals(await soon("the answer", future), "ran");
    assertEquals(pool.stats().restarts, 0);
  });

  Deno.test(`${Pool.name}.submit() reads what several workers have answered before a timeout counts`, async () => {
    using folder = new Folder();
    await using pool = new Pool({ maxWorkers: 2 });
    await pool.ready();
    const quick = task(mark, { timeout: 100 });
    for (let i = 0; i < 6; i++) {
      const path = folder.file(`${i}`);
      const futures = ["a", "b"].map((it) => pool.submit(quick, path, it));
      await new Promise((resolve) => setTimeout(resolve));
      holdUntil(() => folder.lines(`${i}`).length === 2, 250);
      const answers = await soon("the answers", Promise.all(futures));
      assertEquals(answers, ["a", "b"]);
    }
  });

  Deno.test(`${Pool.name}.cancel() loses nobody's task where the caller is busy beyond the grace`, async () => {
    await using pool = new Pool({ maxWorkers: 1, cancelGrace: 20 });
    // Short enough to be sent ahead.
    for (let i = 0; i < 20; i++) await pool.submit(square, i);
    const first = pool.submit(busy, 5);
    const others = Array.from({ length: 40 }, (_, i) => pool.submit(square, i));
    await soon("the first runs", new Promise((resolve) => setTimeout(resolve)));
    first.cancel();
    busy(120);
    const results = await soon("the others", Promise.all(others));
    assertEquals(results, others.map((_, i) => i * i));
    const { done } = await wait([first]);
    assert(done.has(first));
    // It may have been over before it was asked to stop.
    if (first.cancelled()) {
      assertInstanceOf(await errorOf(first), CancelledError);
    } else assertEquals(await first, 5);
  });
}

/** Two calls beside each other on a worker, which end when the gate is open. */
async function neighbours(pool: Executor, folder: Folder) {
  const log = folder.file("log");
  const gate = folder.file("gate");
  const deaf = pool.submit(markedGate, log, gate, "deaf");
  const neighbour = pool.submit(markedGate, log, gate, "neighbour");
  await until("they run", () => folder.lines("log").length === 2);
  return { deaf, neighbour };
}

for (const Pool of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  Deno.test(`${Pool.name}.cancel() leaves the neighbours alone where the caller is busy when the grace is over`, async () => {
    await using pool = new Pool({
      maxWorkers: 1,
      concurrency: 2,
      cancelGrace: 20,
    });
    using folder = new Folder();
    const { deaf, neighbour } = await neighbours(pool, folder);
    deaf.cancel();
    // Before the worker could be asked whether it still listens, and for longer
    // than it has to answer.
    deaf.catch(() => pause(2_500));
    assertInstanceOf(await errorOf(deaf), CancelledError);
    await new Promise((resolve) => setTimeout(resolve, 10));
    folder.open("gate");
    assertEquals(await soon("the neighbour", neighbour), "neighbour");
  });
}

Deno.test({
  name:
    "ProcessPoolExecutor.cancel() leaves the neighbours alone where the worker gets no core for a second",
  // Windows has no signals that stop a process.
  ignore: Deno.build.os === "windows",
  async fn() {
    await using pool = new ProcessPoolExecutor({
      maxWorkers: 1,
      concurrency: 2,
      cancelGrace: 20,
    });
    using folder = new Folder();
    const { deaf, neighbour } = await neighbours(pool, folder);
    const { pid } = pool.stats().perWorker[0]!;
    Deno.kill(pid!, "SIGSTOP");
    try {
      deaf.cancel();
      assertInstanceOf(await errorOf(deaf), CancelledError);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    } finally {
      Deno.kill(pid!, "SIGCONT");
    }
    folder.open("gate");
    assertEquals(await soon("the neighbour", neighbour), "neighbour");
  },
});

Deno.test("ThreadPoolExecutor.stream() runs a generator's 'finally' to its end where the caller is busy beyond the grace", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1, cancelGrace: 20 });
  using folder = new Folder();
  const generate = async function* (log: string, gate: string) {
    try {
      for (;;) yield 1;
    } finally {
      await markedGate(log, gate, "finally");
      mark(log, "done");
    }
  };
  const stream = pool.stream(generate, folder.file("log"), folder.file("gate"));
  await stream.next();
  const left = stream.return!();
  holdUntil(() => folder.lines("log").length > 0, 80);
  // The grace was over long ago.
  await new Promise((resolve) => setTimeout(resolve, 100));
  folder.open("gate");
  await soon("it is left", left);
  assertEquals(folder.lines("log"), ["finally", "done"]);
  assertEquals(pool.stats().restarts, 0);
});

Deno.test("ThreadPoolExecutor.shutdown() waits for a stream that is read slowly, and not for one that nobody reads", async () => {
  function* count(): Generator<number> {
    for (let i = 0;; i++) yield i;
  }
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const left = pool.stream(count);
  assertEquals((await left.next()).value, 0);
  const read = pool.stream(function* () {
    yield* [1, 2, 3];
  });
  const values: number[] = [];
  const reading = (async () => {
    for await (const value of read) {
      values.push(value);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  const closed = pool.shutdown();
  await soon("it is read", reading);
  await soon("the shutdown", closed);
  assertEquals(values, [1, 2, 3]);
  // What it had made by then is not lost, and its end is not silent.
  const error = await errorOf((async () => {
    let next = 1;
    for await (const value of left) assertEquals(value, next++);
  })());
  assertInstanceOf(error, InvalidStateError);
  assertEquals(pool.stats().restarts, 0);
});

for (const Pool of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  Deno.test(`${Pool.name}.shutdown() waits for a stream that is read slowly for longer than it waits for one that nobody reads`, async () => {
    const pool = new Pool({ maxWorkers: 1 });
    // Values lie ready all the time: nobody ever has to wait for one.
    const stream = pool.stream(function* () {
      for (let i = 0;; i++) yield i;
    });
    assertEquals((await stream.next()).value, 0);
    const closed = pool.shutdown();
    let taken = 1;
    const enough = performance.now() + 5500;
    while (performance.now() < enough) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      assertEquals((await stream.next()).value, taken++);
    }
    // Beyond those that had been made by then.
    for (let i = 0; i < 50; i++) {
      assertEquals((await stream.next()).value, taken++);
    }
    await stream.return!();
    await soon("the shutdown", closed);
  });
}
