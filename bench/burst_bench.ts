// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Many small tasks at once: what each of them takes in bulk.

import { createImplementations } from "./_support/implementations.ts";
import { check } from "./_support/tasks.ts";

const TASKS = 1_000;
const SUM = TASKS * (TASKS - 1) / 2;

for (const [i, { name, call }] of (await createImplementations()).entries()) {
  Deno.bench({
    name,
    group: `burst of ${TASKS} tasks`,
    baseline: i === 0,
    fn: async () => {
      const calls: Promise<number>[] = [];
      for (let n = 0; n < TASKS; n++) calls.push(call(n));
      const results = await Promise.all(calls);
      check(results.reduce((sum, n) => sum + n, 0), SUM);
    },
  });
}
