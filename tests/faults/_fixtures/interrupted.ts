// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Programs for interrupt_test.ts: what they do is the first argument, where
// the second. Each writes `pids …` when it wants to be interrupted.

import process from "node:process";
import {
  CancelledError,
  type Executor,
  type PoolOptions,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../../futures/mod.ts";
import { until } from "../../_suites/_helpers.ts";
import { square } from "../../_suites/_tasks.ts";
import { ownPid, stuck } from "./faulty.ts";

const [mode, kind] = Deno.args;

function create(options: PoolOptions = {}): Executor {
  const all = { maxWorkers: 2, ...options };
  return kind === "thread"
    ? new ThreadPoolExecutor(all)
    : new ProcessPoolExecutor(all);
}

/** Says that it is time, and which children there are. */
async function tell(executor: Executor): Promise<void> {
  console.log(
    "pids",
    ...new Set(
      await Promise.all([
        executor.submit(ownPid),
        executor.submit(ownPid),
      ]),
    ),
  );
}

async function slowly(x: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return x;
}

function* forEver(): Generator<number> {
  for (let i = 0;; i++) yield i;
}

function forEverAlive(): Promise<never> {
  return new Promise(() => setInterval(() => {}, 1000));
}

/** Iterates until it is interrupted. */
async function runMap(options: { onError?: "throw" | "settle" } = {}) {
  const executor = create();
  await tell(executor);
  try {
    for await (const _ of executor.map(slowly, forEver(), options));
  } finally {
    console.log("finally");
  }
}

const programs: Record<string, () => Promise<void>> = {
  map: () => runMap(),
  settled: () => runMap({ onError: "settle" }),
  async leisurely() {
    const executor = create();
    await tell(executor);
    try {
      // Results lie ready for longer than an interrupted program has.
      for await (const _ of executor.map(square, forEver())) await slowly(1);
    } finally {
      console.log("finally");
    }
  },
  async stream() {
    const executor = create();
    const stream = executor.stream(forEver);
    try {
      for await (const i of stream) {
        if (i === 40) await tell(executor);
        await slowly(i);
      }
    } finally {
      console.log("finally");
    }
  },
  async caught() {
    try {
      await runMap();
    } catch (error) {
      if (error instanceof CancelledError) console.log(error.cause);
    }
    await forEverAlive();
  },
  async cleaned() {
    try {
      await runMap();
    } finally {
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log("cleaned");
    }
  },
  async uncleanable() {
    try {
      await runMap();
    } finally {
      await forEverAlive();
    }
  },
  async ungraced() {
    // As if its grace never ended: nothing but another signal ends it.
    const { setTimeout } = globalThis;
    Reflect.set(
      globalThis,
      "setTimeout",
      (fn: () => void, ms?: number) => setTimeout(fn, ms === 500 ? 1e9 : ms),
    );
    await programs["uncleanable"]!();
  },
  async futures() {
    await using executor = create({ maxWorkers: 1 });
    await tell(executor);
    const running = executor.submit(slowly, 1e9);
    const futures = [running, executor.submit(square, 2)];
    executor.submit(() => new Promise(() => {}));
    for (const future of futures) {
      future.addDoneCallback(({ state }) => console.log(state));
    }
    await executor.submit(() => new Promise(() => {}));
  },
  async stuck() {
    const executor = create();
    await tell(executor);
    const future = executor.submit(stuck, 1e9);
    try {
      await future;
    } finally {
      console.log("finally");
    }
  },
  async starting() {
    const executor = create();
    const future = executor.submit(stuck, 1e9);
    console.log("pids");
    try {
      await future;
    } finally {
      console.log("finally");
    }
  },
  async late() {
    const { kill } = process;
    process.kill = (pid, signal) => {
      Deno.unrefTimer(setTimeout(() => kill.call(process, pid, signal), 50));
      return true;
    };
    await runMap();
  },
  async shutdown() {
    const executor = create();
    await tell(executor);
    const future = executor.submit(stuck, 1e9);
    future.addDoneCallback(() => console.log(future.state));
    await executor.shutdown();
    console.log("shut down");
  },
  async idle() {
    const executor = create();
    await tell(executor);
    try {
      await forEverAlive();
    } finally {
      console.log("finally");
    }
  },
  async closed() {
    await using executor = create();
    await executor.submit(square, 1);
    await executor.shutdown();
    console.log("pids");
    await forEverAlive();
  },
  async node() {
    await using executor = create();
    const interrupted = new Promise<unknown>((resolve) =>
      process.on("SIGINT", resolve)
    );
    await tell(executor);
    const future = executor.submit(slowly, 3);
    await interrupted;
    console.log("interrupted", await future, await executor.submit(square, 2));
  },
  async ignore() {
    await using executor = create({ onInterrupt: "ignore" });
    const { promise: interrupted, resolve } = Promise.withResolvers<void>();
    Deno.addSignalListener("SIGINT", resolve);
    await tell(executor);
    await interrupted;
    console.log("interrupted", await executor.submit(square, 3));
    Deno.removeSignalListener("SIGINT", resolve);
  },
  async listeners() {
    const { addSignalListener, removeSignalListener } = Deno;
    let log = "";
    Deno.addSignalListener = (...args) => {
      log += " on";
      addSignalListener(...args);
    };
    Deno.removeSignalListener = (...args) => {
      log += " off";
      removeSignalListener(...args);
    };
    const tell = (what: string) => console.log(`${what}:${log}`);
    const first = create({ maxWorkers: 1, idleTimeout: 5 });
    const second = create();
    tell("new");
    await using unheard = create({ onInterrupt: "ignore" });
    await unheard.submit(square, 1);
    tell("one that ignores it");
    for (let i = 0; i < 3; i++) await first.submit(square, i);
    await second.submit(square, 1);
    tell("four tasks of two");
    await second.shutdown();
    await until("it does not listen", () => log.endsWith("off"));
    tell("one is shut down, the other's worker is gone");
    await first.submit(square, 1);
    await first.terminate();
    tell("a new worker, terminated");
  },
  async survivor() {
    let heard = 0;
    const { promise: interrupted, resolve } = Promise.withResolvers<void>();
    const onSignal = () => {
      if (++heard === 2) resolve();
    };
    Deno.addSignalListener("SIGINT", onSignal);
    await runMap().catch(() => {});
    await interrupted;
    console.log("heard", heard);
    Deno.removeSignalListener("SIGINT", onSignal);
    await runMap();
  },
};

await programs[mode!]!();
