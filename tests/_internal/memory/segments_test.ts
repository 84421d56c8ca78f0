// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { Buffer } from "node:buffer";
import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
} from "@std/assert";
import { delay } from "@std/async/delay";
import {
  copyBytes,
  copyOf,
  keepBytes,
  letGo,
  type Segment,
  segmentOf,
  segments,
} from "../../../_internal/memory/segments.ts";
import { until } from "../../_suites/_helpers.ts";

/** Keeps the event loop alive, as work under way would. */
function keepAlive(): Disposable {
  const timer = setInterval(() => {}, 1_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

Deno.test("segments.acquire() gives a segment again when nobody holds it", () => {
  const before = segments.inUse;
  const segment = segments.acquire(100_000);
  assert(segment.bytes.length >= 100_000);
  segment.send();
  segment.release();
  const other = segments.acquire(100_000);
  // A message names the first one still.
  assertNotStrictEquals(other, segment);
  assertEquals(segments.inUse, before + 2);
  segment.delivered();
  other.release();
  assertEquals(segments.inUse, before);
  const again = segments.acquire(100_000);
  assert(again === segment || again === other);
  again.release();
});

Deno.test("segments.acquire() makes room for what is larger than any class", () => {
  const size = (1 << 26) + 1;
  const before = segments.freeBytes;
  const segment = segments.acquire(size);
  assert(segment.bytes.length >= size);
  segment.release();
  // It is not kept.
  assertEquals(segments.freeBytes, before);
});

Deno.test("segments.isCrowded tells that many are out", () => {
  const out: Segment[] = [];
  while (!segments.isCrowded) out.push(segments.acquire(1));
  assert(out.length > 8);
  for (const segment of out) segment.release();
  assert(!segments.isCrowded);
});

Deno.test("segments.retire() never gives a segment again", () => {
  const forgotten: Segment[] = [];
  const segment = segments.acquire(5_000_000);
  segment.shelves.add({ forget: (it) => forgotten.push(it) });
  segment.send();
  segment.release();
  segments.retire(segment);
  assertEquals(forgotten, [segment]);
  assert(!segments.owns(segment));
  segment.delivered();
  const other = segments.acquire(5_000_000);
  assertNotStrictEquals(other, segment);
  other.release();
});

Deno.test("segments give back what was not needed for a while", async () => {
  using _ = keepAlive();
  const forgotten: Segment[] = [];
  const held = segments.acquire(20_000_000);
  const segment = segments.acquire(20_000_000);
  for (const it of [held, segment]) {
    it.shelves.add({ forget: (it) => forgotten.push(it) });
  }
  segment.release();
  assert(segments.freeBytes >= 20_000_000);
  await until("the free one is given back", () => segments.freeBytes === 0);
  assertEquals(forgotten, [segment]);
  assert(segments.owns(held));
  held.release();
  await until("the other one too", () => forgotten.length === 2);
});

Deno.test("segments keep what is needed again and again", async () => {
  using _ = keepAlive();
  let forgotten = 0;
  let segment: Segment | undefined;
  let last = performance.now();
  // For longer than it takes to look twice.
  const end = last + 2_300;
  while (last < end) {
    await delay(20);
    const again = segments.acquire(20_000_000);
    const now = performance.now();
    if (segment === undefined || now - last > 500) {
      // Where there was no core for so long, it was not needed for a while.
      segment = again;
      segment.shelves.add({ forget: () => forgotten++ });
      forgotten = 0;
    }
    last = now;
    assertStrictEquals(again, segment);
    again.release();
  }
  assertEquals(forgotten, 0);
});

Deno.test("copyBytes() copies as set() does, aligned or not, between private and shared memory", () => {
  const memories = [
    () => new ArrayBuffer(200_100),
    () => new SharedArrayBuffer(200_100),
  ];
  for (const from of memories) {
    for (const to of memories) {
      for (
        const [start, offset, length] of [
          [0, 0, 200_000],
          [3, 3, 150_001],
          [1, 8, 131_072],
          [8, 5, 70_000],
          [5, 0, 17],
          [0, 0, 0],
        ] as const
      ) {
        const source = new Uint8Array(from(), start, length);
        for (let i = 0; i < length; i++) source[i] = i * 7 + 1;
        const target = new Uint8Array(to());
        copyBytes(target, offset, source);
        const expected = new Uint8Array(200_100);
        expected.set(source, offset);
        assertEquals(Buffer.compare(target, expected), 0);
        assertEquals(Buffer.compare(copyOf(source), source), 0);
      }
    }
  }
});

Deno.test("keepBytes() holds the segment of a message until it is released, once", () => {
  const segment = segments.acquire(1000);
  const bytes = segment.bytes.subarray(8, 16).fill(3);
  assertStrictEquals(segmentOf(bytes), segment);
  const kept = keepBytes(bytes);
  segment.release();
  assert(!segment.isFree);
  assertEquals([...kept.bytes], Array(8).fill(3));
  kept.release();
  kept.release();
  assert(segment.isFree);
  // What lies elsewhere is copied.
  const own = new Uint8Array([1, 2, 3]);
  const copy = keepBytes(own);
  own.fill(0);
  assertEquals([...copy.bytes], [1, 2, 3]);
});

Deno.test("letGo() has the collector free what was let go of", async () => {
  const external = () => Deno.memoryUsage().external;
  const before = external();
  // In a function: no variable keeps it.
  (() => new Uint8Array(1 << 25).fill(1))();
  assert(external() - before > 1 << 24);
  letGo(1 << 25);
  // Few looks: many would fill the young part of the heap, which is then collected anyway.
  for (let i = 0; i < 28 && external() - before >= 1 << 24; i++) {
    await delay(250);
  }
  assert(external() - before < 1 << 24);
});
