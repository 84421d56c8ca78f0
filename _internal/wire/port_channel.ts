// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { joined, NO_BYTES } from "./bytes.ts";
import type { Channel, ChannelClose } from "./channel.ts";
import type { MessageSource } from "./port_road.ts";

/**
 * The channel over a bare message port: one `postMessage` for each message.
 * Slower than the rings (40-90 us a round trip); used where the platform has
 * no `Atomics.waitAsync`.
 */
export class PortChannel implements Channel {
  readonly carriesAttachments = true;
  onMessage: (message: Uint8Array, attachments: readonly unknown[]) => void =
    () => {};
  onDelivered: () => void = () => {};
  onClose: (close: ChannelClose) => void = () => {};

  readonly #port: MessageSource;
  #state: "new" | "open" | "closed" = "new";

  constructor(port: MessageSource) {
    this.#port = port;
  }

  open(): void {
    this.#state = "open";
    this.#port.addEventListener("message", this.#onPortMessage);
  }

  close(): void {
    if (this.#state === "open") {
      this.#port.removeEventListener("message", this.#onPortMessage);
    }
    this.#state = "closed";
  }

  finish(): void {
    // The port's messages come by the event loop: there is nothing to read.
    this.close();
  }

  send(
    message: Uint8Array,
    attachments: readonly unknown[] = [],
    transfer: readonly Transferable[] = [],
    body: Uint8Array = NO_BYTES,
  ): void {
    if (this.#state === "closed") return;
    const bytes = joined(
      new Uint8Array(message.length + body.length),
      message,
      body,
    );
    this.#port.postMessage({ bytes, attachments }, [
      ...transfer,
      bytes.buffer,
    ]);
  }

  #onPortMessage = (event: MessageEvent): void => {
    const { data } = event;
    if (!(data?.bytes instanceof Uint8Array)) return;
    this.onMessage(data.bytes, data.attachments);
    this.onDelivered();
  };
}
