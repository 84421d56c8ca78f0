// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { cpuCount } from "@concurrent/parallel/multiprocessing";
import {
  AutoExecutor,
  type Executor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "@concurrent/parallel/futures";
import type { Workload } from "./workload.ts";

/** What a user who decides for themselves decides between. */
export const FAMILIES = ["inline", "threads", "processes"] as const;

export type Family = typeof FAMILIES[number];

/** One way to run a workload. */
export interface Choice {
  readonly name: string;
  readonly family: Family | "auto";
  create(): Executor;
}

/** The executor that decides by itself, as it is without any option where all cores are used. */
export function autoChoice(cores: number): Choice {
  const options = cores === cpuCount()
    ? {}
    : { maxWorkers: cores, maxBlocking: Math.max(16, cores) };
  return {
    name: "auto",
    family: "auto",
    create: () => new AutoExecutor(options),
  };
}

/** What is tried for a workload; the best of each family is measured. */
export function fixedChoices(
  { canInline, waits }: Workload,
  cores: number,
  multiples: readonly number[],
): Choice[] {
  const counts = new Set([
    1,
    ...multiples.filter((n) => n <= 4 || waits).map((n) => n * cores),
  ]);
  const pools: Choice[] = [...counts].flatMap((maxWorkers) => [
    {
      name: `${maxWorkers} threads`,
      family: "threads",
      create: () => new ThreadPoolExecutor({ maxWorkers }),
    },
    {
      name: `${maxWorkers} processes`,
      family: "processes",
      create: () => new ProcessPoolExecutor({ maxWorkers }),
    },
  ]);
  if (waits) {
    pools.push({
      name: `${cores} threads x 32`,
      family: "threads",
      create: () =>
        new ThreadPoolExecutor({ maxWorkers: cores, concurrency: 32 }),
    });
  }
  const inline: Choice = {
    name: "inline",
    family: "inline",
    create: () => new AutoExecutor({ backends: ["inline"] }),
  };
  return canInline ? [inline, ...pools] : pools;
}
