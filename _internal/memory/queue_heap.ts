// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Lowest first, equal ones in the order in which they were put: a binary heap
// (Williams, "Algorithm 232: Heapsort", 1964). The heap holds entries of one
// length, in one segment; what they stand for lies in blocks of another one.
//
//   entry   key: float64 | sequence: float64 | block | units | side | -
//   block   the key's text (`units` UTF-16 units), up to a whole cell, then the record
//
// A number is its own key. A bigint that no float64 holds has the nearest one for
// its key, `side` says on which side of that it lies, and its digits are the
// text, for two of them that are as near. A string is all text.
//
// Blocks have powers of two for lengths. A free one is kept in the list of its
// length, its first word leads to the next; when the last item is taken all
// blocks are forgotten at once.

import {
  type ItemKey,
  type QueueItem,
  recordSize,
  Segment,
} from "./queue_segment.ts";
import type { QueueStore } from "./queue_store.ts";

const COUNT = 0;
const KIND = 1;
const ENTRIES_SIZE = 2;
const BLOCKS_SIZE = 3;
/** The end of all blocks. */
const TOP = 4;
/** A float64: the number of the next item. */
const SEQUENCE = 6;
/** The first free block of each length, plus 1; 0: there is none. */
const FREE = 8;
const LENGTHS = 32;

/** An entry in words, and where its fields are. */
const ENTRY = 8;
const BLOCK = 4;
const UNITS = 5;
const SIDE = 6;
const ENTRY_BYTES = ENTRY * 4;

const NO_KIND = 0;
const NUMBERS = 1;
const TEXTS = 2;

/** A heap of records. */
export class HeapStore implements QueueStore {
  readonly buffers: readonly SharedArrayBuffer[];
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #base: number;
  readonly #floats: Float64Array<SharedArrayBuffer>;
  readonly #entries: Segment;
  readonly #blocks: Segment;

  constructor(
    words: Int32Array<SharedArrayBuffer>,
    base: number,
    buffers: readonly SharedArrayBuffer[],
  ) {
    this.#words = words;
    this.#base = base;
    this.#floats = new Float64Array(words.buffer);
    this.#entries = new Segment(buffers[0]);
    this.#blocks = new Segment(buffers[1]);
    this.buffers = [this.#entries.buffer, this.#blocks.buffer];
    if (buffers.length === 0) {
      words[base + ENTRIES_SIZE] = this.#entries.size;
      words[base + BLOCKS_SIZE] = this.#blocks.size;
    }
  }

  push(item: QueueItem): void {
    const words = this.#words;
    const base = this.#base;
    const key = item.key!;
    const kind = this.#checkKind(key);
    const entries = this.#lookAtEntries();
    const blocks = this.#lookAtBlocks();
    const count = words[base + COUNT]!;
    // One more than the heap has: the new one lies there while its place is found.
    if ((count + 2) * ENTRY_BYTES > entries.size) {
      entries.grow((count + 2) * ENTRY_BYTES);
      words[base + ENTRIES_SIZE] = entries.size;
    }
    const { text } = key;
    const textSize = sizeOfText(text.length);
    const block = this.#allocate(textSize + recordSize(item.kind, item.int));
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      blocks.bytes[block + i * 2] = unit & 0xff;
      blocks.bytes[block + i * 2 + 1] = unit >>> 8;
    }
    blocks.write(block + textSize, item);
    const { ints, floats } = entries;
    const fresh = (count + 1) * ENTRY;
    floats[fresh >>> 1] = key.number;
    const sequence = (base + SEQUENCE) >>> 1;
    floats[(fresh >>> 1) + 1] = this.#floats[sequence]!++;
    ints[fresh + BLOCK] = block;
    ints[fresh + UNITS] = text.length;
    ints[fresh + SIDE] = key.side;
    words[base + KIND] = kind;
    words[base + COUNT] = count + 1;
    this.#up(count, count + 1);
  }

  peek(item: QueueItem): void {
    const { ints } = this.#lookAtEntries();
    const textSize = sizeOfText(ints[UNITS]!);
    this.#lookAtBlocks().read(ints[BLOCK]! + textSize, item);
  }

  drop(): void {
    const words = this.#words;
    const base = this.#base;
    const count = words[base + COUNT]! - 1;
    words[base + COUNT] = count;
    if (count === 0) {
      words[base + KIND] = NO_KIND;
      words[base + TOP] = 0;
      this.#floats[(base + SEQUENCE) >>> 1] = 0;
      words.fill(0, base + FREE, base + FREE + LENGTHS);
      return;
    }
    const { ints } = this.#lookAtEntries();
    const blocks = this.#lookAtBlocks();
    const block = ints[BLOCK]!;
    const textSize = sizeOfText(ints[UNITS]!);
    const list = base + FREE +
      lengthClass(textSize + blocks.sizeAt(block + textSize));
    blocks.ints[block >>> 2] = words[list]!;
    words[list] = block + 1;
    this.#down(count);
  }

