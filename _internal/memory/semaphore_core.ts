// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Permits that nobody owns, in one word:
//
//   value << 1               that many are left, nobody waits
//   value << 1 | CONTENDED   somebody may wait: release() must look
//
//   acquire  swap value -> value - 1, not contended       one compare-and-swap
//   release  swap value -> value + n, not contended       one compare-and-swap
//   else     under the guard: release() adds, then hands on what there is
//
// While CONTENDED is set the word changes under the guard only: a permit that was
// given back is taken by whoever waits first, never by somebody who comes along.

import { QUEUE_WORDS, WaitQueue } from "./wait_queue.ts";
import { checkAlive } from "./parking.ts";
import { newWords, Waitable } from "./waiting.ts";

const STATE = 0;
/** No more than this many; written once. */
const LIMIT = 1;
const QUEUE = 2;
const WORDS = QUEUE + QUEUE_WORDS;
const CONTENDED = 1;

/** No semaphore has more permits. */
export const MAX_PERMITS = 2 ** 30 - 1;

/** What it is made of, for those who send it. */
export interface SemaphoreMemory {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly serial: number;
}

/** What the classes on top use of a semaphore, wherever it is. */
export type SemaphoreLike = Pick<
  SemaphoreCore,
  | "limit"
  | "release"
  | "tryAcquire"
  | "tryFast"
  | "value"
  | "waitAsync"
  | "waitSync"
>;

/** The shared state of a semaphore. */
export class SemaphoreCore extends Waitable {
  /** A new one, with so many permits. */
  static create(value: number, limit: number): SemaphoreCore {
    const memory = newWords(WORDS);
    memory.words[STATE] = value << 1;
    memory.words[LIMIT] = limit;
    return new SemaphoreCore(memory);
  }

  constructor({ words, serial }: SemaphoreMemory) {
    super("Semaphore", words, new WaitQueue(words, QUEUE), serial);
  }

  /** How many permits are left. */
  get value(): number {
    return Atomics.load(this.words, STATE) >>> 1;
  }

  /** How many there can be. */
  get limit(): number {
    return this.words[LIMIT]!;
  }

  /** Takes a permit if one is left, and nobody waits. */
  tryFast(): boolean {
    const { words } = this;
    for (;;) {
      const state = Atomics.load(words, STATE);
      if (state === 0 || (state & CONTENDED) !== 0) return false;
      if (Atomics.compareExchange(words, STATE, state, state - 2) === state) {
        return true;
      }
    }
  }

  /** Takes a permit or not, in turn. */
  tryAcquire(): boolean {
    if (this.tryFast()) return true;
    // A waiter that is gone may be all that is in the way.
    return Atomics.load(this.words, STATE) >>> 1 > 0 && this.tryNow(0) !== 0;
  }

  /** Gives permits back; false where there would be more than `limit`. */
  release(count: number): boolean {
    const { words } = this;
    const limit = this.limit;
    for (;;) {
      const state = Atomics.load(words, STATE);
      if ((state & CONTENDED) !== 0) return this.#releaseContended(count);
      if ((state >>> 1) + count > limit) return false;
      if (
        Atomics.compareExchange(words, STATE, state, state + 2 * count) ===
          state
      ) return true;
    }
  }

  override attempt(): number {
    return this.tryFast() ? 1 : 0;
  }

  override grant(): number {
    const { words } = this;
    for (;;) {
      const state = Atomics.load(words, STATE);
      const isFree = state >>> 1 > 0;
      if (!isFree && (state & CONTENDED) !== 0) return 0;
      const next = isFree ? state - 2 : state | CONTENDED;
      if (Atomics.compareExchange(words, STATE, state, next) === state) {
        return isFree ? 1 : 0;
      }
    }
  }

  override calm(): void {
    Atomics.and(this.words, STATE, ~CONTENDED);
  }

  #releaseContended(count: number): boolean {
    checkAlive();
    const { words } = this;
    return this.guarded(() => {
      for (;;) {
        const state = Atomics.load(words, STATE);
        if ((state >>> 1) + count > this.limit) return false;
        // Who waited may have given up: then the word changes without the guard.
        if (
          Atomics.compareExchange(words, STATE, state, state + 2 * count) ===
            state
        ) break;
      }
      this.settle();
      return true;
    });
  }
}
