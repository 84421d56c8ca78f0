// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { Bell, Door } from "../../../_internal/memory/bell.ts";
import { Crowd, CROWD_WORDS } from "../../../_internal/memory/crowd.ts";
import { RingPump } from "../../../_internal/wire/ring_pump.ts";

function createPump(
  bell: Bell,
  looks: number,
  batch = 16,
  awake = 0,
): RingPump {
  const words = new Int32Array(CROWD_WORDS);
  words[1] = 2 ** awake - 1;
  const crowd = new Crowd(words, 2);
  return new RingPump(bell, { batch, looks, crowd, place: undefined });
}

/** Runs JavaScript for longer than a pump keeps the event loop waiting. */
function handleMessage(): void {
  const end = performance.now() + 9;
  while (performance.now() < end);
}

Deno.test("RingPump gives the event loop a turn during a flood of messages", async () => {
  const bell = new Bell(new Int32Array(new SharedArrayBuffer(4)));
  const pump = createPump(bell, 0, 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = 20;
  let turns = 0;
  const channel = {
    get pending() {
      return left > 0;
    },
    drain(): number {
      if (left === 0) return 0;
      handleMessage();
      if (--left === 0) resolve();
      return 1;
    },
  };
  const timer = setInterval(() => turns++, 1);

  pump.add(channel);
  await promise;
  clearInterval(timer);
  pump.remove(channel);
  // The last message leaves the pump running, or parked: it stops either way.
  pump.wake();

  assertEquals(left, 0);
  assert(turns >= 5, `timers had ${turns} turns during 20 messages`);
});

/** A bell, a channel that is empty at first, and a pump that serves it and is parked. */
async function createParked(looks: number, awake = 0) {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const bell = new Bell(words);
  const pump = createPump(bell, looks, 16, awake);
  const channel = {
    messages: 0,
    delivered: 0,
    looks: 0,
    get pending() {
      this.looks++;
      return this.messages > 0;
    },
    drain(): number {
      const { messages } = this;
      this.messages = 0;
      this.delivered += messages;
      return messages;
    },
  };
  pump.add(channel);
  while (!bell.isParked) await Promise.resolve();
  return { words, bell, pump, channel };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("RingPump delivers what it watches for without a turn of the event loop", async () => {
  const { bell, pump, channel } = await createParked(10);

  pump.expect();
  channel.messages = 3;
  await Promise.resolve();
  await Promise.resolve();

  assertEquals(channel.delivered, 3);
  // As before: who rings wakes it.
  assert(bell.isParked);
  channel.messages = 2;
  bell.ring();
  while (channel.delivered < 5) await turn();
  pump.remove(channel);
  await turn();
});

Deno.test("RingPump sleeps on where it has watched in vain", async () => {
  const { bell, pump, channel } = await createParked(10);

  pump.expect();
  await Promise.resolve();
  await Promise.resolve();

  assert(bell.isParked);
  channel.messages = 1;
  bell.ring();
  while (channel.delivered === 0) await turn();
  pump.remove(channel);
  await turn();
});

Deno.test("RingPump does not watch where all cores are taken", async () => {
  const { bell, pump, channel } = await createParked(10, 2);

  pump.expect();
  channel.messages = 1;
  await Promise.resolve();
  await Promise.resolve();

  assertEquals(channel.delivered, 0);
  bell.ring();
  while (channel.delivered === 0) await turn();
  pump.remove(channel);
  await turn();
});

Deno.test("RingPump gives the event loop a turn where every answer comes while it watches", async () => {
  const { bell, pump, channel } = await createParked(10);
  let turned = false;
  setTimeout(() => turned = true, 0);
  const end = performance.now() + 30_000;

  // A caller who awaits one answer after the other, each there in time.
  while (!turned && performance.now() < end) {
    pump.expect();
    channel.messages = 1;
    const { delivered } = channel;
    for (let hop = 0; hop < 5; hop++) await Promise.resolve();
    if (channel.delivered > delivered) continue;
    bell.ring();
    await turn();
  }

  assert(turned);
  pump.remove(channel);
  await turn();
});

Deno.test("RingPump looks once more when it has watched in vain", async () => {
  const { pump, channel } = await createParked(10);
  const { looks } = channel;
  // Comes after the last look, before it is parked again: nobody rings.
  const pending = Object.getOwnPropertyDescriptor(channel, "pending")!.get!;
  Object.defineProperty(channel, "pending", {
    get() {
      const isPending = pending.call(channel);
      if (channel.looks === looks + 1) channel.messages = 1;
      return isPending;
    },
  });
  const keepAlive = setTimeout(() => {}, 5_000);

  pump.expect();
  for (let i = 0; i < 10 && channel.delivered === 0; i++) await turn();

  clearTimeout(keepAlive);
  assertEquals(channel.delivered, 1);
  pump.remove(channel);
  await turn();
});

Deno.test("RingPump of a worker is no longer counted as awake when it has watched in vain", async () => {
  const words = new Int32Array(CROWD_WORDS);
  const crowd = new Crowd(words, 2);
  const bell = new Bell(new Int32Array(new SharedArrayBuffer(4)));
  const place = crowd.enter();
  const pump = new RingPump(bell, { batch: 16, looks: 10, crowd, place });
  let wasAwake = false;
  const channel = {
    get pending() {
      wasAwake ||= words[0] !== 0;
      return false;
    },
    drain: () => 0,
  };
  pump.add(channel);
  while (!bell.isParked) await Promise.resolve();
  wasAwake = false;

  pump.expect();
  await Promise.resolve();
  await Promise.resolve();

  assert(wasAwake);
  assertEquals(words[0], 0);
  pump.remove(channel);
  await turn();
});

Deno.test("RingPump sets the doors of its channels with its bell", async () => {
  const bell = new Bell(new Int32Array(new SharedArrayBuffer(4)));
  const pump = createPump(bell, 10);
  const word = new Int32Array(1);
  const peer = new Door(word);
  const seen: boolean[] = [];
  const channel = {
    door: new Door(word),
    pending: false,
    drain(): number {
      seen.push(this.door.isTaken);
      return 0;
    },
  };
  pump.add(channel);
  while (!bell.isParked) await Promise.resolve();
  assertEquals(channel.door.isTaken, false);

  // Another one has rung: who has something for the pump need not knock.
  pump.wake();
  const { length } = seen;
  while (seen.length === length) await turn();
  assertEquals(seen.at(-1), true);

  while (!bell.isParked) await turn();
  assert(peer.take());
  pump.remove(channel);
  await turn();
});

Deno.test("RingPump lets the door of a channel alone that it was told to forget", async () => {
  const bell = new Bell(new Int32Array(new SharedArrayBuffer(4)));
  const pump = createPump(bell, 0);
  const channels = [0, 1].map(() => {
    const word = new Int32Array(1);
    return { word, door: new Door(word), pending: false, drain: () => 0 };
  });
  for (const channel of channels) pump.add(channel);
  while (!bell.isParked) await Promise.resolve();

  // Its memory may be given back now.
  pump.remove(channels[1]!);
  channels[1]!.word[0] = 77;
  pump.wake();
  while (bell.isParked) await turn();
  while (!bell.isParked) await turn();

  assertEquals(channels[1]!.word[0], 77);
  pump.remove(channels[0]!);
  await turn();
});
