// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Programs for program_test.ts: what they do is the first argument.

import {
  AutoExecutor,
  type Executor,
  Future,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../../futures/mod.ts";
import { io, task } from "../../../mod.ts";
import { Pool, Process, ThreadPool } from "../../../multiprocessing/mod.ts";
import { Thread } from "../../../threading/mod.ts";
import { square } from "../../_suites/_tasks.ts";
import { ownPid, stuck, waitAs } from "./faulty.ts";
import { grow } from "./overflow.ts";

const [mode, folder] = Deno.args;

function raise(text: string): never {
  throw new RangeError(text);
}

async function pids(executor: Executor, count: number): Promise<number[]> {
  await executor.ready();
  const found = new Set<number>();
  while (found.size < count) {
    const batch = Array.from({ length: count }, () => executor.submit(ownPid));
    for (const future of batch) found.add(await future);
  }
  return [...found];
}

/** Has a worker written this file? */
async function exists(name: string): Promise<boolean> {
  try {
    return (await Deno.readTextFile(`${folder}/${name}`)).length > 0;
  } catch {
    return false;
  }
}

const programs: Record<string, () => Promise<void> | void> = {
  async idle() {
    const pools = [
      new ThreadPoolExecutor({ maxWorkers: 2 }),
      new ProcessPoolExecutor({ maxWorkers: 2 }),
      new AutoExecutor({ maxWorkers: 2 }),
    ];
    for (const pool of pools) console.log(await pool.submit(square, 3));
    const wait = io(async (x: number) => await Promise.resolve(x));
    console.log(await pools[2]!.submit(wait, 9));
  },
  async unclosed() {
    const pools = [new Pool({ processes: 2 }), new ThreadPool()];
    for (const pool of pools) {
      const half = pool.imap(square, [1, 2, 3, 4], { bufferSize: 2 });
      console.log((await half.next()).value);
    }
    for (const pool of pools) {
      // Keeps the program until it has ended.
      pool.mapAsync(square, [2, 3], {
        callback: (squares) => console.log(squares.join(" ")),
      });
    }
  },
  async limited() {
    const pool = new ThreadPoolExecutor({
      maxWorkers: 2,
      cancelGrace: 20,
      resourceLimits: { maxOldGenerationSizeMb: 32 },
    });
    console.log(await pool.submit(square, 3));
    const error = await pool.submit(grow).exception();
    console.log((error as Error).name);
    const late = pool.submit(task(stuck, { timeout: 100 }), 1e9);
    console.log(((await late.exception()) as Error).name);
    console.log(await pool.submit(square, 4));
  },
  unused() {
    new ThreadPoolExecutor();
    new ProcessPoolExecutor({ minWorkers: 1 });
    new AutoExecutor();
    new Thread({ target: square, args: [1] });
    new Process({ target: square, args: [1] });
  },
  async ready() {
    await new ThreadPoolExecutor({ maxWorkers: 2, minWorkers: 1 }).ready();
    await new ProcessPoolExecutor({ maxWorkers: 1, idleTimeout: 1e9 })
      .ready();
    console.log("ready");
  },
  pending() {
    const print = (what: string) => (value: unknown) =>
      console.log(what, value);
    new ThreadPoolExecutor().submit(square, 3).then(print("thread"));
    new ProcessPoolExecutor().submit(square, 4).then(print("process"));
  },
  async shutdownNoWait() {
    const executor = new ProcessPoolExecutor({ maxWorkers: 1 });
    executor.submit(square, 5).then(console.log);
    await executor.shutdown({ wait: false });
  },
  async stuck() {
    const executor = new ThreadPoolExecutor({ maxWorkers: 1 });
    const endless = task(() => stuck(1e9), { timeout: 200 });
    const error = await executor.submit(endless).exception();
    console.log((error as Error).name, executor.stats().workers);
    console.log(await executor.submit(square, 6));
  },
  async stuckShutdown() {
    const executor = new ThreadPoolExecutor({ maxWorkers: 1 });
    const endless = task(() => stuck(1e9), { timeout: 200 });
    console.log(((await executor.submit(endless).exception()) as Error).name);
    await executor.shutdown();
    console.log("stuck", executor.stats().stuck);
  },
  async unhandled() {
    const executor = new ThreadPoolExecutor({ maxWorkers: 1 });
    executor.submit(raise, "nobody looks");
    await new Promise((resolve) => setTimeout(resolve, 1e9));
  },
  async cancelled() {
    const executor = new ThreadPoolExecutor({ maxWorkers: 1 });
    const running = executor.submit(waitAs, `${folder}/pid`);
    const pending = executor.submit(square, 1);
    await executor.ready();
    pending.cancel();
    running.cancel();
    const own = new Future<number>();
    own.cancel();
    await executor.submit(square, 2);
    const other = executor.submit(waitAs, `${folder}/pid`);
    await executor.terminate();
    console.log(other.state, running.state, pending.state);
  },
  async busy() {
    const executor = new ProcessPoolExecutor({ maxWorkers: 2 });
    const idle = await pids(new ProcessPoolExecutor({ maxWorkers: 1 }), 1);
    const busy = await pids(executor, 2);
    executor.submit(() => {
      for (;;);
    });
    executor.submit(waitAs, `${folder}/pid`);
    const process = new Process({
      target: (path: string) => {
        Deno.writeTextFileSync(path, "busy");
        for (;;);
      },
      args: [`${folder}/busy`],
      daemon: true,
    }).start();
    // While it comes up the folder of its socket is there.
    while (!(await exists("busy"))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    console.log("pids", ...idle, ...busy, process.pid);
  },
  threadError() {
    new Thread({ target: raise, args: ["in a thread"], name: "Worker-A" })
      .start();
  },
  async processError() {
    const process = new Process({ target: raise, args: ["in a process"] });
    process.start();
    await process.join();
    console.log("exit code", process.exitCode);
  },
  async daemons() {
    new Thread({ target: waitAs, args: [`${folder}/t`], daemon: true }).start();
    const process = new Process({
      target: waitAs,
      args: [`${folder}/p`],
      daemon: true,
    }).start();
    while (!(await exists("t")) || !(await exists("p"))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    console.log("pids", process.pid);
  },
  waits() {
    const target = async (text: string) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log(text);
    };
    new Thread({ target, args: ["thread"] }).start();
    new Process({ target, args: ["process"] }).start();
  },
};

await programs[mode!]!();
