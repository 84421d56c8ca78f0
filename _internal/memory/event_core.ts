// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A flag that threads wait for, in one word:
//
//   SET        bit 0
//   CONTENDED  bit 1, while not SET: somebody may wait
//
//   set    swap 0 -> SET                            one compare-and-swap
//   clear  swap SET -> 0                            one compare-and-swap
//   else   under the guard: set() sets, and releases all who wait
//
// set() turns CONTENDED into SET | CONTENDED, and clear() needs the guard then: so
// it comes after all who wait have been released, and each of them was released
// by set(), whatever the flag says when it wakes.

import { QUEUE_WORDS, WaitQueue } from "./wait_queue.ts";
import { checkAlive } from "./parking.ts";
import { newWords, Waitable } from "./waiting.ts";

const STATE = 0;
const QUEUE = 1;
const WORDS = QUEUE + QUEUE_WORDS;
const SET = 1;
const CONTENDED = 2;

/** What it is made of, for those who send it. */
export interface EventMemory {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly serial: number;
}

/** What the class on top uses of an event, wherever it is. */
export type EventLike = Pick<
  EventCore,
  "attempt" | "clear" | "isSet" | "set" | "waitAsync" | "waitSync"
>;

/** The shared state of an event. */
export class EventCore extends Waitable {
  constructor({ words, serial }: EventMemory = newWords(WORDS)) {
    super("Event", words, new WaitQueue(words, QUEUE), serial);
  }

  get isSet(): boolean {
    return (Atomics.load(this.words, STATE) & SET) !== 0;
  }

  /** Sets it, and releases all who wait. */
  set(): void {
    const { words } = this;
    const state = Atomics.compareExchange(words, STATE, 0, SET);
    if (state !== CONTENDED) return;
    checkAlive();
    this.guarded(() => {
      Atomics.or(words, STATE, SET);
      this.settle();
    });
  }

  /** Clears it; those whom set() has released stay released. */
  clear(): void {
    const { words } = this;
    const state = Atomics.compareExchange(words, STATE, SET, 0);
    if (state !== (SET | CONTENDED)) return;
    checkAlive();
    this.guarded(() => {
      Atomics.and(words, STATE, ~SET);
    });
  }

  override attempt(): number {
    return this.isSet ? 1 : 0;
  }

  override grant(): number {
    return (Atomics.or(this.words, STATE, CONTENDED) & SET) !== 0 ? 1 : 0;
  }

  override calm(): void {
    Atomics.and(this.words, STATE, ~CONTENDED);
  }
}
