// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  capturedSizes,
  isLarge,
  isPrimitive,
  SizeBox,
  sizesOf,
} from "../../../_internal/auto/sizes.ts";

/** A box with what was measured of calls with these arguments. */
function boxOf(...calls: unknown[][]): SizeBox {
  const box = new SizeBox();
  for (const args of calls) box.add(sizesOf(args)!);
  return box;
}

Deno.test("SizeBox has what is not larger than what was added, in no place", () => {
  const box = boxOf([5, "a", 2n], [1, "seven..", 1n]);
  assert(box.has(sizesOf([5, "7 chars", 2n])!));
  for (
    const args of [[6.5, "a", 1n], [1, "9 chars..", 1n], [1, "a", 4n], [5, "a"]]
  ) assertFalse(box.has(sizesOf(args)!));
  assert(boxOf([new Float64Array(2)]).has(sizesOf([new Uint8Array(16)])!));
  assertFalse(boxOf([new Uint8Array(14)]).has(sizesOf([new Float64Array(2)])!));
  box.clear();
  assertFalse(box.has(sizesOf([1, "a", 1n])!));
});

Deno.test("SizeBox has the next one of numbers that count up, or what is hardly larger", () => {
  const box = boxOf([0], [1]);
  assert(box.has(sizesOf([2])!));
  assertFalse(box.has(sizesOf([3])!));
  box.add(sizesOf([1000])!);
  assert(box.has(sizesOf([1030])!));
  assertFalse(box.has(sizesOf([1040])!));
});

Deno.test("SizeBox tells values apart that may choose another way", () => {
  const kinds = [1, -1, 0, NaN, "", 1n, -1n, true, false, null, undefined];
  for (const one of kinds) {
    assertFalse(boxOf([one]).has(sizesOf([])!));
    assertFalse(boxOf([]).has(sizesOf([one])!));
    for (const other of kinds) {
      assertEquals(
        boxOf([one]).has(sizesOf([other])!),
        Object.is(one, other),
        `${String(one)} and ${String(other)}`,
      );
    }
  }
});

Deno.test("SizeBox has no fraction that is smaller than those that were added", () => {
  const box = boxOf([0.01], [50]);
  assert(box.has(sizesOf([0.02])!));
  assertFalse(box.has(sizesOf([0.005])!));
  assert(box.has(sizesOf([99])!));
});

Deno.test("SizeBox counts what a function has captured as an argument", () => {
  const few = capturedSizes([5, "ab", {}]);
  const box = new SizeBox();
  box.add(sizesOf([1], few)!);
  assert(box.has(sizesOf([1], capturedSizes([4, "a", {}]))!));
  assertFalse(box.has(sizesOf([1], capturedSizes([7, "a", {}]))!));
  assert(box.hasNumber(1, few));
  assertFalse(box.hasNumber(3, few));
  assertFalse(box.hasNumber(1, capturedSizes([7, "a", {}])));
});

Deno.test("SizeBox.sizes is all that was added", () => {
  const box = new SizeBox();
  for (const number of [3, -4, 0]) box.addNumber(number, []);
  const copy = new SizeBox();
  copy.add(box.sizes);
  for (const number of [3, -4, 0]) assert(copy.has(sizesOf([number])!));
  assertFalse(copy.has(sizesOf([5])!));
});

Deno.test("isLarge() is true for what arithmetic alone may take long with", () => {
  assert(isLarge(1n << 2000n) && isLarge(-(1n << 2000n)));
  for (const value of [1n << 1000n, 1e300, "long".repeat(1000), {}]) {
    assertFalse(isLarge(value));
  }
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

Deno.test("SizeBox has no number that is infinite before it was added", () => {
  assertFalse(boxOf([1e300]).has(sizesOf([Infinity])!));
});
