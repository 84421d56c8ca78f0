// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import { Bell } from "../../../_internal/memory/bell.ts";
import { Crowd, CROWD_WORDS } from "../../../_internal/memory/crowd.ts";
import {
  ringBytes,
  RingConsumer,
  RingProducer,
} from "../../../_internal/memory/ring.ts";
import { segments } from "../../../_internal/memory/segments.ts";
import { PortRoad } from "../../../_internal/wire/port_road.ts";
import {
  RingChannel,
  type SideRoad,
} from "../../../_internal/wire/ring_channel.ts";
import { RingPump } from "../../../_internal/wire/ring_pump.ts";
import { soon } from "../../_suites/_helpers.ts";
import { channelSuite, type Pair } from "../../_suites/channel_suite.ts";

function createPair(
  size = 1024,
): Pair & { a: RingChannel; b: RingChannel; ports: MessageChannel } {
  const there = new SharedArrayBuffer(ringBytes(size));
  const back = new SharedArrayBuffer(ringBytes(size));
  const bells = [0, 1].map(() =>
    new Bell(new Int32Array(new SharedArrayBuffer(4)))
  ) as [Bell, Bell];
  const crowd = new Crowd(new Int32Array(CROWD_WORDS), 2);
  const pumps = bells.map((bell) =>
    new RingPump(bell, { batch: 4, looks: 0, crowd, place: undefined })
  ) as [RingPump, RingPump];
  const ports = new MessageChannel();
  const { port1, port2 } = ports;
  port1.start();
  port2.start();
  const a = new RingChannel({
    producer: new RingProducer(there, 0, size),
    consumer: new RingConsumer(back, 0, size),
    peerBell: bells[1],
    road: new PortRoad(port1),
  }, pumps[0]);
  const b = new RingChannel({
    producer: new RingProducer(back, 0, size),
    consumer: new RingConsumer(there, 0, size),
    peerBell: bells[0],
    road: new PortRoad(port2),
  }, pumps[1]);
  // A parked bell does not keep the event loop alive; a pool would.
  const timer = setInterval(() => {}, 1_000);
  return {
    a,
    b,
    ports,
    open() {
      a.open();
      b.open();
    },
    async [Symbol.asyncDispose]() {
      a.close();
      b.close();
      port1.close();
      port2.close();
      clearInterval(timer);
      await new Promise((resolve) => setTimeout(resolve, 0));
    },
  };
}

channelSuite("RingChannel", () => createPair());

Deno.test("RingChannel keeps what does not fit, in order, until there is room", async () => {
  await using pair = createPair(64);
  const { a, b } = pair;
  for (let i = 0; i < 200; i++) a.send(new Uint8Array([i, i, i, i]));
  const found: number[] = [];
  const all = Promise.withResolvers<void>();
  b.onMessage = (message) => {
    if (found.push(message[0]!) === 200) all.resolve();
  };
  pair.open();
  await soon("all", all.promise);
  assertEquals(found, [...Array(200).keys()]);
});

Deno.test("RingChannel.drain() delivers no more than it is asked for", () => {
  const size = 1024;
  const memory = new SharedArrayBuffer(ringBytes(size));
  const bell = new Bell(new Int32Array(new SharedArrayBuffer(4)));
  const port = {
    postMessage() {},
    addEventListener() {},
    removeEventListener() {},
  };
  const channel = new RingChannel({
    producer: new RingProducer(memory, 0, size),
    consumer: new RingConsumer(memory, 0, size),
    peerBell: bell,
    road: new PortRoad(port),
  }, { add() {}, remove() {}, wake() {}, expect() {} } as unknown as RingPump);
  let count = 0;
  channel.onMessage = () => count++;
  channel.open();
  for (let i = 0; i < 5; i++) channel.send(new Uint8Array([i]));
  assert(channel.pending);
  assertEquals(channel.drain(2), 2);
  assertEquals(channel.drain(100), 3);
  assertEquals(count, 5);
  assertEquals(channel.pending, false);
});

Deno.test("RingChannel.send() of what cannot be cloned leaves nothing behind", async () => {
  await using pair = createPair();
  const { a, b } = pair;
  const found: number[] = [];
  const all = Promise.withResolvers<void>();
  b.onMessage = (message) => {
    found.push(message[0]!);
    if (message[0] === 2) all.resolve();
  };
  pair.open();
  a.send(new Uint8Array([1]));
  assertThrows(() => a.send(new Uint8Array([9]), [() => {}]));
  a.send(new Uint8Array([2]));
  await soon("all", all.promise);
  assertEquals(found, [1, 2]);
});

