// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Parties that wait for each other, again and again. Everything happens under
// the guard; a round that is complete leaves nothing to clean up, so the next one
// can begin at once.
//
// state    meaning                                leaves by
// filling  parties arrive, fewer than PARTIES     the last one -> filling, next generation,
//                                                 or -> acting where there is an action
// acting   all are there, ACTOR runs the action;  finish() -> filling, next generation
//          who arrives waits for the next round
// broken   nobody waits, nobody can               reset() -> filling, next generation
//
// From every state: a party that leaves (timeout, abort, death), abort() -> broken;
// reset() -> filling, next generation. Both release those who wait, as broken.
//
// The queue holds the parties that wait, in the order of arrival; of a full round
// the first PARTIES - 1. Whoever completes it grants those and goes on itself, in
// one hold of the guard: no party of the next round can get in between. Where more
// than a whole round has arrived during an action, the last one of that round is
// granted ACTING: it runs the next action.
//
// Whoever runs an action knows its generation. finish() compares: after a reset()
// in between the round is not its own any more.
//
// The parties of the last round are kept (LAST), since they are expected again: one
// that crashed or was terminated breaks the next round, which would wait for ever.

import { isGone, wasKilled } from "./domain.ts";
import {
  dropNode,
  nodeNext,
  nodeTag,
  QUEUE_WORDS,
  WaitQueue,
} from "./wait_queue.ts";
import { checkAlive, grantTo } from "./parking.ts";
import { newWords, Waitable } from "./waiting.ts";

const STATE = 0;
const GENERATION = 1;
/** The tag of who runs the action. */
const ACTOR = 2;
/** Written once. */
const PARTIES = 3;
/** 1 where there is an action; written once. */
const HAS_ACTION = 4;
const QUEUE = 5;
const LAST = QUEUE + QUEUE_WORDS;
/** There are no more threads than that. */
const MAX_LAST = 1024;

const FILLING = 0;
const ACTING = 1;
const BROKEN = 2;

/** Asks to break the barrier where it would have to wait. */
export const POLL = 1;

/** No barrier has more parties. */
export const MAX_PARTIES = 2 ** 28;
/** What is granted: the index, and 1. Or one of these. */
const GRANTED_BROKEN = 1 << 29;
/** With the generation. */
const GRANTED_ACTION = 1 << 30;
const GENERATIONS = 2 ** 28;

/** How a wait at a barrier has ended. */
export type Passage =
  | { readonly kind: "passed"; readonly index: number }
  | { readonly kind: "broken" }
  | { readonly kind: "late" }
  | { readonly kind: "action"; readonly generation: number };

/** What it is made of, for those who send it. */
export interface BarrierMemory {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly serial: number;
}

/** What a number that was granted means; 0: the timeout has passed. */
export function passageOf(granted: number): Passage {
  if (granted === 0) return { kind: "late" };
  if (granted === GRANTED_BROKEN) return { kind: "broken" };
  return granted < GRANTED_BROKEN
    ? { kind: "passed", index: granted - 1 }
    : { kind: "action", generation: granted - GRANTED_ACTION };
}

/** What the class on top uses of a barrier, wherever it is. */
export type BarrierLike = Pick<
  BarrierCore,
  | "abort"
  | "fail"
  | "finish"
  | "isBroken"
  | "parties"
  | "reset"
  | "waitAsync"
  | "waitSync"
  | "waiting"
>;

/** The shared state of a barrier. */
export class BarrierCore extends Waitable {
  readonly parties: number;

  /** A new one. */
  static create(parties: number, hasAction: boolean): BarrierCore {
    const memory = newWords(LAST + Math.min(parties, MAX_LAST));
    memory.words[PARTIES] = parties;
    memory.words[HAS_ACTION] = hasAction ? 1 : 0;
    return new BarrierCore(memory);
  }

  constructor({ words, serial }: BarrierMemory) {
    super("Barrier", words, new WaitQueue(words, QUEUE), serial);
    this.parties = words[PARTIES]!;
  }

