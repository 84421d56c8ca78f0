// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { CallSlots } from "../../../_internal/memory/slots.ts";
import { startPeer } from "./_fixtures/start_peer.ts";

function createSlots(count = 4) {
  const words = new Int32Array(new SharedArrayBuffer(count * 4));
  return { words, slots: new CallSlots(words) };
}

Deno.test("CallSlots lets a queued call be started or revoked, once", () => {
  const { slots } = createSlots();
  assertFalse(slots.start(0));
  assertFalse(slots.revoke(0));
  slots.queue(0);
  assertFalse(slots.started(0));
  assert(slots.start(0));
  assert(slots.started(0));
  assertFalse(slots.start(0));
  assertFalse(slots.revoke(0));
  slots.queue(1);
  assert(slots.revoke(1));
  assertFalse(slots.start(1));
  assertFalse(slots.revoke(1));
  slots.free(1);
  assertFalse(slots.start(1));
});

Deno.test("CallSlots.take() tells what a guest was at, and what it need not begin with", () => {
  const { slots } = createSlots();
  slots.queue(0);
  assertFalse(slots.taken(0));
  assert(slots.take(0));
  assert(slots.taken(0));
  assertFalse(slots.started(0));
  slots.abort(0, 0);
  assert(slots.revoke(0));
  assert(slots.taken(0));
  assertFalse(slots.start(0));
  slots.queue(0);
  assertFalse(slots.taken(0));
  assert(slots.take(0));
  assert(slots.start(0));
  assert(slots.taken(0));

  slots.queue(1);
  assert(slots.revoke(1));
  assertFalse(slots.take(1));
  slots.free(1);
  assertFalse(slots.taken(1));
});

Deno.test("CallSlots.abort() is seen in any state, and goes with the call", () => {
  const { slots } = createSlots();
  slots.queue(2);
  slots.abort(2, 0);
  assert(slots.aborted(2));
  assert(slots.start(2));
  assert(slots.aborted(2));
  assert(slots.started(2));
  assertFalse(slots.aborted(1));
  slots.free(2);
  assertFalse(slots.aborted(2));
  slots.abort(2, 0);
  slots.queue(2);
  assertFalse(slots.aborted(2));
});

Deno.test("CallSlots gives each call to one of two threads that race for it", async () => {
  const count = 64;
  const rounds = 300;
  const { words, slots } = createSlots(count);
  const go = new Int32Array(new SharedArrayBuffer(8));
  const peer = startPeer({
    what: "claim",
    words: words.buffer,
    go: go.buffer,
    slots: count,
    rounds,
  });
  const won: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (let slot = 0; slot < count; slot++) slots.queue(slot);
    Atomics.store(go, 0, round);
    // From the other end, so that they meet in the middle.
    for (let slot = count - 1; slot >= 0; slot--) {
      if (slot % 3 === 0) slots.abort(slot, 0);
      if (slots.revoke(slot)) won.push(round * count + slot);
    }
    while (Atomics.load(go, 1) !== round) {
      // The peer may not even have started: let its messages through.
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (let slot = 0; slot < count; slot++) {
      assertEquals(slots.aborted(slot), slot % 3 === 0);
    }
  }
  const theirs = (await peer).won!;
  const all = [...won, ...theirs].toSorted((a, b) => a - b);
  assertEquals(all.length, count * rounds);
  assertEquals(new Set(all).size, count * rounds);
});
