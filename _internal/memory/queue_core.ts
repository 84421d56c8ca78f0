// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A queue that threads put items into and take items out of. One guard covers
// the items (`QueueStore`), the counts and the three lines of those who wait:
//
//   getters   for an item          granted while  COUNT > promised to getters
//   putters   for a free place     granted while  COUNT + promised to putters < MAX
//   joiners   for UNFINISHED = 0
//
//   put                                    get
//   1 guard.lock()                         a guard.lock()
//   2 my turn, and a free place?           b my turn, and an item?
//     write it, COUNT + 1                    copy it out, COUNT - 1
//     getters wait: settle them              putters wait: settle them
//   3 guard.unlock()                       c guard.unlock()
//   4 there was none: wait in line,        d there was none: wait in line,
//     then 1 again, in front                 then a again, in front
//
// A grant is a promise, not a thing: an item stays in the queue until its getter
// runs and takes it, so that one who dies in between takes nothing along. A
// promised item is not for those who come later: who waits first is served
// first. What the dead were promised is free again: the domain counts deaths,
// and a promise counts only until the next one (EPOCH). All promises are forgotten
// then, those to the living too; so one of them may find nothing in step 1 or a,
// and goes back to the front of its line.
//
//   who grants, under the guard                   who ends an agent
//   i   deaths have changed: EPOCH = deaths,      A  the agent is gone
//       no promises                               B  deaths + 1
//   ii  the agent is not gone?
//   iii promised + 1
//
// In this order: who is alive in ii is counted in B after i, so EPOCH is out of
// date then. If ii came before i, A and B could come between, and the promise to
// the dead would count until somebody else dies. The agent may be the one that
// grants: any time can pass between its last look whether it was terminated and
// the guard, and what it promised itself then it would never take, since it looks
// again before. It may also link itself into the line in that time: who comes along
// and does not wait drops the dead at its head before it lets others go first.
//
// No item is left lying while somebody waits: a step that makes one available
// settles the line under the same guard under which others join it, and a death
// settles every line (`waiting.ts`).
//
// STATE goes from open to shut, once: nothing can be put any more, and an item
// that nobody was promised is there now or never. Both lines are emptied then:
// whoever is not promised anything comes to step 1 or a and sees it.

import type { WaitOptions } from "../base/deadline.ts";
import {
  CLOSED,
  COUNT,
  DONE,
  EMPTIED,
  GETTER_CHANGED,
  GETTERS,
  Getters,
  GETTERS_PROMISED,
  GUARD,
  JOINERS,
  Joiners,
  LAST_GETTER,
  MAX,
  NOT_YET,
  OPEN,
  PUTTERS,
  Putters,
  PUTTERS_PROMISED,
  QUEUE_HEAD,
  SHUT,
  STATE,
  UNFINISHED,
  wait,
  waitSync,
} from "./queue_lines.ts";
import { QueueItem } from "./queue_segment.ts";
import {
  type QueueStore,
  STORE_WORDS,
  type StoreClass,
} from "./queue_store.ts";
import { WaitQueue } from "./wait_queue.ts";
import { checkAlive } from "./parking.ts";
import { newWords, type WaitExtras } from "./waiting.ts";
import { probeStack, WordMutex } from "./word_mutex.ts";

export { CLOSED, DONE, NOT_YET } from "./queue_lines.ts";

/** What a queue is made of, for those who send it. */
export interface QueueMemory {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly serial: number;
  readonly buffers: readonly SharedArrayBuffer[];
}

/** Items that are put or taken in one hold of the guard. */
const LOT = 64;
/** How long nobody else must have taken items, in ms. */
const ALONE = 1_000;
const NO_BYTES = new Uint8Array();

/** Tells whether a copy of the next item is what its getter can use. */
export type IsWanted = (item: QueueItem) => boolean;

