// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertNotStrictEquals } from "@std/assert";
import {
  makeSpares,
  ownCopy,
  spareBytes,
  wantsSpares,
} from "../../../_internal/wire/spare_buffers.ts";
import { until } from "../../_suites/_helpers.ts";

const SIZE = 100_000;

function shared(length: number, offset = 0): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(length + offset), offset);
  for (let i = 0; i < length; i++) bytes[i] = i * 3 + 1;
  return bytes;
}

function check(copy: ArrayBuffer, bytes: Uint8Array): void {
  assert(copy instanceof ArrayBuffer);
  assertEquals(copy.byteLength, bytes.length);
  assert(new Uint8Array(copy).every((byte, i) => byte === bytes[i]));
}

Deno.test("ownCopy() copies bytes at any offset into a buffer of their own", () => {
  for (const offset of [0, 1, 8, 13]) {
    const bytes = shared(SIZE, offset);
    const copy = ownCopy(bytes);
    check(copy, bytes);
    assertNotStrictEquals(ownCopy(bytes), copy);
  }
  check(ownCopy(new Uint8Array([1, 2, 3])), new Uint8Array([1, 2, 3]));
  makeSpares(() => true);
});

Deno.test("makeSpares() makes what was given away, and gives each away once", async () => {
  const timer = setInterval(() => {}, 1_000);
  try {
    const bytes = shared(SIZE);
    assert(!wantsSpares());
    ownCopy(bytes);
    ownCopy(bytes.subarray(0, 8_200));
    assert(wantsSpares());
    makeSpares(() => false);
    assert(!wantsSpares());
    assertEquals(spareBytes(), SIZE + 8_200);
    const copies = [ownCopy(bytes), ownCopy(bytes)];
    for (const copy of copies) check(copy, bytes);
    assertNotStrictEquals(copies[0], copies[1]);
    assertEquals(spareBytes(), 8_200);
    makeSpares(() => false);
    assertEquals(spareBytes(), 2 * SIZE + 8_200);
    // One was taken, and one is still ready: that is enough.
    ownCopy(bytes);
    makeSpares(() => false);
    assertEquals(spareBytes(), SIZE + 8_200);
    await until("they are given back", () => spareBytes() === 0);
    check(ownCopy(bytes), bytes);
    makeSpares(() => true);
  } finally {
    clearInterval(timer);
  }
});

Deno.test("makeSpares() stops when there is something to do", () => {
  ownCopy(shared(SIZE));
  makeSpares(() => true);
  assertEquals(spareBytes(), 0);
  assert(!wantsSpares());
});
