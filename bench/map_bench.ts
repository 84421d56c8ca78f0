// Copyright 2026 the @concurrent/parallel authors. MIT license.

// map() over calls that are too short to gain from it, and over some that do.

import { cpu } from "@concurrent/parallel";
import { cpuCount } from "@concurrent/parallel/multiprocessing";
import { createExecutors } from "./_support/implementations.ts";
import { check, compute, measure } from "./_support/tasks.ts";

const SCENARIOS: readonly {
  group: string;
  fn: (n: number) => number;
  length: number;
}[] = [
  { group: "map: 10 000 calls that do nothing", fn: measure, length: 10_000 },
  { group: "map: 32 calls of 2 ms", fn: compute, length: 32 },
];

const executors = createExecutors(cpuCount());
await Promise.all(executors.map(([, executor]) => executor.ready()));

for (const { group, fn, length } of SCENARIOS) {
  const items = Array.from({ length }, (_, i) => i);
  const loop = () => items.reduce((sum, n) => sum + fn(n), 0);
  const expected = loop();

  Deno.bench({
    name: "plain loop",
    group,
    baseline: true,
    fn: () => check(loop(), expected),
  });
  for (const [name, executor] of executors) {
    const task = name === "AutoExecutor" ? cpu(fn) : fn;
    Deno.bench({
      name: `${name} x ${cpuCount()}`,
      group,
      fn: async () => {
        let sum = 0;
        for await (const result of executor.map(task, items)) sum += result;
        check(sum, expected);
      },
    });
  }
}
