// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The channel between the main thread and a worker thread: a ring in shared
// memory for each direction, and the platform's message port for what cannot
// be written into a ring.
//
//   host                                              guest
//   send() --> requests ring -------------------> drain() --> onMessage()
//          \-> port: large, or with attachments --^ (matched with its marker)
//   drain() <-- results ring <------------------- send()
//   hostBell (one word for all workers)             guestBell (one per worker)
//
// Order: a message that goes through the port leaves a marker record in the
// ring. Both roads are FIFO, so the n-th marker belongs to the n-th port
// message, and a receiver that meets a marker before its message stops
// draining until the port delivers it. The port message is posted before the
// marker is written: a value that cannot be cloned throws and leaves nothing.
//
// Full ring: what does not fit waits in `#overflow`, in order, and is written
// when the consumer rings the producer's bell (see `ring.ts`, step 4).

import type { Bell } from "../memory/bell.ts";
import type { RingConsumer, RingProducer } from "../memory/ring.ts";
import type { Channel, ChannelClose } from "./channel.ts";
import type { RingPump } from "./ring_pump.ts";

const NO_ATTACHMENTS: readonly unknown[] = [];
const EMPTY = new Uint8Array(0);

/** A record with the message itself. */
const INLINE = 0;
/** A record that stands for the next port message. */
const MARKER = 1;

/** What goes through the port. */
interface PortMessage {
  readonly bytes: Uint8Array;
  readonly attachments: readonly unknown[];
}

/** The part of Worker, MessagePort and a worker's global scope that a channel needs. */
export interface MessageSource {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(
    type: "message",
    listener: (event: MessageEvent) => void,
  ): void;
  removeEventListener(
    type: "message",
    listener: (event: MessageEvent) => void,
  ): void;
}

/** Where the rings of a worker lie in its shared memory. */
export interface RingEnds {
  readonly producer: RingProducer;
  readonly consumer: RingConsumer;
  /** Wakes the other side. */
  readonly peerBell: Bell;
  /** Carries what cannot be written into a ring. */
  readonly port: MessageSource;
}

/** One side of the shared-memory channel. Its pump drains it. */
export class RingChannel implements Channel {
  readonly carriesAttachments = true;
  onMessage: (message: Uint8Array, attachments: readonly unknown[]) => void =
    () => {};
  onClose: (close: ChannelClose) => void = () => {};

  readonly #producer: RingProducer;
  readonly #consumer: RingConsumer;
  readonly #peerBell: Bell;
  readonly #port: MessageSource;
  readonly #pump: RingPump;
  readonly #arrived: PortMessage[] = [];
  /** Markers read whose port message has not come yet: 0 or 1. */
  #awaited = 0;
  #overflow: { bytes: Uint8Array; kind: 0 | 1 }[] = [];
  #state: "new" | "open" | "closed" = "new";

  /**
   * @param ends The rings, the other side's bell and the port.
   * @param pump Drains the channel while it is open.
   */
  constructor(ends: RingEnds, pump: RingPump) {
    this.#producer = ends.producer;
    this.#consumer = ends.consumer;
    this.#peerBell = ends.peerBell;
    this.#port = ends.port;
    this.#pump = pump;
    // Before it is open: what the other side sends at once is not lost.
    this.#port.addEventListener("message", this.#onPortMessage);
  }

  open(): void {
    this.#state = "open";
    this.#pump.add(this);
  }

  poll(): void {
    this.drain(Infinity);
  }

  finish(): void {
    this.drain(Infinity);
    this.close();
  }

  close(): void {
    this.#port.removeEventListener("message", this.#onPortMessage);
    if (this.#state === "open") this.#pump.remove(this);
    this.#state = "closed";
    this.#overflow = [];
    this.#arrived.length = 0;
  }

  send(
    message: Uint8Array,
    attachments: readonly unknown[] = NO_ATTACHMENTS,
    transfer: readonly Transferable[] = [],
  ): void {
    if (this.#state === "closed") return;
    if (
      attachments.length > 0 || message.length > this.#producer.maxRecord
    ) {
      // Large messages are copied once into memory that both sides see.
      const bytes = new Uint8Array(new SharedArrayBuffer(message.length));
      bytes.set(message);
      this.#port.postMessage({ bytes, attachments }, [...transfer]);
      this.#write(EMPTY, MARKER);
    } else {
      this.#write(message, INLINE);
    }
    this.#peerBell.ring();
  }

  /** True where `drain()` would deliver something or write out what waited for room. */
  get pending(): boolean {
    if (this.#state !== "open") return false;
    if (this.#overflow.length > 0 && this.#flush()) return true;
    return this.#awaited > 0
      ? this.#arrived.length > 0
      : this.#consumer.pending;
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
      const record = this.#consumer.read();
      if (record === undefined) break;
      if (this.#consumer.kind === MARKER) {
        this.#awaited = 1;
        continue;
      }
      delivered++;
      this.onMessage(record, NO_ATTACHMENTS);
    }
    if (delivered > 0 && this.#consumer.takeWish()) this.#peerBell.ring();
    return delivered;
  }

  #write(bytes: Uint8Array, kind: 0 | 1): void {
    if (this.#overflow.length === 0 && this.#producer.write(bytes, kind)) {
      return;
    }
    this.#overflow.push({ bytes: bytes.slice(), kind });
    this.#flush();
  }

  /** Writes out what waited for room; true where something was written. */
  #flush(): boolean {
    const overflow = this.#overflow;
    let written = 0;
    let asked = false;
    while (written < overflow.length) {
      const { bytes, kind } = overflow[written]!;
      if (this.#producer.write(bytes, kind)) {
        written++;
        continue;
      }
      if (asked) break;
      // Once more after the wish: the consumer may have made room between.
      this.#producer.wantSpace();
      asked = true;
    }
    if (written === 0) return false;
    this.#overflow = overflow.slice(written);
    this.#peerBell.ring();
    return true;
  }

  #onPortMessage = (event: MessageEvent): void => {
    const { data } = event;
    if (!(data?.bytes instanceof Uint8Array)) return;
    this.#arrived.push(data as PortMessage);
    this.#pump.wake();
  };
}
