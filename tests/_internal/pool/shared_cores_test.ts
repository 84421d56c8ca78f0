// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Pools that share a budget of cores, each with its own workers.

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import {
  type Executor,
  type Future,
  type PoolOptions,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../../futures/mod.ts";
import { CoreBudget } from "../../../_internal/pool/core_budget.ts";
import { Value } from "../../../multiprocessing/mod.ts";
import { soon } from "../../_suites/_helpers.ts";
import { square } from "../../_suites/_tasks.ts";
import { denoExit } from "../../faults/_fixtures/faulty.ts";
import { computing, pingPong } from "./_budget_tasks.ts";

/** Threads and processes for so many cores; at the end nobody may hold or want one. */
class Pools implements AsyncDisposable {
  readonly budget: CoreBudget;
  readonly threads: Executor;
  readonly processes: Executor;

  constructor(cores: number) {
    this.budget = new CoreBudget(cores);
    // What no user can set.
    const options: PoolOptions & { budget: CoreBudget } = {
      maxWorkers: 2,
      cancelGrace: 10,
      budget: this.budget,
    };
    this.threads = new ThreadPoolExecutor(options);
    this.processes = new ProcessPoolExecutor(options);
  }

  get all(): Executor[] {
    return [this.threads, this.processes];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((pool) => pool.shutdown()));
    assertEquals([this.budget.inUse, this.budget.waiting], [0, 0]);
  }
}

Deno.test("CoreBudget has no more workers compute than there are cores, and threads and processes in turns", async () => {
  await using pools = new Pools(2);
  for (const pool of pools.all) await pool.prewarm();
  const running = new Value("int32");
  const ended: number[] = [];
  const futures: Future<number>[] = [];
  for (const [kind, pool] of pools.all.entries()) {
    for (let i = 0; i < 20; i++) {
      const future = pool.submit(computing, running, 2);
      future.addDoneCallback(() => ended.push(kind));
      futures.push(future);
    }
  }
  const counts = await soon("all end", Promise.all(futures));
  for (const count of counts) assertLessOrEqual(count, 2);
  assertEquals(ended.length, 40);
  // None waits for all of the others.
  assert(ended.lastIndexOf(0) > ended.indexOf(1), `${ended}`);
  assert(ended.lastIndexOf(1) > ended.indexOf(0), `${ended}`);
});

Deno.test("CoreBudget of one core is enough for tasks that wait for tasks of other pools", async () => {
  await using pools = new Pools(1);
  const { threads, processes } = pools;
  const futures: Future<number>[] = [];
  for (let depth = 0; depth < 4; depth++) {
    futures.push(threads.submit(pingPong, depth, threads, processes));
    futures.push(processes.submit(pingPong, depth, processes, threads));
  }
  assertEquals(await soon("all end", Promise.all(futures)), [
    ...[0, 0, 1, 1, 2, 2, 3, 3],
  ]);
});

Deno.test("CoreBudget gets back what calls held that were cancelled, timed out or lost their worker", async () => {
  await using pools = new Pools(2);
  const running = new Value("int32");
  const futures: Future<unknown>[] = [];
  for (let i = 0; i < 12; i++) {
    for (const pool of pools.all) {
      if (i % 4 === 0) futures.push(pool.submit(denoExit, i));
      const future = pool.submit(computing, running, i % 3);
      futures.push(future);
      if (i % 3 === 0) future.cancel();
      if (i % 3 === 1) future.addDoneCallback(() => futures.at(-1)?.cancel());
    }
  }
  await soon("all settle", Promise.allSettled(futures));
  for (const pool of pools.all) {
    assertEquals(await soon("it goes on", pool.submit(square, 4)), 16);
  }
});

Deno.test("CoreBudget asks others when jobs are cancelled that waited for a core", async () => {
  await using pools = new Pools(1);
  const { threads, processes } = pools;
  const running = new Value("int32");
  await processes.prewarm();
  const first = threads.submit(computing, running, 20);
  const waiting = processes.submit(computing, running, 0);
  const last = threads.submit(computing, running, 0);
  assertEquals(pools.budget.waiting, 2);
  assert(waiting.cancel());
  await soon("the others", Promise.all([first, last]));
});
