// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { QueueItem } from "./queue_segment.ts";

/** Words that a store has in the memory of its queue. */
export const STORE_WORDS = 48;

/** Where the items of a queue lie, and which one is the next. All methods under the guard. */
export interface QueueStore {
  /** Its memory, for those who send the queue. */
  readonly buffers: readonly SharedArrayBuffer[];
  /**
   * Adds an item, or throws and leaves everything as it is.
   *
   * @throws {RangeError} If the memory cannot hold it.
   * @throws {TypeError} If its priority cannot be compared with those there.
   */
  push(item: QueueItem): void;
  /** Adds items before all others; false where there is no room in front, and nothing was changed. Missing where items have an order of their own. */
  pushFirst?(items: readonly QueueItem[]): boolean;
  /** Copies the next item out. There is one. */
  peek(item: QueueItem): void;
  /** Removes what `peek()` has shown. */
  drop(): void;
}

/** Makes a store, of memory that exists or (no buffers) of its own. */
export type StoreClass = new (
  words: Int32Array<SharedArrayBuffer>,
  base: number,
  buffers: readonly SharedArrayBuffer[],
) => QueueStore;
