// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A lock for one writer or many readers, in one word:
//
//   0                           free
//   tag << 1                    held by that writer
//   READING | readers << 1      held by so many readers, at least one
//   ... | CONTENDED             the same, and somebody may wait
//   CONTENDED                   being handed over: free, but only for those who wait
//
//   read    swap 0 or READING -> one reader more           one compare-and-swap
//   write   swap 0 -> tag << 1                             one compare-and-swap
//   else    `waiting.ts`
//
// While CONTENDED is set, nobody gets in without the guard, so a reader that comes
// along waits behind a writer that waits. Whoever gives back the last hold grants
// the first one in line, and all readers right behind a reader.
//
// A writer that dies leaves its tag in the word. For readers there is a table, one
// row for each agent:
//
//   TAG    whose row it is; written under the guard, by that agent
//   READS  how many holds it has
//
// Whoever waits and finds the row of somebody who is gone takes READS out of it, in
// one exchange, and out of the word. So for each hold the row and the word are
// changed by one, in whichever order, and what was taken out of the row is taken
// out of the word exactly once. A thread that was terminated and runs on may add
// to its row after that: having done so it looks whether it is gone, and cleans up
// itself then. Who comes to clean up later sees what it has added before it looked.

import {
  agentCount,
  agentIndex,
  isGone,
  isSelfGone,
  selfTag,
} from "./domain.ts";
import { QUEUE_WORDS, WaitQueue } from "./wait_queue.ts";
import { checkAlive } from "./parking.ts";
import { newWords, Waitable } from "./waiting.ts";

const STATE = 0;
const QUEUE = 1;
const TABLE = QUEUE + QUEUE_WORDS;
const TAG = 0;
const READS = 1;
const ROW_WORDS = 2;
const ROWS = 1024;
const WORDS = TABLE + ROWS * ROW_WORDS;

const CONTENDED = 1;
const READER = 2;
/** The sign bit. */
const READING = 1 << 31;

/** What is asked for. */
export const READ = 0;
export const WRITE = 1;

/** `grant()`: it was free, or shared. */
const ACQUIRED = 1;
/** `grant()`: its last writer is gone. */
export const ABANDONED = 2;

/** What it is made of, for those who send it. */
export interface RWLockMemory {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly serial: number;
}

/** The shared state of a lock for readers and writers. */
export class RWLockCore extends Waitable {
  /** This agent's word: `tag << 1`. */
  readonly #own: number;
  /** This agent's row. */
  readonly #row: number;

