// Copyright 2026 the @concurrent/parallel authors. MIT license.

// An end of a connection that another thread has made, over a link to it
// (`shared_end.ts` is that side).
//
//   - Nothing is taken that nobody here waits for, since others may have the end
//     too: each `take()` is a call, and where the wait ends before its answer the
//     call is cancelled. An answer that has overtaken the cancellation stays in the
//     inbox for the next taker, and goes back when the end is closed.
//   - Sends are casts, in order. A sender waits while more than WINDOW bytes are
//     under way for which no credit has come.
//   - The end of the road is an answer like any other: it ends the waits that were
//     told so, and the next one asks again.

import { ConnectionClosedError } from "../base/errors.ts";
import { holdProgram, releaseProgram } from "../base/registry.ts";
import { ByteReader } from "../wire/bytes.ts";
import { endOfSending } from "../wire/message_end.ts";
import { type Message, MessageQueue } from "../wire/message_queue.ts";
import { giveAway } from "../wire/socket_channel.ts";
import { RemoteObject } from "./remote_object.ts";
import {
  EndPush,
  type EndReference,
  readMessage,
  SEND_COST,
  type SendableEnd,
  WINDOW,
  writeMessage,
} from "./shared_end.ts";

const NOTHING = new Uint8Array();

/** Calls of one method, as many as there are who wait. */
class Calls<T> {
  readonly #call: (signal: AbortSignal) => Promise<T>;
  readonly #onAnswer: (answer: T) => void;
  readonly #onError: (error: unknown) => void;
  readonly #waiting: AbortController[] = [];
  readonly #all = new Set<Promise<void>>();

  constructor(
    call: (signal: AbortSignal) => Promise<T>,
    onAnswer: (answer: T) => void,
    onError: (error: unknown) => void,
  ) {
    this.#call = call;
    this.#onAnswer = onAnswer;
    this.#onError = onError;
  }

  /** Starts or cancels calls until there are so many. */
  adjust(count: number): void {
    while (this.#waiting.length > count) this.#waiting.pop()!.abort();
    while (this.#waiting.length < count) {
      const controller = new AbortController();
      this.#waiting.push(controller);
      const run = this.#run(controller);
      this.#all.add(run);
      void run.then(() => this.#all.delete(run));
    }
  }

  /** Resolves when all have their answers, the cancelled ones too. */
  async settled(): Promise<void> {
    await Promise.all(this.#all);
  }

  async #run(controller: AbortController): Promise<void> {
    const { signal } = controller;
    let answer: T;
    try {
      answer = await this.#call(signal);
    } catch (error) {
      this.#forget(controller);
      if (!signal.aborted) this.#onError(error);
      return;
    }
    // First, since whoever gets the answer waits no more.
    this.#forget(controller);
    this.#onAnswer(answer);
  }

  #forget(controller: AbortController): void {
    const index = this.#waiting.indexOf(controller);
    if (index >= 0) this.#waiting.splice(index, 1);
  }
}

/** An end elsewhere. */
export class RemoteEnd implements SendableEnd {
  readonly readable: boolean;
  readonly writable: boolean;
  readonly inbox: MessageQueue = new MessageQueue();
  readonly #remote: RemoteObject;
  readonly #takes: Calls<Message>;
  readonly #looks: Calls<unknown>;
  /** Bytes under way for which no credit has come. */
  #uncredited = 0;
  #senders: PromiseWithResolvers<void>[] = [];
  /** Whoever sends is told. */
  #isRefused = false;
  #state: "open" | "closed" = "open";

  constructor({ reference, readable, writable }: EndReference) {
    this.readable = readable;
    this.writable = writable;
    this.#remote = new RemoteObject(reference);
    this.#remote.subscribe((body) => this.#handle(body));
    const onError = (error: unknown) => this.#tellEnd(error);
    this.#takes = new Calls(
      (signal) => this.#remote.callBytes("take", NOTHING, signal, readMessage),
      (message) => this.#receive(message),
      onError,
    );
    this.#looks = new Calls(
      (signal) => this.#remote.callBytes("look", NOTHING, signal),
      () => this.inbox.notice(),
      onError,
    );
    this.inbox.onWaiting = (takers, watchers) => {
      if (this.#state === "closed") return;
      this.#takes.adjust(takers);
      this.#looks.adjust(watchers > 0 && takers === 0 ? 1 : 0);
    };
    this.#remote.closed.then(() => this.#lose());
  }

  use(): void {
    // It is held since it has come.
  }

  waits(change: 1 | -1): void {
    if (change > 0) holdProgram();
    else releaseProgram();
  }

  reference(): EndReference {
    const { readable, writable } = this;
    return { reference: this.#remote.reference(), readable, writable };
  }

  send(message: Message, isGiven = false): Promise<void> | undefined {
    if (this.#remote.isClosed) throw lost("send to");
    if (this.#isRefused) throw endOfSending();
    const wasFull = this.#uncredited >= WINDOW;
    this.#uncredited += message.bytes.length + SEND_COST;
    const method = message.isRaw ? "sendRaw" : "send";
    if (!message.isRaw || isGiven) giveAway(message.bytes);
    this.#remote.cast(method, message.bytes);
    if (!wasFull) return undefined;
    const sender = Promise.withResolvers<void>();
    this.#senders.push(sender);
    return sender.promise;
  }

  async ask(takes: boolean): Promise<boolean> {
    if (this.inbox.isReady) return true;
    const method = takes ? "tryTake" : "isReady";
    const answer = await this.#remote.callBytes(method, NOTHING);
    if (!takes) return answer[0] === 1;
    if (answer.length > 0) this.inbox.put(readMessage(answer));
    return answer.length > 0;
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#takes.adjust(0);
    this.#looks.adjust(0);
    for (const message of this.inbox.clear().reverse()) this.#putBack(message);
    for (const { resolve } of this.#senders.splice(0)) resolve();
    // A message may be on its way here still.
    void this.#takes.settled().then(() => this.#remote.release());
  }

  #receive(message: Message): void {
    if (this.#state === "open") this.inbox.put(message);
    else this.#putBack(message);
  }

  #putBack(message: Message): void {
    this.#remote.cast("putBack", writeMessage(message));
  }

  #tellEnd(error: unknown): void {
    this.inbox.end(() => error as Error);
    if (!this.#remote.isClosed) this.inbox.reopen();
  }

  #handle(body: Uint8Array): void {
    const r = new ByteReader(body);
    if (r.u8() === EndPush.credit) {
      this.#uncredited = Math.max(0, this.#uncredited - r.varint());
      if (this.#uncredited >= WINDOW) return;
      for (const { resolve } of this.#senders.splice(0)) resolve();
    } else {
      this.#isRefused = true;
      this.#uncredited = 0;
      for (const { reject } of this.#senders.splice(0)) reject(endOfSending());
    }
  }

  /** The thread that made it is gone. */
  #lose(): void {
    this.inbox.end(() => lost("receive from"));
    for (const { reject } of this.#senders.splice(0)) reject(lost("send to"));
  }
}

function lost(verb: string): ConnectionClosedError {
  return new ConnectionClosedError(
    `Cannot ${verb} a connection: the process that made it is gone`,
  );
}
