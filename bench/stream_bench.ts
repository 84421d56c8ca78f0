// Copyright 2026 the @concurrent/parallel authors. MIT license.

// stream() over a generator that does nothing but count.

import { createExecutors } from "./_support/implementations.ts";
import { check, count } from "./_support/tasks.ts";

const LENGTH = 10_000;
const EXPECTED = LENGTH * (LENGTH - 1) / 2;

const executors = createExecutors(1);
await Promise.all(executors.map(([, executor]) => executor.ready()));

async function sum(
  values: Iterable<number> | AsyncIterable<number>,
): Promise<number> {
  let total = 0;
  for await (const value of values) total += value;
  return total;
}

Deno.bench({
  name: "the generator itself",
  group: "stream: 10 000 values",
  baseline: true,
  fn: async () => check(await sum(count(LENGTH)), EXPECTED),
});
for (const [name, executor] of executors) {
  Deno.bench({
    name,
    group: "stream: 10 000 values",
    fn: async () => check(await sum(executor.stream(count, LENGTH)), EXPECTED),
  });
}
