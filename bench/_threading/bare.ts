// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The least that a lock can be: a word, a compare-and-swap to take it, one to
// give it back, and a sleep in between. No order, no owner, no death.

import { serve, time } from "../_support/serve.ts";
import type { Implementation } from "./scenarios.ts";

const FREE = 0;
const HELD = 1;

const bare: Implementation = {
  uncontended(rounds) {
    const words = new Int32Array(new SharedArrayBuffer(4));
    return time(rounds, (n) => {
      for (let i = 0; i < n; i++) {
        if (Atomics.compareExchange(words, 0, FREE, HELD) !== FREE) break;
        if (Atomics.compareExchange(words, 0, HELD, FREE) !== HELD) break;
      }
    });
  },

  async contended(threads, rounds) {
    const words = new Int32Array(new SharedArrayBuffer(16));
    const source = `onmessage = ({ data: [words, rounds] }) => {
      Atomics.add(words, 3, 1);
      Atomics.wait(words, 2, 0);
      for (let i = 0; i < rounds; i++) {
        while (Atomics.compareExchange(words, 0, 0, 1) !== 0) {
          Atomics.wait(words, 0, 1);
        }
        words[1]++;
        Atomics.store(words, 0, 0);
        Atomics.notify(words, 0, 1);
      }
      postMessage(0);
    };`;
    const url = URL.createObjectURL(
      new Blob([source], { type: "text/javascript" }),
    );
    const workers = Array.from(
      { length: threads },
      () => new Worker(url, { type: "module" }),
    );
    const ends = workers.map((worker) =>
      new Promise((resolve) => worker.onmessage = resolve)
    );
    for (const worker of workers) worker.postMessage([words, rounds / threads]);
    while (Atomics.load(words, 3) < threads) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const start = performance.now();
    Atomics.store(words, 2, 1);
    Atomics.notify(words, 2);
    await Promise.all(ends);
    const seconds = (performance.now() - start) / 1000;
    for (const worker of workers) worker.terminate();
    if (words[1] !== rounds) throw new RangeError(`counted ${words[1]}`);
    return rounds / seconds;
  },
};

if (import.meta.main) await serve(bare);
