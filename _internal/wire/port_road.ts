// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { joined } from "./bytes.ts";
import type { SideRoad } from "./ring_channel.ts";
import { SegmentShelf } from "./segment_shelf.ts";

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

/** The platform's message port, beside the rings between two threads. */
export class PortRoad implements SideRoad {
  readonly carriesAttachments = true;
  readonly lendsBytes = false;
  onArrival: (message: Uint8Array, attachments: readonly unknown[]) => void =
    () => {};
  onShelved: () => void = () => {};
  readonly shelf: SegmentShelf;
  readonly #port: MessageSource;

  constructor(port: MessageSource) {
    this.#port = port;
    this.shelf = new SegmentShelf((message) => port.postMessage(message, []));
    port.addEventListener("message", this.#onMessage);
  }

  send(
    message: Uint8Array,
    attachments: readonly unknown[],
    transfer: readonly Transferable[],
    body: Uint8Array,
  ): void {
    // Copied once, into memory that both sides see.
    const memory = new SharedArrayBuffer(message.length + body.length);
    const bytes = joined(new Uint8Array(memory), message, body);
    this.#port.postMessage({ bytes, attachments }, [...transfer]);
  }

  close(): void {
    this.#port.removeEventListener("message", this.#onMessage);
    this.shelf.close();
  }

  #onMessage = ({ data }: MessageEvent): void => {
    if (typeof data !== "object" || data === null) return;
    if (data.bytes instanceof Uint8Array) {
      this.onArrival(data.bytes, data.attachments);
    } else if (this.shelf.receive(data)) this.onShelved();
  };
}
