// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  isPrimitive,
  SizeBox,
  sizesOf,
} from "../../../_internal/auto/sizes.ts";

Deno.test("sizesOf() tells the sizes of numbers, texts and binary data", () => {
  assertEquals(
    sizesOf([-3, "four", 5n, true, undefined, null, NaN, new Float64Array(2)]),
    [3, 4, 5, 0, 0, 0, 0, 16],
  );
});

Deno.test("sizesOf() knows nothing of objects", () => {
  for (const value of [{}, [1], new Map(), () => {}, new ArrayBuffer(8)]) {
    assertEquals(sizesOf([1, value]), undefined);
  }
});

Deno.test("isPrimitive() is true for what nobody can change", () => {
  for (const value of [0, "", 0n, false, undefined, null, Symbol.iterator]) {
    assert(isPrimitive(value));
  }
  for (const value of [{}, [], () => {}, new Uint8Array()]) {
    assertFalse(isPrimitive(value));
  }
});

Deno.test("SizeBox has what is not larger than what was added, in no place", () => {
  const box = new SizeBox();
  assertFalse(box.has([0]));
  assert(box.has([]));
  box.add([5, 1]);
  box.add([1, 7]);
  assert(box.has([5, 7]));
  assert(box.has([5]));
  assertFalse(box.has([5.1, 7]));
  assertFalse(box.has([1, 8]));
  assertFalse(box.has([1, 1, 0]));
  box.clear();
  assertFalse(box.has([0]));
});

Deno.test("SizeBox has no number that is infinite before it was added", () => {
  const box = new SizeBox();
  box.add([1e300]);
  assertFalse(box.has([Infinity]));
});
