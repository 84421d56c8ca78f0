// Copyright 2026 the @concurrent/parallel authors. MIT license.

// One word of shared memory for each call that a worker holds: who may run it
// is decided there and nowhere else.
//
//   FREE -> QUEUED    host: the call was sent
//   QUEUED -> STARTED guest: it runs now
//   QUEUED -> REVOKED host: it must not run (cancelled, or given to somebody else)
//   any -> FREE       host: the guest has answered
//
// The two ways out of QUEUED are compare-and-swaps, so exactly one happens: a
// cancelled call never runs, and a call that runs was never reported as
// cancelled before it started. The ABORT bit, and with it TIMED_OUT where that
// is the reason, is set on top of any state by the host and read by the task,
// also from a synchronous loop.
//
// The TAKEN bit is set by the guest when the call's turn has come: it imports
// and decodes what the call needs, and starts it last. Where the guest dies in
// between, that tells the host what it was at.

const FREE = 0;
const QUEUED = 1;
const STARTED = 2;
const REVOKED = 3;
const STATE = 3;
/** Above the state: the call was asked to stop. */
export const ABORT = 4;
/** And this: since it has run out of time. */
export const TIMED_OUT = 8;
/** The guest is at it, or has been. */
const TAKEN = 16;

/**
 * Calls of a worker that have a word. A worker holds more of them only where
 * calls wait for others that they have submitted: those beyond are neither
 * taken back nor asked to stop in a synchronous loop, and nothing else differs.
 */
export const SLOTS = 128;

/** The state words of one worker's in-flight calls. */
export class CallSlots {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Host: the call is about to be sent. */
  queue(slot: number): void {
    if (slot < SLOTS) Atomics.store(this.#words, slot, QUEUED);
  }

  /** Guest: its turn has come; false where it was taken back before. */
  take(slot: number): boolean {
    return slot >= SLOTS ||
      (Atomics.or(this.#words, slot, TAKEN) & STATE) === QUEUED;
  }

  /** Host: true where its turn had come, whether it has started or not. */
  taken(slot: number): boolean {
    return slot >= SLOTS || (Atomics.load(this.#words, slot) & TAKEN) !== 0;
  }

  /** Guest: true where the call may run. */
  start(slot: number): boolean {
    return slot >= SLOTS || this.#leaveQueued(slot, STARTED);
  }

  /** Host: true where the call had not started and now never will. */
  revoke(slot: number): boolean {
    return slot < SLOTS && this.#leaveQueued(slot, REVOKED);
  }

  /** Host: true where the guest has begun with the call. */
  started(slot: number): boolean {
    return slot >= SLOTS ||
      (Atomics.load(this.#words, slot) & STATE) === STARTED;
  }

  /** Host: the slot can be used again. */
  free(slot: number): void {
    if (slot < SLOTS) Atomics.store(this.#words, slot, FREE);
  }

  /** Host: asks the call to stop, since it was cancelled (0) or has run out of time (1). */
  abort(slot: number, reason: 0 | 1 | 2): void {
    if (slot >= SLOTS) return;
    Atomics.or(this.#words, slot, reason === 1 ? ABORT | TIMED_OUT : ABORT);
  }

  /** Guest: was the call asked to stop? */
  aborted(slot: number): boolean {
    return slot < SLOTS && (Atomics.load(this.#words, slot) & ABORT) !== 0;
  }

  /**
   * Guest: the same in a fourth of the time, where now and then `aborted()` is
   * asked as well: a plain load is one that a compiler may leave out of a loop
   * in which nothing is called.
   */
  looksAborted(slot: number): boolean {
    return slot < SLOTS && (this.#words[slot]! & ABORT) !== 0;
  }

  /** Guest: was it asked to since it has run out of time? */
  timedOut(slot: number): boolean {
    return slot < SLOTS && (Atomics.load(this.#words, slot) & TIMED_OUT) !== 0;
  }

  #leaveQueued(slot: number, state: number): boolean {
    // The bits above the state may come at any moment: they are kept.
    for (;;) {
      const word = Atomics.load(this.#words, slot);
      if ((word & STATE) !== QUEUED) return false;
      const next = (word & ~STATE) | state;
      if (
        Atomics.compareExchange(this.#words, slot, word, next) === word
      ) return true;
    }
  }
}
