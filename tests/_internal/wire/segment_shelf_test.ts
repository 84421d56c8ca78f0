// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertExists } from "@std/assert";
import { segments } from "../../../_internal/memory/segments.ts";
import { NO_BYTES } from "../../../_internal/wire/bytes.ts";
import { SegmentShelf } from "../../../_internal/wire/segment_shelf.ts";

/** Two sides of a shelf; what the sender posts arrives when it is asked to, as another object for the same memory. */
function createPair() {
  const posted: Record<string, unknown>[] = [];
  const sender = new SegmentShelf((message) => posted.push({ ...message }));
  const receiver = new SegmentShelf(() => {});
  const arrive = () => {
    for (const it of posted.splice(0)) receiver.receive(structuredClone(it));
  };
  return { sender, receiver, arrive };
}

Deno.test("SegmentShelf.close() leaves what is on its way to another receiver", async () => {
  const gone = createPair();
  const other = createPair();
  const segment = segments.acquire(100_000);
  const message = segment.bytes.subarray(0, 100_000);
  // Read by the one that is about to end, then sent to the other one.
  const first = gone.sender.put(message, NO_BYTES)!;
  gone.arrive();
  gone.receiver.delivered(gone.receiver.find(first)!);
  const second = other.sender.put(message, NO_BYTES)!;
  gone.sender.close();
  // In a microtask it tells what is to be forgotten.
  await undefined;
  other.arrive();
  const found = other.receiver.find(second);
  assertExists(found);
  assert(segments.owns(segment));
  other.receiver.delivered(found);
  segment.release();
  assert(segment.isFree);
});

Deno.test("SegmentShelf.close() retires what its receiver may still read", async () => {
  const gone = createPair();
  const other = createPair();
  const segment = segments.acquire(100_000);
  const message = segment.bytes.subarray(0, 100_000);
  const first = other.sender.put(message, NO_BYTES)!;
  other.arrive();
  other.receiver.delivered(other.receiver.find(first)!);
  gone.sender.put(message, NO_BYTES);
  segment.release();
  gone.sender.close();
  assert(!segments.owns(segment));
  // The other one has no use for it any more.
  await undefined;
  other.arrive();
  assertEquals(other.receiver.find(first), undefined);
});
