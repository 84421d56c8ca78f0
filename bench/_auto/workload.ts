// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Executor, TaskFunction } from "@concurrent/parallel/futures";
import { ownLoops } from "./delay.ts";
import type { ServerProcess } from "./server.ts";

/** Where one function runs. */
export type Backend = "inline" | "thread" | "process";

/** What users do with an executor, over and over. */
export interface Workload extends AsyncDisposable {
  readonly name: string;
  /** What it does, in a few words. */
  readonly title: string;
  /** Calls of one round: the best choice takes 100 to 400 ms for them. */
  readonly calls: number;
  /** What it has run, and where that belongs when a round has ended. */
  readonly functions: readonly {
    readonly fn: TaskFunction;
    readonly expected: readonly Backend[];
  }[];
  /** False where an event loop cannot run it: it would end the program, or never stop. */
  readonly canInline: boolean;
  /** True where more workers than cores may help: they wait. */
  readonly waits: boolean;
  /**
   * Makes so many calls, and returns when nothing of them runs any more.
   *
   * @throws {TypeError} If a result is wrong.
   */
  run(executor: Executor, calls: number): Promise<void>;
}

/** What workloads are made with. */
export interface Setting {
  /** A directory that is removed at the end. */
  readonly directory: string;
  readonly server: ServerProcess;
  /** How much of everything: 1, less to see only that it works. */
  readonly scale: number;
}

/** Makes a workload. */
export type WorkloadMaker = (
  setting: Setting,
) => Workload | Promise<Workload>;

/** Submits calls and waits for all of them. */
export async function wave<A extends unknown[], R>(
  executor: Executor,
  fn: (...args: A) => R,
  calls: readonly A[],
): Promise<Awaited<R>[]> {
  return await Promise.all(submitWave(executor, fn, calls));
}

/** Submits calls at once; the loop is the bench's own, however long it takes. */
export function submitWave<A extends unknown[], R>(
  executor: Executor,
  fn: (...args: A) => R,
  calls: readonly A[],
): Promise<Awaited<R>>[] {
  const start = performance.now();
  const futures = calls.map((args) => executor.submit(fn, ...args));
  ownLoops.add(start, performance.now());
  return futures;
}

/** Makes calls in waves of at most `size`; results come in order. */
export async function waves<A extends unknown[] | [], R>(
  executor: Executor,
  fn: (...args: A) => R,
  { calls, size, args }: {
    calls: number;
    size: number;
    args: (index: number) => A;
  },
): Promise<Awaited<R>[]> {
  const results: Awaited<R>[] = [];
  for (let start = 0; start < calls; start += size) {
    const length = Math.min(size, calls - start);
    const list = Array.from({ length }, (_, i) => args(start + i));
    results.push(...await wave(executor, fn, list));
  }
  return results;
}

/** Throws unless each result is what was expected. */
export function checkResults(
  actual: readonly unknown[],
  expected: (index: number) => unknown,
  calls: number,
): void {
  check(actual.length, calls);
  for (let i = 0; i < calls; i++) {
    const value = actual[i];
    const other = expected(i);
    if (value !== other) check(value, other);
  }
}

/** Throws unless they are the same. */
export function check(actual: unknown, expected: unknown): void {
  if (Object.is(actual, expected)) return;
  throw new TypeError(
    `Cannot trust the bench: the result is ${actual}, not ${expected}`,
  );
}

/** Nothing to dispose. */
export function nothing(): Promise<void> {
  return Promise.resolve();
}
