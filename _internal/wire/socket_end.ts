// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A connection's end that is a socket. A message is a frame of
// `socket_channel.ts` with one byte for its kind in front.
//
// Back-pressure is that of the socket: while the queue of what has come in is
// full nothing is read, so that sooner or later the other side cannot write, and
// its senders wait. Nobody waits for a message to be taken, only for room.

import { SerializationError } from "../base/errors.ts";
import { endOfMessages, endOfSending, type MessageEnd } from "./message_end.ts";
import { type Message, MessageQueue, QUEUE_LIMIT } from "./message_queue.ts";
import { giveAway, SocketChannel, type SocketLike } from "./socket_channel.ts";

const VALUE = 0;
const RAW = 1;
/** The first byte of a frame, by kind. */
const HEADS = [new Uint8Array([VALUE]), new Uint8Array([RAW])] as const;

/** A {@linkcode MessageEnd} over a Unix or TCP socket. It keeps the program alive while somebody waits for a message. */
export class SocketEnd implements MessageEnd {
  readonly readable = true;
  readonly writable = true;
  readonly inbox: MessageQueue = new MessageQueue();
  onRefused: () => void = () => {};
  readonly #channel: SocketChannel;

  constructor(socket: SocketLike) {
    const channel = new SocketChannel(socket);
    this.#channel = channel;
    channel.unref();
    channel.onMessage = (message) => this.#take(message[0]!, message.slice(1));
    channel.onLarge = (kind, bytes) => this.#take(kind, bytes);
    channel.onClose = ({ error }) => {
      this.inbox.end(() => endOfMessages(error));
      this.onRefused();
    };
    this.inbox.onRoom = () => channel.resume();
    this.inbox.onWaiting = (takers, watchers) => {
      if (takers + watchers > 0) channel.ref();
      else channel.unref();
    };
    channel.open();
  }

  send({ isRaw, bytes }: Message, isGiven = false): Promise<void> | undefined {
    const channel = this.#channel;
    if (!channel.isSending) throw endOfSending();
    const wasFull = channel.unwritten >= QUEUE_LIMIT;
    if (!isRaw || isGiven) giveAway(bytes);
    channel.send(HEADS[isRaw ? RAW : VALUE], undefined, undefined, bytes);
    return wasFull ? this.#written() : undefined;
  }

  close(): void {
    this.#channel.close();
  }

  async #written(): Promise<void> {
    await this.#channel.flush();
    if (!this.#channel.isSending) throw endOfSending();
  }

  #take(kind: number, bytes: Uint8Array<ArrayBuffer>): void {
    if (kind !== VALUE && kind !== RAW) {
      const reason = `it is of kind ${kind}`;
      this.#channel.fail(
        new SerializationError(`Cannot read frame: ${reason}`, { reason }),
      );
      return;
    }
    this.inbox.put({ isRaw: kind === RAW, bytes });
    if (this.inbox.isFull) this.#channel.pause();
  }
}
