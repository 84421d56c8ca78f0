// Copyright 2026 the @concurrent/parallel authors. MIT license.

// An end of a connection at home: in the thread that made it. It is sent to others
// as a reference, and then served at this thread's station; `remote_end.ts` is
// their side. Several may have one end: whoever takes first gets a message.
//
//   send | sendRaw (casts)    --->  end.send()
//                             <---  push CREDIT n: so many bytes have found room
//                             <---  push ENDED: nobody takes them
//   take                      --->  the next message, when there is one
//   tryTake                   --->  the next message, or nothing
//   look, isReady             --->  that there is one, when there is; whether there is
//   putBack kind, bytes       --->  goes to the front: it was taken ahead
//
// When an end is at its end. It has holders: those elsewhere, whom the station
// counts, references on their way among them; and who has it here.
//
// here     meaning                            leaves by
// unused   nobody has sent or received here   use -> used; close() -> closed
// used     counts as a holder                 close() -> closed
// closed   does not                           never
//
// With no holder elsewhere: closed -> the end is closed. unused, and it was sent
// away before -> the other side is told that it ends, since who made the pipe for
// a child hardly ever closes his own copy; but should the end be sent or used once
// more, it is as open as before. Nothing that was sent to it is lost meanwhile.

import { holdProgram, releaseProgram } from "../base/registry.ts";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";
import { endOfMessages, type MessageEnd } from "../wire/message_end.ts";
import type { Message } from "../wire/message_queue.ts";
import { newObjectNumber, pushFromHere, sendOut } from "./own_station.ts";
import type { Reference } from "./reference.ts";
import { giveAway } from "../wire/socket_channel.ts";
import {
  type Caller,
  Parts,
  type Peer,
  type ResultBytes,
  type Served,
} from "./station.ts";

/** What an end tells those who have it. */
export const EndPush = { credit: 1, ended: 2 } as const;
/** Bytes for which nobody has been given credit that a sender may have under way. */
export const WINDOW = 1 << 20;
/** Credit is given for so many bytes at a time. */
const CREDIT_STEP = WINDOW / 4;
/** What a message counts for beside its bytes. */
export const SEND_COST = 64;

const NOTHING = new Uint8Array();
const ENDED = new Uint8Array([EndPush.ended]);
const YES = new Uint8Array([1]);
const NO = new Uint8Array([0]);

/** An end of a connection, for others. */
export interface EndReference {
  readonly reference: Reference;
  readonly readable: boolean;
  readonly writable: boolean;
}

/** An end that can be sent to others. */
export interface SendableEnd extends Omit<MessageEnd, "onRefused"> {
  /** Names the end for one more receiver. */
  reference(): EndReference;
  /** It is used here from now on, and not only kept for somebody else. */
  use(): void;
  /** Somebody here waits for the other side, or does not any more: that keeps the program alive while there is one elsewhere. */
  waits(change: 1 | -1): void;
}

type HereState = "unused" | "used" | "closed";

/** An end at home, and all who have it. */
export class SharedEnd implements Served {
  readonly end: MessageEnd;
  /** The road's other end, where that is at home here too. */
  #peer: SharedEnd | undefined;
  readonly #object = newObjectNumber();
  /** Bytes that a sender has not been given credit for yet. */
  readonly #owed = new Map<string, number>();
  #here: HereState = "unused";
  #holder: HomeEnd | undefined;
  #isOut = false;
  /** How many wait here. */
  #waits = 0;
  #isHolding = false;

