// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The two ends of a pipe, in the isolate that made it: two queues, each the inbox
// of one end. A message is there when `send()` returns; the sender waits while
// the queue is full, in the order of arrival. A message larger than the queue
// passes where the queue has room for any: so nobody waits for a receiver who
// comes behind him in the same function.

import { ConnectionClosedError } from "../base/errors.ts";
import { endOfMessages, endOfSending, type MessageEnd } from "./message_end.ts";
import { type Message, MessageQueue } from "./message_queue.ts";

/** One end of a pipe. */
class LocalEnd implements MessageEnd {
  readonly inbox: MessageQueue = new MessageQueue();
  onRefused: () => void = () => {};
  readonly readable: boolean;
  readonly writable: boolean;
  #peer: LocalEnd | undefined;
  /** Senders that wait for room in the other end's queue. */
  #senders: PromiseWithResolvers<void>[] = [];
  #state: "open" | "closed" = "open";

  constructor(readable: boolean, writable: boolean) {
    this.readable = readable;
    this.writable = writable;
  }

  join(peer: LocalEnd): void {
    this.#peer = peer;
    peer.inbox.onRoom = () => {
      for (const { resolve } of this.#senders.splice(0)) resolve();
    };
  }

  send({ isRaw, bytes }: Message, isGiven = false): Promise<void> | undefined {
    const peer = this.#peer!;
    if (this.#state === "closed" || peer.#state === "closed") {
      throw endOfSending();
    }
    const wasFull = peer.inbox.isFull;
    peer.inbox.put({ isRaw, bytes: isRaw && !isGiven ? bytes.slice() : bytes });
    if (!wasFull || !peer.inbox.isFull) return undefined;
    const sender = Promise.withResolvers<void>();
    this.#senders.push(sender);
    return sender.promise;
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    const peer = this.#peer!;
    // What was sent can still be received there, and nothing here any more.
    peer.inbox.end(endOfMessages);
    this.inbox.clear();
    this.inbox.end(() =>
      new ConnectionClosedError(
        "Cannot receive from a connection: it is closed",
      )
    );
    for (const { reject } of peer.#senders.splice(0)) reject(endOfSending());
    peer.onRefused();
    for (const { resolve } of this.#senders.splice(0)) resolve();
  }
}

/**
 * Makes the two ends of a pipe.
 *
 * @param duplex False: the first only receives and the second only sends.
 */
export function localPipe(duplex: boolean): [MessageEnd, MessageEnd] {
  const first = new LocalEnd(true, duplex);
  const second = new LocalEnd(duplex, true);
  first.join(second);
  second.join(first);
  return [first, second];
}
