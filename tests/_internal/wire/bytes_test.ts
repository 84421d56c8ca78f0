// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { ByteReader, ByteWriter } from "../../../_internal/wire/bytes.ts";

Deno.test("ByteWriter keeps numbers at their limits", () => {
  const w = new ByteWriter(1);
  const lengths = [
    0,
    127,
    128,
    16_383,
    16_384,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
  ];
  for (const length of lengths) w.varint(length);
  w.u8(255);
  w.u32(2 ** 32 - 1);
  w.i32(-(2 ** 31));
  w.f64(-0);
  const r = new ByteReader(w.bytes());
  for (const length of lengths) assertEquals(r.varint(), length);
  assertEquals(r.u8(), 255);
  assertEquals(r.u32(), 2 ** 32 - 1);
  assertEquals(r.i32(), -(2 ** 31));
  assert(Object.is(r.f64(), -0));
  assertEquals(r.remaining, 0);
});

Deno.test("ByteWriter.string() keeps every code unit at every length", () => {
  const units = [
    "a",
    "\u0000",
    "\u007f",
    "\u0080",
    "\u0096",
    "\u00ff",
    "\u0100",
    "\ud800",
    "\udfff",
    "\ufeff",
    "\uffff",
    "\u{10ffff}",
  ];
  const w = new ByteWriter();
  for (const unit of units) {
    for (let length = 0; length < 70; length++) {
      for (
        const text of [
          unit.repeat(length),
          "a".repeat(length) + unit,
          unit + "a".repeat(length),
        ]
      ) {
        w.reset();
        w.u8(1);
        w.string(text);
        w.u8(2);
        const r = new ByteReader(w.bytes());
        r.u8();
        assert(r.string() === text, JSON.stringify(text));
        assertEquals(r.u8(), 2);
        assertEquals(r.remaining, 0);
      }
    }
  }
});

Deno.test("ByteWriter.string() keeps long strings", () => {
  for (const text of ["a", "\u00e9", "\u20ac", "\u{1f600}", "x\udc00"]) {
    const long = text.repeat(100_000);
    const w = new ByteWriter();
    w.string(long);
    assert(new ByteReader(w.bytes()).string() === long);
  }
});

Deno.test("ByteReader reads text from shared memory", () => {
  const w = new ByteWriter();
  w.string("caf\u00e9 ".repeat(20));
  const shared = new Uint8Array(new SharedArrayBuffer(w.length));
  shared.set(w.bytes());
  assertEquals(new ByteReader(shared).string(), "caf\u00e9 ".repeat(20));
});

Deno.test("ByteReader refuses to read past the end", () => {
  const reads: ((r: ByteReader) => unknown)[] = [
    (r) => r.u8(),
    (r) => r.u32(),
    (r) => r.f64(),
    (r) => r.varint(),
    (r) => r.raw(1),
    (r) => r.string(),
  ];
  for (const read of reads) {
    const r = new ByteReader(new Uint8Array([1, 2, 3, 4]).subarray(0, 0));
    assertThrows(() => read(r), RangeError);
  }
  const long = new ByteReader(new Uint8Array(9).fill(0xff));
  assertThrows(() => long.varint(), RangeError, "over 53 bits");
});