  constructor(end: MessageEnd) {
    this.end = end;
    end.onRefused = () => pushFromHere(this.#object, ENDED);
  }

  /** Names the end for one more receiver. */
  reference(): EndReference {
    const reference = sendOut(this.#object, () => this);
    this.#isOut = true;
    this.#peer?.reviewHold();
    this.#revive();
    const { readable, writable } = this.end;
    return { reference, readable, writable };
  }

  /** It is used here. */
  use(): void {
    if (this.#here !== "unused") return;
    this.#here = "used";
    this.#revive();
  }

  /** Somebody has it here: who made it, or who got it back from elsewhere. */
  arriveHere(holder: HomeEnd): void {
    this.#holder = holder;
    if (this.#here === "closed") this.#here = "used";
  }

  /** True where others have it, or are about to. */
  get isOut(): boolean {
    return this.#isOut;
  }

  /** The two ends of a pipe know each other. */
  join(peer: SharedEnd): void {
    this.#peer = peer;
  }

  /** Somebody waits here, or does not any more. */
  waitsHere(change: 1 | -1): void {
    this.#waits += change;
    this.reviewHold();
  }

  /** Keeps the program alive while somebody waits here for somebody elsewhere. */
  reviewHold(): void {
    const holds = this.#waits > 0 && this.#peer?.isOut === true;
    if (holds === this.#isHolding) return;
    this.#isHolding = holds;
    if (holds) holdProgram();
    else releaseProgram();
  }

  /** Whoever had it here has it no more. */
  leaveHere(holder: HomeEnd): void {
    if (this.#holder !== holder) return;
    this.#here = "closed";
    if (!this.#isOut) this.end.close();
  }

  unheld(): void {
    this.#isOut = false;
    this.#owed.clear();
    this.#peer?.reviewHold();
    if (this.#here === "closed") this.end.close();
    else if (this.#here === "unused") this.#peer?.end.inbox.end(endOfMessages);
  }

  left({ id }: Peer): void {
    this.#owed.delete(id);
  }

  call(
    method: string,
    body: Uint8Array,
    caller: Caller,
  ): ResultBytes | Promise<ResultBytes> {
    switch (method) {
      case "send":
      case "sendRaw": {
        const bytes = body.slice() as Message["bytes"];
        this.#send({ isRaw: method === "sendRaw", bytes }, caller.peer);
        return NOTHING;
      }
      case "take":
        return this.#take(caller);
      case "tryTake":
        return this.#tryTake();
      case "look":
        return this.#look(caller);
      case "isReady":
        return this.end.inbox.isReady ? YES : NO;
      case "putBack":
        this.end.inbox.putBack(readMessage(body));
        return NOTHING;
      default:
        throw new TypeError(
          `Cannot call '${method}': a connection has no such method`,
        );
    }
  }

  /** Somebody can send through this end again. */
  #revive(): void {
    if (this.#here !== "closed" || this.#isOut) this.#peer?.end.inbox.reopen();
  }

  #send(message: Message, peer: Peer): void {
    const size = message.bytes.length + SEND_COST;
    let room: Promise<void> | undefined;
    try {
      room = this.end.send(message, true);
    } catch {
      this.#tellEnd(peer);
      return;
    }
    if (room === undefined) this.#credit(peer, size);
    else {
      room.then(
        () => this.#credit(peer, size),
        () => this.#tellEnd(peer),
      );
    }
  }

  #credit(peer: Peer, size: number): void {
    const owed = (this.#owed.get(peer.id) ?? 0) + size;
    if (owed < CREDIT_STEP) {
      this.#owed.set(peer.id, owed);
      return;
    }
    this.#owed.set(peer.id, 0);
    const w = new ByteWriter(16);
    w.u8(EndPush.credit);
    w.varint(owed);
    peer.push(this.#object, w.bytes());
  }

  #tellEnd(peer: Peer): void {
    peer.push(this.#object, ENDED);
  }

  async #take({ signal, peer }: Caller): Promise<ResultBytes> {
    const { inbox } = this.end;
    return partsOf(
      inbox.tryTake() ?? await inbox.take("receive", { signal }, peer),
    );
  }

  #tryTake(): ResultBytes {
    const message = this.end.inbox.tryTake();
    if (message !== undefined) return partsOf(message);
    if (this.end.inbox.isEnded) throw endOfMessages();
    return NOTHING;
  }

  async #look({ signal, peer }: Caller): Promise<Uint8Array> {
    await this.end.inbox.arrived("look", { signal }, peer);
    return NOTHING;
  }
}

const KINDS = [new Uint8Array([0]), new Uint8Array([1])] as const;

/** A message as bytes: its kind, then itself. */
function partsOf({ isRaw, bytes }: Message): Parts {
  return new Parts(KINDS[isRaw ? 1 : 0], giveAway(bytes));
}

/** As `partsOf()`, in one. */
export function writeMessage({ isRaw, bytes }: Message): Uint8Array {
  const body = new Uint8Array(1 + bytes.length);
  body[0] = isRaw ? 1 : 0;
  body.set(bytes, 1);
  return body;
}

/** Reads what `writeMessage()` wrote, into memory of its own. */
export function readMessage(body: Uint8Array): Message {
  const kind = new ByteReader(body).u8();
  return { isRaw: kind === 1, bytes: body.slice(1) as Message["bytes"] };
}

/** Who has an end at home. */
export class HomeEnd implements SendableEnd {
  readonly #shared: SharedEnd;

  constructor(shared: SharedEnd) {
    this.#shared = shared;
    shared.arriveHere(this);
  }

  get readable(): boolean {
    return this.#shared.end.readable;
  }

  get writable(): boolean {
    return this.#shared.end.writable;
  }

  get inbox(): MessageEnd["inbox"] {
    return this.#shared.end.inbox;
  }

  use(): void {
    this.#shared.use();
  }

  waits(change: 1 | -1): void {
    this.#shared.waitsHere(change);
  }

  send(message: Message): Promise<void> | undefined {
    return this.#shared.end.send(message);
  }

  reference(): EndReference {
    return this.#shared.reference();
  }

  close(): void {
    this.#shared.leaveHere(this);
  }
}
