// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The memory between the two ends of a link, beside its socket, where both may use
// --allow-ffi (Linux): a ring for each direction, as between a process and its
// children (process_rings.ts), but for any two threads of any processes.
//
//   words 0..15     the station's door (a cache line of its own)
//   words 16..31    the user's door
//   then            ring to the station, ring to the user
//
// How the two come to it, on the socket, right behind the handshake:
//
//   station -> user   pid, descriptor (u32 each), 16 random bytes; both 0: there is none
//   user -> station   1: mapped, 0: not possible; 16 random bytes
//   both, where mapped: the own random bytes once more
//
// By these each finds its own descriptor of the connection (`Knocker.at()`): a
// knock at the door of a sleeper is an empty fence on the socket, for which its
// event loop waits. Deno would write it in a turn of the event loop only, which
// comes after the look for the answer. Neither side trusts what it reads from a ring.

import { Bell, canPark, Door } from "../memory/bell.ts";
import { Crowd, CROWD_WORDS } from "../memory/crowd.ts";
import { createMapping, type Mapped, openMapped } from "../memory/mapping.ts";
import { Knocker } from "../memory/knocker.ts";
import { ringBytes, RingConsumer, RingProducer } from "../memory/ring.ts";
import {
  closeQuietly,
  GUEST_DEADLINE,
  type HandshakeSocket,
  readExactly,
  startDeadline,
  writeAll,
} from "./handshake.ts";
import type { RingLink } from "./process_channel.ts";
import { SocketRoad } from "./process_rings.ts";
import { RingChannel } from "./ring_channel.ts";
import { RingPump } from "./ring_pump.ts";
import type { SocketChannel } from "./socket_channel.ts";

const DOOR_WORDS = 16;
/** Of address space: memory is taken as it is used. What is above a quarter of it takes the socket. */
const RING_SIZE = 1 << 20;
const TO_STATION = 2 * DOOR_WORDS * 4;
const TO_USER = TO_STATION + ringBytes(RING_SIZE);
const TOTAL = TO_USER + ringBytes(RING_SIZE);
/** How long the user may take to answer, in ms; it connects again where it was busy for longer. */
const DEADLINE = 10_000;
const PROBE_SIZE = 16;
/** How often the other side's bytes are looked for, a millisecond more apart each time. */
const MAX_TRIES = 8;
/** Looks of either side before it sleeps: some tens of microseconds. */
const LOOKS = 2_000;
/** Microtasks between an answer and what its receiver sends next. */
const TICKS = 24;
/** Messages that are taken in a row. */
const BATCH = 64;

/** One end. */
export interface LinkRings extends RingLink {
  /** Gives the memory back, once the channel is closed. */
  release(): void;
}

/** The station offers memory to whoever has connected. Undefined where one of the two cannot; a socket that has failed is left to its reader. */
export async function offerLinkRings(
  socket: HandshakeSocket,
): Promise<LinkRings | undefined> {
  const mapping = canShare() ? createMapping(TOTAL) : undefined;
  let isTaken = false;
  let knocker: Knocker | undefined;
  const stop = startDeadline(DEADLINE, () => closeQuietly(socket));
  try {
    const offer = new Uint32Array(2);
    if (mapping !== undefined) offer.set([Deno.pid, mapping.descriptor]);
    const probe = newProbe();
    await writeAll(socket, joined(new Uint8Array(offer.buffer), probe));
    const answer = await readExactly(socket, 1 + PROBE_SIZE);
    isTaken = answer[0] === 1;
    if (isTaken) knocker = await meet(socket, probe, answer.slice(1));
  } catch {
    // The other side is gone; whoever reads next finds the end.
  } finally {
    stop();
    mapping?.seal();
  }
  if (mapping === undefined) return undefined;
  if (isTaken) {
    return new Rings(mapping, knocker, true);
  }
  mapping.unmap();
  knocker?.close();
}

/**
 * Whoever has connected takes what the station offers, where it can.
 *
 * @throws {HandshakeError} If the station is gone.
 */
export async function takeLinkRings(
  socket: HandshakeSocket,
): Promise<LinkRings | undefined> {
  const stop = startDeadline(GUEST_DEADLINE, () => closeQuietly(socket));
  try {
    const offer = await readExactly(socket, 8 + PROBE_SIZE);
    const [pid, descriptor] = new Uint32Array(offer.buffer, 0, 2);
    const mapped = pid === 0 || !canShare()
      ? undefined
      : openMapped(pid!, descriptor!, TOTAL);
    const probe = newProbe();
    const isMapped = mapped === undefined ? 0 : 1;
    await writeAll(socket, joined(new Uint8Array([isMapped]), probe));
    if (mapped === undefined) return undefined;
    const knocker = await meet(socket, probe, offer.slice(8));
    return new Rings(mapped, knocker, false);
  } finally {
    stop();
  }
}

/** Sends the own random bytes once more, and finds the connection by the other side's. */
async function meet(
  socket: HandshakeSocket,
  own: Uint8Array,
  other: Uint8Array<ArrayBuffer>,
): Promise<Knocker | undefined> {
  await writeAll(socket, own);
  let knocker: Knocker | undefined;
  for (let tries = 0; tries < MAX_TRIES && knocker === undefined; tries++) {
    // They may be on their way still.
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, tries));
    knocker = Knocker.at(other);
  }
  await readExactly(socket, PROBE_SIZE);
  return knocker;
}

function newProbe(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(PROBE_SIZE));
}

function joined(head: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

class Rings implements LinkRings {
  readonly #mapped: Mapped;
  readonly #knocker: Knocker | undefined;
  readonly #isStation: boolean;

  constructor(
    mapped: Mapped,
    knocker: Knocker | undefined,
    isStation: boolean,
  ) {
    this.#mapped = mapped;
    this.#knocker = knocker;
    this.#isStation = isStation;
  }

  connect(socket: SocketChannel): RingChannel {
    const { buffer } = this.#mapped;
    const knocker = this.#knocker;
    const [own, peer] = this.#isStation ? [0, DOOR_WORDS] : [DOOR_WORDS, 0];
    const [out, back] = this.#isStation
      ? [TO_USER, TO_STATION]
      : [TO_STATION, TO_USER];
    const peerDoor = new Door(new Int32Array(buffer, peer * 4, 1));
    socket.onFence = pump.wake;
    return new RingChannel({
      producer: new RingProducer(buffer, out, RING_SIZE),
      consumer: new RingConsumer(buffer, back, RING_SIZE, false),
      peerBell: {
        ring() {
          if (!peerDoor.take()) return;
          if (!socket.isQuiet || !knocker?.knock()) socket.fence(0);
        },
      },
      ownDoor: new Door(new Int32Array(buffer, own * 4, 1)),
      road: new SocketRoad(socket, knocker),
    }, pump);
  }

  release(): void {
    this.#knocker?.close();
    this.#mapped.unmap();
  }
}

/** Drains all links of this thread. */
const pump: RingPump = new RingPump(new Bell(newWords(1)), {
  batch: BATCH,
  looks: navigator.hardwareConcurrency > 1 ? LOOKS : 0,
  // Nobody counts those who are awake in processes that do not know each other.
  crowd: new Crowd(newWords(CROWD_WORDS), navigator.hardwareConcurrency),
  place: undefined,
  ticks: TICKS,
});

function newWords(count: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}

function canShare(): boolean {
  return Deno.build.os === "linux" && canPark &&
    Deno.permissions.querySync({ name: "ffi" }).state === "granted";
}
