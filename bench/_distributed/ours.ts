// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The same as `bullmq.ts` with an executor here and a node in another process
// (`ours_node.ts`), which share a key: every task and every answer is signed.

import { DistributedExecutor } from "@concurrent/parallel/distributed";
import { expectEqual } from "../_multiprocessing/checks.ts";
import { Program } from "../_support/program.ts";
import { serve } from "../_support/serve.ts";
import { same } from "./tasks.ts";

/** What both sides know. */
export const AUTH_KEY = "bench";

class Ours {
  #executor!: DistributedExecutor;

  async start(
    url: string,
    queue: string,
    concurrency: number,
    backend: "threads" | "processes",
  ): Promise<number> {
    const path = new URL("ours_node.ts", import.meta.url);
    const node = Program.deno("the node", path);
    await node.call({
      scenario: "start",
      args: [url, queue, concurrency, backend],
    });
    this.#executor = new DistributedExecutor({ url, queue, authKey: AUTH_KEY });
    await this.#executor.ready();
    return 0;
  }

  /** Tasks one by one, each with its result: per second. */
  async submit(count: number): Promise<number> {
    const since = performance.now();
    const results = await Promise.all(
      Array.from({ length: count }, (_, x) => this.#executor.submit(same, x)),
    );
    const rate = count * 1000 / (performance.now() - since);
    results.forEach((result, x) => expectEqual("result", result, x));
    return rate;
  }

  /** A map in chunks: items per second. */
  async map(count: number): Promise<number> {
    const items = Array.from({ length: count }, (_, x) => x);
    let x = 0;
    const since = performance.now();
    for await (const result of this.#executor.map(same, items)) {
      expectEqual("result", result, x++);
    }
    expectEqual("results", x, count);
    return count * 1000 / (performance.now() - since);
  }

  /** One task at a time, with its result: microseconds. */
  async single(count: number): Promise<number> {
    const since = performance.now();
    for (let x = 0; x < count; x++) {
      expectEqual("result", await this.#executor.submit(same, x), x);
    }
    return (performance.now() - since) * 1000 / count;
  }
}

if (import.meta.main) await serve(new Ours());
