// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Those who wait for a queue, and the words in which it says what there is to
// have. The protocol is at the head of `queue_core.ts`.

import type { WaitOptions } from "../base/deadline.ts";
import { countDeaths, isGone } from "./domain.ts";
import { QUEUE_WORDS, WaitQueue } from "./wait_queue.ts";
import { Waitable, type WaitExtras } from "./waiting.ts";
import type { WordMutex } from "./word_mutex.ts";

/**
 * The words of a queue. All others are written under the guard; its unlock()
 * shows them to those who read COUNT, MAX and STATE without it.
 */
export const GUARD = 0;
/** The words that most operations touch lie in a cache line of their own. */
export const COUNT = 16;
export const MAX = 17;
export const UNFINISHED = 18;
export const STATE = 19;
/** Of each line of getters and putters: promises, and the deaths when they were made. */
export const GETTERS_PROMISED = 20;
export const PUTTERS_PROMISED = 22;
const EPOCH = 1;
export const GETTERS = 24;
export const PUTTERS = GETTERS + QUEUE_WORDS;
export const JOINERS = PUTTERS + QUEUE_WORDS;
/** The agent that has taken the last item, and when that was another one than before, in ms. */
export const LAST_GETTER = 40;
export const GETTER_CHANGED = 41;
/** Words before those of the store. */
export const QUEUE_HEAD = 48;

export const OPEN = 0;
export const SHUT = 1;
/** Shut down, and what was in it was dropped. */
export const EMPTIED = 2;

/** It was done: an item was put, or taken. */
export const DONE = 1;
/** It would have to wait, or has waited for as long as it was allowed to. */
export const NOT_YET = 0;
/** The queue was shut down. */
export const CLOSED = 2;

/** `grant()`: an item or a place was promised. */
const PROMISED = 1;
/** `grant()`: look at the queue, nothing was promised. */
const LOOK = 2;

/** Those who wait for an item, or for a place. */
export abstract class Line extends Waitable {
  readonly #promised: number;

  constructor(
    words: Int32Array<SharedArrayBuffer>,
    guard: WordMutex,
    base: number,
    promised: number,
    serial: number,
  ) {
    super("Queue", words, new WaitQueue(words, base, guard), serial);
    this.#promised = promised;
  }

  /** How much there is to have. */
  protected abstract available(): number;

  /** Under the guard: true where there is something that nobody was promised. */
  isFree(): boolean {
    if (this.available() > this.promised) return true;
    this.review();
    return this.available() > this.promised;
  }

  /** Under the guard: as {@linkcode isFree}, for one who comes along: nobody who is alive waits for it. */
  isOpen(): boolean {
    return (this.queue.head === 0 || this.firstAlive() === 0) && this.isFree();
  }

  get promised(): number {
    return this.words[this.#promised]!;
  }

  /** Under the guard: a promise is kept now, or given up. */
  redeem(): void {
    const { words } = this;
    const promised = this.#promised;
    if (words[promised]! > 0) words[promised]!--;
  }

  override grant(_op: number, tag: number): number {
    const { words } = this;
    if (this.isFree()) {
      // After the last look at the deaths: see `queue_core.ts`.
      if (isGone(tag)) return LOOK;
      words[this.#promised]!++;
      return PROMISED;
    }
    return words[STATE] === OPEN ? 0 : LOOK;
  }

  override attempt(): number {
    const { words } = this;
    return this.isLikely() || Atomics.load(words, STATE) !== OPEN ? LOOK : 0;
  }

  /** Without the guard: worth a look. */
  protected abstract isLikely(): boolean;

  /** Forgets the promises to the dead. */
  override review(): void {
    const { words } = this;
    const promised = this.#promised;
    const deaths = countDeaths();
    if (words[promised + EPOCH] === deaths) return;
    words[promised + EPOCH] = deaths;
    words[promised] = 0;
  }
}

/** Those who wait for an item. */
export class Getters extends Line {
  protected override available(): number {
    return this.words[COUNT]!;
  }

  protected override isLikely(): boolean {
    return Atomics.load(this.words, COUNT) >
      Atomics.load(this.words, GETTERS_PROMISED);
  }
}

/** Those who wait for a place. */
export class Putters extends Line {
  protected override available(): number {
    const { words } = this;
    if (words[STATE] !== OPEN) return 0;
    const max = words[MAX]!;
    return max > 0 ? max - words[COUNT]! : Infinity;
  }

  protected override isLikely(): boolean {
    const { words } = this;
    return Atomics.load(words, COUNT) + Atomics.load(words, PUTTERS_PROMISED) <
      Atomics.load(words, MAX);
  }
}

/** Those who wait for all items to be done. */
export class Joiners extends Waitable {
  override grant(): number {
    return this.words[UNFINISHED] === 0 ? 1 : 0;
  }
}

/** Waits in line until `attempt` is done. */
export function waitSync(
  line: Line,
  { timeout, signal }: WaitOptions,
  attempt: (isPromised: boolean) => number,
  extras?: WaitExtras,
): number {
  const end = timeout === undefined ? undefined : performance.now() + timeout;
  for (let isReturning = false;;) {
    const granted = line.waitSync(
      0,
      remaining(end, signal),
      isReturning,
      extras,
    );
    if (granted === 0) return NOT_YET;
    const isPromised = granted === PROMISED;
    const result = attempt(isPromised);
    if (result !== NOT_YET) return result;
    isReturning ||= isPromised;
  }
}

/** As {@linkcode waitSync}, without blocking. */
export async function wait(
  line: Line,
  { timeout, signal }: WaitOptions,
  attempt: (isPromised: boolean) => number,
  extras?: WaitExtras,
): Promise<number> {
  const end = timeout === undefined ? undefined : performance.now() + timeout;
  for (let isReturning = false;;) {
    const granted = await line.waitAsync(
      0,
      remaining(end, signal),
      isReturning,
      extras,
    );
    if (granted === 0) return NOT_YET;
    const isPromised = granted === PROMISED;
    const result = attempt(isPromised);
    if (result !== NOT_YET) return result;
    isReturning ||= isPromised;
  }
}

function remaining(
  end: number | undefined,
  signal: AbortSignal | undefined,
): WaitOptions {
  return {
    timeout: end === undefined
      ? undefined
      : Math.max(0, end - performance.now()),
    signal,
  };
}
