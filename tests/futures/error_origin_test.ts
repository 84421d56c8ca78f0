// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  AutoExecutor,
  errorOrigin,
  type Executor,
  type PoolOptions,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../futures/mod.ts";
import { io, task } from "../../mod.ts";
import { collect, errorOf } from "../_suites/_helpers.ts";
import * as tasks from "../_suites/_tasks.ts";

const pools: [string, "thread" | "process", (o: PoolOptions) => Executor][] = [
  ["ThreadPoolExecutor", "thread", (o) => new ThreadPoolExecutor(o)],
  ["ProcessPoolExecutor", "process", (o) => new ProcessPoolExecutor(o)],
];

/** The last line of the stack. */
function lastLine(error: unknown): string {
  assertInstanceOf(error, Error);
  return error.stack!.split("\n").at(-1)!;
}

for (const [name, kind, create] of pools) {
  Deno.test(`errorOrigin() tells task and worker of an error of ${name}`, async () => {
    await using executor = create({ maxWorkers: 2, name: "readers" });
    const named = task(tasks.failWell, { name: "read it" });
    const error = await executor.submit(named).exception();
    assertInstanceOf(error, TypeError);
    const origin = errorOrigin(error)!;
    assertEquals(origin.task, "read it");
    assertEquals(origin.worker.kind, kind);
    const info = await executor.submit(tasks.workerInfo);
    assertEquals(origin.worker, info as typeof origin.worker);
    assert(origin.worker.name.startsWith("readers_"));
    // The frames of the worker, then where that was; nothing of the error itself.
    assertStringIncludes(error.stack!, "at failWell (");
    assertEquals(
      lastLine(error),
      `    at task 'read it' (${origin.worker.name})`,
    );
    assertEquals(Object.keys(error), ["code", "details"]);
    assertInstanceOf(error.cause, RangeError);
    assertEquals(errorOrigin(error.cause), undefined);
  });

  Deno.test(`errorOrigin() tells where each item of a map of ${name} failed`, async () => {
    await using executor = create({ maxWorkers: 1, name: "one" });
    for (const chunkSize of [1, 3]) {
      const outcomes = await collect(
        executor.map(tasks.squareUnlessOdd, [1, 2, 3], {
          chunkSize,
          onError: "settle",
        }),
      );
      for (const i of [0, 2]) {
        const outcome = outcomes[i]!;
        assert(outcome.status === "rejected");
        assertEquals(errorOrigin(outcome.reason)?.task, "squareUnlessOdd");
        assertEquals(errorOrigin(outcome.reason)?.worker.name, "one");
        assertEquals(
          lastLine(outcome.reason),
          "    at task 'squareUnlessOdd' (one)",
        );
      }
      const error = await errorOf(
        collect(executor.map(tasks.squareUnlessOdd, [3], { chunkSize })),
      );
      assertEquals(errorOrigin(error)?.task, "squareUnlessOdd");
    }
  });

  Deno.test(`errorOrigin() leaves class and properties of the caller's errors alone, with ${name}`, async () => {
    class Own extends RangeError {
      constructor(readonly code: number) {
        super("own", { cause: "mine" });
        this.name = "Own";
      }
    }
    await using executor = create({ maxWorkers: 1 });
    const error = await executor.submit((code: number) => {
      throw new Own(code);
    }, 7).exception();
    assertInstanceOf(error, Own);
    assertEquals([error.code, error.name, error.cause], [7, "Own", "mine"]);
    assertEquals(errorOrigin(error)?.task, "(anonymous)");
    // A value that is returned was not thrown.
    const returned = await executor.submit(
      tasks.identity<Error>,
      new RangeError("fine"),
    );
    assertEquals(errorOrigin(returned), undefined);
    assert(!returned.stack!.includes("at task"));
  });
}

Deno.test("errorOrigin() of an error that crossed two workers tells the last, its stack both", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1, name: "out" });
  const outer = async () => {
    await using inner = new ThreadPoolExecutor({ maxWorkers: 1, name: "in" });
    return await inner.submit(task(tasks.failWell, { name: "deep" }));
  };
  const error = await executor.submit(outer).exception();
  assertInstanceOf(error, TypeError);
  assertEquals(errorOrigin(error)?.worker.name, "out");
  assertEquals(error.stack!.split("\n").slice(-2), [
    "    at task 'deep' (in)",
    "    at task 'outer' (out)",
  ]);
});

for (const [name, kind, create] of pools) {
  Deno.test(`errorOrigin() tells where a task failed that a task of ${name} submitted`, async () => {
    await using executor = create({ maxWorkers: 1, name: "pool" });
    const deep = () => executor.submit(task(tasks.failWell, { name: "deep" }));
    const look = async () => {
      const error = await deep().exception();
      return errorOrigin(error);
    };
    const origin = await executor.submit(look);
    assertEquals([origin?.task, origin?.worker.kind], ["deep", kind]);
    assertEquals(origin?.worker.name, "pool");
    const throughBoth = async () => await deep();
    const error = await executor.submit(throughBoth).exception();
    assertInstanceOf(error, TypeError);
    assertEquals(errorOrigin(error)?.task, "throughBoth");
    assertEquals(error.stack!.split("\n").slice(-2), [
      "    at task 'deep' (pool)",
      "    at task 'throughBoth' (pool)",
    ]);
  });
}

Deno.test("errorOrigin() of a task that ran in place leaves the error's stack as it is", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const thrown = new RangeError("here");
  const { stack } = thrown;
  const fail = io(async () => await Promise.reject(thrown));
  const error = await executor.submit(fail).exception();
  assertStrictEquals(error, thrown);
  assertEquals(errorOrigin(error)?.worker.kind, "inline");
  assertStrictEquals(thrown.stack, stack);
});

Deno.test("errorOrigin() of anything else is undefined", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1 });
  for (const value of [undefined, null, 0, "", { message: "no" }]) {
    const thrown = await executor.submit(tasks.raise, value).exception();
    assertEquals(errorOrigin(thrown), undefined);
  }
  assertEquals(errorOrigin(new RangeError("of ours")), undefined);
});