/** A channel to itself whose road lends its bytes, and hands each message to `arrive`. */
function createLending(
  arrive: (deliver: () => void) => void,
): { channel: RingChannel; found: number[] } {
  const size = 1024;
  const memory = new SharedArrayBuffer(ringBytes(size));
  const road: SideRoad = {
    carriesAttachments: false,
    lendsBytes: true,
    onArrival: () => {},
    send: (message) => {
      const bytes = message.slice();
      arrive(() => {
        road.onArrival(bytes, []);
        bytes.fill(0);
      });
    },
    close: () => {},
  };
  const channel = new RingChannel({
    producer: new RingProducer(memory, 0, size),
    consumer: new RingConsumer(memory, 0, size),
    peerBell: new Bell(new Int32Array(new SharedArrayBuffer(4))),
    road,
  }, { add() {}, remove() {}, wake() {}, expect() {} } as unknown as RingPump);
  const found: number[] = [];
  channel.onMessage = (message) => found.push(message[0]!);
  return { channel, found };
}

Deno.test("RingChannel.poll() tells whether a message is still on the road", () => {
  const arrivals: (() => void)[] = [];
  const { channel, found } = createLending((deliver) => arrivals.push(deliver));
  channel.open();
  assert(channel.poll());
  channel.send(new Uint8Array([1]));
  channel.send(new Uint8Array(1000).fill(2));
  channel.send(new Uint8Array(1000).fill(3));
  channel.send(new Uint8Array([4]));
  assertEquals(channel.poll(), false);
  assertEquals(found, [1]);
  for (const arrive of arrivals) arrive();
  assert(channel.poll());
  assertEquals(found, [1, 2, 3, 4]);
});

Deno.test("RingChannel keeps what it is lent before it is open", () => {
  const { channel, found } = createLending((deliver) => deliver());
  channel.send(new Uint8Array(1000).fill(2));
  channel.send(new Uint8Array(1000).fill(3));

  channel.open();
  channel.drain(10);

  assertEquals(found, [2, 3]);
});

Deno.test("RingChannel closes with an error when its ring was spoilt", () => {
  const size = 1024;
  for (const [index, value] of [[0, 77], [16, 2 ** 20], [48, -3]] as const) {
    const memory = new SharedArrayBuffer(ringBytes(size));
    const { port1, port2 } = new MessageChannel();
    const channel = new RingChannel(
      {
        producer: new RingProducer(memory, 0, size),
        consumer: new RingConsumer(memory, 0, size),
        peerBell: new Bell(new Int32Array(new SharedArrayBuffer(4))),
        road: new PortRoad(port1),
      },
      { add() {}, remove() {}, wake() {}, expect() {} } as unknown as RingPump,
    );
    const closes: unknown[] = [];
    channel.onClose = ({ error }) => closes.push(error);
    channel.open();
    channel.send(new Uint8Array([1]));
    new Int32Array(memory)[index] = value;
    // The sender meets a bad head, the receiver a bad tail or length.
    if (index === 0) channel.send(new Uint8Array([2]));
    else channel.drain(10);
    channel.send(new Uint8Array([3]));
    channel.drain(10);
    assertEquals(closes.length, 1, `word ${index}`);
    assertInstanceOf(closes[0], SerializationError);
    port1.close();
    port2.close();
  }
});

Deno.test("RingChannel sends large messages through a segment that it names once", async () => {
  await using pair = createPair();
  const { a, b, ports } = pair;
  let posted = 0;
  const { port1 } = ports;
  const post = port1.postMessage;
  port1.postMessage = (...args: unknown[]) => {
    posted++;
    return Reflect.apply(post, port1, args);
  };
  pair.open();
  for (let i = 0; i < 20; i++) {
    const arrived = Promise.withResolvers<void>();
    b.onMessage = (message) => {
      assertEquals(message.length, 300_000);
      assert(message.every((byte) => byte === i));
      arrived.resolve();
    };
    a.send(new Uint8Array(300_000).fill(i));
    await soon("the message", arrived.promise);
  }
  assertEquals(posted, 1);
});

Deno.test("RingChannel sends a message that lies in a segment as it lies there", async () => {
  await using pair = createPair();
  const { a, b } = pair;
  const before = segments.inUse;
  const segment = segments.acquire(100_000);
  const message = segment.bytes.subarray(5, 90_005).fill(1);
  const found: number[] = [];
  const all = Promise.withResolvers<void>();
  b.onMessage = (message) => {
    found.push(message[0]!, message.length);
    if (found.length === 4) all.resolve();
  };
  pair.open();
  a.send(message);
  assert(segment.isSent);
  segment.bytes[5] = 2;
  a.send(message.subarray(0, 10));
  segment.release();
  await soon("both", all.promise);
  // It was not copied: the write after `send()` shows.
  assertEquals(found, [2, 90_000, 2, 10]);
  assertEquals(segments.inUse, before);
});

Deno.test("RingChannel.close() retires what the other side may still read", async () => {
  const before = segments.inUse;
  const segment = segments.acquire(100_000);
  {
    await using pair = createPair();
    pair.a.send(segment.bytes.subarray(0, 50_000));
    pair.a.send(new Uint8Array(100_000));
    assertEquals(segments.inUse, before + 2);
  }
  assertEquals(segments.inUse, before);
  assert(!segments.owns(segment));
});
