// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Trees of tasks that submit tasks, over threads and processes, with random
// cancels, failures, timeouts and deaths of workers: each future settles once
// and rightly, and both executors end. The seed is printed where a run fails;
// `STRESS_SEED` repeats it and `STRESS_ROUNDS` runs more.

import { assert, assertEquals } from "@std/assert";
import {
  CancelledError,
  type Executor,
  type Future,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { random } from "../_internal/memory/_fixtures/records.ts";
import { soon } from "../_suites/_helpers.ts";
import { tree } from "./_futures/tree.ts";

const SEED = Number(Deno.env.get("STRESS_SEED") ?? Date.now() % 1_000_000);
const ROUNDS = Number(Deno.env.get("STRESS_ROUNDS") ?? 1);
/** Each crash costs the start of a worker; the machine may be busy. */
const PATIENCE = 120_000;
const TREES = 150;

async function round(
  threads: Executor,
  processes: Executor,
  seed: number,
): Promise<void> {
  const next = random(seed + 1);
  const below = (n: number) => next() % n;
  const futures: Future<number>[] = [];
  const settled = new Map<Future<number>, number>();
  // A tree may be over before its cancel is due.
  using timers = new DisposableStack();
  for (let i = 0; i < TREES; i++) {
    const [a, b] = below(3) === 0 ? [processes, threads] : [threads, processes];
    const crashes = below(40) === 0 ? 100 : 0;
    const future = a.submit(tree, a, b, 1 + below(4), below(1e9), crashes);
    future.addDoneCallback((one) =>
      settled.set(one, (settled.get(one) ?? 0) + 1)
    );
    futures.push(future);
    if (below(7) === 0) {
      const timer = setTimeout(() => future.cancel(), below(50));
      timers.defer(() => clearTimeout(timer));
    }
    if (futures.length % 10 === 0) await Promise.allSettled(futures.slice(-10));
  }
  for (const end of await Promise.allSettled(futures)) {
    if (end.status === "fulfilled") assert(end.value >= 1);
    else {
      const { reason } = end;
      assert(
        reason instanceof CancelledError ||
          reason instanceof WorkerCrashedError ||
          // Of a tree that streams or submits beside a worker that ends.
          (reason instanceof RangeError && reason.message === "a leaf"),
        `${reason}`,
      );
    }
  }
  await Promise.all([threads.shutdown(), processes.shutdown()]);
  assertEquals([...settled.values()], new Array(TREES).fill(1));
}

Deno.test("Executors settle trees of tasks over threads and processes", async () => {
  for (let i = 0; i < ROUNDS; i++) {
    const seed = SEED + i;
    const threads = new ThreadPoolExecutor({ maxWorkers: 3, cancelGrace: 200 });
    const processes = new ProcessPoolExecutor({ maxWorkers: 2 });
    try {
      await soon("the end", round(threads, processes, seed), PATIENCE);
    } catch (error) {
      console.error(`STRESS_SEED=${seed}`);
      throw error;
    } finally {
      await Promise.all([threads.terminate(), processes.terminate()]);
    }
    assertEquals(threads.stats().workers + processes.stats().workers, 0);
  }
});
