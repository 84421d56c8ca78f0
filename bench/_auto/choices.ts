// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { io } from "@concurrent/parallel";
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

/** The executor that decides by itself. */
export function autoChoice(cores: number): Choice {
  return {
    name: "auto",
    family: "auto",
    create: () => new AutoExecutor({ maxWorkers: cores }),
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
    create: createInline,
  };
  return canInline ? [inline, ...pools] : pools;
}

type AnyFunction = Parameters<Executor["submit"]>[0];

/** This event loop for everything, as far as the present executor can be had to. */
function createInline(): Executor {
  const executor = new AutoExecutor();
  const tasks = new WeakMap<object, AnyFunction>();
  const inline = (fn: AnyFunction) => {
    let task = tasks.get(fn);
    if (task === undefined) {
      // deno-lint-ignore require-await -- what is declared async runs in place
      task = io(async (...args: unknown[]) => fn(...args)) as AnyFunction;
      tasks.set(fn, task);
    }
    return task;
  };
  return new Proxy<Executor>(executor, {
    get(_, name) {
      if (name === "submit" || name === "map") {
        return (fn: AnyFunction, ...args: unknown[]) =>
          (executor[name] as AnyFunction).call(executor, inline(fn), ...args);
      }
      const value = Reflect.get(executor, name, executor);
      return typeof value === "function" ? value.bind(executor) : value;
    },
  });
}
