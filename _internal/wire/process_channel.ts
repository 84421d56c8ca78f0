// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The channel between a parent and a child process: frames on a socket, and,
// where the two share memory, rings beside it (process_rings.ts). Which of the
// two it is is known when they have met; what is sent before waits here.
//
// The end of the socket is the end of the channel in both cases. What the other
// side wrote into the rings before is read first.

import { joined, NO_BYTES } from "./bytes.ts";
import type { Channel, ChannelClose } from "./channel.ts";
import type { RingChannel } from "./ring_channel.ts";
import {
  checkMessage,
  SocketChannel,
  type SocketLike,
} from "./socket_channel.ts";

/** How the rings come to the channel: their code is loaded only where they are used. */
export interface RingLink {
  connect(socket: SocketChannel): RingChannel;
}

/** One side of the channel between two processes. */
export class ProcessChannel implements Channel {
  readonly carriesAttachments = false;
  onMessage: (message: Uint8Array, attachments: readonly unknown[]) => void =
    () => {};
  onDelivered: () => void = () => {};
  onClose: (close: ChannelClose) => void = () => {};

  readonly #socket = new SocketChannel();
  #rings: RingChannel | undefined;
  /** What was sent before the two had met. */
  #early: Uint8Array[] = [];
  readonly #met = Promise.withResolvers<void>();
  #isOpen = false;

  constructor() {
    this.#socket.ended.then(() => this.#met.resolve());
    this.#socket.onClose = (close) => {
      this.#rings?.finish();
      this.onClose(close);
    };
  }

  /** Resolves once the socket is closed, with what ended it. Never rejects. */
  get ended(): Promise<ChannelClose> {
    return this.#socket.ended;
  }

  /** True once the two have met, also after the end. */
  get isConnected(): boolean {
    return this.#socket.isConnected;
  }

  /** Gives the channel its socket, and the rings where the two share memory. A channel that was closed meanwhile closes the socket. */
  attach(conn: SocketLike, link?: RingLink): void {
    const socket = this.#socket;
    socket.attach(conn);
    if (!socket.isConnected) return;
    this.#rings = link?.connect(socket);
    if (this.#rings !== undefined) {
      this.#rings.onClose = ({ error }) => socket.fail(error);
    }
    if (this.#isOpen) this.#open();
    const channel = this.#rings ?? socket;
    for (const message of this.#early.splice(0)) channel.send(message);
    this.#met.resolve();
  }

  /** True where all that was sent is where the other side finds it. */
  get isQuiet(): boolean {
    return this.#early.length === 0 && this.#rings?.isWritten !== false &&
      this.#socket.isQuiet;
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    if (this.isConnected) this.#open();
  }

  send(
    message: Uint8Array,
    attachments?: readonly unknown[],
    transfer?: readonly Transferable[],
    body: Uint8Array = NO_BYTES,
    isMore?: boolean,
  ): void {
    const channel = this.#rings ?? this.#socket;
    if (this.isConnected) {
      channel.send(message, attachments, transfer, body, isMore);
      return;
    }
    const { length } = message;
    checkMessage(length + body.length, attachments);
    const whole = new Uint8Array(length + body.length);
    this.#early.push(joined(whole, message, body));
  }

  wake(): void {
    this.#rings?.wake();
  }

  /** Undefined where only the event loop knows. */
  get pending(): boolean | undefined {
    return this.#rings?.pending;
  }

  poll(): boolean {
    return this.#rings?.poll() ?? false;
  }

  /** The other side counts the raises that went out of band. Only without rings. */
  set onFence(fn: (count: number) => void) {
    this.#socket.onFence = fn;
  }

  /** Tells how many raises went out of band so far. Only without rings. */
  fence(count: number): void {
    this.#socket.fence(count);
  }

  /** Resolves when all that was sent is where the other side finds it, or cannot be written any more. */
  async flush(): Promise<void> {
    if (this.#early.length > 0) await this.#met.promise;
    while (this.#rings?.isWritten === false) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.#socket.flush();
  }

  whenSent(): Promise<void> | undefined {
    return this.#rings === undefined || this.#socket.isQuiet
      ? undefined
      : this.#socket.flush();
  }

  finish(): void {
    this.#rings?.finish();
    this.#socket.finish();
  }

  close(): void {
    this.#early = [];
    this.#rings?.close();
    this.#socket.close();
  }

  /** Ends the channel at once, as if the other side had ended with `error`. */
  fail(error: unknown): void {
    this.#socket.fail(error);
  }

  /** Lets the program end although the channel waits for messages. */
  unref(): void {
    this.#socket.unref();
  }

  #open(): void {
    const channel = this.#rings ?? this.#socket;
    channel.onMessage = (message, attachments) =>
      this.onMessage(message, attachments);
    channel.onDelivered = () => this.onDelivered();
    this.#rings?.open();
    this.#socket.open();
  }
}
