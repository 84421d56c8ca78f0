// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The channel between a host and a guest that share memory: a ring for each
// direction, and a side road for what cannot be written into a ring. Between
// threads that is the platform's message port, between processes the socket.
//
//   host                                              guest
//   send() --> requests ring -------------------> drain() --> onMessage()
//          |-> shelf: large, named in the ring ---^
//          \-> road: large, or with attachments --^ (matched with its marker)
//   drain() <-- results ring <------------------- send()
//   hostBell (one word for all threads)             guestBell (one per worker)
//
// Order: a message that goes by the road leaves a marker record in the ring.
// Both are FIFO, so the n-th marker belongs to the n-th message of the road,
// and a receiver that meets a marker before its message stops draining until
// the road delivers it. The message is sent before the marker is written: a
// value that cannot be cloned throws and leaves nothing. A message that comes
// while its marker is the next record is delivered from the road at once.
//
// Large messages lie on a shelf where there is one (threads: `segment_shelf.ts`),
// and their record says where. A record whose place has not come yet by the road
// waits as a marker does.
//
// Spoilt ring: another process can write anything into it. What can be told
// from a record ends the channel with an error, see `ring.ts`.
//
// Full ring: what does not fit waits in `#overflow`, in order, and is written
// when the consumer rings the producer's bell (see `ring.ts`, step 4).

import { SerializationError } from "../base/errors.ts";
import type { Door } from "../memory/bell.ts";
import type { RingConsumer, RingProducer } from "../memory/ring.ts";
import { joined, NO_BYTES } from "./bytes.ts";
import type { Channel, ChannelClose } from "./channel.ts";
import type { RingPump } from "./ring_pump.ts";

const NO_ATTACHMENTS: readonly unknown[] = [];

/** Messages taken from the ring when one has come by the road, to get at its marker. */
const ARRIVAL_BATCH = 256;
/** A record with the message itself. */
const INLINE = 0;
/** A record that stands for a message elsewhere: its place on the shelf, or nothing: the next one of the road. */
const MARKER = 1;

/** What has come by the road before its marker was met. */
interface Arrival {
  readonly bytes: Uint8Array;
  readonly attachments: readonly unknown[];
}

/** Memory of both sides for large messages. */
export interface Shelf {
  /** Puts a message of two parts there, as it is now; undefined where it had better go another way. The record says where it lies. */
  put(head: Uint8Array, body: Uint8Array): Uint8Array | undefined;
  /** The message of a record; undefined while the word of its place is on its way. */
  find(record: Uint8Array): Uint8Array | undefined;
  /** A message that was found has been read. */
  delivered(message: Uint8Array): void;
}

/** Carries, in order, what cannot be written into a ring. */
export interface SideRoad {
  readonly carriesAttachments: boolean;
  /** True where what arrives is only valid during `onArrival`. */
  readonly lendsBytes: boolean;
  /** Set once by the channel. */
  onArrival: (message: Uint8Array, attachments: readonly unknown[]) => void;
  /** Where large messages without attachments go instead, if there is such a place. */
  readonly shelf?: Shelf;
  /** Set once by the channel: word of a place on the shelf has come. */
  onShelved?: () => void;
  /**
   * Sends one message: its bytes, and behind them those of `body`. They are copied before it returns.
   *
   * @throws {DataCloneError} If an attachment cannot be cloned; nothing was sent then.
   */
  send(
    message: Uint8Array,
    attachments: readonly unknown[],
    transfer: readonly Transferable[],
    body: Uint8Array,
  ): void;
  /** Delivers nothing any more. */
  close(): void;
}

/** Where the rings of a worker lie in its shared memory. */
export interface RingEnds {
  readonly producer: RingProducer;
  readonly consumer: RingConsumer;
  /** Wakes the other side. */
  readonly peerBell: { ring(): void };
  readonly road: SideRoad;
  /** What this side sets while it sleeps, where the other one cannot ring its pump's bell. */
  readonly ownDoor?: Door;
}

/** One side of the shared-memory channel. Its pump drains it. */
export class RingChannel implements Channel {
  readonly carriesAttachments: boolean;
  readonly door: Door | undefined;
  onMessage: (message: Uint8Array, attachments: readonly unknown[]) => void =
    () => {};
  onDelivered: () => void = () => {};
  onClose: (close: ChannelClose) => void = () => {};

  readonly #producer: RingProducer;
  readonly #consumer: RingConsumer;
  readonly #peerBell: { ring(): void };
  readonly #road: SideRoad;
  readonly #pump: RingPump;
  readonly #arrived: Arrival[] = [];
  /** Markers read whose message has not come by the road yet: 0 or 1. */
  #awaited = 0;
  /** The record whose place has not come yet. */
  #placed: Uint8Array | undefined;
  #overflow: { bytes: Uint8Array; kind: 0 | 1 }[] = [];
  #state: "new" | "open" | "closed" = "new";

  /**
   * @param ends The rings, the other side's bell and the road.
   * @param pump Drains the channel while it is open.
   */
  constructor(ends: RingEnds, pump: RingPump) {
    this.#producer = ends.producer;
    this.#consumer = ends.consumer;
    this.#peerBell = ends.peerBell;
    this.#road = ends.road;
    this.door = ends.ownDoor;
    this.#pump = pump;
    this.carriesAttachments = ends.road.carriesAttachments;
    // Before it is open: what the other side sends at once is not lost.
    this.#road.onArrival = this.#onArrival;
    this.#road.onShelved = () => this.#pump.wake();
  }

  /** True where all that was sent is in the ring or on the road. */
  get isWritten(): boolean {
    return this.#overflow.length === 0;
  }

