// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A queue that another program serves, for one thread. What is put into a queue
// without a bound goes into an outbox, what is taken comes out of an inbox, both in
// memory that the broker of this program sees; `queue_relay.ts` says how they are
// emptied and filled. So whoever waits here, waits as for a queue of its own.

import type { WaitOptions } from "../base/deadline.ts";
import { ConnectionClosedError } from "../base/errors.ts";
import {
  CLOSED,
  DONE,
  type IsWanted,
  NOT_YET,
  QueueCore,
  type QueueLike,
} from "../memory/queue_core.ts";
import { RingStore } from "../memory/queue_ring.ts";
import { QueueItem } from "../memory/queue_segment.ts";
import {
  RELAY_FULL,
  RELAY_GONE,
  RELAY_OPEN,
  RelayStatus,
} from "../memory/relay_status.ts";
import { remember } from "../wire/shared_objects.ts";
import type { BrokeredObject } from "./brokered_object.ts";
import { type ItemRecord, readRecord, recordOf } from "./served_queue.ts";

/** Items that may wait in the outbox. */
const WINDOW = 8_192;

/** A queue elsewhere. */
export class RemoteQueueCore implements QueueLike {
  readonly object: BrokeredObject;
  readonly #status = new RelayStatus();
  #boxes: { readonly outbox: QueueCore; readonly inbox: QueueCore } | undefined;
  #relay = 0;

  constructor(object: BrokeredObject, maxSize: number) {
    this.object = object;
    this.#status.bound = maxSize;
  }

  /** How many items there can be, as the owner has said last. */
  get knownBound(): number {
    return this.#status.bound;
  }

  putFast(item: QueueItem): number {
    return this.#isRelayed() ? this.#put(item) : NOT_YET;
  }

  tryPut(item: QueueItem): number {
    if (this.#isRelayed()) {
      const result = this.#put(item);
      if (result !== NOT_YET) return result;
    }
    return this.#asked(this.object.callSync("tryPut", [recordOf(item)]));
  }

  putSync(item: QueueItem, options: WaitOptions): number {
    const { timeout, signal } = options;
    signal?.throwIfAborted();
    if (!this.#isRelayed()) {
      const args = [recordOf(item), timeout];
      return this.#asked(this.object.callSync("put", args));
    }
    return this.#announced(this.#open().outbox.putSync(item, options));
  }

  async put(item: QueueItem, options: WaitOptions): Promise<number> {
    const { timeout, signal } = options;
    signal?.throwIfAborted();
    if (!this.#isRelayed()) {
      const args = [recordOf(item), timeout];
      return this.#asked(await this.object.call("put", args, signal));
    }
    return this.#announced(await this.#open().outbox.put(item, options));
  }

  tryGetFast(item: QueueItem, isWanted: IsWanted): number {
    const result = this.#boxes?.inbox.tryGet(item, isWanted) ?? NOT_YET;
    // What is closed is looked at where it is waited for.
    return result === DONE ? DONE : NOT_YET;
  }

  tryGet(item: QueueItem, isWanted: IsWanted): number {
    const { inbox } = this.#open();
    if (inbox.tryGet(item, isWanted) === DONE) return DONE;
    this.#checkOwner();
    const [result, record] = this.object.callSync("tryGet", []) as [
      number,
      ItemRecord,
    ];
    if (result !== DONE) return result;
    // By way of the inbox, where it can stay.
    inbox.putAccepted(1, (_, taken) => readRecord(record, taken));
    return inbox.tryGet(item, isWanted);
  }

  getSync(item: QueueItem, isWanted: IsWanted, options: WaitOptions): number {
    options.signal?.throwIfAborted();
    if (options.timeout === 0) return this.tryGet(item, isWanted);
    const { inbox } = this.#open();
    this.#checkOwner();
    let result = NOT_YET;
    try {
      result = this.#settled(
        inbox.getSync(item, isWanted, options, this.#wanting),
      );
    } finally {
      if (result === NOT_YET) this.#tell("unwant");
    }
    return result;
  }

