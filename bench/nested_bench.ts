// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A task that submits a hundred tasks to the executor that runs it, one after
// the other and all at once, beside the same from the main thread.

import { cpu } from "@concurrent/parallel";
import { AutoExecutor, type Executor } from "@concurrent/parallel/futures";
import { createExecutors } from "./_support/implementations.ts";
import { check, measure, submitAll, submitEach } from "./_support/tasks.ts";

const CALLS = 100;
const EXPECTED = CALLS * (CALLS - 1) / 2;

const executors = createExecutors(2);
await Promise.all(executors.map(([, executor]) => executor.ready()));

/** What tasks of this executor have to be declared as. */
function declared<F extends (...args: never[]) => unknown>(
  executor: Executor,
  fn: F,
): F {
  return executor instanceof AutoExecutor ? cpu(fn) as unknown as F : fn;
}

for (
  const [group, submit] of [
    ["nested: 100 tasks, one after the other", submitEach],
    ["nested: 100 tasks at once", submitAll],
  ] as const
) {
  for (const [name, executor] of executors) {
    const fn = declared(executor, measure);
    const outer = declared(executor, submit);
    Deno.bench({
      name: `${name}, from the main thread`,
      group,
      baseline: name === "ThreadPoolExecutor",
      fn: async () => check(await submit(executor, fn, CALLS), EXPECTED),
    });
    Deno.bench({
      name: `${name}, from a task`,
      group,
      fn: async () =>
        check(await executor.submit(outer, executor, fn, CALLS), EXPECTED),
    });
  }
}
