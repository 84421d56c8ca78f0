// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Memory that grows, and the records of a queue in it.
//
// A growable SharedArrayBuffer is the only memory that a thread can make larger
// for all who have it already. Views that follow its length are several times
// slower than others, so every thread has views of a fixed length, and makes new
// ones when the size that the queue's words name is not theirs (under the guard).
//
// A record is a row of cells of 8 bytes:
//
//   kind | flags, n      n: the integer, or how many bytes follow
//   float64              of a float: its value; with ATTACHED: the token
//   n bytes              of a text or a payload, up to a whole cell

import { SerializationError } from "../base/errors.ts";

/** Where nothing else is said, a segment may grow up to a gigabyte. It is address space, not memory. */
const MAX_BYTES = 1 << 30;
/** Where address space is short, what to be content with. */
const MIN_BYTES = 1 << 24;

/** The size of the first segment of a queue. */
export const FIRST_BYTES = 1 << 12;

/** What an item is written as. */
export const ItemKind = {
  int: 0,
  float: 1,
  undefined: 2,
  null: 3,
  true: 4,
  false: 5,
  /** ASCII, of at most {@linkcode TEXT_LIMIT} characters. */
  text: 6,
  /** What the codec wrote. */
  payload: 7,
} as const;

/** Added to `ItemKind.payload`: it names modules that must be loaded first. */
export const NEEDS_MODULES = 16;
/** Added to `ItemKind.payload`: some values travel beside it, under a token. */
export const ATTACHED = 32;

/** The longest text that is written without the codec. */
export const TEXT_LIMIT = 128;

/** What an item of a priority queue is ordered by. */
export interface ItemKey {
  /** "number" covers bigints and dates; `text` is empty for all that a float64 holds exactly. */
  readonly kind: "number" | "text";
  /** The number, or the float64 nearest to it. */
  readonly number: number;
  /** Of a number: -1, 0 or 1 as it is below, at or above `number`. */
  readonly side: number;
  /** The text itself, or the digits of a bigint in base 16, without a sign. */
  readonly text: string;
}

const NO_BYTES = new Uint8Array();
/** Texts come out through it, copied under the guard and read outside. */
const textBytes = new Uint8Array(TEXT_LIMIT);
/** Up to this length a loop beats the call into the platform's decoder. */
const TINY_TEXT = 16;
const DECODER = new TextDecoder();

/** What an item holds without the codec; a text is ASCII, of at most {@linkcode TEXT_LIMIT} characters. */
export type SmallValue = number | string | boolean | null | undefined;

/** An item on its way into the memory or out of it. */
export class QueueItem {
  /** One of {@linkcode ItemKind}, with flags. */
  kind = 0;
  /** An integer, or the length of `text` or `bytes`. */
  int = 0;
  /** A float, or the token of what is attached. */
  float = 0;
  text = "";
  /** A payload. */
  bytes: Uint8Array = NO_BYTES;
  /** Going in, of a priority queue only. */
  key: ItemKey | undefined = undefined;

  /** Makes it the item of a value that needs no codec. */
  setSmall(value: SmallValue): void {
    switch (typeof value) {
      case "number": {
        const int = value | 0;
        const isInt = int === value && (int !== 0 || 1 / value > 0);
        this.kind = isInt ? ItemKind.int : ItemKind.float;
        this.int = isInt ? int : 0;
        this.float = value;
        break;
      }
      case "string":
        this.kind = ItemKind.text;
        this.int = value.length;
        this.text = value;
        break;
      case "boolean":
        this.kind = value ? ItemKind.true : ItemKind.false;
        break;
      case "undefined":
        this.kind = ItemKind.undefined;
        break;
      default:
        this.kind = ItemKind.null;
    }
  }

  /**
   * What `setSmall()` was given.
   *
   * @throws {SerializationError} If there is something else in it.
   */
  getSmall(): SmallValue {
    switch (this.kind) {
      case ItemKind.int:
        return this.int;
      case ItemKind.float:
        return this.float;
      case ItemKind.text:
        return this.text;
      case ItemKind.true:
        return true;
      case ItemKind.false:
        return false;
      case ItemKind.null:
        return null;
      case ItemKind.undefined:
        return undefined;
      default:
        throw new SerializationError(
          `Cannot read an item: its kind is ${this.kind}`,
          { reason: "bad item" },
        );
    }
  }