  /** Finds the place of `entry`; `hole` is the last one, and free. */
  #up(hole: number, entry: number): void {
    while (hole > 0) {
      const parent = (hole - 1) >>> 1;
      if (!this.#isBefore(entry, parent)) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#move(entry, hole);
  }

  /** Finds the place of the last entry; the first one is free. */
  #down(last: number): void {
    let hole = 0;
    for (let child = 1; child < last; child = hole * 2 + 1) {
      if (child + 1 < last && this.#isBefore(child + 1, child)) child++;
      if (!this.#isBefore(child, last)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#move(last, hole);
  }

  #isBefore(a: number, b: number): boolean {
    const { ints, floats } = this.#entries;
    const x = a * ENTRY;
    const y = b * ENTRY;
    const keyX = floats[x >>> 1]!;
    const keyY = floats[y >>> 1]!;
    if (keyX !== keyY) return keyX < keyY;
    const sides = ints[x + SIDE]! - ints[y + SIDE]!;
    if (sides !== 0) return sides < 0;
    if (ints[x + UNITS]! > 0 || ints[y + UNITS]! > 0) {
      const texts = this.#compareTexts(x, y, keyX);
      if (texts !== 0) return texts < 0;
    }
    return floats[(x >>> 1) + 1]! < floats[(y >>> 1) + 1]!;
  }

  /** Strings by their units, as `<` does; digits by their value. */
  #compareTexts(x: number, y: number, key: number): number {
    const { ints } = this.#entries;
    const { bytes } = this.#blocks;
    const unitsX = ints[x + UNITS]!;
    const unitsY = ints[y + UNITS]!;
    const isNumber = this.#words[this.#base + KIND] === NUMBERS;
    const sign = isNumber && key < 0 ? -1 : 1;
    if (isNumber && unitsX !== unitsY) return (unitsX - unitsY) * sign;
    const textX = ints[x + BLOCK]!;
    const textY = ints[y + BLOCK]!;
    const length = Math.min(unitsX, unitsY) * 2;
    for (let i = 0; i < length; i += 2) {
      const high = bytes[textX + i + 1]! - bytes[textY + i + 1]!;
      if (high !== 0) return high * sign;
      const low = bytes[textX + i]! - bytes[textY + i]!;
      if (low !== 0) return low * sign;
    }
    return unitsX - unitsY;
  }

  #move(from: number, to: number): void {
    const { ints } = this.#entries;
    const source = from * ENTRY;
    const target = to * ENTRY;
    // Word by word: as float64 some bits could change on the way.
    for (let i = 0; i < ENTRY; i++) ints[target + i] = ints[source + i]!;
  }

  #checkKind(key: ItemKey): number {
    const kind = key.kind === "text" ? TEXTS : NUMBERS;
    const there = this.#words[this.#base + KIND]!;
    if (there !== NO_KIND && there !== kind) {
      throw new TypeError(
        there === TEXTS
          ? "Cannot put an item as its priority must be a string, as those in the queue are: it is a number"
          : "Cannot put an item as its priority must be a number, as those in the queue are: it is a string",
      );
    }
    return kind;
  }

  #allocate(size: number): number {
    const words = this.#words;
    const base = this.#base;
    const segment = this.#blocks;
    const length = lengthClass(size);
    const list = base + FREE + length;
    const free = words[list]!;
    if (free !== 0) {
      words[list] = segment.ints[(free - 1) >>> 2]!;
      return free - 1;
    }
    const block = words[base + TOP]!;
    const end = block + MIN_BLOCK * 2 ** length;
    if (end > segment.size) {
      segment.grow(end);
      words[base + BLOCKS_SIZE] = segment.size;
    }
    words[base + TOP] = end;
    return block;
  }

  #lookAtEntries(): Segment {
    const segment = this.#entries;
    const size = this.#words[this.#base + ENTRIES_SIZE]!;
    if (size !== segment.size) segment.look(size);
    return segment;
  }

  #lookAtBlocks(): Segment {
    const segment = this.#blocks;
    const size = this.#words[this.#base + BLOCKS_SIZE]!;
    if (size !== segment.size) segment.look(size);
    return segment;
  }
}

const MIN_BLOCK = 16;

/** The power of two that a block of `size` bytes has, above the smallest. */
function lengthClass(size: number): number {
  return size <= MIN_BLOCK ? 0 : 28 - Math.clz32(size - 1);
}

function sizeOfText(units: number): number {
  return (units * 2 + 7) & ~7;
}
