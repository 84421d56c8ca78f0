// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Workloads of which some calls end badly, and cost their workers.

import {
  task,
  TaskTimeoutError,
  WorkerCrashedError,
} from "@concurrent/parallel";
import type { Executor } from "@concurrent/parallel/futures";
import { delay } from "@std/async/delay";
import { churn, churnOrExit } from "./tasks.ts";
import {
  check,
  nothing,
  type Setting,
  submitWave,
  type Workload,
} from "./workload.ts";

/** What came of a call: its value, or the name of the error. */
async function outcomesOf<A extends number[]>(
  executor: Executor,
  fn: (...args: A) => number,
  calls: readonly A[],
): Promise<unknown[]> {
  const settled = await Promise.allSettled(submitWave(executor, fn, calls));
  return settled.map((one) =>
    one.status === "fulfilled" ? one.value : one.reason.name
  );
}

/** Every twentieth call ends its worker. */
export function createCrashes({ scale }: Setting): Workload {
  const rounds = Math.ceil(3_000_000 * scale);
  const expected = Array.from(
    { length: 20 },
    (_, seed) => seed === 7 ? WorkerCrashedError.name : churn(seed, rounds),
  );
  return {
    name: "crashes",
    title: "submit() of 6 ms, of which 5 % end their worker",
    calls: 60,
    functions: [{ fn: churnOrExit, expected: ["thread", "process"] }],
    canInline: false,
    waits: false,
    async run(executor, calls) {
      const list = Array.from(
        { length: calls },
        (_, i): [number, number] => [i % 20, rounds],
      );
      const outcomes = await outcomesOf(executor, churnOrExit, list);
      outcomes.forEach((outcome, i) => check(outcome, expected[i % 20]));
      check(outcomes.length, calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}

// Much more than a call takes, however many share the cores.
const TIMEOUT = 400;

/** Some calls compute for longer than they may. */
export function createTimeouts({ scale }: Setting): Workload {
  const rounds = Math.ceil(2_500_000 * scale);
  // Much too long, and not for ever: a thread that cannot be stopped goes on.
  const endless = 400_000_000;
  const limited = task(churn, { timeout: TIMEOUT });
  const expected = Array.from({ length: 20 }, (_, seed) => churn(seed, rounds));
  const isEndless = (i: number) => i % 20 === 5;
  return {
    name: "timeouts",
    title: "submit() of 5 ms, of which 5 % compute past their timeout",
    calls: 40,
    functions: [{ fn: limited, expected: ["process"] }],
    canInline: false,
    waits: false,
    async run(executor, calls) {
      const list = Array.from(
        { length: calls },
        (_, i): [number, number] => [i % 20, isEndless(i) ? endless : rounds],
      );
      const outcomes = await outcomesOf(executor, limited, list);
      outcomes.forEach((outcome, i) =>
        check(
          outcome,
          isEndless(i) ? TaskTimeoutError.name : expected[i % 20],
        )
      );
      check(outcomes.length, calls);
      // What was given up and goes on has not ended yet.
      while (executor.stats().stuck > 0) await delay(5);
    },
    [Symbol.asyncDispose]: nothing,
  };
}
