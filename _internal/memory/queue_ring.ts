// Copyright 2026 the @concurrent/parallel authors. MIT license.

// First in, first out: a ring of records of any length. No record is cut in
// two: what does not fit behind the last one begins at 0 again.
//
//   straight   0 ... HEAD [records) TAIL ... SIZE            WRAP = 0
//   wrapped    0 [records) TAIL ... HEAD [records) WRAP ...  SIZE
//
// TAIL never catches up with HEAD in the wrapped form (there is always a cell
// between them), so HEAD = TAIL means empty. Where there is no room the memory
// doubles, and the upper part of a wrapped ring moves to the new end.

import { type QueueItem, recordSize, Segment } from "./queue_segment.ts";
import type { QueueStore } from "./queue_store.ts";

const HEAD = 0;
const TAIL = 1;
const WRAP = 2;
const SIZE = 3;

/** A ring of records. */
export class RingStore implements QueueStore {
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
    let tail = words[base + TAIL]!;
    let wrap = words[base + WRAP]!;
    const head = words[base + HEAD]!;
    if (wrap === 0 && tail + size > segment.size) {
      // The lower part takes it, if a cell stays free between them.
      if (size < head) {
        words[base + WRAP] = wrap = tail;
        tail = 0;
      } else {
        this.#grow(tail + size);
      }
    } else if (wrap !== 0 && tail + size >= head) {
      this.#grow(segment.size + size);
    }
    segment.write(tail, item);
    words[base + TAIL] = tail + size;
  }

  pushFirst(items: readonly QueueItem[]): boolean {
    const words = this.#words;
    const base = this.#base;
    const segment = this.#look();
    let total = 0;
    for (const { kind, int } of items) total += recordSize(kind, int);
    const head = words[base + HEAD]!;
    const tail = words[base + TAIL]!;
    const wrap = words[base + WRAP]!;
    let at = head - total;
    // Where they were taken from, mostly.
    if (wrap === 0 ? at < 0 : at <= tail) {
      // What is there begins at 0: they become the upper part.
      at = segment.size - total;
      if (wrap !== 0 || head !== 0 || tail === 0 || at <= tail) return false;
      words[base + WRAP] = segment.size;
    }
    words[base + HEAD] = at;
    for (const item of items) {
      segment.write(at, item);
      at += recordSize(item.kind, item.int);
    }
    return true;
  }

  peek(item: QueueItem): void {
    this.#look().read(this.#words[this.#base + HEAD]!, item);
  }

  drop(): void {
    const words = this.#words;
    const base = this.#base;
    const wrap = words[base + WRAP]!;
    let head = words[base + HEAD]!;
    head += this.#look().sizeAt(head);
    if (wrap !== 0) {
      if (head === wrap) {
        head = 0;
        words[base + WRAP] = 0;
      }
    } else if (head === words[base + TAIL]) {
      // Empty: begin at the front again, where the memory is warm.
      head = 0;
      words[base + TAIL] = 0;
    }
    words[base + HEAD] = head;
  }

  #look(): Segment {
    const segment = this.#segment;
    const size = this.#words[this.#base + SIZE]!;
    if (size !== segment.size) segment.look(size);
    return segment;
  }

  #grow(needed: number): void {
    const words = this.#words;
    const base = this.#base;
    const segment = this.#segment;
    segment.grow(needed);
    const { size } = segment;
    words[base + SIZE] = size;
    const wrap = words[base + WRAP]!;
    if (wrap === 0) return;
    const head = words[base + HEAD]!;
    const moved = size - (wrap - head);
    segment.bytes.copyWithin(moved, head, wrap);
    words[base + HEAD] = moved;
    words[base + WRAP] = size;
  }
}