  open(): void {
    this.#state = "open";
    this.#pump.add(this);
  }

  poll(): boolean {
    this.drain(Infinity);
    return this.#awaited === 0 && this.#placed === undefined;
  }

  finish(): void {
    this.drain(Infinity);
    this.close();
  }

  close(): void {
    this.#road.close();
    if (this.#state === "open") this.#pump.remove(this);
    this.#state = "closed";
    this.#overflow = [];
    this.#arrived.length = 0;
  }

  send(
    message: Uint8Array,
    attachments: readonly unknown[] = NO_ATTACHMENTS,
    transfer: readonly Transferable[] = [],
    body: Uint8Array = NO_BYTES,
    isMore = false,
  ): void {
    if (this.#state === "closed") return;
    const place = attachments.length === 0
      ? this.#road.shelf?.put(message, body)
      : undefined;
    if (place !== undefined) this.#write(place, NO_BYTES, MARKER);
    else if (
      attachments.length > 0 ||
      message.length + body.length > this.#producer.maxRecord
    ) {
      this.#road.send(message, attachments, transfer, body);
      this.#write(NO_BYTES, NO_BYTES, MARKER);
    } else {
      this.#write(message, body, INLINE);
    }
    if (!isMore) this.wake();
  }

  wake(): void {
    if (this.#isClosed()) return;
    this.#peerBell.ring();
    this.#pump.expect();
  }

  /** True where `drain()` would deliver something or write out what waited for room. */
  get pending(): boolean {
    if (this.#state !== "open") return false;
    if (this.#overflow.length > 0 && this.#flush()) return true;
    if (this.#awaited > 0) return this.#arrived.length > 0;
    return this.#placed === undefined
      ? this.#consumer.pending
      : this.#road.shelf!.find(this.#placed) !== undefined;
  }

  /** Delivers up to `limit` messages; returns how many. */
  drain(limit: number): number {
    if (this.#overflow.length > 0) this.#flush();
    let delivered = 0;
    while (delivered < limit && this.#state === "open") {
      if (this.#awaited > 0) {
        const message = this.#arrived.shift();
        if (message === undefined) break;
        this.#awaited = 0;
        delivered++;
        this.onMessage(message.bytes, message.attachments);
        continue;
      }
      // Nothing is read while one is kept, so that it stays as it is.
      const record = this.#placed ?? this.#read();
      if (record === undefined) break;
      if (this.#consumer.kind === MARKER && record.length > 0) {
        const { shelf } = this.#road;
        if (shelf === undefined) {
          this.#break(misplaced());
          break;
        }
        this.#placed = record;
        const message = shelf.find(record);
        if (message === undefined) break;
        this.#placed = undefined;
        delivered++;
        this.#deliver(message);
        continue;
      }
      if (this.#consumer.kind === MARKER) {
        this.#awaited = 1;
        continue;
      }
      delivered++;
      this.onMessage(record, NO_ATTACHMENTS);
    }
    if (delivered === 0) return 0;
    // What was delivered may have closed it, and its memory be gone.
    if (!this.#isClosed() && this.#consumer.takeWish()) this.#peerBell.ring();
    this.onDelivered();
    return delivered;
  }

  #deliver(message: Uint8Array): void {
    try {
      this.onMessage(message, NO_ATTACHMENTS);
    } finally {
      this.#road.shelf?.delivered(message);
    }
  }

  #read(): Uint8Array | undefined {
    try {
      return this.#consumer.read();
    } catch (error) {
      this.#break(error);
    }
  }

  #tryWrite(head: Uint8Array, body: Uint8Array, kind: 0 | 1): boolean {
    try {
      return this.#producer.write(head, kind, body);
    } catch (error) {
      this.#break(error);
      return false;
    }
  }

  #break(error: unknown): void {
    this.close();
    this.onClose({ error });
  }

  #write(head: Uint8Array, body: Uint8Array, kind: 0 | 1): void {
    if (this.#overflow.length === 0 && this.#tryWrite(head, body, kind)) {
      return;
    }
    if (this.#state === "closed") return;
    const bytes = new Uint8Array(head.length + body.length);
    this.#overflow.push({ bytes: joined(bytes, head, body), kind });
    this.#flush();
  }

  /** Writes out what waited for room; true where something was written. */
  #flush(): boolean {
    const overflow = this.#overflow;
    let written = 0;
    let asked = false;
    while (written < overflow.length) {
      const { bytes, kind } = overflow[written]!;
      if (this.#tryWrite(bytes, NO_BYTES, kind)) {
        written++;
        continue;
      }
      if (asked || this.#isClosed()) break;
      // Once more after the wish: the consumer may have made room between.
      this.#producer.wantSpace();
      asked = true;
    }
    if (written === 0 || this.#isClosed()) return false;
    this.#overflow = overflow.slice(written);
    this.#peerBell.ring();
    return true;
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #onArrival = (bytes: Uint8Array, attachments: readonly unknown[]): void => {
    if (this.#state === "open" && this.#arrived.length === 0) {
      if (this.#awaited === 0) this.drain(ARRIVAL_BATCH);
      if (this.#awaited > 0) {
        this.#awaited = 0;
        this.onMessage(bytes, attachments);
        this.onDelivered();
        this.#pump.wake();
        return;
      }
    }
    if (this.#isClosed()) return;
    const kept = this.#road.lendsBytes ? bytes.slice() : bytes;
    this.#arrived.push({ bytes: kept, attachments });
    this.#pump.wake();
  };
}

function misplaced(): SerializationError {
  return new SerializationError(
    "Cannot read a record: it names a place, and there is no memory for large messages",
    { reason: "spoilt ring" },
  );
}
