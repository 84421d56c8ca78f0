// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import {
  DistributedExecutor,
  serve,
  type WorkerNode,
} from "@concurrent/parallel/distributed";
import { Folder, until } from "../_suites/_helpers.ts";
import { redisTest } from "./_redis.ts";

const WORKERS = { backend: "threads", maxWorkers: 1 } as const;
/** Calls after which nothing is left in the mean of a first one that took seconds. */
const MANY = 60;

/** Made anew, so that it goes by value: it returns at once, or when there is a file. */
const waiting = () => async (path: string | undefined) => {
  while (path !== undefined) {
    try {
      await Deno.stat(path);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
};

redisTest(
  "serve() gives back what it cannot begin, for nodes that can",
  async ({ url, queue }) => {
    using folder = new Folder();
    const at = { url, queue, authKey: "key" };
    await using executor = new DistributedExecutor(at);
    await using first = await serve({ ...at, ...WORKERS });
    const running = (node: WorkerNode) => node.stats().running;
    const perhapsWait = waiting();
    // It learns that they are short, once the worker is warm.
    for (let i = 0; i < MANY; i++) {
      await executor.submit(perhapsWait, undefined);
    }
    // A failure is no hang.
    using _go = { [Symbol.dispose]: () => folder.open("go") };
    const long = Array.from(
      { length: 10 },
      () => executor.submit(perhapsWait, folder.file("go")),
    );
    await until("the node has taken some ahead", () => running(first) > 2);
    await using second = await serve({ ...at, ...WORKERS });

    await until(
      "each has what it can run",
      () => running(first) === 1 && running(second) === 1,
    );
    folder.open("go");
    await Promise.all(long);
    // Nobody has failed one, and each was run once.
    const { completed, failed } = executor.stats();
    assertEquals([completed, failed], [MANY + 10, 0]);
    assertEquals(
      first.stats().completed + second.stats().completed,
      MANY + 10,
    );
  },
);

redisTest(
  "serve() lets another node begin a generator that it has not begun",
  async ({ url, queue }) => {
    using folder = new Folder();
    const at = { url, queue, authKey: "key" };
    await using executor = new DistributedExecutor(at);
    const first = await serve({ ...at, ...WORKERS });
    const perhapsWait = waiting();
    for (let i = 0; i < MANY; i++) {
      await executor.submit(perhapsWait, undefined);
    }
    using _go = { [Symbol.dispose]: () => folder.open("go") };
    const long = executor.submit(perhapsWait, folder.file("go"));
    const count = function* () {
      yield 1;
      yield 2;
    };
    const values = Array.fromAsync(executor.stream(count));
    await until("the node has both", () => first.stats().running === 2);
    await first.terminate();
    folder.open("go");
    await using _ = await serve({ ...at, ...WORKERS });

    assertEquals(await values, [1, 2]);
    await long;
    assert(executor.stats().failed === 0);
  },
);
