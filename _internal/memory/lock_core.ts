// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A lock that one agent holds, in one word:
//
// (in the memory of the lock, or where other processes see it too, so that they
// need not ask anybody for a lock that is free: `remote_cores.ts`)
//
//   0                      free
//   tag << 1               held by that agent, nobody waits
//   tag << 1 | CONTENDED   held, and somebody may wait: release() must look
//   CONTENDED              being handed over: free, but only for those who wait
//
//   acquire  swap 0 -> tag << 1                     one compare-and-swap
//   release  swap tag << 1 -> 0                     one compare-and-swap
//   else     `waiting.ts`
//
// The word never becomes 0 while somebody waits: release() hands the lock to the
// first one, under the guard. So a swap from 0 overtakes nobody.

import { isGone } from "./domain.ts";
import { QUEUE_WORDS, type WaitKind, WaitQueue } from "./wait_queue.ts";
import { checkAlive } from "./parking.ts";
import { newWords, Waitable } from "./waiting.ts";

const STATE = 0;
const QUEUE = 1;
/** Words that a lock takes. */
export const LOCK_WORDS = QUEUE + QUEUE_WORDS;
const CONTENDED = 1;

/** `grant()`: the lock was free. */
export const ACQUIRED = 1;
/** `grant()`: its last holder is gone. */
export const ABANDONED = 2;

/** What it is made of, for those who send it. */
export interface LockMemory {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly serial: number;
  /** Where the word lies that says who holds it, if not in `words`: other processes may see it too. */
  readonly state?: Int32Array | undefined;
}

/** What the classes on top use of a lock, wherever it is. */
export type LockLike = Pick<
  LockCore,
  | "deliver"
  | "depth"
  | "hold"
  | "isLocked"
  | "isOwn"
  | "release"
  | "releaseAll"
  | "restoreDepth"
  | "tryAcquire"
  | "tryFast"
  | "tryFastAsync"
  | "waitAsync"
  | "waitSync"
>;

/** True where nobody holds it, as far as its word says. */
export function isFreeWord(state: Int32Array): boolean {
  return Atomics.load(state, STATE) === 0;
}

/** Takes a lock that is free and that nobody waits for, for an agent, by its word alone. */
export function takeWord(state: Int32Array, agent: number): boolean {
  return Atomics.compareExchange(state, STATE, 0, agent << 1) === 0;
}

/** Gives it back where nobody waits for it. */
export function giveWord(state: Int32Array, agent: number): boolean {
  const own = agent << 1;
  return Atomics.compareExchange(state, STATE, own, 0) === own;
}

/** The shared state of a lock. */
export class LockCore extends Waitable {
  /** This agent's word: `tag << 1`. */
  readonly #own: number;
  /** Where the word lies. */
  readonly state: Int32Array;

  constructor(
    kind: WaitKind = "Lock",
    { words, serial, state }: LockMemory = newWords(LOCK_WORDS),
  ) {
    super(kind, words, new WaitQueue(words, QUEUE), serial);
    this.state = state ?? words;
    this.#own = this.tag << 1;
  }

  /** Takes it if it is free, and nobody waits. */
  tryFast(): boolean {
    return Atomics.compareExchange(this.state, STATE, 0, this.#own) === 0;
  }

  /** Takes it from whoever is gone, or not at all: 0, ACQUIRED or ABANDONED. */
  tryAcquire(): number {
    if (this.tryFast()) return ACQUIRED;
    const holder = this.holder();
    return holder === 0 || isGone(holder) ? this.tryNow(0) : 0;
  }

  /** Gives it back, or to the first one who waits. False where nobody held it. */
  release(): boolean {
    const own = this.#own;
    if (Atomics.compareExchange(this.state, STATE, own, 0) === own) return true;
    checkAlive();
    return this.guarded(() => {
      for (;;) {
        const state = Atomics.load(this.state, STATE);
        if (state >>> 1 === 0) return false;
        // Its holder may release it at the same time, without the guard.
        if (
          Atomics.compareExchange(this.state, STATE, state, CONTENDED) === state
        ) break;
      }
      this.settle();
      return true;
    });
  }

  /** As `tryFast()`, for an asynchronous call; the caller delivers it. */
  tryFastAsync(): boolean {
    return this.tryFast();
  }

  /** An asynchronous call was granted it, and resolves its promise right after this. */
  deliver(): void {}

  /** A blocking call was granted it. */
  hold(): void {}

  /** Its holder: how many more times it has to be released than once. */
  get depth(): number {
    return 0;
  }

  /** Its holder: releases it, however often it was acquired. */
  releaseAll(): void {
    this.release();
  }

  /** Its holder: it counts as acquired that many times more than once. */
  restoreDepth(_depth: number): void {}

  /** True where somebody holds it who is alive. */
  get isLocked(): boolean {
    const holder = this.holder();
    return holder !== 0 && !isGone(holder);
  }

  /** True where this agent holds it. */
  get isOwn(): boolean {
    return (Atomics.load(this.state, STATE) & ~CONTENDED) === this.#own;
  }

  override holder(): number {
    return Atomics.load(this.state, STATE) >>> 1;
  }

  override attempt(): number {
    return Atomics.load(this.state, STATE) === 0 && this.tryFast()
      ? ACQUIRED
      : 0;
  }

  override grant(_op: number, tag: number): number {
    for (;;) {
      const state = Atomics.load(this.state, STATE);
      const holder = state >>> 1;
      const isFree = holder === 0 || isGone(holder);
      if (!isFree && (state & CONTENDED) !== 0) return 0;
      const next = isFree ? (tag << 1) | CONTENDED : state | CONTENDED;
      if (Atomics.compareExchange(this.state, STATE, state, next) !== state) {
        continue;
      }
      if (!isFree) return 0;
      return holder === 0 ? ACQUIRED : ABANDONED;
    }
  }

  override calm(): void {
    Atomics.and(this.state, STATE, ~CONTENDED);
  }
}
