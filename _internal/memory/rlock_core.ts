// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A lock that its holder can acquire again: the word of `lock_core.ts` says who
// holds it, one more word how often.
//
//   DEPTH  how many times more than once it was acquired; 0 while it is free
//
//   acquire, held by me  DEPTH + 1                 nobody else touches the word
//   release, DEPTH > 0   DEPTH - 1
//   release, DEPTH = 0   as a lock
//
// Since a free lock has a DEPTH of 0, whoever it is handed to finds 0 there: the
// word is never written together with the other one. The only one who leaves
// something else behind is a holder that is gone; whoever takes the lock from it
// sets DEPTH to 0 first, under the guard, while the lock's word still names the
// dead. A terminated thread that runs on looks whether it is gone before it
// touches the word.
//
// The holder is a thread, and on one thread several asynchronous functions may
// want the lock. While one of them has been granted it and has not been resumed
// yet, another one that asks cannot be the holder: it waits in line.
//
//   granted     -> delivered   one microtask before the function goes on
//   delivered   -> (released)  meanwhile the thread acquires it again at once
//
// A blocking acquire() is delivered at once, and passes in both states: it would
// otherwise wait for its own thread.

import { isGone, isSelfGone } from "./domain.ts";
import { LOCK_WORDS, LockCore, type LockMemory } from "./lock_core.ts";
import { newWords } from "./waiting.ts";

const DEPTH = LOCK_WORDS;

/** Whether the holder of a lock on this thread goes on already. */
export class Deliveries {
  #isDelivered: boolean;
  /** Deliveries under way; the oldest ones are of holders that have released it. */
  #underWay = 0;
  #stale = 0;

  constructor(isDelivered = false) {
    this.#isDelivered = isDelivered;
  }

  /** True where it goes on, or has gone on. */
  get isDelivered(): boolean {
    return this.#isDelivered;
  }

  /** An asynchronous call was granted it, and resolves its promise right after this. */
  deliver(): void {
    if (this.#isDelivered) return;
    this.#underWay++;
    queueMicrotask(this.#delivered);
  }

  /** A blocking call was granted it. */
  hold(): void {
    this.#isDelivered = true;
  }

  /** It was released. */
  undo(): void {
    this.#isDelivered = false;
    this.#stale = this.#underWay;
  }

  #delivered = (): void => {
    this.#underWay--;
    if (this.#stale > 0) this.#stale--;
    else this.#isDelivered = true;
  };
}

/** The shared state of a lock that its holder can acquire again. */
export class RLockCore extends LockCore {
  readonly #deliveries: Deliveries;

  constructor(memory: LockMemory = newWords(LOCK_WORDS + 1)) {
    super("RLock", memory);
    // This thread may have held it before, through an object that is gone.
    this.#deliveries = new Deliveries(this.isOwn);
  }

  /** For a blocking call: takes it if it is this thread's, or free and nobody waits. */
  override tryFast(): boolean {
    if (super.tryFast()) {
      this.#deliveries.hold();
      return true;
    }
    return this.isOwn && this.#deepen();
  }

  /** As `tryFast()`, for an asynchronous call; the caller delivers it. */
  override tryFastAsync(): boolean {
    return super.tryFast() ||
      (this.#deliveries.isDelivered && this.isOwn && this.#deepen());
  }

  /** An asynchronous call was granted it, and resolves its promise right after this. */
  override deliver(): void {
    this.#deliveries.deliver();
  }

  /** A blocking call was granted it. */
  override hold(): void {
    this.#deliveries.hold();
  }

  /** Undoes one acquire; false where this thread does not hold it. */
  override release(): boolean {
    if (!this.isOwn) return false;
    if (this.words[DEPTH]! === 0) {
      this.#deliveries.undo();
      return super.release();
    }
    if (isSelfGone()) return false;
    this.words[DEPTH]!--;
    return true;
  }

  override get depth(): number {
    return this.words[DEPTH]!;
  }

  override releaseAll(): void {
    this.words[DEPTH] = 0;
    this.#deliveries.undo();
    super.release();
  }

  override restoreDepth(depth: number): void {
    this.words[DEPTH] = depth;
  }

  override grant(op: number, tag: number): number {
    const holder = this.holder();
    if (holder !== 0 && isGone(holder)) this.words[DEPTH] = 0;
    return super.grant(op, tag);
  }

  #deepen(): boolean {
    if (isSelfGone()) return false;
    this.words[DEPTH]!++;
    return true;
  }
}
