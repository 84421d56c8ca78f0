// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Last in, first out: records on top of each other. Behind each one a cell says
// how long it is, so that the topmost can be found.
//
//   0 [record, size] [record, size] TOP ... SIZE

import { type QueueItem, recordSize, Segment } from "./queue_segment.ts";
import type { QueueStore } from "./queue_store.ts";

const TOP = 0;
const SIZE = 1;
/** Bytes of the cell behind a record. */
const CELL = 8;

/** A stack of records. */
export class StackStore implements QueueStore {
  readonly buffers: readonly SharedArrayBuffer[];
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #base: number;
  readonly #segment: Segment;

  constructor(
    words: Int32Array<SharedArrayBuffer>,
    base: number,
    buffers: readonly SharedArrayBuffer[],
  ) {
    this.#words = words;
    this.#base = base;
    this.#segment = new Segment(buffers[0]);
    this.buffers = [this.#segment.buffer];
    if (buffers.length === 0) words[base + SIZE] = this.#segment.size;
  }

  push(item: QueueItem): void {
    const words = this.#words;
    const base = this.#base;
    const segment = this.#look();
    const size = recordSize(item.kind, item.int);
    const top = words[base + TOP]!;
    const end = top + size + CELL;
    if (end > segment.size) {
      segment.grow(end);
      words[base + SIZE] = segment.size;
    }
    segment.write(top, item);
    segment.ints[(top + size) >>> 2] = size;
    words[base + TOP] = end;
  }

  peek(item: QueueItem): void {
    const segment = this.#look();
    segment.read(this.#start(segment), item);
  }

  drop(): void {
    this.#words[this.#base + TOP] = this.#start(this.#look());
  }

  /** Where the topmost record begins. */
  #start(segment: Segment): number {
    const end = this.#words[this.#base + TOP]! - CELL;
    return end - segment.ints[end >>> 2]!;
  }

  #look(): Segment {
    const segment = this.#segment;
    const size = this.#words[this.#base + SIZE]!;
    if (size !== segment.size) segment.look(size);
    return segment;
  }
}
