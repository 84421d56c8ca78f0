// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The shared memory between the main thread and one worker thread.
//
//   words 0..15     the guest's bell (a cache line of its own)
//   words 16..79    the call slots
//   then            requests ring, results ring
//
// The host's bell is one word for all workers of a program.

import { Bell, canPark } from "../memory/bell.ts";
import { ringBytes, RingConsumer, RingProducer } from "../memory/ring.ts";
import { CallSlots, SLOTS } from "../memory/slots.ts";
import type { Channel } from "./channel.ts";
import { PortChannel } from "./port_channel.ts";
import { type MessageSource, PortRoad } from "./port_road.ts";
import { RingChannel } from "./ring_channel.ts";
import { RingPump } from "./ring_pump.ts";

const BELL_WORDS = 16;
const RING_SIZE = 1 << 18;
const REQUESTS = (BELL_WORDS + SLOTS) * 4;
const RESULTS = REQUESTS + ringBytes(RING_SIZE);
const TOTAL = RESULTS + ringBytes(RING_SIZE);

/** What runs between a thread and its host: the rings, or one port message for each message. */
export type ThreadTransport = "ring" | "port";

/** The rings need a way to sleep without blocking the event loop. */
export const DEFAULT_TRANSPORT: ThreadTransport = canPark ? "ring" : "port";

/** What the host hands to a new worker thread, through its first message. */
export interface ThreadLink {
  readonly transport: ThreadTransport;
  readonly memory: SharedArrayBuffer;
  readonly hostBell: SharedArrayBuffer;
}

/** Looks of a guest before it sleeps: some tens of microseconds, in which the next call of a caller who awaits one after the other arrives. */
const GUEST_SPINS = 2000;
/** Messages in a row from one channel: the host has many channels, the guest runs calls while it drains. */
const HOST_BATCH = 256;
const GUEST_BATCH = 16;

/** The main thread sleeps on one bell for all its workers. */
const hostBellMemory = new SharedArrayBuffer(4);
/** No spinning on the caller's side: its event loop is the user's. */
const hostPump = new RingPump(
  new Bell(new Int32Array(hostBellMemory)),
  HOST_BATCH,
  0,
);

/** Makes the memory of one worker. */
export function createLink(transport: ThreadTransport): ThreadLink {
  const size = transport === "ring" ? TOTAL : REQUESTS;
  return {
    transport,
    memory: new SharedArrayBuffer(size),
    hostBell: hostBellMemory,
  };
}

/** The call slots of a link. */
export function linkSlots(link: ThreadLink): CallSlots {
  return new CallSlots(new Int32Array(link.memory, BELL_WORDS * 4, SLOTS));
}

/** The host's end of a link. */
export function hostChannel(link: ThreadLink, port: MessageSource): Channel {
  const { transport, memory } = link;
  if (transport === "port") return new PortChannel(port);
  return new RingChannel({
    producer: new RingProducer(memory, REQUESTS, RING_SIZE),
    consumer: new RingConsumer(memory, RESULTS, RING_SIZE),
    peerBell: guestBell(link),
    road: new PortRoad(port),
  }, hostPump);
}

/** The guest's end of a link. */
export function guestChannel(link: ThreadLink, port: MessageSource): Channel {
  const { transport, memory, hostBell } = link;
  if (transport === "port") return new PortChannel(port);
  // On one core a spinning guest would keep the caller from sending.
  const spins = navigator.hardwareConcurrency > 1 ? GUEST_SPINS : 0;
  return new RingChannel({
    producer: new RingProducer(memory, RESULTS, RING_SIZE),
    consumer: new RingConsumer(memory, REQUESTS, RING_SIZE),
    peerBell: new Bell(new Int32Array(hostBell)),
    road: new PortRoad(port),
  }, new RingPump(guestBell(link), GUEST_BATCH, spins));
}

/** The bell on which the guest sleeps. */
function guestBell(link: ThreadLink): Bell {
  return new Bell(new Int32Array(link.memory, 0, 1));
}
