// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's _test_multiprocessing.py, classes _TestValue, _TestArray and
// _TestSharedCTypes.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type NumberType,
  Process,
  RLock,
  SharedArray,
  Value,
} from "../../../multiprocessing/mod.ts";

async function run(target: (...args: never[]) => unknown, args: unknown[]) {
  const process = new Process({
    target: target as (...args: unknown[]) => unknown,
    args,
  }).start();
  try {
    return await process.result();
  } finally {
    await process.join();
  }
}

const CODES_VALUES = [
  ["int32", 4343, 24234],
  ["float64", 3.625, -4.25],
  ["int16", -232, 234],
  ["bigint64", 2n ** 33n, 2n ** 40n],
] as const;

Deno.test("test_value: what a child writes is seen", async () => {
  const values = CODES_VALUES.map(([type, first]) =>
    new Value<NumberType>(type, first as never)
  );
  for (const [i, [, first]] of CODES_VALUES.entries()) {
    assertEquals(await values[i]!.get() as unknown, first);
  }
  const write = async (values: Value[], news: (number | bigint)[]) => {
    for (const [i, value] of values.entries()) {
      await value.set(news[i] as never);
    }
  };
  await run(write, [values, CODES_VALUES.map(([, , second]) => second)]);
  for (const [i, [, , second]] of CODES_VALUES.entries()) {
    assertEquals(await values[i]!.get() as unknown, second);
  }
});

Deno.test("test_getobj_getlock: there is a lock, the same each time", async () => {
  const value = new Value("int32", 5);
  assert(value.lock instanceof RLock);
  assert(value.lock === value.lock);
  using array = new SharedArray("int32", 1);
  assert(array.lock instanceof RLock);
  // Reentrant, and no method takes it.
  using _ = await value.lock.guard();
  using __ = await value.lock.guard();
  assertEquals(await value.add(1), 6);
});

Deno.test("test_array: items and slices, read and written, here and in a child", async () => {
  const numbers = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831];
  using array = new SharedArray("int32", numbers);
  assertEquals(array.length, numbers.length);
  assertEquals(await array.get(2), numbers[2]);
  assertEquals([...await array.slice(2, 10)], numbers.slice(2, 10));
  await array.set([1, 2, 3, 4], 4);
  numbers.splice(4, 4, 1, 2, 3, 4);
  assertEquals([...await array.slice()], numbers);
  const addUp = async (array: SharedArray<"int32">) => {
    const values = await array.slice();
    for (let i = 1; i < values.length; i++) values[i]! += values[i - 1]!;
    await array.set(values);
  };
  await run(addUp, [array]);
  for (let i = 1; i < numbers.length; i++) numbers[i]! += numbers[i - 1]!;
  assertEquals([...await array.slice()], numbers);
});

Deno.test("test_array_from_size: zeroed, also memory that was used before", async () => {
  for (let i = 0; i < 3; i++) {
    using array = new SharedArray("int32", 10);
    assertEquals([...await array.slice()], Array(10).fill(0));
    await array.set(Array.from({ length: 10 }, (_, i) => i));
  }
});

Deno.test("test_rawvalue, test_rawarray: a value that is none is refused", async () => {
  assertThrows(() => new Value("int32", "1" as never), TypeError);
  using array = new SharedArray("int32", 2);
  await assertRejects(() => array.set([1, 2, 3]), RangeError);
  assertEquals([...await array.slice()], [0, 0]);
});

/** Doubles what it is given, as CPython's _double does. */
async function double(
  value: Value<"int32">,
  fraction: Value<"float64">,
  array: SharedArray<"float64">,
) {
  using _ = await array.lock.guard();
  await value.set(2 * await value.get());
  await fraction.set(2 * await fraction.get());
  await array.set((await array.slice()).map((number) => 2 * number));
}

Deno.test("test_sharedctypes, test_synchronize: a child doubles all of them, with a lock that it was sent", async () => {
  const value = new Value("int32", 7);
  const fraction = new Value("float64", 1 / 3);
  using array = new SharedArray("float64", [0, 1, 2, 3, 4]);
  await run(double, [value, fraction, array]);
  assertEquals(await value.get(), 14);
  assertEquals(await fraction.get(), 2 / 3);
  assertEquals([...await array.slice()], [0, 2, 4, 6, 8]);
  assertEquals(array.lock.locked(), false);
});

Deno.test("test_copy: a copy stays what it was", async () => {
  using array = new SharedArray("float64", [2, 4, 6]);
  const copy = await array.slice();
  await array.set([0, 0, 0]);
  assertEquals([...copy], [2, 4, 6]);
  copy[0] = 1;
  assertEquals([...await array.slice()], [0, 0, 0]);
});
