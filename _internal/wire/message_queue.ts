// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The messages that one end of a connection has, and those who wait for them:
// what a socket, the other half of a pipe or a link fills, and a `Connection`
// empties.
//
//   - Whoever takes is served in the order of arrival, and gets a message or none:
//     one that was handed to somebody whose wait was aborted in that very moment
//     goes back to the front.
//   - Who only looks is woken by what is left when the takers have been served,
//     and by the end.
//   - After `end()` what is there can still be taken; then everybody gets the error,
//     until somebody comes who can send again (`reopen()`).
//   - Several may share a queue. Each waits in its own name, so that it can be
//     told to stop (`abandon()`) without a word to the others.
//
// Back-pressure is a matter of whoever fills it: it is told when there is room
// again, and who waits.

import { heard, type WaitOptions } from "../base/deadline.ts";

/** What goes through a connection. */
export interface Message {
  /** True for bytes that are no value but themselves. */
  readonly isRaw: boolean;
  /** In memory of their own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A queue with so many bytes is full. Nothing that comes then is refused: it is for the senders to wait. */
export const QUEUE_LIMIT = 1 << 20;
/** Empty messages take memory too. */
const MESSAGE_COST = 64;
/** So many places of messages that were taken are kept before they are cut off. */
const KEPT_PLACES = 1024;

interface Waiter {
  readonly owner: unknown;
  readonly takes: boolean;
  message?: Message;
  /** What ends the wait, for this owner only. */
  error?: Error;
  wake: () => void;
}

/** Messages, in order, and those who wait for them. */
export class MessageQueue {
  /** Set by whoever fills it: the queue was full and is not any more. */
  onRoom: () => void = () => {};
  /** Set by whoever fills it: how many wait to take, and how many to look, after every change. */
  onWaiting: (takers: number, watchers: number) => void = () => {};
  #messages: (Message | undefined)[] = [];
  #head = 0;
  #size = 0;
  readonly #takers = new Set<Waiter>();
  readonly #watchers = new Set<Waiter>();
  /** Makes the error for those who wait in vain. */
  #makeError: (() => Error) | undefined;

  /** Bytes that are here; a message counts for a little more than what is in it. */
  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= QUEUE_LIMIT;
  }

  /** How many messages are here. */
  get length(): number {
    return this.#messages.length - this.#head;
  }

  /** True where nobody who takes or looks has to wait. */
  get isReady(): boolean {
    return this.length > 0 || this.#makeError !== undefined;
  }

  /** True after `end()`. */
  get isEnded(): boolean {
    return this.#makeError !== undefined;
  }

  /** How many wait to take. */
  get takers(): number {
    return this.#takers.size;
  }

  /** Adds a message. After the end it is dropped. */
  put(message: Message): void {
    if (this.#makeError !== undefined || this.#hand(message)) return;
    this.#messages.push(message);
    this.#size += costOf(message);
    this.#wakeAll(this.#watchers);
  }

  /** Puts a message back that was not taken after all. */
  putBack(message: Message): void {
    if (this.#hand(message)) return;
    if (this.#head > 0) this.#messages[--this.#head] = message;
    else this.#messages.unshift(message);
    this.#size += costOf(message);
    this.#wakeAll(this.#watchers);
  }

  /** Nothing comes any more. The first end counts. */
  end(makeError: () => Error): void {
    if (this.#makeError !== undefined) return;
    this.#makeError = makeError;
    for (const taker of this.#takers) taker.error = makeError();
    this.#wakeAll(this.#takers);
    this.#wakeAll(this.#watchers);
  }

  /** Wakes those who only look: there is something elsewhere. */
  notice(): void {
    this.#wakeAll(this.#watchers);
  }

  /** Undoes `end()`: something may come after all. */
  reopen(): void {
    this.#makeError = undefined;
  }

  /** Ends the waits of one owner. */
  abandon(owner: unknown, makeError: () => Error): void {
    for (const waiters of [this.#takers, this.#watchers]) {
      for (const waiter of [...waiters]) {
        if (waiter.owner !== owner) continue;
        waiters.delete(waiter);
        waiter.error = makeError();
        waiter.wake();
      }
    }
    this.#tellWaiting();
  }

  /** Takes out all that is here. */
  clear(): Message[] {
    const messages = this.#messages.slice(this.#head) as Message[];
    this.#messages = [];
    this.#head = this.#size = 0;
    return messages;
  }

  /** Takes a message if there is one. */
  tryTake(): Message | undefined {
    if (this.length === 0) return undefined;
    const wasFull = this.isFull;
    const message = this.#messages[this.#head]!;
    this.#messages[this.#head++] = undefined;
    if (this.#head === this.#messages.length) {
      this.#messages.length = this.#head = 0;
    } else if (
      this.#head > KEPT_PLACES && this.#head * 2 > this.#messages.length
    ) {
      this.#messages.splice(0, this.#head);
      this.#head = 0;
    }
    this.#size -= costOf(message);
    if (wasFull && !this.isFull) this.onRoom();
    return message;
  }

  /**
   * Takes the next message.
   *
   * @param verb What is being done, for the error.
   * @param options Timeout and signal, already checked.
   * @param owner Who waits.
   */
  async take(
    verb: string,
    options: WaitOptions,
    owner?: unknown,
  ): Promise<Message> {
    options.signal?.throwIfAborted();
    const here = this.tryTake();
    if (here !== undefined) return here;
    const waiter = await this.#wait(verb, options, owner, true);
    return waiter.message!;
  }

  /** Resolves when there is a message, or the end. */
  async arrived(
    verb: string,
    options: WaitOptions,
    owner?: unknown,
  ): Promise<void> {
    options.signal?.throwIfAborted();
    if (!this.isReady) await this.#wait(verb, options, owner, false);
  }

  /**
   * Calls a function once, when there is a message or the end, which is not so
   * now, or the owner has to stop. Returns what takes that back.
   */
  watch(wake: () => void, owner?: unknown): () => void {
    return this.#join({ owner, takes: false, wake });
  }

  async #wait(
    verb: string,
    options: WaitOptions,
    owner: unknown,
    takes: boolean,
  ): Promise<Waiter> {
    const waiter: Waiter = { owner, takes, wake: () => {} };
    if (this.#makeError !== undefined) throw this.#makeError();
    try {
      await heard(verb, (wake) => {
        waiter.wake = wake;
        return this.#join(waiter);
      }, options);
    } catch (error) {
      if (waiter.message !== undefined) this.putBack(waiter.message);
      throw error;
    }
    if (waiter.error !== undefined) throw waiter.error;
    return waiter;
  }

  #join(waiter: Waiter): () => void {
    const waiters = waiter.takes ? this.#takers : this.#watchers;
    waiters.add(waiter);
    this.#tellWaiting();
    return () => {
      if (waiters.delete(waiter)) this.#tellWaiting();
    };
  }

  /** Gives a message to the first who waits to take one. */
  #hand(message: Message): boolean {
    const [taker] = this.#takers;
    if (taker === undefined) return false;
    this.#takers.delete(taker);
    taker.message = message;
    taker.wake();
    this.#tellWaiting();
    return true;
  }

  #wakeAll(waiters: Set<Waiter>): void {
    if (waiters.size === 0) return;
    const all = [...waiters];
    waiters.clear();
    for (const { wake } of all) wake();
    this.#tellWaiting();
  }

  #tellWaiting(): void {
    this.onWaiting(this.#takers.size, this.#watchers.size);
  }
}

function costOf({ bytes }: Message): number {
  return bytes.length + MESSAGE_COST;
}
