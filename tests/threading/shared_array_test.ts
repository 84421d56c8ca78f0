// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type NumberType, SharedArray, Thread } from "../../threading/mod.ts";

const VIEWS: [NumberType, { readonly BYTES_PER_ELEMENT: number }][] = [
  ["int8", Int8Array],
  ["uint8", Uint8Array],
  ["uint8clamped", Uint8ClampedArray],
  ["int16", Int16Array],
  ["uint16", Uint16Array],
  ["int32", Int32Array],
  ["uint32", Uint32Array],
  ["float32", Float32Array],
  ["float64", Float64Array],
  ["bigint64", BigInt64Array],
  ["biguint64", BigUint64Array],
];

for (const [type, View] of VIEWS) {
  Deno.test(
    `SharedArray.view of ${type} is a ${
      (View as unknown as { name: string }).name
    } over exactly its data`,
    () => {
      const array = new SharedArray(type, 3);
      assert(array.view.constructor === View as unknown);
      assert(array.view.buffer instanceof SharedArrayBuffer);
      assertEquals(array.view.buffer.byteLength, 3 * View.BYTES_PER_ELEMENT);
      assertEquals([array.length, array.view.length, array.type], [3, 3, type]);
      assert([...array].every((value) => Number(value) === 0));
    },
  );
}

Deno.test("SharedArray() takes values from whatever can be iterated", () => {
  const values = [1.5, -2, 3];
  for (
    const from of [
      values,
      new Float64Array(values),
      new Float32Array(values),
      new Set(values),
      values.values(),
      new SharedArray("float64", values),
    ]
  ) {
    assertEquals([...new SharedArray("float64", from)], values);
  }
  assertEquals([...new SharedArray("bigint64", [1n, -1n])], [1n, -1n]);
  assertEquals([...new SharedArray("uint8clamped", [1.6, 300])], [2, 255]);
  assertEquals([...new SharedArray("int32", [])], []);
});

Deno.test("SharedArray() copies the values", () => {
  const values = new Int32Array([1, 2]);
  const array = new SharedArray("int32", values);
  values[0] = 9;
  assertEquals(array.view[0], 1);
});

Deno.test("SharedArray() refuses what is no type, no length and no number", () => {
  // deno-lint-ignore no-explicit-any -- wrong on purpose
  const Any = SharedArray as any;
  assertThrows(() => new Any("int64", 1), TypeError, "'type' must be one of");
  assertThrows(() => new Any(undefined, 1), TypeError, "'type'");
  for (const length of [-1, 1.5, NaN, Infinity]) {
    assertThrows(
      () => new Any("int8", length),
      RangeError,
      `'length' must be an integer of at least 0: current value is ${length}`,
    );
  }
  assertThrows(() => new Any("int8", 2 ** 52), RangeError, "'length'");
  for (const from of [undefined, null, {}, 1n, true]) {
    assertThrows(() => new Any("int8", from), TypeError, "'lengthOrValues'");
  }
  assertThrows(() => new Any("int8", "12"), TypeError, "'lengthOrValues[0]'");
  assertThrows(() => new Any("int8", [1, "2"]), TypeError, "[1]'");
  assertThrows(() => new Any("int8", [1n]), TypeError, "[0]'");
  assertThrows(() => new Any("bigint64", [1]), TypeError, "[0]'");
  assertThrows(() => new Any("bigint64", new Int8Array(1)), TypeError, "[0]'");
});

Deno.test("SharedArray is the same memory on another thread", async () => {
  const array = new SharedArray("float64", 1_000);
  const thread = new Thread({
    target: (from: number) => {
      for (let i = from; i < array.length; i++) array.view[i] = i * 2;
      return array.view.buffer.byteLength;
    },
    args: [500],
  });
  assertEquals(await thread.start().result(), 8_000);
  await thread.join();
  assertEquals([array.view[499], array.view[500], array.view[999]], [
    0,
    1_000,
    1_998,
  ]);
});

Deno.test("SharedArray comes back as the same object with the same lock", async () => {
  const array = new SharedArray("uint8", 1);
  const nested = { deep: [array], lock: array.lock };
  const thread = new Thread({
    target: (arrived: typeof nested) => {
      if (arrived.deep[0] !== array || arrived.lock !== array.lock) {
        throw new RangeError("it is another one");
      }
      return arrived;
    },
    args: [nested],
  });
  const result = await thread.start().result();
  await thread.join();
  assert(result.deep[0] === array && result.lock === array.lock);
});

for (const threads of [2, 4, 8]) {
  Deno.test(`SharedArray.lock keeps ${threads} threads apart`, async () => {
    const rounds = 4_000 / threads;
    // Under the lock the sum of both is always 0.
    const pair = new SharedArray("int32", 2);
    const work = () => {
      for (let i = 0; i < rounds; i++) {
        using _ = pair.lock.guardSync();
        if (pair.view[0]! + pair.view[1]! !== 0) {
          throw new RangeError("somebody is inside");
        }
        pair.view[0]!++;
        pair.view[1]!--;
      }
    };
    const running = Array.from(
      { length: threads },
      () => new Thread({ target: work }).start(),
    );
    for (const thread of running) await thread.result();
    for (const thread of running) await thread.join();
    assertEquals([...pair], [4_000, -4_000]);
  });
}
