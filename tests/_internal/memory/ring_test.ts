// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import {
  ringBytes,
  RingConsumer,
  RingProducer,
} from "../../../_internal/memory/ring.ts";
import { checksum, fill, random } from "./_fixtures/records.ts";
import { startPeer } from "./_fixtures/start_peer.ts";

/** The word that says how far the producer is, and the consumer. */
const HEAD = 0;
const TAIL = 16;

function createRing(size: number, offset = 0) {
  const memory = new SharedArrayBuffer(offset + ringBytes(size));
  return {
    memory,
    producer: new RingProducer(memory, offset, size),
    consumer: new RingConsumer(memory, offset, size),
  };
}

function record(length: number, number = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  fill(bytes, number);
  return bytes;
}

Deno.test("RingProducer refuses sizes that are no power of two, or too small", () => {
  for (const size of [0, 32, 63, 65, 100, 96]) {
    const memory = new SharedArrayBuffer(1024);
    assertThrows(() => new RingProducer(memory, 0, size), RangeError);
  }
});

Deno.test("RingConsumer.read() gives the records in order, with their kinds", () => {
  const { producer, consumer } = createRing(256);
  assertFalse(consumer.pending);
  assertEquals(consumer.read(), undefined);
  assert(producer.write(record(5, 1), 0));
  assert(producer.write(record(0), 1));
  assert(producer.write(record(33, 3), 1));
  assert(consumer.pending);
  assertEquals(consumer.read(), record(5, 1));
  assertEquals(consumer.kind, 0);
  assertEquals(consumer.read(), record(0));
  assertEquals(consumer.kind, 1);
  assertEquals(consumer.read(), record(33, 3));
  assertFalse(consumer.pending);
});

Deno.test("RingProducer.write() gives false where the ring is full, and goes on after a read", () => {
  const { producer, consumer } = createRing(64);
  assertEquals(producer.maxRecord, 16);
  for (let i = 0; i < 8; i++) assert(producer.write(record(4, i), 0));
  assertFalse(producer.write(record(0), 0));
  assertEquals(consumer.read(), record(4, 0));
  assert(producer.write(record(4, 8), 0));
  assertFalse(producer.write(record(4, 9), 0));
  for (let i = 1; i <= 8; i++) assertEquals(consumer.read(), record(4, i));
  assertEquals(consumer.read(), undefined);
});

Deno.test("RingProducer.write() takes every length up to 'maxRecord' at every place", () => {
  for (const size of [64, 128, 1024]) {
    const { producer, consumer } = createRing(size);
    let number = 0;
    // The places move on by 4 with every round.
    for (let round = 0; round < size / 4; round++) {
      for (let length = 0; length <= producer.maxRecord; length++) {
        assert(producer.write(record(length, ++number), 0), `${length}`);
        assertEquals(consumer.read(), record(length, number));
      }
      assert(producer.write(record(0), 1));
      consumer.read();
    }
  }
});

Deno.test("RingProducer.write() skips the end that a record does not fit into", () => {
  const { producer, consumer } = createRing(64);
  // Up to place 56: 8 bytes are left before the end.
  for (let i = 0; i < 7; i++) {
    assert(producer.write(record(4, i), 0));
    consumer.read();
  }
  assert(producer.write(record(16, 9), 1));
  assert(producer.write(record(4, 10), 0));
  assertEquals(consumer.read(), record(16, 9));
  assertEquals(consumer.kind, 1);
  assertEquals(consumer.read(), record(4, 10));
});

Deno.test("RingProducer.write() fills the ring to the last byte", () => {
  const { producer, consumer } = createRing(64);
  assert(producer.write(record(60, 1), 0));
  assertFalse(producer.write(record(0), 0));
  assertEquals(consumer.read(), record(60, 1));
  assert(producer.write(record(60, 2), 0));
  assertEquals(consumer.read(), record(60, 2));
});

Deno.test("RingConsumer.read() goes on where the positions wrap at 2^32", () => {
  const size = 256;
  const memory = new SharedArrayBuffer(ringBytes(size));
  const words = new Int32Array(memory);
  words[HEAD] = -512;
  words[TAIL] = -512;
  const producer = new RingProducer(memory, 0, size);
  const consumer = new RingConsumer(memory, 0, size);
  for (let i = 0; i < 200; i++) {
    const length = i % (producer.maxRecord + 1);
    assert(producer.write(record(length, i), 0));
    assert(producer.write(record(1, i), 1));
    assertEquals(consumer.read(), record(length, i));
    assertEquals(consumer.read(), record(1, i));
  }
  assert(words[TAIL]! >= 0);
});

