// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A mutex in one word of shared memory (Drepper, "Futexes are tricky", 2011,
// mutex 3). It guards the wait queue of every primitive, for the length of a few
// loads and stores: no user code ever runs while it is held.
//
//   0 free    1 held    2 held, and somebody may sleep
//
//   lock                                     unlock
//   1 swap 0 -> 1: done                      a exchange 0; it was 2: notify one
//   2 look a few hundred times, swap 0 -> 1
//   3 exchange 2; it was 0: done (as 2)
//   4 sleep while 2, go to 3
//
// Whoever sleeps has written 2 in step 3, so step a sees it and notifies; who
// takes it in step 3 leaves 2 behind, since there may be others who sleep.
// A thread is never stopped in the middle of JavaScript before it was marked as
// gone for a good while, and then takes no mutex any more. So the mutex is not
// left held by the dead, unless a limited heap is full in that very moment; the
// sleep is cut into slices all the same. What can end
// a critical section is a full stack. So whoever is about to change something
// under the mutex that others wait for calls `probeStack()` before: it throws
// there, where nothing has been changed yet.

import { pause } from "./bell.ts";

const FREE = 0;
const HELD = 1;
const CONTENDED = 2;

/** Looks before the first sleep: a critical section takes less than a microsecond. */
const SPINS = 200;
/** Milliseconds of one sleep. */
const SLICE = 50;

/** A mutex in a word of shared memory. */
export class WordMutex {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #index: number;

  constructor(words: Int32Array<SharedArrayBuffer>, index: number) {
    this.#words = words;
    this.#index = index;
  }

  /** Takes it; blocks the thread for the length of a critical section. */
  lock(): void {
    const words = this.#words;
    const index = this.#index;
    if (Atomics.compareExchange(words, index, FREE, HELD) !== FREE) {
      this.#lockContended();
    }
  }

  /** Gives it back. */
  unlock(): void {
    const words = this.#words;
    const index = this.#index;
    if (Atomics.exchange(words, index, FREE) === CONTENDED) {
      Atomics.notify(words, index, 1);
    }
  }

  #lockContended(): void {
    const words = this.#words;
    const index = this.#index;
    for (let i = 0; i < SPINS; i++) {
      if (
        Atomics.load(words, index) === FREE &&
        Atomics.compareExchange(words, index, FREE, HELD) === FREE
      ) return;
      pause();
    }
    while (Atomics.exchange(words, index, CONTENDED) !== FREE) {
      Atomics.wait(words, index, CONTENDED, SLICE);
    }
  }
}

/** As many calls of the smallest kind as take more stack than the deepest critical section. */
const PROBE_DEPTH = 60;

/**
 * Throws where the stack is nearly full. It does not look for what V8 needs to
 * compile a function that is called for the first time.
 *
 * @throws {RangeError} If there is not room enough for a critical section.
 */
export function probeStack(depth: number = PROBE_DEPTH): number {
  return depth === 0 ? 0 : probeStack(depth - 1) + 1;
}
