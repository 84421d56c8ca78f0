// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type NumberType, SharedValue, Thread } from "../../threading/mod.ts";

/** What is stored when a number that does not fit is written. */
const CONVERSIONS: [NumberType, number, number][] = [
  ["int8", 200, -56],
  ["int8", -1.9, -1],
  ["uint8", -1, 255],
  ["uint8clamped", 300, 255],
  ["uint8clamped", -5, 0],
  ["uint8clamped", 1.6, 2],
  ["int16", 2 ** 15, -(2 ** 15)],
  ["uint16", 2 ** 16 + 1, 1],
  ["int32", 2 ** 31, -(2 ** 31)],
  ["uint32", -1, 2 ** 32 - 1],
  ["float32", 0.1, Math.fround(0.1)],
  ["float64", 0.1, 0.1],
  ["float64", -Infinity, -Infinity],
];
const NUMBERS = [
  "int8",
  "uint8",
  "uint8clamped",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "float32",
  "float64",
] as const;
const BIGINTS = ["bigint64", "biguint64"] as const;

Deno.test("SharedValue() is 0 by default, of every type", () => {
  for (const type of NUMBERS) assertEquals(new SharedValue(type).value, 0);
  for (const type of BIGINTS) assertEquals(new SharedValue(type).value, 0n);
  assertEquals(new SharedValue().value, 0);
});

Deno.test("SharedValue() takes a number alone for float64", () => {
  const value = new SharedValue(1.5);
  assertEquals([value.type, value.value], ["float64", 1.5]);
});

for (const [type, written, read] of CONVERSIONS) {
  Deno.test(`SharedValue.value of ${type} turns ${written} into ${read}`, () => {
    const value = new SharedValue(type, written);
    assertEquals(value.value, read);
    value.value = 0;
    value.value = written;
    assertEquals(value.value, read);
    value.value = 0;
    assertEquals(value.add(written), read);
    assertEquals(value.value, read);
  });
}

Deno.test("SharedValue.add() returns the sum, of every type", () => {
  for (const type of NUMBERS) {
    const value = new SharedValue(type, 5);
    assertEquals([value.add(2), value.add(-3), value.value], [7, 4, 4], type);
  }
  for (const type of BIGINTS) {
    const value = new SharedValue(type, 5n);
    assertEquals([value.add(2n), value.add(-3n), value.value], [7n, 4n, 4n]);
  }
});

Deno.test("SharedValue.add() wraps around at the ends of a type", () => {
  assertEquals(new SharedValue("int8", 127).add(1), -128);
  assertEquals(new SharedValue("uint8clamped", 250).add(10), 255);
  assertEquals(new SharedValue("uint32", 0).add(-1), 2 ** 32 - 1);
  assertEquals(
    new SharedValue("int32", 2 ** 31 - 1).add(2 ** 40 + 1),
    -(2 ** 31),
  );
  assertEquals(
    new SharedValue("bigint64", 2n ** 63n - 1n).add(1n),
    -(2n ** 63n),
  );
  assertEquals(new SharedValue("biguint64", 0n).add(-1n), 2n ** 64n - 1n);
  // As in a typed array: the fraction goes before anything is added.
  assertEquals(new SharedValue("int32", -2).add(1.5), -1);
});

Deno.test("SharedValue.compareExchange() replaces the expected number only", () => {
  for (const type of NUMBERS) {
    const value = new SharedValue(type, 5);
    assertEquals(value.compareExchange(4, 9), 5, type);
    assertEquals(value.value, 5, type);
    assertEquals(value.compareExchange(5, 9), 5, type);
    assertEquals(value.value, 9, type);
  }
  for (const type of BIGINTS) {
    const value = new SharedValue(type, 5n);
    assertEquals(value.compareExchange(4n, 9n), 5n);
    assertEquals(value.compareExchange(5n, 9n), 5n);
    assertEquals(value.value, 9n);
  }
});

Deno.test("SharedValue.compareExchange() compares numbers, not bits", () => {
  const value = new SharedValue("float64", NaN);
  assertEquals(value.compareExchange(NaN, -0), NaN);
  assert(Object.is(value.value, -0));
  assert(Object.is(value.compareExchange(0, 1), -0));
  assertEquals(value.value, 1);
  const rounded = new SharedValue("float32", 0.1);
  assertEquals(rounded.compareExchange(0.1, 2), Math.fround(0.1));
  assertEquals(rounded.value, 2);
});

