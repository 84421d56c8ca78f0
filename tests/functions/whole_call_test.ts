// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A function and its arguments keep what they share, as in Python, where they
// are one pickle.

import { assertEquals } from "@std/assert";
import { NO_TRANSFER, threadBackend } from "../../_internal/pool/backend.ts";
import { CallMode } from "../../_internal/wire/messages.ts";
import { futures } from "../../mod.ts";

class Local {
  constructor(readonly x = 1) {}
}
class Heir extends Local {}

function counter() {
  let n = 0;
  return { inc: () => ++n, get: () => n };
}

for (
  const [kind, create] of [
    ["thread", () => new futures.ThreadPoolExecutor({ maxWorkers: 1 })],
    ["process", () => new futures.ProcessPoolExecutor({ maxWorkers: 1 })],
  ] as const
) {
  Deno.test(`${kind}: a function and its arguments keep what they share`, async (t) => {
    await using pool = create();

    await t.step("a class", async () => {
      assertEquals(
        await pool.submit((x: object) => x instanceof Local, new Local()),
        true,
      );
    });
    await t.step("the class of an heir", async () => {
      assertEquals(
        await pool.submit((x: object) => x instanceof Local, new Heir()),
        true,
      );
    });
    await t.step("a variable", async () => {
      let n = 0;
      const inc = () => ++n;
      assertEquals(await pool.submit((f: () => number) => [f(), n], inc), [
        1,
        1,
      ]);
    });
    await t.step("a variable that neither function declares", async () => {
      const { inc, get } = counter();
      const fn = (f: () => number) => [inc(), f(), get()];
      assertEquals(await pool.submit(fn, get), [1, 1, 1]);
    });
    await t.step("an object", async () => {
      const log: string[] = [];
      const add = (text: string) => log.push(text);
      const fn = (f: typeof add) => {
        f("a");
        return log;
      };
      assertEquals(await pool.submit(fn, add), ["a"]);
      assertEquals(log, []);
    });
    await t.step("the function itself", async () => {
      const factor = 2;
      const fn = (f?: unknown): unknown => [f === fn, factor];
      assertEquals(await pool.submit(fn, fn), [true, 2]);
    });
    await t.step("in every item of a map", async () => {
      const items = [new Local(1), new Heir(2), new Local(3)];
      const fn = (p: Local) => p instanceof Local ? p.x : -1;
      assertEquals(await Array.fromAsync(pool.map(fn, items)), [1, 2, 3]);
    });
    await t.step("with a buffer that is moved", async () => {
      const buffer = new ArrayBuffer(8);
      new Uint8Array(buffer)[0] = 5;
      const fn = futures.task(
        (x: object, b: ArrayBuffer) => [
          x instanceof Local,
          new Uint8Array(b)[0],
        ],
        { transfer: (_x, b) => [b] },
      );
      assertEquals(await pool.submit(fn, new Local(), buffer), [true, 5]);
      if (kind === "thread") assertEquals(buffer.byteLength, 0);
    });
  });
}

Deno.test("a call travels whole only where function and arguments share something", () => {
  const { prepare } = threadBackend({ concurrency: 1 });
  const isWhole = (fn: (...args: never[]) => unknown, ...args: unknown[]) => {
    const work = prepare(fn, args, CallMode.single, NO_TRANSFER);
    return work.kind === "remote" && work.whole;
  };
  let n = 0;
  const inc = () => ++n;
  const list = [1];
  assertEquals(isWhole((f: typeof inc) => f(), inc), false);
  assertEquals(isWhole((p: Local) => p.x + list.length, new Local()), false);
  assertEquals(isWhole((x: unknown) => [x, n], list), false);
  assertEquals(isWhole((f: typeof inc) => [f(), n], inc), true);
  assertEquals(isWhole((p: Local) => p instanceof Local, new Local()), true);
});
