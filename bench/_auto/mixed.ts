// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Workloads of more than one kind.

import { churn, fetchId, handle, type Item } from "./tasks.ts";
import {
  check,
  checkResults,
  nothing,
  type Setting,
  submitWave,
  wave,
  type Workload,
} from "./workload.ts";

const LATENCY = 20;

/** One async function over items of both kinds, in one map. */
export function createMixedItems({ server, scale }: Setting): Workload {
  const rounds = Math.ceil(2_000_000 * scale);
  const item = (i: number): Item =>
    i % 2 === 0 ? { url: server.url(i, LATENCY) } : { seed: i % 10, rounds };
  const computed = Array.from({ length: 10 }, (_, i) => churn(i, rounds));
  return {
    name: "mixed-items",
    title: "map() of one async function over items to fetch and to compute",
    calls: 120,
    functions: [{ fn: handle, expected: ["thread"] }],
    canInline: true,
    waits: true,
    async run(executor, calls) {
      const items = Array.from({ length: calls }, (_, i) => item(i));
      const results = await Array.fromAsync(executor.map(handle, items));
      checkResults(results, (i) => i % 2 === 0 ? i : computed[i % 10], calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** Two functions by turns: one fetches, one computes. */
export function createMixedFunctions({ server, scale }: Setting): Workload {
  const rounds = Math.ceil(2_000_000 * scale);
  const expected = Array.from({ length: 10 }, (_, i) => churn(i, rounds));
  return {
    name: "mixed-functions",
    title: "submit() of fetch() and of computing by turns",
    calls: 120,
    functions: [
      { fn: fetchId, expected: ["inline"] },
      { fn: churn, expected: ["thread"] },
    ],
    canInline: true,
    waits: true,
    async run(executor, calls) {
      const results = [];
      for (let i = 0; i < calls; i += 2) {
        results.push(
          ...submitWave(executor, fetchId, [[server.url(i, LATENCY)]]),
          ...submitWave(executor, churn, [[i % 10, rounds]]),
        );
      }
      checkResults(
        await Promise.all(results),
        (i) => i % 2 === 0 ? i : expected[(i - 1) % 10],
        calls,
      );
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** An async function that waits for a while, and then only computes. */
export function createPhaseChange({ server, scale }: Setting): Workload {
  const rounds = Math.ceil(4_000_000 * scale);
  const computed = Array.from({ length: 10 }, (_, i) => churn(i, rounds));
  const work = async (item: Item) => {
    if ("url" in item) {
      const response = await fetch(item.url);
      return (await response.json()).id as number;
    }
    let x = item.seed | 1;
    for (let i = 0; i < item.rounds; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
    }
    return x;
  };
  return {
    name: "phase-change",
    title: "submit() of one async function that fetches, then computes",
    calls: 240,
    functions: [{ fn: work, expected: ["thread"] }],
    canInline: true,
    waits: true,
    async run(executor, calls) {
      const waiting = Math.floor(calls * 5 / 6);
      const urls = Array.from(
        { length: waiting },
        (_, i): [Item] => [{ url: server.url(i, LATENCY) }],
      );
      checkResults(await wave(executor, work, urls), (i) => i, waiting);
      const computing = calls - waiting;
      const seeds = Array.from(
        { length: computing },
        (_, i): [Item] => [{ seed: i % 10, rounds }],
      );
      const results = await wave(executor, work, seeds);
      checkResults(results, (i) => computed[i % 10], computing);
      check(results.length + urls.length, calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}