Deno.test("SharedValue.add() of NaN comes to an end", () => {
  const value = new SharedValue("float32", 1);
  assertEquals(value.add(NaN), NaN);
  assertEquals(value.add(1), NaN);
});

Deno.test("SharedValue() refuses what is no type and no number of it", () => {
  // deno-lint-ignore no-explicit-any -- wrong on purpose
  const Any = SharedValue as any;
  assertThrows(() => new Any("int64"), TypeError, "'type' must be one of int8");
  assertThrows(() => new Any({}), TypeError, "'type'");
  assertThrows(() => new Any("toString"), TypeError, "'type'");
  assertThrows(() => new Any("int32", "1"), TypeError, "'initial'");
  assertThrows(() => new Any("int32", 1n), TypeError, "'initial'");
  assertThrows(() => new Any("bigint64", 1), TypeError, "'initial'");
  const value = new Any("int32");
  assertThrows(() => value.value = "1", TypeError, "'value'");
  assertThrows(() => value.add(undefined), TypeError, "'change'");
  assertThrows(() => value.compareExchange(null, 1), TypeError, "'expected'");
  assertThrows(
    () => value.compareExchange(0, null),
    TypeError,
    "'replacement'",
  );
  assertEquals(value.value, 0);
});

const COUNTS = 20_000;

for (const threads of [2, 4, 8]) {
  Deno.test(`SharedValue.add() loses nothing with ${threads} threads`, async () => {
    const integer = new SharedValue("int32");
    const float = new SharedValue("float64");
    const small = new SharedValue("float32");
    const big = new SharedValue("bigint64", 0n);
    const work = (n: number) => {
      for (let i = 0; i < n; i++) {
        integer.add(1);
        float.add(0.5);
        small.add(1);
        big.add(1n);
      }
    };
    const n = COUNTS / threads;
    const running = Array.from(
      { length: threads },
      () => new Thread({ target: work, args: [n] }).start(),
    );
    for (const thread of running) await thread.result();
    for (const thread of running) await thread.join();
    assertEquals(integer.value, COUNTS);
    assertEquals(float.value, COUNTS / 2);
    assertEquals(small.value, COUNTS);
    assertEquals(big.value, BigInt(COUNTS));
  });
}

Deno.test("SharedValue.compareExchange() lets one thread win", async () => {
  const value = new SharedValue("float64");
  const wins = new SharedValue("int32");
  const work = (rounds: number, own: number) => {
    for (let round = 0; round < rounds; round++) {
      const before = round;
      if (value.compareExchange(before, before + own) === before) wins.add(1);
      // Whoever lost waits for the round to end.
      while (value.value < round + own) {
        value.compareExchange(round + own / 2, round + own);
      }
    }
  };
  const threads = [1, 1].map((own) =>
    new Thread({ target: work, args: [2_000, own] }).start()
  );
  for (const thread of threads) await thread.result();
  for (const thread of threads) await thread.join();
  assertEquals(wins.value, 2_000);
});

Deno.test("SharedValue.lock makes more than one step one", async () => {
  const value = new SharedValue("int32");
  const work = () => {
    for (let i = 0; i < 2_000; i++) {
      using _ = value.lock.guardSync();
      value.value++;
    }
  };
  const threads = [1, 2].map(() => new Thread({ target: work }).start());
  for (const thread of threads) await thread.result();
  for (const thread of threads) await thread.join();
  assertEquals(value.value, 4_000);
});

Deno.test("SharedValue comes back as the same object with the same lock", async () => {
  const value = new SharedValue("uint16", 7);
  const thread = new Thread({
    target: (arrived: SharedValue<"uint16">) => {
      if (arrived !== value) throw new RangeError("captured is another one");
      if (arrived.lock !== value.lock) throw new RangeError("another lock");
      arrived.add(1);
      return { value: arrived, lock: arrived.lock, type: arrived.type };
    },
    args: [value],
  });
  const result = await thread.start().result();
  await thread.join();
  assert(result.value === value && result.lock === value.lock);
  assertEquals([result.type, value.value], ["uint16", 8]);
});
