// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { segmentOf, segments } from "../../../_internal/memory/segments.ts";
import { SegmentShelf } from "../../../_internal/wire/segment_shelf.ts";

const NO_BYTES = new Uint8Array(0);

/** Two shelves that tell each other, as by a port: the memory is the same, its objects are not. And what was told. */
function createPair() {
  const told: Record<string, unknown>[] = [];
  const there: SegmentShelf = new SegmentShelf((message) => {
    told.push(message);
    back.receive(structuredClone(message));
  });
  const back: SegmentShelf = new SegmentShelf((message) => {
    told.push(message);
    there.receive(structuredClone(message));
  });
  return { there, back, told };
}

Deno.test("SegmentShelf.put() tells the other side of a segment once", () => {
  const { there, back, told } = createPair();
  const body = new Uint8Array(100_000).fill(7);
  for (let i = 0; i < 3; i++) {
    const record = there.put(new Uint8Array([1, 2]), body)!;
    const message = back.find(record)!;
    assertEquals([...message.subarray(0, 4)], [1, 2, 7, 7]);
    assertEquals(message.length, 100_002);
    back.delivered(message);
  }
  assertEquals(told.length, 1);
  there.close();
  back.close();
});

Deno.test("SegmentShelf.put() leaves short messages, also what lies in a segment of the other side", () => {
  const { there, back } = createPair();
  assertEquals(there.put(new Uint8Array(100), NO_BYTES), undefined);
  const record = there.put(new Uint8Array(100_000), NO_BYTES)!;
  const message = back.find(record)!;
  // Its owner would write it again while it is under way.
  const part = message.subarray(0, 100);
  assert(segmentOf(part) !== undefined);
  assertEquals(back.put(part, NO_BYTES), undefined);
  back.delivered(message);
  there.close();
  back.close();
});

Deno.test("SegmentShelf.forget() has the other side forget what was given back, and tell of it afresh", async () => {
  const { there, back, told } = createPair();
  const segment = segments.acquire(100);
  const record = there.put(segment.bytes.subarray(0, 100), NO_BYTES)!;
  back.delivered(back.find(record)!);

  there.forget(segment);
  there.forget(segment);
  await Promise.resolve();

  assertEquals(back.find(record), undefined);
  assertEquals(told.length, 2);
  const again = there.put(segment.bytes.subarray(0, 100), NO_BYTES)!;
  assertEquals(back.find(again)?.length, 100);
  assertEquals(told.length, 3);
  back.delivered(back.find(again)!);
  segment.release();
  there.close();
  back.close();
});