Deno.test("RingProducer goes on where another one stopped", () => {
  const { memory, producer, consumer } = createRing(128, 64);
  assert(producer.write(record(8, 1), 0));
  const other = new RingProducer(memory, 64, 128);
  assert(other.write(record(8, 2), 0));
  assertEquals(consumer.read(), record(8, 1));
  const reader = new RingConsumer(memory, 64, 128);
  assertEquals(reader.read(), record(8, 2));
});

Deno.test("RingConsumer.takeWish() gives each wish once", () => {
  const { producer, consumer } = createRing(64);
  assertFalse(consumer.takeWish());
  producer.wantSpace();
  producer.wantSpace();
  assert(consumer.takeWish());
  assertFalse(consumer.takeWish());
});

Deno.test("RingConsumer.read() gives what a producer in another thread wrote", async () => {
  for (const [size, seed] of [[64, 1], [1024, 2], [65536, 3]] as const) {
    const { memory, producer, consumer } = createRing(size);
    const count = 20_000;
    const largest = Math.min(producer.maxRecord, 300);
    const peer = startPeer({
      what: "produce",
      memory,
      size,
      count,
      seed,
      largest,
    });
    const next = random(seed);
    let sum = 0;
    let wrong = 0;
    for (let i = 0; i < count;) {
      const bytes = consumer.read();
      if (bytes === undefined) {
        // The producer may not even have started: let its messages through.
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      if (bytes.length !== next() % (largest + 1)) wrong++;
      sum = checksum(sum, bytes, consumer.kind);
      i++;
    }
    assertEquals((await peer).sum, sum);
    assertEquals(wrong, 0);
    assertFalse(consumer.pending);
  }
});

Deno.test("RingProducer.write() starts over in an empty ring that has come far", () => {
  const size = 1 << 20;
  const { memory, producer, consumer } = createRing(size);
  // Ten times around: only the beginning is ever written.
  for (let i = 0; i < 200; i++) {
    const bytes = record(50_000, i);
    assert(producer.write(bytes, 0));
    assertEquals(consumer.read(), bytes);
  }
  const untouched = new Uint8Array(memory).subarray(ringBytes(0) + (1 << 18));
  assert(untouched.every((byte) => byte === 0));
});

Deno.test("RingProducer.write() of what is longer than the way so far does not wait for room in an empty ring", () => {
  const { producer, consumer } = createRing(1 << 20);
  assert(producer.write(record(producer.maxRecord / 2 + 100), 0));
  consumer.read();
  const long = record(producer.maxRecord);

  assert(producer.write(long, 1));

  assertEquals(consumer.read(), long);
});

Deno.test("RingConsumer.read() refuses a record that is longer than what was written", () => {
  const { memory, producer, consumer } = createRing(1024);
  producer.write(record(8), 0);
  const lengths = new Uint32Array(memory, ringBytes(0), 1);
  lengths[0] = 9 * 2;
  assertThrows(() => consumer.read(), SerializationError, "length");
});

Deno.test("RingConsumer.read() in place keeps a long record until the next read", () => {
  const size = 1 << 16;
  const memory = new ArrayBuffer(ringBytes(size));
  const producer = new RingProducer(memory, 0, size);
  const consumer = new RingConsumer(memory, 0, size, true);
  assert(producer.write(record(1 << 15, 1), 0));
  assert(producer.write(record(8, 2), 1));
  const long = consumer.read()!;
  assertEquals(long.buffer, memory);
  // Its space is not given away.
  assertFalse(producer.write(record(1 << 15, 3), 0));
  assertEquals(long, record(1 << 15, 1));
  assertEquals(consumer.read(), record(8, 2));
  assertEquals(consumer.kind, 1);
  assert(producer.write(record(1 << 15, 3), 0));
  assertEquals(consumer.read(), record(1 << 15, 3));
  assertEquals(consumer.read(), undefined);
  assertFalse(consumer.pending);
});
