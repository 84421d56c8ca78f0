// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The broker's end of a queue that another program serves (`remote_queue.ts` is
// the thread's). Between the two are an outbox and an inbox in shared memory, so
// that neither waits for the other, whatever the thread does meanwhile:
//
//   thread -> outbox    the first put since the last look tells the broker
//   broker              sends what is there as one list; LISTS lists may be unanswered,
//                       then the outbox fills, and putters wait
//   thread              wants an item: looks into the inbox, waits there, then tells the
//                       broker. In this order: what was fetched for a thread that has
//                       not queued yet could be given back, and nobody would fetch again
//   broker              fetches while somebody waits there
//   broker -> inbox     the item, and some more where the thread takes them fast
//
// More than one item is fetched only for a thread that has taken the last lot
// within FAST ms, and only where nobody else takes from the queue (the owner
// decides that). What it leaves lying for as long goes back, to the front of the
// queue, also while the thread computes: the broker never does.
//
// Before anything else that the thread asks is passed on, what it has put is sent,
// and what it has not taken is given back: the owner finds all as if the thread
// had asked it each time.

import { nextTurn } from "../memory/bell.ts";
import { DONE, QueueCore } from "../memory/queue_core.ts";
import { RingStore } from "../memory/queue_ring.ts";
import {
  RELAY_FULL,
  RELAY_GONE,
  RELAY_OPEN,
  RELAY_SHUT,
  RelayStatus,
} from "../memory/relay_status.ts";
import type { Link } from "./link.ts";
import { type ItemRecord, readRecord, recordOf } from "./served_queue.ts";
import { packValue, unpackPlain } from "./values.ts";

/** Items of one list. */
const MAX_LIST = 512;
/** As many at a time mean that more is coming. */
const BURST = 4;
/** Bytes after which a list is closed. */
const MAX_LIST_BYTES = 1 << 18;
/** Lists that may be unanswered before the outbox fills. */
const LISTS = 4;
/** How long a thread may take for what was fetched ahead, in ms. */
const FAST = 2;
/** No more items than that are fetched at a time. */
const MAX_LOT = 512;
/** Lots of at least this size are followed by the next one at once. */
const AHEAD_LOT = 32;

/** What the two sides share. */
export interface RelayMemory {
  readonly status: Int32Array<SharedArrayBuffer>;
  readonly outbox: RelayBox;
  readonly inbox: RelayBox;
}

/** A queue in shared memory. */
export interface RelayBox {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly serial: number;
  readonly buffers: readonly SharedArrayBuffer[];
}

/** The answer to a list: what the owner says of the queue. */
export type Accepted = readonly [bound: number, isShutdown: boolean];

/** Where the queue is. */
interface RelayTarget {
  readonly link: Link;
  readonly agent: number;
}

/** The owner was gone before the boxes came. */
export function loseRelay({ status, outbox, inbox }: RelayMemory): void {
  new RelayStatus(status).state = RELAY_GONE;
  for (const box of [outbox, inbox]) {
    new QueueCore(RingStore, box).shutdown(true);
  }
}

/** One queue, for one thread. */
export class QueueRelay {
  readonly object: number;
  readonly #target: RelayTarget;
  readonly #status: RelayStatus;
  readonly #outbox: QueueCore;
  readonly #inbox: QueueCore;
  #unanswered = 0;
  #fetch: AbortController | undefined;
  #isWanted = false;
  #fetching: Promise<void> | undefined;
  /** The thread is gone, or ends: nothing is fetched for it. */
  #isEnded = false;
  /** How many are fetched at a time, and when the last lot came. */
  #lot = 1;
  #cameAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastSize = 0;

