// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Everything at once, at random: whatever happens, each future settles once
// and rightly, the counts add up, and the end comes. The seed is printed where
// a run fails; `STRESS_SEED` repeats it and `STRESS_ROUNDS` runs more.

import { assert, assertEquals } from "@std/assert";
import {
  CancelledError,
  type Executor,
  type Future,
  type PoolOptions,
  ProcessPoolExecutor,
  TaskTimeoutError,
  ThreadPoolExecutor,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { task } from "../../mod.ts";
import { random } from "../_internal/memory/_fixtures/records.ts";
import { Folder, soon } from "../_suites/_helpers.ts";
import { deaf, hotLoop, square, squareUnlessOdd } from "../_suites/_tasks.ts";
import { denoExit, stuck, throwInTimer } from "../faults/_fixtures/faulty.ts";

const SEED = Number(Deno.env.get("STRESS_SEED") ?? Date.now() % 1_000_000);
const ROUNDS = Number(Deno.env.get("STRESS_ROUNDS") ?? 1);

/** Each crash costs the start of a worker; the machine may be busy. */
const PATIENCE = 60_000;

interface Entry {
  readonly future: Future<unknown>;
  readonly what: string;
  /** Whether this is a rightful end. */
  readonly isRight: (end: PromiseSettledResult<unknown>) => boolean;
}

function failedWith(
  // deno-lint-ignore no-explicit-any -- any constructor
  ...classes: (abstract new (...args: any[]) => Error)[]
): Entry["isRight"] {
  return (end) =>
    end.status === "rejected" &&
    classes.some((Class) => end.reason instanceof Class);
}

/** Cancelled, or lost with a worker that another call has ended. */
const isStopped = failedWith(CancelledError, WorkerCrashedError);

async function round(
  create: (options: PoolOptions) => Executor,
  count: number,
  seed: number,
): Promise<void> {
  const next = random(seed);
  const below = (n: number) => next() % n;
  using folder = new Folder();
  const log = folder.file("log");
  const executor = create({
    maxWorkers: 2 + below(3),
    concurrency: 1 + below(3),
    minWorkers: below(2),
    cancelGrace: below(3) * 10,
    idleTimeout: [5, 50, Infinity][below(3)]!,
    maxTasksPerWorker: [3, 20, Infinity][below(3)]!,
  });
  // A round that is terminated ends before all of its cancels are due.
  using timers = new DisposableStack();
  const later = (delay: number, fn: () => void) => {
    const timer = setTimeout(fn, delay);
    timers.defer(() => clearTimeout(timer));
  };
  const entries: Entry[] = [];
  const add = (
    what: string,
    future: Future<unknown>,
    isRight: Entry["isRight"],
  ) => {
    entries.push({
      what,
      future,
      isRight: (end) => isRight(end) || isStopped(end),
    });
    // Looked at in the end.
    future.addDoneCallback(() => {});
  };
  for (let i = 0; i < count; i++) {
    const priority = below(5) === 0 ? below(3) - 1 : 0;
    const retries = below(4) === 0 ? 1 : 0;
    switch (below(12)) {
      case 0:
        add(
          "crash",
          executor.submit(task(denoExit, { retries }), 3),
          () => false,
        );
        break;
      case 1:
        if (below(3) > 0) break;
        add("fault", executor.submit(throwInTimer), () => false);
        break;
      case 2: {
        const future = executor.submit(task(deaf, { timeout: below(40) }), log);
        add("timeout", future, failedWith(TaskTimeoutError));
        break;
      }
      case 3: {
        const future = executor.submit(below(2) === 0 ? deaf : hotLoop, log);
        add("cancelled", future, () => false);
        later(below(60), () => future.cancel());
        break;
      }
      case 4: {
        const controller = new AbortController();
        const { signal } = controller;
        const future = executor.submit(task(square, { signal, priority }), i);
        add(
          "aborted",
          future,
          (end) => end.status === "fulfilled" && end.value === i * i,
        );
        later(below(20), () => controller.abort());
        break;
      }
      case 5: {
        add(
          "error",
          executor.submit(task(squareUnlessOdd, { retries }), 2 * i + 1),
          failedWith(RangeError),
        );
        break;
      }
      case 6:
        if (below(4) > 0) break;
        add(
          "slow",
          executor.submit(task(stuck, { timeout: 20 }), 60),
          (end) =>
            end.status === "fulfilled" || failedWith(TaskTimeoutError)(end),
        );
        break;
      case 7:
        await new Promise((resolve) => setTimeout(resolve, below(30)));
        break;
      default: {
        const future = executor.submit(task(square, { priority, retries }), i);
        add(
          "square",
          future,
          (end) => end.status === "fulfilled" && end.value === i * i,
        );
        if (below(10) === 0) future.cancel();
      }
    }
  }
  if (below(4) === 0) {
    await soon("terminate()", executor.terminate(), PATIENCE);
  } else {
    await soon(
      "shutdown()",
      executor.shutdown({ cancelFutures: below(4) === 0 }),
      PATIENCE,
    );
  }
  for (const { future, what, isRight } of entries) {
    assert(future.done(), `${what} is ${future.state}`);
    const [end] = await Promise.allSettled([future]);
    assert(isRight(end), `${what} ended with ${Deno.inspect(end)}`);
  }
  const stats = executor.stats();
  assertEquals(
    stats.completed + stats.failed + stats.cancelled,
    entries.length,
    Deno.inspect(stats),
  );
  const { workers, idle, queued, running } = stats;
  assertEquals({ workers, idle, queued, running }, {
    workers: 0,
    idle: 0,
    queued: 0,
    running: 0,
  });
}

const subjects: [string, (options: PoolOptions) => Executor, number][] = [
  ["ThreadPoolExecutor", (options) => new ThreadPoolExecutor(options), 100],
  ["ProcessPoolExecutor", (options) => new ProcessPoolExecutor(options), 40],
];

for (const [name, create, count] of subjects) {
  for (let i = 0; i < ROUNDS * 2; i++) {
    const seed = SEED + i;
    Deno.test(`${name} survives everything at once (${i + 1})`, async () => {
      try {
        await round(create, count, seed);
      } catch (cause) {
        throw new RangeError(`Cannot pass with STRESS_SEED=${seed}`, { cause });
      }
    });
  }
}
