// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Bell } from "../../../_internal/memory/bell.ts";
import {
  ringBytes,
  RingConsumer,
  RingProducer,
} from "../../../_internal/memory/ring.ts";
import { RingChannel } from "../../../_internal/wire/ring_channel.ts";
import { RingPump } from "../../../_internal/wire/ring_pump.ts";
import { soon } from "../../_suites/_helpers.ts";
import { channelSuite, type Pair } from "../../_suites/channel_suite.ts";

function createPair(size = 1024): Pair & { a: RingChannel; b: RingChannel } {
  const there = new SharedArrayBuffer(ringBytes(size));
  const back = new SharedArrayBuffer(ringBytes(size));
  const bells = [0, 1].map(() =>
    new Bell(new Int32Array(new SharedArrayBuffer(4)))
  ) as [Bell, Bell];
  const pumps = bells.map((bell) => new RingPump(bell, 4, 0)) as [
    RingPump,
    RingPump,
  ];
  const { port1, port2 } = new MessageChannel();
  port1.start();
  port2.start();
  const a = new RingChannel({
    producer: new RingProducer(there, 0, size),
    consumer: new RingConsumer(back, 0, size),
    peerBell: bells[1],
    port: port1,
  }, pumps[0]);
  const b = new RingChannel({
    producer: new RingProducer(back, 0, size),
    consumer: new RingConsumer(there, 0, size),
    peerBell: bells[0],
    port: port2,
  }, pumps[1]);
  // A parked bell does not keep the event loop alive; a pool would.
  const timer = setInterval(() => {}, 1_000);
  return {
    a,
    b,
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
    port,
  }, { add() {}, remove() {}, wake() {} } as unknown as RingPump);
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
