// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import {
  copyArguments,
  copyError,
  copyOutcomes,
  copyResult,
} from "../../../_internal/pool/copies.ts";
import { Lock } from "../../../threading/lock.ts";
import { exported as square } from "../wire/functions/fixtures/kinds.ts";

class Point {
  x = 1;
}

const fn = () => new Point();

Deno.test("copyArguments() gives what a worker would have got", () => {
  const shared = [1];
  const args = [shared, { shared, when: new Date(5) }, new Map([[1, shared]])];
  const copy = copyArguments(args)! as typeof args;
  assertEquals(copy, args);
  assertNotStrictEquals(copy[0], shared);
  // What was one is one.
  assertStrictEquals((copy[1] as { shared: unknown }).shared, copy[0]);
  shared.push(2);
  assertEquals(copy[0], [1]);
  // Constants cost nothing.
  const constants = [1, "a", null, undefined, true, 2n];
  assertStrictEquals(copyArguments(constants), constants);
});

Deno.test("copyArguments() copies an array of numbers with the buffer that it has for itself", () => {
  const whole = new Float64Array([1, 2, 3]);
  const part = new Uint8Array(whole.buffer, 8, 3);
  for (const array of [whole, part, Buffer.from([1, 2])]) {
    const [copy] = copyArguments([array])! as [Uint8Array];
    assertEquals([...copy], [...array]);
    assertNotStrictEquals(copy.buffer, array.buffer);
  }
  const [a, b] = copyArguments([whole, whole])! as [unknown, unknown];
  assertStrictEquals(a, b);
});

Deno.test("copyArguments() shares what threads share, and gives exports as themselves", () => {
  const lock = new Lock();
  lock.acquireSync();
  const memory = new SharedArrayBuffer(4);
  const [other, same, exported] = copyArguments([lock, memory, square])! as [
    Lock,
    SharedArrayBuffer,
    unknown,
  ];
  assert(other.locked());
  lock.release();
  assert(!other.locked());
  new Uint8Array(same)[0] = 7;
  assertEquals(new Uint8Array(memory)[0], 7);
  assertStrictEquals(exported, square);
});

Deno.test("copyArguments() leaves to workers what cannot be had here", () => {
  for (
    const value of [
      new AbortController().signal,
      () => 1,
      new Point(),
      new Blob(["a"]),
    ]
  ) {
    assertEquals(copyArguments([{ value }]), undefined);
  }
  // What could not go there either is an error.
  const error = assertThrows(
    () => copyArguments([{ deep: [new WeakMap()] }]),
    SerializationError,
  );
  assertEquals(error.path, "args[0].deep[0]");
});

Deno.test("copyResult() gives what a worker would have answered", () => {
  const list = [1, { a: 2 }];
  const copy = copyResult(() => list, list, "result") as typeof list;
  assertEquals(copy, list);
  assertNotStrictEquals(copy[1], list[1]);
  // A class that the caller knows, since the function has captured it.
  const point = copyResult(fn, new Point(), "result");
  assert(point instanceof Point);
  assertStrictEquals(copyResult(fn, square, "result"), square);
  const array = new Int32Array([1, 2]);
  const numbers = copyResult(fn, array, "result") as Int32Array;
  assertEquals(numbers, array);
  assertNotStrictEquals(numbers.buffer, array.buffer);
  for (const value of [() => 1, new WeakMap(), Symbol("own")]) {
    const error = assertThrows(
      () => copyResult(fn, { value }, "result"),
      SerializationError,
    );
    assertEquals(error.path, "result.value");
  }
});

Deno.test("copyError() gives an error as a worker would have told it", () => {
  const error = Object.assign(new RangeError("text", { cause: [1] }), {
    code: 7,
    own: () => 1,
  });
  const copy = copyError(fn, error) as typeof error;
  assertNotStrictEquals(copy, error);
  assert(copy instanceof RangeError);
  assertEquals([copy.message, copy.cause, copy.code], ["text", [1], 7]);
  assertEquals(typeof copy.own, "string");
  assertEquals(copyError(fn, undefined), undefined);
});

Deno.test("copyOutcomes() copies each value for itself, and fails those that cannot travel", () => {
  const list = [1];
  const values = [1, list, () => 1, list, new TypeError("thrown")];
  const { values: copies, failed } = copyOutcomes(fn, {
    values,
    failed: new Set([4]),
  });
  assertEquals([...failed], [4, 2]);
  assertEquals([copies[0], copies[1], copies[3]], [1, [1], [1]]);
  assertNotStrictEquals(copies[1], copies[3]);
  assert(copies[2] instanceof SerializationError);
  assert(copies[4] instanceof TypeError);
  assertNotStrictEquals(copies[4], values[4]);
});