  async get(
    item: QueueItem,
    isWanted: IsWanted,
    options: WaitOptions,
  ): Promise<number> {
    const { timeout, signal } = options;
    signal?.throwIfAborted();
    const { inbox } = this.#open();
    this.#checkOwner();
    if (timeout === 0) {
      const taken = await this.object.call("getMany", [1, 0], signal);
      const [result, record] = taken as [number, ItemRecord];
      if (result !== DONE) return result;
      inbox.putAccepted(1, (_, taken) => readRecord(record, taken));
      return inbox.tryGet(item, isWanted);
    }
    let result = NOT_YET;
    try {
      result = this.#settled(
        await inbox.get(item, isWanted, options, this.#wanting),
      );
    } finally {
      if (result === NOT_YET) this.#tell("unwant");
    }
    return result;
  }

  taskDone(): boolean {
    return this.object.callSync("taskDone", []) as boolean;
  }

  joinSync({ timeout, signal }: WaitOptions): boolean {
    signal?.throwIfAborted();
    return this.object.callSync("join", [timeout]) as boolean;
  }

  async join({ timeout, signal }: WaitOptions): Promise<boolean> {
    signal?.throwIfAborted();
    return await this.object.call("join", [timeout], signal) as boolean;
  }

  shutdown(isImmediate: boolean): QueueItem[] {
    const records = this.object.callSync("shutdown", [isImmediate]);
    return (records as ItemRecord[]).map((record) => {
      const item = new QueueItem();
      readRecord(record, item);
      return item;
    });
  }

  get size(): number {
    return this.object.callSync("size", []) as number;
  }

  get isShutdown(): boolean {
    return this.object.callSync("isShutdown", []) as boolean;
  }

  get maxSize(): number {
    return this.object.callSync("maxSize", []) as number;
  }

  set maxSize(value: number) {
    this.object.callSync("setMaxSize", [value]);
    this.#status.bound = value;
  }

  /** What the owner has said to a put. */
  #asked(result: unknown): number {
    if (result === DONE) this.#status.hear();
    return result as number;
  }

  /** True where a put need not ask the owner. */
  #isRelayed(): boolean {
    this.#checkOwner();
    this.#checkRoom();
    const { bound, state, isFresh } = this.#status;
    return bound <= 0 && state === RELAY_OPEN && isFresh;
  }

  #put(item: QueueItem): number {
    return this.#announced(this.#open().outbox.tryPut(item));
  }

  /** Tells the broker of what was put, where it does not know. */
  #announced(result: number): number {
    if (result === DONE) {
      this.object.said();
      if (this.#status.announce()) this.#tell("look");
    }
    if (result === CLOSED) this.#checkRoom();
    return this.#settled(result);
  }

  /** @throws {ConnectionClosedError} If the queue is closed because its owner is gone. */
  #settled(result: number): number {
    if (result === CLOSED) this.#checkOwner();
    return result;
  }

  #checkOwner(): void {
    if (this.#status.state !== RELAY_GONE) return;
    throw new ConnectionClosedError(
      "Cannot use a queue of another process: its owner is gone",
    );
  }

  /**
   * The broker is told when the wait is queued, and not before: what it has fetched
   * for nobody yet it gives back after a while.
   */
  readonly #wanting = { onQueued: () => this.#tell("want") };

  /** @throws {RangeError} If the owner had no memory for what was put before. */
  #checkRoom(): void {
    if (this.#status.state !== RELAY_FULL) return;
    throw new RangeError(
      "Cannot put an item: the owner of the queue had no memory for those before",
    );
  }

  #tell(what: "look" | "want" | "unwant"): void {
    this.object.port.postNow({ kind: what, relay: this.#relay });
  }

  #open() {
    if (this.#boxes === undefined) {
      const outbox = new QueueCore(RingStore);
      outbox.maxSize = WINDOW;
      const inbox = new QueueCore(RingStore);
      // The broker has them too: who waits for one need not be alone.
      for (const box of [outbox, inbox]) remember(box.serial, box);
      this.#boxes = { outbox, inbox };
      this.#relay = this.object.openRelay({
        status: this.#status.words,
        outbox: boxOf(outbox),
        inbox: boxOf(inbox),
      });
    }
    return this.#boxes;
  }
}

function boxOf({ words, serial, buffers }: QueueCore) {
  return { words, serial, buffers };
}
