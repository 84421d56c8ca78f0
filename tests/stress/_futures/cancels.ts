// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Many submits, a third of them cancelled at a random moment, while workers
// die at random: every future settles exactly once.

import { assert, assertEquals } from "@std/assert";
import {
  CancelledError,
  type Executor,
  type Future,
  type PoolOptions,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  WorkerCrashedError,
} from "../../../futures/mod.ts";
import { random } from "../../_internal/memory/_fixtures/records.ts";
import { soon, until } from "../../_suites/_helpers.ts";
import { square } from "../../_suites/_tasks.ts";
import { denoExit, ownPid, selfClose } from "../../faults/_fixtures/faulty.ts";

/** Submits that are under way at a time. */
const WINDOW = 500;
/** Milliseconds after which nothing moves any more. */
const PATIENCE = 120_000;

/** What one future did, seen by those who watch it. */
interface Entry {
  readonly future: Future<unknown>;
  readonly expected: number;
  readonly isDeadly: boolean;
  callbacks: number;
  settlements: number;
  value: unknown;
  error: unknown;
}

/** How a run is set up. */
export interface CancelsOptions {
  readonly kind: "thread" | "process";
  readonly count: number;
  /** How many workers are killed. */
  readonly kills: number;
  readonly seed: number;
}

/** One run. Throws where a future has not settled exactly once, or the counts do not add up. */
export async function runCancels(
  { kind, count, kills, seed }: CancelsOptions,
): Promise<void> {
  const next = random(seed);
  const below = (n: number) => next() % n;
  const options: PoolOptions = { maxWorkers: 2, cancelGrace: 10 };
  const executor: Executor = kind === "thread"
    ? new ThreadPoolExecutor(options)
    : new ProcessPoolExecutor(options);
  const entries: Entry[] = [];
  let submitted = 0;
  let settled = 0;
  let wake = () => {};
  const submit = (
    future: Future<unknown>,
    expected: number,
    isDeadly: boolean,
  ): Entry => {
    const entry: Entry = {
      future,
      expected,
      isDeadly,
      callbacks: 0,
      settlements: 0,
      value: undefined,
      error: undefined,
    };
    submitted++;
    future.addDoneCallback(() => entry.callbacks++);
    const settle = () => {
      entry.settlements++;
      settled++;
      wake();
    };
    future.then((value) => {
      entry.value = value;
      settle();
    }, (error) => {
      entry.error = error;
      settle();
    });
    entries.push(entry);
    return entry;
  };
  /** Cancels it now, in a microtask, in a turn or later. */
  const cancelSometime = ({ future }: Entry) => {
    const cancel = () => void future.cancel();
    switch (below(4)) {
      case 0:
        return cancel();
      case 1:
        return queueMicrotask(cancel);
      case 2:
        return void setTimeout(cancel, 0);
      default:
        return void setTimeout(cancel, below(5));
    }
  };
  /** Ends a worker: from inside, or a process from outside. */
  const kill = async () => {
    if (kind === "thread") {
      return void submit(
        executor.submit(below(2) === 0 ? denoExit : selfClose, 1),
        NaN,
        true,
      );
    }
    const asked = submit(executor.submit(ownPid), NaN, true);
    await asked.future.exception();
    if (typeof asked.value !== "number") return;
    try {
      Deno.kill(asked.value, "SIGKILL");
    } catch (error) {
      // Another kill came first.
      assert(error instanceof Deno.errors.NotFound, `${error}`);
    }
  };
  const killEvery = Math.ceil(count / kills);
  let killAt = -1;
  for (let i = 0; i < count; i++) {
    // Once in each stretch, somewhere.
    if (i % killEvery === 0) killAt = i + below(killEvery);
    if (i === killAt) await kill();
    const entry = submit(executor.submit(square, i), i * i, false);
    if (i % 3 === 0) cancelSometime(entry);
    while (submitted - settled >= WINDOW) {
      await soon(
        `the next of ${submitted - settled}`,
        new Promise<void>((resolve) => wake = resolve),
        PATIENCE,
      );
    }
    if (below(200) === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  await soon("the shutdown", executor.shutdown(), PATIENCE);
  await new Promise((resolve) => setTimeout(resolve, 10));
  // A thread that was given up ends when it has a core.
  await until("none is stuck", () => executor.stats().stuck === 0);
  const ends = { completed: 0, failed: 0, cancelled: 0 };
  for (const entry of entries) {
    const { future, callbacks, settlements, value, error } = entry;
    assertEquals(
      { callbacks, settlements },
      { callbacks: 1, settlements: 1 },
      Deno.inspect(entry),
    );
    assert(future.done());
    if (future.cancelled()) {
      assert(error instanceof CancelledError, `${error}`);
      ends.cancelled++;
    } else if (error !== undefined) {
      assert(error instanceof WorkerCrashedError, `${error}`);
      ends.failed++;
    } else {
      if (!entry.isDeadly) assertEquals(value, entry.expected);
      ends.completed++;
    }
  }
  const stats = executor.stats();
  const { completed, failed, cancelled, crashes } = stats;
  assertEquals({ completed, failed, cancelled }, ends);
  assertEquals(completed + failed + cancelled, entries.length);
  assert(crashes > 0 || kills === 0, "no worker died");
  // A worker takes along what it ran: one call, and one more where another died with it.
  assert(failed <= 2 * kills + crashes, `${failed} failed, ${crashes} crashes`);
  const { workers, idle, queued, running, stuck } = stats;
  assertEquals({ workers, idle, queued, running, stuck }, {
    workers: 0,
    idle: 0,
    queued: 0,
    running: 0,
    stuck: 0,
  });
}
