// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The shared memory between the main thread and one worker thread.
//
//   words 0..15     the guest's bell (a cache line of its own)
//   words 16..143   the call slots
//   then            requests ring, results ring
//
// For all workers of a program:
//
//   word 0          the host's bell
//   words 16..19    who is awake

import { Bell, canPark } from "../memory/bell.ts";
import { Crowd, CROWD_WORDS } from "../memory/crowd.ts";
import { ringBytes, RingConsumer, RingProducer } from "../memory/ring.ts";
import { CallSlots, SLOTS } from "../memory/slots.ts";
import type { Channel } from "./channel.ts";
import { PortChannel } from "./port_channel.ts";
import { type MessageSource, PortRoad } from "./port_road.ts";
import { RingChannel } from "./ring_channel.ts";
import { guestPump, RingPump } from "./ring_pump.ts";

const BELL_WORDS = 16;
const CROWD = 16;
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
  /** What all workers share. */
  readonly common: SharedArrayBuffer;
  /** The worker's place in the crowd. */
  readonly place: number;
}

/** Looks of the host: its event loop is the user's. */
const HOST_LOOKS = 600;
/** Messages in a row from one channel: there are others. */
const HOST_BATCH = 256;

/** What all workers share. */
const common = new SharedArrayBuffer((CROWD + CROWD_WORDS) * 4);
const crowd: Crowd = crowdOf(common);
/** Drains the channels of all workers of this thread. */
export const hostPump: RingPump = new RingPump(hostBell(common), {
  batch: HOST_BATCH,
  looks: HOST_LOOKS,
  crowd,
  place: undefined,
});

/** Has this thread count those of another crowd too before it waits in a loop. */
export function meetCrowd(other: Crowd): void {
  crowd.meet(other);
}

/** Makes the memory of one worker. */
export function createLink(transport: ThreadTransport): ThreadLink {
  const size = transport === "ring" ? TOTAL : REQUESTS;
  return {
    transport,
    memory: new SharedArrayBuffer(size),
    common,
    place: crowd.enter(),
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
  const { transport, memory, common, place } = link;
  if (transport === "port") return new PortChannel(port);
  return new RingChannel({
    producer: new RingProducer(memory, RESULTS, RING_SIZE),
    consumer: new RingConsumer(memory, REQUESTS, RING_SIZE),
    peerBell: hostBell(common),
    road: new PortRoad(port),
  }, guestPump(guestBell(link), crowdOf(common), place));
}

/** The worker is gone. */
export function releaseLink({ place }: ThreadLink): void {
  crowd.leave(place);
}

function crowdOf(common: SharedArrayBuffer): Crowd {
  const words = new Int32Array(common, CROWD * 4, CROWD_WORDS);
  return new Crowd(words, navigator.hardwareConcurrency);
}

/** The bell on which the host sleeps. */
function hostBell(common: SharedArrayBuffer): Bell {
  return new Bell(new Int32Array(common, 0, 1));
}

/** The bell on which the guest sleeps. */
function guestBell(link: ThreadLink): Bell {
  return new Bell(new Int32Array(link.memory, 0, 1));
}
