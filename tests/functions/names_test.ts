// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Functions and classes whose `name` is not a name.

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  AutoExecutor,
  SerializationError,
  ThreadPoolExecutor,
} from "../../futures/mod.ts";
import { io, task } from "../../mod.ts";

class WithNumber {
  // deno-lint-ignore no-explicit-any -- TypeScript wants a string
  static name: any = 5;
  kind = "number";
}

class WithGetter {
  static get name(): string {
    throw new Error("nobody is to ask");
  }
  kind = "getter";
}

Deno.test("A class travels whose static member 'name' is no string, and keeps it", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  assertEquals(
    await pool.submit(() => [new WithNumber().kind, WithNumber.name]),
    ["number", 5],
  );
  assertEquals(await pool.submit(() => new WithGetter().kind), "getter");
});

Deno.test("A function travels whatever its property 'name' holds", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const named = (descriptor: PropertyDescriptor) =>
    Object.defineProperty(() => 1, "name", descriptor);
  const fail = () => {
    throw new Error("nobody is to ask");
  };
  for (const value of [5, Symbol("name"), { a: 1 }]) {
    assertEquals(await pool.submit(named({ value })), 1);
  }
  assertEquals(await pool.submit(named({ get: fail })), 1);
});

Deno.test("A function's own property that cannot travel is called so", () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const fn = Object.assign(() => 1, { socket: new WeakMap() });
  const error = assertThrows(() => pool.submit(fn), SerializationError);
  assertStringIncludes(error.message, "its property 'socket' cannot travel");
});

Deno.test("AutoExecutor takes functions without a constructor", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const bare = io(Object.setPrototypeOf(() => 7, null) as () => number);
  assertEquals(executor.explain(bare).backend, "thread");
  assertEquals(await executor.submit(bare), 7);
  assertThrows(
    () => executor.explain(3 as unknown as () => void),
    TypeError,
    "Cannot explain a function as 'fn' must be a function",
  );
});

Deno.test("submit() refuses what 'transfer' returns where it is no list", () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  for (const value of [3, null]) {
    const moving = task((x: number) => x, {
      transfer: () => value as unknown as Transferable[],
    });
    assertThrows(
      () => pool.submit(moving, 1),
      TypeError,
      "'transfer' must return an array",
    );
  }
});
