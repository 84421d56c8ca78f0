// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  InvalidStateError,
  NotSupportedError,
  Process,
  SerializationError,
  SharedArray,
} from "../../multiprocessing/mod.ts";
import { Thread } from "../../threading/mod.ts";
import { errorOf } from "../_suites/_helpers.ts";
import { memoryFiles } from "./_child_program.ts";

const only = { ignore: Deno.build.os !== "linux" };

async function run<R>(
  target: (...args: never[]) => R,
  args: unknown[],
  permissions: Deno.PermissionOptions = "inherit",
): Promise<Awaited<R>> {
  const process = new Process<R>({
    target: target as (...args: unknown[]) => R,
    args,
    permissions,
  }).start();
  try {
    return await process.result() as Awaited<R>;
  } finally {
    await process.join();
  }
}

Deno.test("SharedArray checks what it is made of", async () => {
  const make = SharedArray as unknown as new (...args: unknown[]) => unknown;
  assertThrows(() => new make("int", 1), TypeError, "'type'");
  assertThrows(() => new make("int8"), TypeError, "'lengthOrValues'");
  assertThrows(() => new make("int8", [1, 2n]), TypeError, "[1]");
  for (const length of [-1, 1.5, NaN, Infinity]) {
    assertThrows(() => new make("int8", length), RangeError, "'length'");
  }
  assertThrows(() => new make("float64", 2 ** 50), RangeError, "'length'");
  using empty = new SharedArray("int8", 0);
  assertEquals([empty.length, (await empty.slice()).length], [0, 0]);
  await assertRejects(() => empty.get(0), RangeError, "'index'");
});

Deno.test("SharedArray.get(), set() and slice() stay inside", async () => {
  using array = new SharedArray("int16", [1, 2, 3, 4]);
  assertEquals([array.type, array.length], ["int16", 4]);
  assertEquals(await array.get(3), 4);
  for (const index of [-1, 4, 0.5, NaN]) {
    await assertRejects(() => array.get(index), RangeError, "'index'");
  }
  await array.set(new Set([9, 8]), 2);
  await array.set([70_000]);
  assertEquals(await array.slice(), new Int16Array([4464, 2, 9, 8]));
  assertEquals(await array.slice(-2), new Int16Array([9, 8]));
  assertEquals(await array.slice(1, -2), new Int16Array([2]));
  await assertRejects(() => array.set([1, 2], 3), RangeError, "'offset'");
  await assertRejects(() => array.set([1, "2" as never]), TypeError, "[1]");
  await assertRejects(() => array.set(5 as never), TypeError, "iterable");
  const copy = await array.slice();
  copy[0] = 99;
  assertEquals(await array.get(0), 4464);
});

Deno.test(
  "SharedArray.view is the same memory in threads and processes",
  only,
  async () => {
    for (const type of ["uint8clamped", "float64", "bigint64"] as const) {
      using array = new SharedArray(type, 3);
      const write = (array: SharedArray, index: number) => {
        using mine = array;
        (mine.view as unknown as unknown[])[index] = mine.type === "bigint64"
          ? 5n
          : 5;
      };
      const thread = new Thread({ target: write, args: [array, 0] }).start();
      await thread.result();
      await run(write, [array, 2]);
      await thread.join();
      assertEquals(Array.from(array.view as ArrayLike<unknown>, Number), [
        5,
        0,
        5,
      ]);
      assert(array.view === array.view);
    }
  },
);

Deno.test(
  "SharedArray without --allow-ffi in a holder is asked for",
  only,
  async () => {
    using array = new SharedArray("float64", [1, 2, 3]);
    const outcome = await run(
      async (array: SharedArray<"float64">) => {
        const read = await array.slice(1);
        await array.set([10, ...read]);
        let message = "";
        try {
          void array.view;
        } catch (error) {
          message = String(error);
        }
        return { read, first: await array.get(0), message };
      },
      [array],
      { read: true, write: true, env: true, net: true },
    );
    assertEquals(outcome.read, new Float64Array([2, 3]));
    assertEquals(outcome.first, 10);
    assert(outcome.message.startsWith(NotSupportedError.name), outcome.message);
    assert(outcome.message.includes("--allow-ffi"), outcome.message);
    assertEquals(array.view, new Float64Array([10, 2, 3]));
  },
);

Deno.test("SharedArray.lock makes several writes one", only, async () => {
  using array = new SharedArray("int32", 64);
  const fill = async (array: SharedArray, by: number) => {
    for (let round = 0; round < 30; round++) {
      using _ = await array.lock.guard();
      const { view } = array as SharedArray<"int32">;
      const isTorn = view.some((value) => value !== view[0]);
      if (isTorn) throw new RangeError(`${view}`);
      for (let i = 0; i < view.length; i++) view[i]! += by;
    }
  };
  await Promise.all([run(fill, [array, 1]), run(fill, [array, 100])]);
  assertEquals(array.view, new Int32Array(64).fill(30 * 101));
});

Deno.test(
  "SharedArray that is disposed of gives its memory back, and cannot be used",
  only,
  async () => {
    const before = memoryFiles(Deno.pid);
    const array = new SharedArray("int32", 1000);
    const { view } = array;
    const process = new Process({
      target: (array: SharedArray) => array.length,
      args: [array],
    });
    array[Symbol.dispose]();
    array[Symbol.dispose]();
    assertEquals(view.length, 0);
    assertEquals(array.length, 1000);
    assertEquals(memoryFiles(Deno.pid), before);
    await assertRejects(() => array.get(0), InvalidStateError, "closed here");
    assertThrows(() => array.view, InvalidStateError, "closed here");
    const error = await errorOf(Promise.resolve().then(() => process.start()));
    assert(error instanceof SerializationError, String(error));
  },
);

Deno.test(
  "SharedArray stays with a borrower whose owner is gone",
  only,
  async () => {
    // In a process, with which everything that it has ends.
    const outcome = await run(async () => {
      const owner = new Process({
        target: () => new SharedArray("float64", [1, 2]),
      }).start();
      const array = await owner.result();
      await owner.join();
      const before = await array.slice();
      array.view[1] = 5;
      return { before, after: await array.get(1) };
    }, []);
    assertEquals(outcome, { before: new Float64Array([1, 2]), after: 5 });
  },
);
