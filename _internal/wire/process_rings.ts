// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The memory between a parent and a child process, beside their socket. Loaded
// only where they share some.
//
//   words 0..15     the host's door (a cache line of its own)
//   words 16..31    the guest's door
//   words 32..95    the call slots
//   then            requests ring, results ring
//
// How the two come to it, on the socket, right after the handshake:
//
//   host -> guest   pid, descriptor of the rings, descriptor of the crowd, place
//                   in the crowd (u32 each); all 0: there is none
//   guest -> host   1: mapped, 0: not possible
//
// The crowd (memory/crowd.ts) is one for all children of a program.
//
// Whoever cannot says so, and everything goes over the socket. Later frames of
// the socket are what does not fit into a ring, and a fence is the knock at the
// door of a sleeper (memory/bell.ts): its event loop waits for the socket. A
// knock is written at once (memory/knocker.ts), but where a message is being
// written it has to wait for the end of that.
//
// Why not a futex: a thread that waits for one in the place of the event loop
// has to wake that in turn. Between two that sleep, a round trip took 93 us, and
// 70 us with the socket; ringing costs 2 us in both.
//
// The slots are QUEUED before the guest sees them: what is sent before the host
// knows of them finds its word as if it had been queued.

import { Bell, Door } from "../memory/bell.ts";
import { Crowd, CROWD_WORDS } from "../memory/crowd.ts";
import { type Connection, Knocker } from "../memory/knocker.ts";
import { dieWithParent } from "../memory/parent_death.ts";
import { createMapping, type Mapping, openMapping } from "../memory/mapping.ts";
import { ringBytes, RingConsumer, RingProducer } from "../memory/ring.ts";
import { CallSlots, SLOTS } from "../memory/slots.ts";
import { type HandshakeSocket, readExactly, writeAll } from "./handshake.ts";
import { RingChannel, type SideRoad } from "./ring_channel.ts";
import { guestPump, type RingPump } from "./ring_pump.ts";
import type { SocketChannel } from "./socket_channel.ts";

const DOOR_WORDS = 16;
const SLOT_WORDS = 2 * DOOR_WORDS;
/** Of address space: memory is taken as it is used. What is a quarter of it, 2 MB, needs no socket. */
const RING_SIZE = 1 << 23;
const REQUESTS = (SLOT_WORDS + SLOTS) * 4;
const RESULTS = REQUESTS + ringBytes(RING_SIZE);
const TOTAL = RESULTS + ringBytes(RING_SIZE);

/** The bytes of a crowd. */
const CROWD_SIZE = CROWD_WORDS * 4;

/** What the two sides of the rings have got, or made. */
interface RingParts {
  readonly memory: ArrayBuffer;
  readonly knocker: Knocker;
  readonly crowd: Crowd;
  readonly place: number;
  /** Host: what it has made. */
  readonly mapping?: Mapping;
  /** Host: what drains the channels of this thread. */
  readonly pump?: RingPump;
  /** Guest: the system ends it with its host. */
  readonly endsWithHost?: boolean;
}

/** What a host has for all of its workers. */
export interface RingHost {
  readonly pump: RingPump;
  /** Has it count the children too that are awake. */
  meetCrowd(crowd: Crowd): void;
}

/** One side of the rings between two processes. */
export class ProcessRings {
  #slots: CallSlots;
  readonly #parts: RingParts;
  readonly #isHost: boolean;

  constructor(parts: RingParts) {
    this.#parts = parts;
    this.#isHost = parts.mapping !== undefined;
    this.#slots = new CallSlots(this.#words(SLOT_WORDS, SLOTS));
  }

  /** Guest: true where the system ends it with its host, so that nobody has to watch. */
  get endsWithHost(): boolean {
    return this.#parts.endsWithHost ?? false;
  }

  /** The call states, also after the guest is gone. */
  get slots(): CallSlots {
    return this.#slots;
  }

