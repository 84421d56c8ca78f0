// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Workloads that compute.

import { churn, collatzSteps, countPrimes } from "./tasks.ts";
import {
  check,
  checkResults,
  nothing,
  type Setting,
  waves,
  type Workload,
} from "./workload.ts";

/** Submits of 20 to 50 ms each. */
export function createHeavy({ scale }: Setting): Workload {
  const limits = [250_000, 430_000, 340_000, 290_000, 380_000]
    .map((limit) => Math.ceil(limit * scale));
  const expected = limits.map(countPrimes);
  return {
    name: "cpu-heavy",
    title: "submit() of 20 to 50 ms of computing",
    calls: 12,
    functions: [{ fn: countPrimes, expected: ["thread"] }],
    canInline: true,
    waits: false,
    async run(executor, calls) {
      const results = await waves(executor, countPrimes, {
        calls,
        size: 100,
        args: (i) => [limits[i % limits.length]!],
      });
      checkResults(results, (i) => expected[i % limits.length], calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** Submits of a microsecond each, in waves. */
export function createTinySubmits({ scale }: Setting): Workload {
  // Local, and sent by value.
  const area = (width: number, height: number) => width * height / 2;
  return {
    name: "cpu-tiny-submit",
    title: "submit() of a multiplication, in waves of 500",
    calls: Math.ceil(60_000 * scale),
    functions: [{ fn: area, expected: ["inline"] }],
    canInline: true,
    waits: false,
    async run(executor, calls) {
      const results = await waves(executor, area, {
        calls,
        size: 500,
        args: (i) => [i, 3],
      });
      checkResults(results, (i) => i * 1.5, calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** A map over numbers, some microseconds each. */
export function createTinyMap({ scale }: Setting): Workload {
  const calls = Math.ceil(150_000 * scale);
  // Sums of the first so many.
  const sums = new Float64Array(calls + 1);
  for (let n = 0; n < calls; n++) sums[n + 1] = sums[n]! + collatzSteps(n);
  return {
    name: "cpu-tiny-map",
    title: "map() of half a microsecond over numbers",
    calls,
    functions: [{ fn: collatzSteps, expected: ["inline", "thread"] }],
    canInline: true,
    waits: false,
    async run(executor, length) {
      let sum = 0;
      const numbers = Array.from({ length }, (_, i) => i);
      for await (const steps of executor.map(collatzSteps, numbers)) {
        sum += steps;
      }
      check(sum, sums[length]);
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** Submits of 1 to 100 ms, most of them short. */
export function createUneven({ scale }: Setting): Workload {
  const times = [1, 40, 2, 5, 1, 100, 3, 8, 60, 2, 1, 4, 20, 2, 80, 10, 1, 3];
  const rounds = times.map((ms) => Math.ceil(ms * 450_000 * scale));
  const expected = rounds.map((n, i) => churn(i + 1, n));
  return {
    name: "uneven",
    title: "submit() of 1 to 100 ms of computing",
    calls: times.length,
    functions: [{ fn: churn, expected: ["thread"] }],
    canInline: true,
    waits: false,
    async run(executor, calls) {
      const results = await waves(executor, churn, {
        calls,
        size: 200,
        args: (i) => [i % rounds.length + 1, rounds[i % rounds.length]!],
      });
      checkResults(results, (i) => expected[i % rounds.length], calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}
