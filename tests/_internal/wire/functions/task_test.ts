// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  cpu,
  fromModule,
  io,
  referenceOf,
  task,
  type TaskOptions,
  unwrapTask,
} from "../../../../_internal/wire/functions/task.ts";
import { describeFunction } from "../../../../_internal/wire/functions/describe.ts";

const VALUES_URL = import.meta.resolve("./fixtures/values.ts");

Deno.test("task() gives a callable with the function's name and frozen options", () => {
  const add = task(function add(a: number, b: number) {
    return a + b;
  }, { timeout: 10 });

  assertEquals(add(1, 2), 3);
  assertEquals([add.name, add.length], ["add", 2]);
  assertEquals(add.options, { timeout: 10 });
  assert(Object.isFrozen(add.options));
});

Deno.test("task() of a task merges the options", () => {
  const fn = (x: number) => x;
  const undoKind = { kind: undefined } as unknown as TaskOptions;
  const outer = task(cpu(fn), { retries: 1, ...undoKind });

  assertEquals(outer.options, { kind: "cpu", retries: 1 });
  assertStrictEquals(unwrapTask(outer).fn, fn);
});

Deno.test("cpu() and io() set the kind", () => {
  assertEquals(cpu(() => 1).options, { kind: "cpu" });
  assertEquals(io(() => 1).options, { kind: "io" });
});

Deno.test("unwrapTask() leaves a plain function as it is", () => {
  const fn = () => 1;

  assertStrictEquals(unwrapTask(fn).fn, fn);
  assertEquals(unwrapTask(fn).options, {});
});

Deno.test("task() validates its arguments", () => {
  const invalid: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [{ kind: "gpu" }, TypeError, "'options.kind'"],
    [{ name: 1 }, TypeError, "'options.name'"],
    [{ timeout: -1 }, RangeError, "'options.timeout'"],
    [{ timeout: NaN }, RangeError, "'options.timeout'"],
    [{ timeout: "1" }, TypeError, "'options.timeout'"],
    [{ signal: {} }, TypeError, "'options.signal'"],
    [{ priority: NaN }, RangeError, "'options.priority'"],
    [{ retries: 0.5 }, RangeError, "'options.retries'"],
    [{ retries: -1 }, RangeError, "'options.retries'"],
    [{ transfer: 1 }, TypeError, "'options.transfer'"],
    [null, TypeError, "'options'"],
  ];
  for (const [options, type, message] of invalid) {
    assertThrows(() => task(() => 1, options as TaskOptions), type, message);
  }
  assertThrows(() => task(1 as unknown as () => void), TypeError, "'fn'");
});

Deno.test("fromModule() refers to exports without importing the module", async () => {
  const values = fromModule<typeof import("./fixtures/values.ts")>(VALUES_URL);
  const reference = { kind: "reference", url: VALUES_URL, name: "visit" };

  assertEquals<unknown>(referenceOf(values.visit), reference);
  assertEquals<unknown>(describeFunction(values.visit), reference);
  assertEquals<unknown>(describeFunction(task(values.visit, { retries: 1 })), {
    kind: "task",
    fn: values.visit,
    options: { retries: 1 },
  });
  assertStrictEquals(values.visit, values.visit);
  assertEquals(values.default.name, "default");
  assertEquals<unknown>(await values.default(2), 6);
  assertEquals(await (values as { then?: unknown }).then, undefined);
});

Deno.test("fromModule() rejects the call of an export that is no function", async () => {
  const broken = fromModule<{ answer: () => Promise<void> }>(VALUES_URL);

  await assertRejects(() => broken.answer(), TypeError, "'answer'");
});

Deno.test("fromModule() refuses a relative specifier", () => {
  assertThrows(() => fromModule("./tasks.ts"), TypeError, "'specifier'");
});
