// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Where the large messages of a channel between threads lie: in segments, which
// the ring names. The other side is told of a segment once, by the port, and
// from then on by its number. A message holds its segment until it has been
// read. When the channel closes, what the other side may still read is retired:
// not what is on its way to somebody else. What its owner has given back, the
// other side forgets.

import {
  copyBytes,
  letGo,
  Segment,
  segmentOf,
  segments,
} from "../memory/segments.ts";
import type { Shelf } from "./ring_channel.ts";

/** What one side tells the other about its segments. */
type ShelfMessage =
  | { readonly segment: number; readonly memory: SharedArrayBuffer }
  | { readonly forgotten: readonly number[] };

/** Messages above this many bytes are copied here; shorter ones had better be written into the ring. */
const LARGE = 1 << 16;
/** Of a record: number of the segment, offset and length there, 8 bytes each. */
const PLACE = 3;

/** One side's view of the segments of both. */
export class SegmentShelf implements Shelf {
  readonly #post: (message: ShelfMessage) => void;
  /** Those of this side. */
  readonly #told = new Map<Segment, number>();
  /** Those of the other side. */
  readonly #known = new Map<number, Segment>();
  #last = 0;
  #forgotten: number[] = [];

  /** @param post Reaches the other side's `receive()`. */
  constructor(post: (message: ShelfMessage) => void) {
    this.#post = post;
  }

  put(head: Uint8Array, body: Uint8Array): Uint8Array | undefined {
    const length = head.length + body.length;
    let segment = body.length === 0 ? segmentOf(head) : undefined;
    let offset: number;
    if (segment !== undefined && segments.owns(segment)) {
      segment.send();
      offset = head.byteOffset - segment.bytes.byteOffset;
    } else {
      if (length <= LARGE) return undefined;
      // What is aligned in the message stays so.
      const begin = body.length === 0
        ? head.byteOffset
        : body.byteOffset - head.length;
      offset = begin & 7;
      segment = segments.acquire(offset + length);
      copyBytes(segment.bytes, offset, head);
      copyBytes(segment.bytes, offset + head.length, body);
      segment.send();
      segment.release();
    }
    segment.sentBy = this;
    const view = new DataView(new ArrayBuffer(PLACE * 8));
    view.setFloat64(0, this.#numberOf(segment), true);
    view.setFloat64(8, offset, true);
    view.setFloat64(16, length, true);
    return new Uint8Array(view.buffer);
  }

  find(record: Uint8Array): Uint8Array | undefined {
    const { number, offset, length } = placeIn(record);
    return this.#known.get(number)?.bytes.subarray(offset, offset + length);
  }

  delivered(message: Uint8Array): void {
    segmentOf(message)?.delivered();
  }

  /** A segment of this side was given back: the other side must not keep its memory. */
  forget(segment: Segment): void {
    const number = this.#told.get(segment);
    if (number === undefined) return;
    this.#told.delete(segment);
    if (this.#forgotten.push(number) > 1) return;
    queueMicrotask(() => {
      this.#post({ forgotten: this.#forgotten });
      this.#forgotten = [];
    });
  }

  /** Takes what the other side has posted; false where that is something else. */
  receive(message: Partial<Record<string, unknown>>): boolean {
    const { segment, memory, forgotten } = message;
    if (memory instanceof SharedArrayBuffer) {
      this.#known.set(segment as number, new Segment(memory));
    } else if (Array.isArray(forgotten)) {
      for (const number of forgotten) {
        letGo(this.#known.get(number)?.memory.byteLength ?? 0);
        this.#known.delete(number);
      }
    } else return false;
    return true;
  }

  /** The other side is gone. */
  close(): void {
    for (const segment of this.#told.keys()) {
      segment.shelves.delete(this);
      if (segment.sentBy === this && segment.isSent) segments.retire(segment);
    }
    this.#told.clear();
    this.#known.clear();
  }

  #numberOf(segment: Segment): number {
    let number = this.#told.get(segment);
    if (number === undefined) {
      number = ++this.#last;
      this.#post({ segment: number, memory: segment.memory });
      this.#told.set(segment, number);
      segment.shelves.add(this);
    }
    return number;
  }
}

function placeIn(record: Uint8Array) {
  const view = new DataView(record.buffer, record.byteOffset, PLACE * 8);
  return {
    number: view.getFloat64(0, true),
    offset: view.getFloat64(8, true),
    length: view.getFloat64(16, true),
  };
}