  /** After it was read, before another one is: makes the text of what was copied. */
  finish(): void {
    if (this.kind !== ItemKind.text) return;
    const { int } = this;
    if (int > TINY_TEXT) {
      this.text = DECODER.decode(textBytes.subarray(0, int));
      return;
    }
    let text = "";
    for (let i = 0; i < int; i++) text += String.fromCharCode(textBytes[i]!);
    this.text = text;
  }
}

/** Memory that grows. All methods under the guard of the queue. */
export class Segment {
  readonly buffer: SharedArrayBuffer;
  /** How many bytes the views below show. */
  size = 0;
  ints!: Int32Array<SharedArrayBuffer>;
  floats!: Float64Array<SharedArrayBuffer>;
  bytes!: Uint8Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer = newBuffer()) {
    this.buffer = buffer;
    this.look(buffer.byteLength);
  }

  /** Makes views of `size` bytes: another thread has made the memory larger. */
  look(size: number): void {
    const { buffer } = this;
    this.size = size;
    this.ints = new Int32Array(buffer, 0, size >>> 2);
    this.floats = new Float64Array(buffer, 0, size >>> 3);
    this.bytes = new Uint8Array(buffer, 0, size);
  }

  /**
   * Makes the memory larger.
   *
   * @throws {RangeError} If it cannot be that large.
   */
  grow(needed: number): void {
    const { buffer, size } = this;
    if (needed > buffer.maxByteLength) {
      throw new RangeError(
        `Cannot put an item: the queue would take ${needed} bytes, and ${buffer.maxByteLength} are allowed`,
      );
    }
    let next = size;
    while (next < needed) next *= 2;
    buffer.grow(Math.min(next, buffer.maxByteLength));
    this.look(buffer.byteLength);
  }

  /** Writes a record; there is room for it. `offset` is a multiple of 8. */
  write(offset: number, item: QueueItem): void {
    const { kind, int } = item;
    const { ints } = this;
    const index = offset >>> 2;
    ints[index] = kind;
    ints[index + 1] = int;
    if (kind < ItemKind.text && kind !== ItemKind.float) return;
    let start = offset + 8;
    if (kind === ItemKind.float || (kind & ATTACHED) !== 0) {
      this.floats[start >>> 3] = item.float;
      start += 8;
      if (kind === ItemKind.float) return;
    }
    const { bytes } = this;
    if (kind === ItemKind.text) {
      const { text } = item;
      for (let i = 0; i < int; i++) bytes[start + i] = text.charCodeAt(i);
    } else bytes.set(item.bytes, start);
  }

  /** Copies a record out of the memory. */
  read(offset: number, item: QueueItem): void {
    const { ints } = this;
    const index = offset >>> 2;
    const kind = ints[index]!;
    const int = ints[index + 1]!;
    item.kind = kind;
    item.int = int;
    if (kind < ItemKind.text && kind !== ItemKind.float) return;
    let start = offset + 8;
    if (kind === ItemKind.float || (kind & ATTACHED) !== 0) {
      item.float = this.floats[start >>> 3]!;
      start += 8;
      if (kind === ItemKind.float) return;
    }
    const { bytes } = this;
    if (kind === ItemKind.text) {
      for (let i = 0; i < int; i++) textBytes[i] = bytes[start + i]!;
    } else item.bytes = copyOf(bytes, start, int);
  }

  /** How many bytes the record there takes. */
  sizeAt(offset: number): number {
    const index = offset >>> 2;
    return recordSize(this.ints[index]!, this.ints[index + 1]!);
  }
}

/** How many bytes a record takes, whole cells. */
export function recordSize(kind: number, int: number): number {
  if (kind < ItemKind.text) return kind === ItemKind.float ? 16 : 8;
  return (((kind & ATTACHED) === 0 ? 15 : 23) + int) & ~7;
}

/** Into memory of its own: a view of shared memory is refused by much of the platform. */
function copyOf(
  bytes: Uint8Array,
  start: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(length);
  copy.set(bytes.subarray(start, start + length));
  return copy;
}

function newBuffer(): SharedArrayBuffer {
  for (let maxByteLength = MAX_BYTES;; maxByteLength >>>= 1) {
    try {
      return new SharedArrayBuffer(FIRST_BYTES, { maxByteLength });
    } catch (error) {
      if (maxByteLength <= MIN_BYTES) throw error;
    }
  }
}