  /** Makes the channel, whose side road and door bell is the socket. */
  connect(socket: SocketChannel): RingChannel {
    const isHost = this.#isHost;
    const { memory, knocker, crowd, place } = this.#parts;
    const pump = this.#parts.pump ??
      guestPump(new Bell(createWord()), crowd, place);
    const [own, peer] = isHost ? [0, DOOR_WORDS] : [DOOR_WORDS, 0];
    const [out, back] = isHost ? [REQUESTS, RESULTS] : [RESULTS, REQUESTS];
    const peerDoor = new Door(this.#words(peer, 1));
    socket.onFence = pump.wake;
    return new RingChannel({
      // The guest trusts its host, but not the other way round.
      producer: new RingProducer(memory, out, RING_SIZE),
      consumer: new RingConsumer(memory, back, RING_SIZE, !isHost),
      peerBell: {
        ring: () => {
          if (!peerDoor.take()) return;
          if (!socket.isQuiet || !knocker.knock()) socket.fence(0);
        },
      },
      ownDoor: new Door(this.#words(own, 1)),
      road: new SocketRoad(socket, knocker),
    }, pump);
  }

  /** Host, once the channel is closed and the guest is gone: gives the memory back. */
  release(): void {
    this.#slots = new CallSlots(this.#words(SLOT_WORDS, SLOTS).slice());
    const { mapping, knocker, crowd, place } = this.#parts;
    // Open still where the guest was gone before there was a channel.
    knocker.close();
    mapping?.unmap();
    crowd.leave(place);
  }

  #words(index: number, length: number): Int32Array {
    return new Int32Array(this.#parts.memory, index * 4, length);
  }
}

/** The socket, beside the rings. */
export class SocketRoad implements SideRoad {
  readonly carriesAttachments = false;
  readonly lendsBytes = true;
  readonly #socket: SocketChannel;
  readonly #knocker: Knocker | undefined;

  constructor(socket: SocketChannel, knocker?: Knocker) {
    this.#socket = socket;
    this.#knocker = knocker;
  }

  set onArrival(
    fn: (message: Uint8Array, attachments: readonly unknown[]) => void,
  ) {
    this.#socket.onMessage = fn;
  }

  send(
    message: Uint8Array,
    attachments: readonly unknown[],
    transfer: readonly Transferable[],
    body: Uint8Array,
  ): void {
    this.#socket.send(message, attachments, transfer, body);
  }

  close(): void {
    this.#socket.onMessage = () => {};
    this.#knocker?.close();
  }
}

/** The crowd of this program's children. */
let ownCrowd:
  | { readonly crowd: Crowd; readonly mapping: Mapping }
  | undefined;

/** Host: offers memory to the guest behind the socket. Undefined where one of the two cannot; a socket that has failed is left to its reader. */
export async function offerRings(
  socket: HandshakeSocket,
  connection: Connection,
  host: RingHost,
): Promise<ProcessRings | undefined> {
  const parts = createParts(connection, host);
  let isTaken = false;
  try {
    const offer = new Uint32Array(4);
    if (parts !== undefined) {
      offer.set([
        Deno.pid,
        parts.mapping.descriptor,
        ownCrowd!.mapping.descriptor,
        parts.place,
      ]);
    }
    await writeAll(socket, new Uint8Array(offer.buffer));
    isTaken = (await readExactly(socket, 1))[0] === 1;
  } catch {
    // The guest is gone; whoever reads next finds the end.
  }
  if (parts === undefined) return undefined;
  parts.mapping.seal();
  if (isTaken) return new ProcessRings(parts);
  parts.mapping.unmap();
  parts.knocker.close();
  parts.crowd.leave(parts.place);
}

/**
 * Guest: takes what its host offers, where it can.
 *
 * @throws {HandshakeError} If the host is gone.
 */
export async function takeRings(
  socket: HandshakeSocket,
  connection: Connection,
): Promise<ProcessRings | undefined> {
  const { buffer } = await readExactly(socket, 16);
  const parts = openParts(new Uint32Array(buffer), connection);
  await writeAll(socket, new Uint8Array([parts === undefined ? 0 : 1]));
  return parts === undefined ? undefined : new ProcessRings(parts);
}

function createParts(
  connection: Connection,
  host: RingHost,
): RingParts & { readonly mapping: Mapping } | undefined {
  const knocker = Knocker.of(connection);
  if (knocker === undefined) return undefined;
  const mapping = createMapping(TOTAL);
  const crowd = mapping === undefined ? undefined : createCrowd(host);
  if (mapping === undefined || crowd === undefined) {
    knocker.close();
    mapping?.seal();
    mapping?.unmap();
    return undefined;
  }
  const memory = mapping.buffer;
  const slots = new CallSlots(new Int32Array(memory, SLOT_WORDS * 4, SLOTS));
  for (let slot = 0; slot < SLOTS; slot++) slots.queue(slot);
  const { pump } = host;
  return { memory, mapping, knocker, crowd, place: crowd.enter(), pump };
}

function openParts(
  [pid, rings, others, place]: Uint32Array,
  connection: Connection,
): RingParts | undefined {
  if (pid === 0) return undefined;
  const memory = openMapping(pid!, rings!, TOTAL);
  const bits = openMapping(pid!, others!, CROWD_SIZE);
  if (memory === undefined || bits === undefined) return undefined;
  const knocker = Knocker.of(connection);
  if (knocker === undefined) return undefined;
  return {
    memory,
    knocker,
    crowd: crowdIn(bits),
    place: place!,
    endsWithHost: dieWithParent(pid!),
  };
}

/** Made with the first child, and kept: each child opens it. */
function createCrowd(host: RingHost): Crowd | undefined {
  if (ownCrowd === undefined) {
    const mapping = createMapping(CROWD_SIZE);
    if (mapping === undefined) return undefined;
    ownCrowd = { crowd: crowdIn(mapping.buffer), mapping };
    host.meetCrowd(ownCrowd.crowd);
  }
  return ownCrowd.crowd;
}

function crowdIn(memory: ArrayBuffer): Crowd {
  return new Crowd(new Int32Array(memory), navigator.hardwareConcurrency);
}

function createWord(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}