  constructor({ words, serial }: RWLockMemory = newWords(WORDS)) {
    super("RWLock", words, new WaitQueue(words, QUEUE), serial);
    const tag = selfTag();
    this.#own = tag << 1;
    this.#row = rowOf(tag);
    this.guarded(() => {
      // The row may be that of an agent that is gone.
      this.#clean(this.#row);
      words[this.#row + TAG] = tag;
    });
  }

  /** Takes it for one more reader if no writer has it, and nobody waits. */
  tryReadFast(): boolean {
    const { words } = this;
    for (;;) {
      const state = Atomics.load(words, STATE);
      if (state > 0 || (state & CONTENDED) !== 0) return false;
      const next = (state + READER) | READING;
      if (Atomics.compareExchange(words, STATE, state, next) === state) break;
    }
    this.#countRead();
    return true;
  }

  /** Takes it for a writer if it is free, and nobody waits. */
  tryWriteFast(): boolean {
    return Atomics.compareExchange(this.words, STATE, 0, this.#own) === 0;
  }

  /** Gives back one hold of a reader; false where this agent has none. */
  releaseRead(): boolean {
    const { words } = this;
    const reads = this.#row + READS;
    for (;;) {
      const count = Atomics.load(words, reads);
      if (count === 0) return false;
      // Others touch it where this thread was terminated.
      if (Atomics.compareExchange(words, reads, count, count - 1) === count) {
        break;
      }
    }
    for (;;) {
      const state = Atomics.load(words, STATE);
      if ((state & CONTENDED) !== 0) {
        this.guarded(() => {
          this.#dropReads(1);
          this.settle();
        });
        return true;
      }
      if (
        Atomics.compareExchange(words, STATE, state, without(state, 1)) ===
          state
      ) return true;
    }
  }

  /** Gives back the hold of a writer; false where this agent has none. */
  releaseWrite(): boolean {
    const { words } = this;
    const own = this.#own;
    if (Atomics.compareExchange(words, STATE, own, 0) === own) return true;
    // The mark may have gone since: who waited has given up.
    if ((Atomics.load(words, STATE) & ~CONTENDED) !== own) return false;
    checkAlive();
    this.guarded(() => {
      for (;;) {
        // Who waited may have given up meanwhile, and the mark with it.
        const state = Atomics.load(words, STATE);
        if (
          Atomics.compareExchange(words, STATE, state, state & CONTENDED) ===
            state
        ) break;
      }
      this.settle();
    });
    return true;
  }

  /** Takes it or not, in turn. */
  tryAcquire(op: number): number {
    return this.attempt(op) || this.tryNow(op);
  }

  /** True where somebody holds it who is alive. */
  get isHeld(): boolean {
    this.guarded(() => this.settle());
    const writer = this.holder();
    return writer === 0
      ? readersOf(Atomics.load(this.words, STATE)) > 0
      : !isGone(writer);
  }

  /** The writer; of readers none is known as the one. */
  override holder(): number {
    const state = Atomics.load(this.words, STATE);
    return state > 0 ? state >>> 1 : 0;
  }

  override attempt(op: number): number {
    const isTaken = op === READ ? this.tryReadFast() : this.tryWriteFast();
    return isTaken ? ACQUIRED : 0;
  }

  override grant(op: number, tag: number): number {
    const { words } = this;
    for (;;) {
      const state = Atomics.load(words, STATE);
      const writer = state > 0 ? state >>> 1 : 0;
      const isAbandoned = writer !== 0 && isGone(writer);
      const isFree = writer === 0 || isAbandoned;
      const mayPass = isFree && (op === READ || state >= 0);
      const mark = state & CONTENDED;
      let next = state | CONTENDED;
      if (mayPass) {
        if (op === WRITE) next = (tag << 1) | mark;
        else if (state < 0) next = state + READER;
        else next = READING | READER | mark;
      } else if (mark !== 0) return 0;
      if (Atomics.compareExchange(words, STATE, state, next) !== state) {
        continue;
      }
      if (!mayPass) return 0;
      if (op === READ) this.#countReadFor(tag);
      return isAbandoned ? ABANDONED : ACQUIRED;
    }
  }

  /** The holds of readers that are gone are given back. */
  override review(): void {
    if (Atomics.load(this.words, STATE) >= 0) return;
    const end = TABLE + Math.min(agentCount(), ROWS) * ROW_WORDS;
    for (let row = TABLE; row < end; row += ROW_WORDS) {
      if (Atomics.load(this.words, row + READS) > 0) this.#clean(row);
    }
  }

  override calm(): void {
    Atomics.and(this.words, STATE, ~CONTENDED);
  }

  /** This agent has taken the word for one more reader. */
  #countRead(): void {
    Atomics.add(this.words, this.#row + READS, 1);
    if (isSelfGone()) this.settleGuarded();
  }

  /** Under the guard: as `#countRead()`, for an agent that is granted it. */
  #countReadFor(tag: number): void {
    Atomics.add(this.words, rowOf(tag) + READS, 1);
  }

  /** Under the guard: where the row is of somebody who is gone, gives its holds back. */
  #clean(row: number): void {
    const { words } = this;
    const tag = Atomics.load(words, row + TAG);
    if (tag === 0 || !isGone(tag)) return;
    const reads = Atomics.exchange(words, row + READS, 0);
    if (reads > 0) this.#dropReads(reads);
  }

  /** Under the guard: so many holds of readers less. */
  #dropReads(count: number): void {
    const { words } = this;
    for (;;) {
      const state = Atomics.load(words, STATE);
      const next = without(state, count);
      if (Atomics.compareExchange(words, STATE, state, next) === state) return;
    }
  }
}

function rowOf(tag: number): number {
  return TABLE + agentIndex(tag) * ROW_WORDS;
}

function readersOf(state: number): number {
  return state < 0 ? (state & ~READING) >>> 1 : 0;
}

/** The word with so many readers less. */
function without(state: number, count: number): number {
  const rest = readersOf(state) - count;
  if (rest < 0) {
    throw new RangeError(
      `Cannot release a lock for readers and writers: ${count} readers are to leave, its word is ${state}`,
    );
  }
  return rest === 0 ? state & CONTENDED : state - count * READER;
}
