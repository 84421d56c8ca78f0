// Copyright 2026 the @concurrent/parallel authors. MIT license.

// `fork()` of node:child_process in Deno: what there is without a package. A
// queue is the channel between parent and child; between two children the
// parent passes on. There are no locks and no shared memory.

import { type ChildProcess, fork } from "node:child_process";
import { serve } from "../_support/serve.ts";
import { expectEqual, message, WARM_PART } from "./checks.ts";
import { digest } from "./digest.js";
import type { Implementation } from "./scenarios.ts";

const CHILD = new URL("fork_child.js", import.meta.url).pathname;

const peer: Implementation = {
  async queue(direction, _manner, items) {
    const [putter, getter] = [createChild(), createChild()];
    const run = async (n: number) => {
      let sum = 0;
      if (direction === "up") {
        let left = n;
        const all = Promise.withResolvers<void>();
        putter.onMessage = (item) => {
          sum += item as number;
          if (--left === 0) all.resolve();
        };
        putter.send(["put", n]);
        await all.promise;
      } else {
        const answer = getter.next();
        getter.send(["get", n]);
        if (direction === "across") {
          putter.onMessage = (item) => getter.send(item);
          putter.send(["put", n]);
        } else {
          for (let i = 0; i < n; i++) getter.send(i);
        }
        sum = await answer as number;
      }
      expectEqual("sum", sum, n * (n - 1) / 2);
    };
    await run(items * WARM_PART);
    const since = performance.now();
    await run(items);
    const seconds = (performance.now() - since) / 1000;
    await Promise.all([putter.end(), getter.end()]);
    return items / seconds;
  },

  async pipe(rounds) {
    const child = createChild();
    const run = async (n: number) => {
      const since = performance.now();
      for (let i = 0; i < n; i++) {
        const answer = child.next();
        child.send(["echo", message(i)]);
        expectEqual("answer", (await answer as { id: number }).id, i);
      }
      return performance.now() - since;
    };
    await run(rounds * WARM_PART);
    const ms = await run(rounds);
    await child.end();
    return ms * 1000 / rounds;
  },

  async bytes(how, size) {
    if (how === "shared") return NaN;
    const bytes = new Uint8Array(size).map((_, i) => i * 7 + (i >> 12));
    const child = createChild();
    const run = async () => {
      const since = performance.now();
      const answer = child.next();
      child.send(["digest", bytes]);
      expectEqual("digest", await answer, digest(bytes));
      return performance.now() - since;
    };
    await run();
    const ms = await run();
    await child.end();
    return ms;
  },

  async map(tasks, chunkSize) {
    const children = [createChild(), createChild()];
    const run = async (n: number) => {
      const size = chunkSize ?? Math.ceil(n / 8);
      const items = [...Array(n).keys()];
      const since = performance.now();
      const results: number[][] = [];
      const all = Promise.withResolvers<void>();
      let left = Math.ceil(n / size);
      for (const child of children) {
        child.onMessage = (answer) => {
          const [i, chunk] = answer as [number, number[]];
          results[i] = chunk;
          if (--left === 0) all.resolve();
        };
      }
      for (let i = 0; i * size < n; i++) {
        const chunk = items.slice(i * size, (i + 1) * size);
        children[i % 2]!.send(["map", [i, chunk]]);
      }
      await all.promise;
      const flat = results.flat();
      const ms = performance.now() - since;
      expectEqual("results", flat.length, n);
      const sum = flat.reduce((a, b) => a + b, 0);
      expectEqual("sum", sum, n * (n + 1) / 2);
      return ms;
    };
    await run(tasks * WARM_PART);
    const ms = await run(tasks);
    await Promise.all(children.map((child) => child.end()));
    return ms;
  },
};

function createChild() {
  const child: ChildProcess = fork(CHILD, { serialization: "advanced" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const self = {
    onMessage: (_message: unknown): void => {},
    // deno-lint-ignore no-explicit-any -- whatever can be sent
    send: (value: any) => void child.send(value),
    /** The next message. */
    next: () =>
      new Promise<unknown>((resolve) => {
        self.onMessage = resolve;
      }),
    async end(): Promise<void> {
      child.send(["end", 0]);
      await ended;
    },
  };
  child.on("message", (message) => self.onMessage(message));
  return self;
}

if (import.meta.main) await serve(peer);