  constructor(
    target: RelayTarget,
    object: number,
    { status, outbox, inbox }: RelayMemory,
  ) {
    this.#target = target;
    this.object = object;
    this.#status = new RelayStatus(status);
    this.#outbox = new QueueCore(RingStore, outbox);
    this.#inbox = new QueueCore(RingStore, inbox);
    void target.link.closed.then(() => this.#lose());
  }

  /** Something was put: sends it, and stays at it while more comes at once. */
  async look(): Promise<void> {
    while (this.send() >= BURST) {
      await nextTurn();
    }
    // Only now the thread tells again of what it puts.
    this.#status.look();
    this.send();
  }

  /** Sends what the thread has put; with `all` also where much is unanswered. Returns how many items. */
  send(all = false): number {
    let count = 0;
    while (all || this.#unanswered < LISTS) {
      const list: ItemRecord[] = [];
      let bytes = 0;
      this.#outbox.takeMany((item) => {
        list.push(recordOf(item));
        bytes += item.bytes.length;
        return list.length < MAX_LIST && bytes < MAX_LIST_BYTES;
      });
      if (list.length === 0) break;
      count += list.length;
      void this.#sendList(list);
    }
    return count;
  }

  /** The thread waits for an item. */
  want(): void {
    // A fetch that is ending must not miss it.
    this.#isWanted = true;
    if (this.#fetch !== undefined || this.#isEnded) return;
    this.#fetching = this.#fetchItems();
  }

  /** The thread has given up a wait. */
  unwant(): void {
    if (!this.#inbox.isAwaited) this.#fetch?.abort();
  }

  /** Gives back what the thread has not taken, and fetches nothing any more: resolves when that is so. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#fetch?.abort();
    await this.#fetching;
    this.giveBack();
  }

  /**
   * Gives back what the thread has not taken. Not while more is being fetched: what
   * was taken first would come back behind it.
   */
  giveBack(): void {
    if (this.#fetch !== undefined) return;
    const records: ItemRecord[] = [];
    this.#inbox.takeMany((item) => records.push(recordOf(item)) > 0, true);
    if (records.length === 0) return;
    this.#lot = 1;
    this.#cast("unget", records);
  }

  /** The thread is gone. */
  close(): void {
    clearTimeout(this.#timer);
    this.send(true);
    void this.end();
  }

  async #sendList(list: readonly ItemRecord[]): Promise<void> {
    this.#unanswered++;
    try {
      const [bound, isShutdown] = await this.#call(
        "putAccepted",
        list,
      ) as Accepted;
      this.#status.bound = bound;
      if (isShutdown) this.#shut();
      else this.#status.hear();
    } catch {
      // That the owner is gone is told in #lose(). Else it has no room: whoever
      // puts is told so, and nobody else suffers from it.
      if (!this.#target.link.isClosed) this.#overflow();
    }
    this.#unanswered--;
    this.send();
  }

  async #fetchItems(): Promise<void> {
    do {
      const controller = new AbortController();
      this.#fetch = controller;
      this.#isWanted = false;
      const now = performance.now();
      this.#lot = now - this.#cameAt < FAST && this.#inbox.size === 0
        ? Math.min(this.#lot * 2, MAX_LOT)
        : 1;
      try {
        this.#deliver(await this.#getMany(undefined, controller.signal));
        await this.#fetchAhead();
      } catch {
        // Nobody waits any more; or the queue is gone, and will not come back.
        if (!controller.signal.aborted) this.#lose();
      }
    } while (
      (this.#isWanted || this.#inbox.isAwaited) && !this.#isEnded &&
      this.#status.state !== RELAY_GONE
    );
    this.#fetch = undefined;
  }

  /** While the thread takes them fast, the next lot comes while it works at the last one. */
  async #fetchAhead(): Promise<void> {
    while (this.#lot >= AHEAD_LOT && !this.#isEnded) {
      const lot = await this.#getMany(0, undefined);
      const isTaken = this.#inbox.size <= this.#lot / 2;
      // What was asked for without waiting says nothing where there is none.
      if (lot[0] !== DONE) return;
      this.#deliver(lot);
      if (!isTaken) return;
      this.#lot = Math.min(this.#lot * 2, MAX_LOT);
    }
  }

  async #getMany(
    timeout: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<[number, ...ItemRecord[]]> {
    const args = [this.#lot, timeout];
    return await this.#call("getMany", args, signal) as [
      number,
      ...ItemRecord[],
    ];
  }

  #deliver([result, ...records]: [number, ...ItemRecord[]]): void {
    if (result !== DONE) {
      this.#shut();
      return;
    }
    const inbox = this.#inbox;
    inbox.putAccepted(
      records.length,
      (index, item) => readRecord(records[index], item),
    );
    this.#cameAt = performance.now();
    // Where there were no more, more need not be asked for.
    this.#lot = Math.min(this.#lot, records.length);
    this.#lastSize = inbox.size;
    // Also a single one: its getter may have given up meanwhile.
    this.#timer ??= setTimeout(this.#review, FAST);
  }

  /** Looks whether the thread takes what was fetched for it. */
  readonly #review = (): void => {
    this.#timer = undefined;
    const { size } = this.#inbox;
    if (size === 0) return;
    // While more is being fetched it has to wait for that.
    if (size >= this.#lastSize) this.giveBack();
    this.#lastSize = size;
    if (this.#inbox.size > 0) this.#timer = setTimeout(this.#review, FAST);
  };

  /** Nothing can be put any more, and nothing is left to be fetched. */
  #shut(): void {
    if (this.#status.state === 0) this.#status.state = RELAY_SHUT;
    this.#outbox.shutdown(false);
    this.#inbox.shutdown(false);
  }

  /** What was put is lost, and so is what comes behind it. */
  #overflow(): void {
    if (this.#status.state !== RELAY_OPEN) return;
    this.#status.state = RELAY_FULL;
    this.#outbox.shutdown(true);
  }

  #lose(): void {
    this.#status.state = RELAY_GONE;
    this.#outbox.shutdown(true);
    this.#inbox.shutdown(true);
  }

  async #call(
    method: string,
    args: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<unknown> {
    const { link, agent } = this.#target;
    const body = packValue(args, "args");
    return unpackPlain(
      await link.call(agent, this.object, method, body, signal),
    );
  }

  #cast(method: string, args: readonly unknown[]): void {
    const { link, agent } = this.#target;
    link.cast(agent, this.object, method, packValue(args, "args"));
  }
}