  /** The action of this generation has run; false where the barrier was broken or reset meanwhile. */
  finish(generation: number): boolean {
    return this.#guarded(() => {
      if (!this.#isActing(generation)) return false;
      this.#complete();
      this.#actNext();
      return true;
    });
  }

  /** The action of this generation has failed. */
  fail(generation: number): void {
    this.#guarded(() => {
      if (this.#isActing(generation)) this.#release(BROKEN);
    });
  }

  /** Breaks it, for those who wait and those who come. */
  abort(): void {
    this.#guarded(() => this.#release(BROKEN));
  }

  /** Those who wait are told that it is broken; whoever comes from now on begins anew. */
  reset(): void {
    this.#guarded(() => this.#release(FILLING));
  }

  get isBroken(): boolean {
    return this.#guarded(() => {
      this.settle();
      return this.words[STATE] === BROKEN;
    });
  }

  /** How many have arrived and have not been released. */
  get waiting(): number {
    return this.#guarded(() => {
      this.settle();
      const isActing = this.words[STATE] === ACTING;
      return Math.min(this.queue.count() + (isActing ? 1 : 0), this.parties);
    });
  }

  /** Arrivals decide themselves; nobody is granted anything by a change of the words alone. */
  override grant(): number {
    return 0;
  }

  /** Looks for parties that will never come. */
  override settle(): void {
    if (!this.queue.isEmpty || this.words[STATE] === ACTING) this.#review();
  }

  override left(): void {
    this.#release(BROKEN);
  }

  protected override arrive(op: number): number {
    const { words, parties } = this;
    const count = this.#review();
    if (words[STATE] === BROKEN) return GRANTED_BROKEN;
    if (words[STATE] === FILLING && count + 1 >= parties) {
      if (words[HAS_ACTION] === 0) {
        words[ACTOR] = this.tag;
        this.#complete();
        return parties;
      }
      return this.#act(this.tag);
    }
    if (op !== POLL) return 0;
    this.#release(BROKEN);
    return GRANTED_BROKEN;
  }

  #isActing(generation: number): boolean {
    return this.words[STATE] === ACTING &&
      this.words[GENERATION] === generation;
  }

  /** Breaks it where a party is gone; returns how many wait. */
  #review(): number {
    const { words, queue } = this;
    let count = 0;
    let isWhole = true;
    for (let node = queue.head; node !== 0; node = nodeNext(node)) {
      count++;
      if (isGone(nodeTag(node))) isWhole = false;
    }
    if (words[STATE] === ACTING) {
      isWhole &&= !isGone(words[ACTOR]!);
    } else {
      for (let i = LAST; i < words.length && words[i] !== 0; i++) {
        if (wasKilled(words[i]!)) isWhole = false;
      }
    }
    if (isWhole || words[STATE] === BROKEN) return count;
    this.#release(BROKEN);
    return 0;
  }

  /** The round goes to whoever runs its action. */
  #act(tag: number): number {
    const { words } = this;
    words[STATE] = ACTING;
    words[ACTOR] = tag;
    return GRANTED_ACTION + words[GENERATION]!;
  }

  /** Releases the others of the round; ACTOR is its last party. */
  #complete(): void {
    const { words, queue } = this;
    for (let index = 0; index < this.parties; index++) {
      const node = index < this.parties - 1 ? queue.head : 0;
      const tag = node === 0 ? words[ACTOR]! : nodeTag(node);
      if (index < MAX_LAST) words[LAST + index] = tag;
      if (node === 0) break;
      queue.unlink(node);
      if (isGone(tag)) dropNode(node);
      else grantTo(node, index + 1);
    }
    this.#begin(FILLING);
  }

  /** Where a whole round has arrived during an action, its last party runs the next one. */
  #actNext(): void {
    const { queue } = this;
    let node = queue.head;
    for (let i = 1; i < this.parties && node !== 0; i++) node = nodeNext(node);
    if (node === 0) return;
    queue.unlink(node);
    const granted = this.#act(nodeTag(node));
    grantTo(node, granted);
  }

  /** Tells all who wait that it is broken. */
  #release(state: number): void {
    const { words, queue } = this;
    words.fill(0, LAST);
    this.#begin(state);
    for (let node = queue.head; node !== 0; node = queue.head) {
      queue.unlink(node);
      if (isGone(nodeTag(node))) dropNode(node);
      else grantTo(node, GRANTED_BROKEN);
    }
  }

  #begin(state: number): void {
    const { words } = this;
    words[STATE] = state;
    words[ACTOR] = 0;
    words[GENERATION] = (words[GENERATION]! + 1) % GENERATIONS;
  }

  #guarded<T>(fn: () => T): T {
    checkAlive();
    return this.guarded(fn);
  }
}
