// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Something that one thread does for all, in a word of state and a buffer for
// the end:
//
//   0          nobody has begun
//   tag << 1   that agent runs it
//   DONE       it has ended; the buffer holds how
//
//   caller   grant(): 0, or the runner is gone: tag << 1, it runs
//            grant(): DONE: it reads
//            else it waits
//   runner   (guard) still its own? writes the end, DONE, settle(): all go on
//            or gives up: (guard) 0, settle(): the first one who waits runs
//
// The state changes under the guard only, so there is no mark to set for those
// who wait. The end is written under the guard too: a thread that was
// terminated, and runs on, finds that the state is not its own any more, or else
// nobody has begun anew and its end counts. DONE is for good, so the end can be
// read without the guard.

import { isGone, selfTag } from "./domain.ts";
import { QUEUE_WORDS, WaitQueue } from "./wait_queue.ts";
import { newWords, Waitable } from "./waiting.ts";

const STATE = 0;
const TOKEN = 1;
const QUEUE = 2;
const ONCE_WORDS = QUEUE + QUEUE_WORDS;
const DONE = 1;

/** The longest end, in bytes: address space that is set aside, no memory. */
const MAX_BYTES = 1 << 30;

/** `grant()`: this agent is to run it. */
export const RUN = 1;
/** `grant()`: it has ended. */
export const ENDED = 2;

/** What it is made of, for those who send it. */
export interface OnceMemory {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly bytes: SharedArrayBuffer;
  readonly serial: number;
}

/** How it has ended, as those write it who know what it means. */
export interface OnceEnd {
  readonly bytes: Uint8Array;
  /** What leads to that which goes beside the bytes; 0 where there is nothing. */
  readonly token: number;
}

/** The shared state of a `Once`. */
export class OnceCore extends Waitable {
  readonly bytes: SharedArrayBuffer;

  constructor({ words, bytes, serial }: OnceMemory = newMemory()) {
    super("Once", words, new WaitQueue(words, QUEUE), serial);
    this.bytes = bytes;
  }

  /** True once it has ended. */
  get isDone(): boolean {
    return Atomics.load(this.words, STATE) === DONE;
  }

  /** True while this agent runs it. */
  get isOwn(): boolean {
    return Atomics.load(this.words, STATE) === selfTag() << 1;
  }

  /** Runner: says how it has ended. False where it is not the runner any more. */
  finish(end: OnceEnd): boolean {
    return this.#leave(DONE, () => this.write(end));
  }

  /** Writes the end, of which only this agent knows. Once. */
  write({ bytes, token }: OnceEnd): void {
    this.bytes.grow(bytes.length);
    new Uint8Array(this.bytes).set(bytes);
    Atomics.store(this.words, TOKEN, token);
  }

  /** Runner: did not run it after all. */
  giveBack(): void {
    this.#leave(0, () => {});
  }

  /** How it has ended; after `isDone`. */
  end(): OnceEnd {
    return {
      bytes: new Uint8Array(this.bytes).slice(),
      token: Atomics.load(this.words, TOKEN),
    };
  }

  override holder(): number {
    return Atomics.load(this.words, STATE) >>> 1;
  }

  override attempt(): number {
    return this.isDone ? ENDED : 0;
  }

  override grant(_op: number, tag: number): number {
    const state = Atomics.load(this.words, STATE);
    if (state === DONE) return ENDED;
    if (state !== 0 && !isGone(state >>> 1)) return 0;
    Atomics.store(this.words, STATE, tag << 1);
    return RUN;
  }

  #leave(state: number, write: () => void): boolean {
    return this.guarded(() => {
      if (!this.isOwn) return false;
      write();
      Atomics.store(this.words, STATE, state);
      this.settle();
      return true;
    });
  }
}

/** True where an end is too long. */
export function isTooLong(bytes: Uint8Array): boolean {
  return bytes.length > MAX_BYTES;
}

function newMemory(): OnceMemory {
  return {
    ...newWords(ONCE_WORDS),
    bytes: new SharedArrayBuffer(0, { maxByteLength: MAX_BYTES }),
  };
}
