// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a thread and the broker of its program know of a queue that is elsewhere,
// in words that both see.
//
//   thread  puts into the outbox; announce(): true for the first one since the
//           broker has looked: it is told
//   broker  look(); empties the outbox
//
// Whether the queue is open can change without a word from its owner. So a put goes
// into the outbox only where the owner has been heard a moment ago (`hear()`); else
// it asks.
//
// A put behind look() announces itself, one before it is found: none is left.

const BOUND = 0;
const STATE = 1;
const ANNOUNCED = 2;
const HEARD = 3;
const WORDS = 4;

/** How long what the owner has said last is taken for true, in ms. */
const FRESH = 20;

/** Nothing is known to be wrong. */
export const RELAY_OPEN = 0;
/** The queue was shut down. */
export const RELAY_SHUT = 1;
/** Its owner is gone. */
export const RELAY_GONE = 2;
/** Its owner has no memory for what was put. */
export const RELAY_FULL = 3;

/** The words. */
export class RelayStatus {
  readonly words: Int32Array<SharedArrayBuffer>;

  constructor(
    words: Int32Array<SharedArrayBuffer> = new Int32Array(
      new SharedArrayBuffer(WORDS * 4),
    ),
  ) {
    this.words = words;
  }

  /** How many items the queue can have, as the owner has said last; 0 or less: any number. */
  get bound(): number {
    return Atomics.load(this.words, BOUND);
  }

  set bound(value: number) {
    Atomics.store(this.words, BOUND, value);
  }

  /** One of those above. */
  get state(): number {
    return Atomics.load(this.words, STATE);
  }

  set state(value: number) {
    Atomics.store(this.words, STATE, value);
  }

  /** The owner has said that the queue is open. */
  hear(): void {
    // The clock of the threads that see it is one; its low bits are enough.
    Atomics.store(this.words, HEARD, Date.now() | 0);
  }

  /** True where the owner has said so a moment ago. */
  get isFresh(): boolean {
    const age = (Date.now() - Atomics.load(this.words, HEARD)) | 0;
    return age >= 0 && age < FRESH;
  }

  /** Thread, after a put: true where the broker has to be told. */
  announce(): boolean {
    const { words } = this;
    return Atomics.load(words, ANNOUNCED) === 0 &&
      Atomics.exchange(words, ANNOUNCED, 1) === 0;
  }

  /** Broker: is about to look. */
  look(): void {
    Atomics.store(this.words, ANNOUNCED, 0);
  }
}
