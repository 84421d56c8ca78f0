// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Programs for shutdown_test.ts: which one, and with which executor, are the
// arguments. They end by themselves, or the test kills them.

import {
  AutoExecutor,
  type Executor,
  type PoolOptions,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../../../futures/mod.ts";

const [mode, kind] = Deno.args;

function create(options?: PoolOptions): Executor {
  switch (kind) {
    case "ThreadPoolExecutor":
      return new ThreadPoolExecutor(options);
    case "ProcessPoolExecutor":
      return new ProcessPoolExecutor(options);
    default:
      return new AutoExecutor(options);
  }
}

async function sleepAndPrint(ms: number, text: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  console.log(text);
}

async function sleepSome(x: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return x;
}

function fail(): never {
  throw new RangeError("of the task");
}

const programs: Record<string, () => unknown> = {
  /** Neither shutdown nor await: the job runs all the same. */
  interpreterShutdown() {
    create({ maxWorkers: 5 }).submit(sleepAndPrint, 100, "apple");
  },
  /** When the event loop has run dry nobody waits for a task any more. */
  submitAtTheEnd() {
    const executor = create({ maxWorkers: 1 });
    addEventListener("unload", () => {
      try {
        executor.submit(sleepAndPrint, 0, "too late");
        console.log("accepted");
      } catch (error) {
        console.log((error as Error).name);
      }
    });
    executor.submit(sleepAndPrint, 1, "in time");
  },
  async cancelFuturesWaitFalse() {
    const executor = create({ maxWorkers: 1 });
    const future = executor.submit(sleepAndPrint, 100, "apple");
    while (future.state === "pending") {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await executor.shutdown({ wait: false, cancelFutures: true });
  },
  async hangGh83386() {
    const executor = create({ maxWorkers: 1 });
    executor.submit(sleepAndPrint, 100, "apple");
    await executor.shutdown({ wait: false });
  },
  /** Two jobs, of which the first fails, on workers that run one each. */
  async gh132969Case1() {
    const executor = create({ maxWorkers: 1, maxTasksPerWorker: 1 });
    const first = executor.submit(fail);
    const second = executor.submit(sleepAndPrint, 1, "second");
    await executor.shutdown({ wait: false });
    const error = await first.exception() as Error;
    console.log(error.message);
    await second;
  },
  /** The same, and nothing waits for the second. */
  async gh132969Case2() {
    const executor = create({ maxWorkers: 2, maxTasksPerWorker: 1 });
    const first = executor.submit(fail);
    executor.submit(sleepAndPrint, 1, "second");
    executor.submit(sleepAndPrint, 1, "second");
    executor.submit(sleepAndPrint, 1, "second");
    await executor.shutdown({ wait: false });
    const error = await first.exception() as Error;
    console.log(error.message);
  },
  /** Says when it runs, and does so until somebody ends it. */
  async endless() {
    const executor = create({ maxWorkers: 2 });
    // All of them: where it is killed while one comes up, the folder stays in which
    // they were to meet, until the next program removes it.
    await executor.ready();
    const pids = await Promise.all(
      [1, 2].map(() => executor.submit(() => Deno.pid)),
    );
    console.log("pids", ...pids);
    const items = function* () {
      for (let i = 0;; i++) yield i;
    };
    try {
      for await (const _ of executor.map(sleepSome, items()));
    } finally {
      console.log("finally");
    }
  },
  /** Dropped without a shutdown: idle workers hold no program up. */
  async delShutdown() {
    const sum = await (() => {
      const executor = create({ maxWorkers: 2 });
      return Promise.all([1, 2, 3].map((x) => executor.submit(Math.abs, -x)));
    })();
    console.log(...sum);
  },
};

await programs[mode!]!();