/** What the classes on top use of a queue, wherever it is. */
export type QueueLike = Pick<
  QueueCore,
  | "get"
  | "getSync"
  | "isShutdown"
  | "join"
  | "joinSync"
  | "maxSize"
  | "put"
  | "putFast"
  | "putSync"
  | "shutdown"
  | "size"
  | "taskDone"
  | "tryGet"
  | "tryGetFast"
  | "tryPut"
>;

/** The shared state of a queue. */
export class QueueCore {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly serial: number;
  readonly #guard: WordMutex;
  readonly #store: QueueStore;
  readonly #getters: Getters;
  readonly #putters: Putters;
  readonly #joiners: Joiners;

  constructor(store: StoreClass, memory?: QueueMemory) {
    const { words, serial } = memory ?? newWords(QUEUE_HEAD + STORE_WORDS);
    this.words = words;
    this.serial = serial;
    const guard = new WordMutex(words, GUARD);
    this.#guard = guard;
    this.#getters = new Getters(
      words,
      guard,
      GETTERS,
      GETTERS_PROMISED,
      serial,
    );
    this.#putters = new Putters(
      words,
      guard,
      PUTTERS,
      PUTTERS_PROMISED,
      serial,
    );
    this.#joiners = new Joiners(
      "Queue",
      words,
      new WaitQueue(words, JOINERS, guard),
      serial,
    );
    this.#store = new store(words, QUEUE_HEAD, memory?.buffers ?? []);
  }

  /** What the items lie in, for those who send the queue. */
  get buffers(): readonly SharedArrayBuffer[] {
    return this.#store.buffers;
  }

  /**
   * Puts an item if there is a place: DONE, NOT_YET or CLOSED.
   *
   * @throws {RangeError} If the memory cannot hold it.
   * @throws {TypeError} If its priority cannot be compared with those there.
   */
  tryPut(item: QueueItem): number {
    return this.#put(item, false);
  }

  /** As {@linkcode tryPut}, for who waits otherwise: where the queue is elsewhere it may say NOT_YET though there is a place. */
  putFast(item: QueueItem): number {
    return this.#put(item, false);
  }

  /** As {@linkcode tryGet}, for who waits otherwise. */
  tryGetFast(item: QueueItem, isWanted: IsWanted): number {
    return this.#get(item, isWanted, false);
  }

  /**
   * Puts items that were accepted elsewhere, before a shutdown was known there;
   * nothing where that has dropped everything.
   *
   * @param read Fills the item that comes `index`th.
   */
  putAccepted(count: number, read: (index: number, item: QueueItem) => void) {
    checkAlive();
    const { words } = this;
    const item = new QueueItem();
    for (let index = 0; index < count;) {
      probeStack();
      this.#guard.lock();
      try {
        if (words[STATE] === EMPTIED) return;
        const end = Math.min(index + LOT, count);
        for (; index < end; index++) {
          read(index, item);
          this.#store.push(item);
          words[COUNT]!++;
          words[UNFINISHED]!++;
        }
        if (this.#getters.queue.head !== 0) this.#getters.settle();
      } finally {
        this.#guard.unlock();
      }
    }
  }

  /**
   * Takes items that are there for whoever comes now, as long as `take` says true.
   *
   * @param take Gets each; the item is used again for the next one.
   * @param whole True: none, where somebody was promised one and has not taken it yet, since that one is to get the first.
   */
  takeMany(take: (item: QueueItem) => boolean, whole = false): void {
    checkAlive();
    const getters = this.#getters;
    const item = new QueueItem();
    for (let goesOn = true; goesOn;) {
      if (!this.#putters.queue.isEmpty) probeStack();
      this.#guard.lock();
      try {
        for (let i = 0; goesOn && i < LOT; i++) {
          if (whole) {
            // A promise to somebody who is gone is none.
            getters.review();
            if (getters.promised > 0) return;
          }
          if (!getters.isOpen()) return;
          this.#noteGetter();
          this.#store.peek(item);
          item.finish();
          this.#drop();
          goesOn = take(item);
          item.bytes = NO_BYTES;
          item.text = "";
        }
      } finally {
        this.#guard.unlock();
      }
    }
  }

  /** As {@linkcode tryPut}, and blocks the thread. */
  putSync(item: QueueItem, options: WaitOptions): number {
    return waitSync(this.#putters, options, (it) => this.#put(item, it));
  }

  /** As {@linkcode tryPut}, and waits. */
  put(item: QueueItem, options: WaitOptions): Promise<number> {
    return wait(this.#putters, options, (it) => this.#put(item, it));
  }

  /**
   * Takes the next item, or copies it and leaves it where it is if `isWanted` is
   * false for the copy: DONE, NOT_YET or CLOSED. Nobody calls the queue in `isWanted`.
   */
  tryGet(item: QueueItem, isWanted: IsWanted): number {
    return this.#get(item, isWanted, false);
  }

  /** As {@linkcode tryGet}, and blocks the thread. */
  getSync(
    item: QueueItem,
    isWanted: IsWanted,
    options: WaitOptions,
    extras?: WaitExtras,
  ): number {
    return waitSync(
      this.#getters,
      options,
      (it) => this.#get(item, isWanted, it),
      extras,
    );
  }

  /** As {@linkcode tryGet}, and waits. */
  get(
    item: QueueItem,
    isWanted: IsWanted,
    options: WaitOptions,
    extras?: WaitExtras,
  ): Promise<number> {
    return wait(
      this.#getters,
      options,
      (it) => this.#get(item, isWanted, it),
      extras,
    );
  }

  /** Puts items back to the front that were taken and not used. They count as before. */
  putBack(items: readonly QueueItem[]): void {
    checkAlive();
    const { words } = this;
    probeStack();
    this.#guard.lock();
    try {
      if (!this.#store.pushFirst?.(items)) this.#pushAnew(items);
      words[COUNT]! += items.length;
      this.#getters.settle();
    } finally {
      this.#guard.unlock();
    }
  }

  /** True where nobody else has taken items for a while. */
  get isOnlyGetter(): boolean {
    const { words } = this;
    const last = words[LAST_GETTER]!;
    if (last === 0) return true;
    if (last !== this.#getters.tag) return false;
    return ((Date.now() - words[GETTER_CHANGED]!) | 0) > ALONE;
  }

  /** True where somebody waits for an item to whom none was promised. */
  get isAwaited(): boolean {
    return !this.#getters.queue.isEmpty;
  }

  /** Counts an item as done: false where all are. */
  taskDone(): boolean {
    checkAlive();
    const { words } = this;
    probeStack();
    this.#guard.lock();
    try {
      if (words[UNFINISHED] === 0) return false;
      this.#finish();
      return true;
    } finally {
      this.#guard.unlock();
    }
  }

  /** Blocks the thread until every item is done: false where the time is up. */
  joinSync(options: WaitOptions): boolean {
    return this.#joiners.waitSync(0, options) !== 0;
  }

  /** Waits until every item is done: false where the time is up. */
  async join(options: WaitOptions): Promise<boolean> {
    return await this.#joiners.waitAsync(0, options) !== 0;
  }

  /** Shuts the queue down; returns what it dropped. */
  shutdown(isImmediate: boolean): QueueItem[] {
    checkAlive();
    const { words } = this;
    const dropped: QueueItem[] = [];
    probeStack();
    this.#guard.lock();
    try {
      if (words[STATE] !== EMPTIED) {
        Atomics.store(words, STATE, isImmediate ? EMPTIED : SHUT);
      }
      while (isImmediate && words[COUNT]! > 0) {
        const item = new QueueItem();
        this.#store.peek(item);
        item.finish();
        this.#drop();
        dropped.push(item);
        // An item may have been done before it was taken.
        if (words[UNFINISHED]! > 0) this.#finish();
      }
      this.#getters.settle();
      this.#putters.settle();
      return dropped;
    } finally {
      this.#guard.unlock();
    }
  }

  /** How many items there are. */
  get size(): number {
    return Atomics.load(this.words, COUNT);
  }

  /** True where it was shut down. */
  get isShutdown(): boolean {
    return Atomics.load(this.words, STATE) !== OPEN;
  }

  /** How many items there can be; 0 or less: any number. */
  get maxSize(): number {
    return Atomics.load(this.words, MAX);
  }

  set maxSize(value: number) {
    checkAlive();
    probeStack();
    this.#guard.lock();
    try {
      Atomics.store(this.words, MAX, value);
      this.#putters.settle();
    } finally {
      this.#guard.unlock();
    }
  }

  #put(item: QueueItem, isPromised: boolean): number {
    checkAlive();
    const { words } = this;
    const putters = this.#putters;
    // Somebody will be woken: see `word_mutex.ts`.
    if (!this.#getters.queue.isEmpty) probeStack();
    this.#guard.lock();
    try {
      if (words[STATE] !== OPEN) return CLOSED;
      if (isPromised) {
        putters.redeem();
        const max = words[MAX]!;
        if (max > 0 && words[COUNT]! >= max) return NOT_YET;
      } else if (!putters.isOpen()) return NOT_YET;
      return this.#push(item);
    } catch (error) {
      // The place that was promised to this one is for the next in line.
      putters.settle();
      throw error;
    } finally {
      this.#guard.unlock();
    }
  }

  #get(item: QueueItem, isWanted: IsWanted, isPromised: boolean): number {
    const result = this.#take(item, isWanted, isPromised);
    if (result === DONE) item.finish();
    return result;
  }

  #take(item: QueueItem, isWanted: IsWanted, isPromised: boolean): number {
    checkAlive();
    const { words } = this;
    const getters = this.#getters;
    if (!this.#putters.queue.isEmpty) probeStack();
    this.#guard.lock();
    try {
      if (isPromised) getters.redeem();
      const isMine = isPromised ? words[COUNT]! > 0 : getters.isOpen();
      // What is left of a queue that was shut down may be promised to others.
      if (!isMine) return words[STATE] === OPEN ? NOT_YET : CLOSED;
      this.#store.peek(item);
      this.#noteGetter();
      if (isWanted(item)) this.#drop();
      // What was promised here goes to the next in line.
      else if (getters.queue.head !== 0) getters.settle();
      return DONE;
    } catch (error) {
      // There was no memory for the copy.
      getters.settle();
      throw error;
    } finally {
      this.#guard.unlock();
    }
  }

  #noteGetter(): void {
    const { words } = this;
    const { tag } = this.#getters;
    const last = words[LAST_GETTER]!;
    if (last === tag) return;
    words[LAST_GETTER] = tag;
    if (last !== 0) words[GETTER_CHANGED] = Date.now() | 0;
  }

  /** Takes all items out, and puts them back behind these. */
  #pushAnew(items: readonly QueueItem[]): void {
    const rest: QueueItem[] = [];
    for (let left = this.words[COUNT]!; left > 0; left--) {
      const item = new QueueItem();
      this.#store.peek(item);
      item.finish();
      this.#store.drop();
      rest.push(item);
    }
    for (const item of items) this.#store.push(item);
    for (const item of rest) this.#store.push(item);
  }

  #push(item: QueueItem): number {
    const { words } = this;
    this.#store.push(item);
    words[COUNT]!++;
    words[UNFINISHED]!++;
    if (this.#getters.queue.head !== 0) this.#getters.settle();
    return DONE;
  }

  /** Removes the next item. */
  #drop(): void {
    const { words } = this;
    this.#store.drop();
    words[COUNT]!--;
    if (this.#putters.queue.head !== 0) this.#putters.settle();
  }

  #finish(): void {
    const { words } = this;
    if (--words[UNFINISHED]! === 0 && this.#joiners.queue.head !== 0) {
      this.#joiners.settle();
    }
  }
}
