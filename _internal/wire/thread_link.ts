// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The shared memory between the main thread and one worker thread.
//
//   words 0..15     the guest's bell (a cache line of its own)
//   words 16..79    the call slots
//   then            requests ring, results ring
//
// The host's bell is one word for all workers of a program.

import { Bell } from "../memory/bell.ts";
import { ringBytes, RingConsumer, RingProducer } from "../memory/ring.ts";
import { CallSlots } from "../memory/slots.ts";
import { type MessageSource, RingChannel } from "./ring_channel.ts";

/** Calls that one worker can hold at a time. */
export const SLOTS = 64;

const BELL_WORDS = 16;
const RING_SIZE = 1 << 18;
const REQUESTS = (BELL_WORDS + SLOTS) * 4;
const RESULTS = REQUESTS + ringBytes(RING_SIZE);
const TOTAL = RESULTS + ringBytes(RING_SIZE);

/** What the host hands to a new worker thread, through its first message. */
export interface ThreadLink {
  readonly memory: SharedArrayBuffer;
  readonly hostBell: SharedArrayBuffer;
}

/** Makes the memory of one worker. */
export function createLink(hostBell: SharedArrayBuffer): ThreadLink {
  return { memory: new SharedArrayBuffer(TOTAL), hostBell };
}

/** The call slots of a link. */
export function linkSlots(link: ThreadLink): CallSlots {
  return new CallSlots(new Int32Array(link.memory, BELL_WORDS * 4, SLOTS));
}

/** The bell on which the guest sleeps. */
export function guestBell(link: ThreadLink): Bell {
  return new Bell(new Int32Array(link.memory, 0, 1));
}

/** The bell on which the host sleeps. */
export function hostBell(memory: SharedArrayBuffer): Bell {
  return new Bell(new Int32Array(memory, 0, 1));
}

/** The host's end of a link. */
export function hostChannel(
  link: ThreadLink,
  port: MessageSource,
  wake: () => void,
): RingChannel {
  return new RingChannel({
    producer: new RingProducer(link.memory, REQUESTS, RING_SIZE),
    consumer: new RingConsumer(link.memory, RESULTS, RING_SIZE),
    peerBell: guestBell(link),
    port,
  }, wake);
}

/** The guest's end of a link. */
export function guestChannel(
  link: ThreadLink,
  port: MessageSource,
  wake: () => void,
): RingChannel {
  return new RingChannel({
    producer: new RingProducer(link.memory, RESULTS, RING_SIZE),
    consumer: new RingConsumer(link.memory, REQUESTS, RING_SIZE),
    peerBell: hostBell(link.hostBell),
    port,
  }, wake);
}
