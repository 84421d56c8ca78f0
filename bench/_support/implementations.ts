// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { cpu, io } from "@concurrent/parallel";
import {
  AutoExecutor,
  type Executor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "@concurrent/parallel/futures";
import { RawWorker } from "./raw_worker.ts";
import { measure, measureLater } from "./tasks.ts";

/** One way to have a value measured somewhere else. */
export interface Implementation {
  readonly name: string;
  readonly call: (value: unknown) => Promise<number>;
}

/** The executors that a bench file compares, by name. */
export function createExecutors(maxWorkers: number): [string, Executor][] {
  return [
    ["ThreadPoolExecutor", new ThreadPoolExecutor({ maxWorkers })],
    ["ProcessPoolExecutor", new ProcessPoolExecutor({ maxWorkers })],
    ["AutoExecutor", new AutoExecutor({ maxWorkers })],
  ];
}

/**
 * Starts one worker of each kind. The first one is the baseline: a Web Worker
 * and `postMessage`. They end with the bench file.
 */
export async function createImplementations(): Promise<Implementation[]> {
  const raw = new RawWorker();
  const implementations: Implementation[] = [
    { name: "Worker.postMessage()", call: (value) => raw.call(value) },
  ];
  for (const [name, executor] of createExecutors(1)) {
    if (executor instanceof AutoExecutor) {
      const [thread, inline] = [cpu(measure), io(measureLater)];
      implementations.push(
        { name: `${name}, cpu()`, call: (v) => executor.submit(thread, v) },
        { name: `${name}, io()`, call: (v) => executor.submit(inline, v) },
      );
    } else {
      implementations.push(
        { name, call: (value) => executor.submit(measure, value) },
      );
    }
  }
  await Promise.all(implementations.map(({ call }) => call(0)));
  return implementations;
}
