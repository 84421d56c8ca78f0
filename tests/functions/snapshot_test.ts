// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A function means what it means at the submit, each time anew.

import { assertEquals, assertThrows } from "@std/assert";
import { futures, SerializationError } from "../../mod.ts";

const pool = () => new futures.ThreadPoolExecutor({ maxWorkers: 1 });

Deno.test("submit() sees a property that a function got after an earlier submit", async () => {
  await using executor = pool();
  const inner: { (): unknown; step?: number } = () => inner.step;
  const outer = () => inner();
  assertEquals(await executor.submit(inner), undefined);
  assertEquals(await executor.submit(outer), undefined);
  inner.step = 5;
  assertEquals(await executor.submit(inner), 5);
  assertEquals(await executor.submit(outer), 5);
});

Deno.test("submit() sees a static field that has changed", async () => {
  class Config {
    static level = 1;
  }
  await using executor = pool();
  const fn = () => Config.level;
  assertEquals(await executor.submit(fn), 1);
  Config.level = 2;
  assertEquals(await executor.submit(fn), 2);
});

Deno.test("submit() sees a captured object that has changed, and a variable that was assigned", async () => {
  await using executor = pool();
  const list = [1];
  let twice = (n: number) => n * 2;
  const fn = () => list.map(twice);
  assertEquals(await executor.submit(fn), [2]);
  list.push(2);
  twice = (n) => n + n + 0.5;
  assertEquals(await executor.submit(fn), [2.5, 4.5]);
});

Deno.test("submit() gives each task what was captured, not what the task before left", async () => {
  await using executor = pool();
  const list = [1];
  let n = 0;
  const fn = () => [++n, list.push(0)];
  assertEquals(await executor.submit(fn), [1, 2]);
  assertEquals(await executor.submit(fn), [1, 2]);
  assertEquals([n, list], [0, [1]]);
});

Deno.test("submit() sends the arguments as they are at the call", async () => {
  await using executor = pool();
  const argument = { list: [1] };
  const answer = executor.submit((o: typeof argument) => o.list, argument);
  argument.list.push(2);
  assertEquals(await answer, [1]);
});

Deno.test("submit() refuses a class whose prototype was extended from outside", async () => {
  class Patched {}
  Object.assign(Patched.prototype, { extra: () => 1 });
  await using executor = pool();
  assertThrows(
    () => executor.submit(() => new Patched()),
    SerializationError,
    "on its prototype",
  );
});
