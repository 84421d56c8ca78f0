// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A queue that another program serves.
//
// A put into a queue without a bound need not wait for its owner: what is put in
// one turn of the event loop leaves as one list, and counts as put. The owner
// answers when it is in the queue; WINDOW items may be on their way, then putters
// wait. What comes behind a list (a get, a size) finds its items there, since all
// goes one way.

import type { WaitOptions } from "../base/deadline.ts";
import { ConnectionClosedError } from "../base/errors.ts";
import {
  CLOSED,
  DONE,
  type IsWanted,
  NOT_YET,
  type QueueLike,
} from "../memory/queue_core.ts";
import { QueueItem } from "../memory/queue_segment.ts";
import type { BrokeredObject } from "./brokered_object.ts";
import { type ItemRecord, readRecord, recordOf } from "./served_queue.ts";

/** Items that may be on their way to the owner. */
const WINDOW = 8_192;
/** Bytes of payloads that may be. */
const WINDOW_BYTES = 1 << 20;
/** Items of one list. */
const MAX_LIST = 512;

/** What the owner answers to a list. */
type Accepted = readonly [
  result: number,
  maxSize: number,
  isShutdown: boolean,
];

/** A queue elsewhere. */
export class RemoteQueueCore implements QueueLike {
  readonly object: BrokeredObject;
  #bound: number;
  #isUnbounded: boolean;
  #list: ItemRecord[] = [];
  #listBytes = 0;
  #itemsOut = 0;
  #bytesOut = 0;
  /** Why nothing can be put any more. */
  #failure: unknown;
  /** Taken from the queue, and left by its getter for the next one. */
  #kept: QueueItem | undefined;

  constructor(object: BrokeredObject, maxSize: number) {
    this.object = object;
    this.#bound = maxSize;
    this.#isUnbounded = maxSize <= 0;
  }

  /** How many items there can be, as the owner has said last. */
  get knownBound(): number {
    return this.#bound;
  }

  putFast(item: QueueItem): number {
    if (this.#failure !== undefined) throw this.#failure;
    if (
      !this.#isUnbounded || this.#itemsOut >= WINDOW ||
      this.#bytesOut >= WINDOW_BYTES
    ) return NOT_YET;
    const { port } = this.object;
    const list = this.#list;
    if (list.length === 0) port.postSoon(this.#sendList, this.#listSize);
    list.push(recordOf(item));
    const { length } = item.bytes;
    this.#itemsOut++;
    this.#bytesOut += length;
    this.#listBytes += length;
    if (list.length === MAX_LIST) port.sendUnsent();
    return DONE;
  }

  tryPut(item: QueueItem): number {
    return this.object.callSync("tryPut", [recordOf(item)]) as number;
  }

  putSync(item: QueueItem, { timeout, signal }: WaitOptions): number {
    signal?.throwIfAborted();
    return this.object.callSync("put", [recordOf(item), timeout]) as number;
  }

  async put(
    item: QueueItem,
    { timeout, signal }: WaitOptions,
  ): Promise<number> {
    signal?.throwIfAborted();
    const args = [recordOf(item), timeout];
    return await this.object.call("put", args, signal) as number;
  }

  tryGetFast(item: QueueItem, isWanted: IsWanted): number {
    return this.#kept === undefined ? NOT_YET : this.#give(item, isWanted);
  }

  tryGet(item: QueueItem, isWanted: IsWanted): number {
    return this.#kept === undefined
      ? this.#take(this.object.callSync("tryGet", []), item, isWanted)
      : this.#give(item, isWanted);
  }

  getSync(
    item: QueueItem,
    isWanted: IsWanted,
    { timeout, signal }: WaitOptions,
  ): number {
    signal?.throwIfAborted();
    return this.#kept === undefined
      ? this.#take(this.object.callSync("get", [timeout]), item, isWanted)
      : this.#give(item, isWanted);
  }

  async get(
    item: QueueItem,
    isWanted: IsWanted,
    { timeout, signal }: WaitOptions,
  ): Promise<number> {
    signal?.throwIfAborted();
    const taken = await this.object.call("get", [timeout], signal);
    return this.#take(taken, item, isWanted);
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
    this.#isUnbounded = false;
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
    this.#bound = value;
    this.#isUnbounded = value <= 0;
  }

  readonly #listSize = (): number => this.#list.length;

  readonly #sendList = (): void => {
    const list = this.#list;
    const bytes = this.#listBytes;
    this.#list = [];
    this.#listBytes = 0;
    void this.#accept(list, bytes);
  };

  async #accept(list: readonly ItemRecord[], bytes: number): Promise<void> {
    try {
      const accepted = await this.object.call("putAccepted", list);
      const [, maxSize, isShutdown] = accepted as Accepted;
      this.#bound = maxSize;
      this.#isUnbounded = maxSize <= 0 && !isShutdown;
    } catch (error) {
      this.#failure = error;
      // That the owner is gone is what the next user of the queue is told.
      if (!(error instanceof ConnectionClosedError)) reportError(error);
    } finally {
      this.#itemsOut -= list.length;
      this.#bytesOut -= bytes;
    }
  }

  /** Reads what was taken at the owner. */
  #take(taken: unknown, item: QueueItem, isWanted: IsWanted): number {
    const [result, record] = taken as [number, ItemRecord];
    if (result !== DONE) return result === CLOSED ? CLOSED : NOT_YET;
    readRecord(record, item);
    if (!isWanted(item)) this.#kept = Object.assign(new QueueItem(), item);
    return DONE;
  }

  #give(item: QueueItem, isWanted: IsWanted): number {
    Object.assign(item, this.#kept);
    if (isWanted(item)) this.#kept = undefined;
    return DONE;
  }
}
