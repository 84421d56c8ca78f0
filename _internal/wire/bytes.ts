// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { copyBytes, type Segment, segments } from "../memory/segments.ts";

/**
 * Growable little-endian byte buffer. `bytes()` is a view, valid until the next `reset()` or write.
 *
 * One that is shared writes what is long into a segment, so that a channel
 * between threads sends it as it lies there.
 */
export class ByteWriter {
  /** The buffer; only the first `length` bytes count. */
  buffer: Uint8Array;
  /** A view over `buffer`, replaced together with it. */
  view: DataView;
  /** Bytes written so far. */
  length = 0;
  /** The view that was given out last. */
  #bytes: Uint8Array | undefined;
  /** Held by the writer. */
  #segment: Segment | undefined;
  readonly #isShared: boolean;

  constructor(capacity = 256, isShared = false) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
    this.#isShared = isShared;
  }

  /** What was written lies in it; undefined where that is memory of its own. */
  get segment(): Segment | undefined {
    return this.#segment;
  }

  /** Makes room for `size` more bytes and returns the offset at which they start. */
  reserve(size: number): number {
    const offset = this.length;
    const needed = offset + size;
    if (needed > this.buffer.length) this.#grow(needed);
    this.length = needed;
    return offset;
  }

  u8(value: number): void {
    const offset = this.reserve(1);
    this.buffer[offset] = value;
  }

  u32(value: number): void {
    const offset = this.reserve(4);
    this.view.setUint32(offset, value, true);
  }

  i32(value: number): void {
    const offset = this.reserve(4);
    this.view.setInt32(offset, value, true);
  }

  f64(value: number): void {
    const offset = this.reserve(8);
    this.view.setFloat64(offset, value, true);
  }

  /** An unsigned integer up to 2^53-1 in LEB128 form: 7 bits a byte. */
  varint(value: number): void {
    while (value >= 0x80) {
      this.u8((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.u8(value);
  }

  /** The bytes as they are, without a length. */
  raw(bytes: Uint8Array): void {
    const offset = this.reserve(bytes.length);
    copyBytes(this.buffer, offset, bytes);
  }

  /** Length (varint); where that is above `ALIGNED` a byte that says how many follow, so that the bytes are copied fast. */
  alignedBlob(bytes: Uint8Array): void {
    const { length } = bytes;
    this.varint(length);
    if (length > ALIGNED) {
      const offset = this.reserve(1);
      const gap = -(offset + 1) & 7;
      this.buffer[offset] = gap;
      this.reserve(gap);
    }
    this.raw(bytes);
  }

  /** Length (varint), then the bytes. */
  blob(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /**
   * A string of any length: a varint of `bytes * 4 + form`, then its bytes in
   * one of three forms. ASCII and UTF-8 use the platform's own converters; a
   * string with a lone surrogate goes as UTF-16, since UTF-8 would replace it.
   */
  string(value: string): void {
    const { length } = value;
    const start = this.length;
    this.varint(length * 4 + ASCII);
    const offset = this.reserve(length);
    if (length < SHORT_STRING) {
      const { buffer } = this;
      let i = 0;
      for (; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 0x7f) break;
        buffer[offset + i] = unit;
      }
      if (i === length) return;
    } else {
      // Room for exactly `length` bytes: all of the text fits only if it is ASCII.
      const { read } = ENCODER.encodeInto(
        value,
        this.buffer.subarray(offset, offset + length),
      );
      if (read === length) return;
    }
    this.length = start;
    if (value.isWellFormed()) {
      const bytes = ENCODER.encode(value);
      this.varint(bytes.length * 4 + UTF8);
      this.raw(bytes);
      return;
    }
    this.varint(length * 8 + UTF16);
    const wide = this.reserve(length * 2);
    for (let i = 0; i < length; i++) {
      this.view.setUint16(wide + i * 2, value.charCodeAt(i), true);
    }
  }

  /** A view of what was written; not a copy. */
  bytes(): Uint8Array {
    // Mostly as long as the one before.
    return this.#bytes?.length === this.length
      ? this.#bytes
      : this.#bytes = this.buffer.subarray(0, this.length);
  }

  /** What was written, in memory that is not written again: its own, or a segment, held by the caller from now on. */
  take(): {
    readonly bytes: Uint8Array;
    readonly segment: Segment | undefined;
  } {
    const segment = this.#segment;
    if (segment === undefined && this.length <= KEPT) {
      return { bytes: this.buffer.slice(0, this.length), segment };
    }
    const bytes = this.bytes();
    this.#segment = undefined;
    this.#begin();
    return { bytes, segment };
  }

  /** Forgets what was written; gives a segment, or a buffer above `keep` bytes, back. */
  reset(keep = 1 << 20): void {
    this.length = 0;
    if (this.#segment === undefined && this.buffer.length <= keep) return;
    this.#segment?.release();
    this.#segment = undefined;
    this.#begin();
  }

  #begin(): void {
    this.#bytes = undefined;
    this.buffer = new Uint8Array(256);
    this.view = new DataView(this.buffer.buffer);
    this.length = 0;
  }

  #grow(needed: number): void {
    this.#bytes = undefined;
    const size = Math.max(needed, this.buffer.length * 2);
    const segment = this.#isShared && size > SHARED &&
        (this.#segment !== undefined || !segments.isCrowded)
      ? segments.acquire(size)
      : undefined;
    const buffer = segment?.bytes ?? new Uint8Array(size);
    buffer.set(this.buffer.subarray(0, this.length));
    this.#segment?.release();
    this.#segment = segment;
    this.buffer = buffer;
    this.view = new DataView(
      buffer.buffer,
      buffer.byteOffset,
      buffer.byteLength,
    );
  }
}

/** No bytes. */
export const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** Size of the buffers of an arena. */
const ARENA_SIZE = 1 << 14;

/**
 * Keeps copies of short runs of bytes that live for a moment, many in one
 * buffer: a buffer for each would cost more than all else that is done with it.
 * A copy keeps its buffer, and so its neighbours, in memory.
 */
export class ByteArena {
  /** Where the last copy is. */
  buffer: Uint8Array<ArrayBuffer> = NO_BYTES;
  #used = 0;

  /** Copies what was written; returns where in `buffer` the copy begins. */
  copy({ buffer, length }: ByteWriter): number {
    if (this.#used + length > this.buffer.length) {
      this.buffer = new Uint8Array(Math.max(ARENA_SIZE, length));
      this.#used = 0;
    }
    const start = this.#used;
    const into = this.buffer;
    for (let i = 0; i < length; i++) into[start + i] = buffer[i]!;
    this.#used += length;
    return start;
  }
}

/** The bytes of both, one after the other. */
export function joined<T extends ArrayBufferLike>(
  into: Uint8Array<T>,
  head: Uint8Array,
  body: Uint8Array,
): Uint8Array<T> {
  into.set(head);
  copyBytes(into, head.length, body);
  return into;
}

/** A double, and the two words of it. */
const WHOLE = new Float64Array(1);
const PARTS = new Uint32Array(WHOLE.buffer);
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Reads what {@linkcode ByteWriter} wrote. Every read checks its bounds and throws a RangeError. */
export class ByteReader {
  readonly buffer: Uint8Array;
  /** The next byte to read. */
  offset: number;
  #view: DataView | undefined;

  constructor(buffer: Uint8Array, offset = 0) {
    this.buffer = buffer;
    this.offset = offset;
  }

  /** A view over `buffer`. Made at the first use: most messages need none. */
  get view(): DataView {
    return this.#view ??= new DataView(
      this.buffer.buffer,
      this.buffer.byteOffset,
      this.buffer.byteLength,
    );
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.buffer.length - this.offset;
  }

  /** Moves past `size` bytes and returns the offset at which they start. */
  take(size: number): number {
    const offset = this.offset;
    if (size > this.buffer.length - offset) {
      throw new RangeError(
        `Cannot read ${size} bytes: ${this.remaining} bytes are left`,
      );
    }
    this.offset = offset + size;
    return offset;
  }

  u8(): number {
    return this.buffer[this.take(1)]!;
  }

  // Byte by byte: short messages need no view, which costs more than reading them.

  u32(): number {
    return this.i32() >>> 0;
  }

  i32(): number {
    const offset = this.take(4);
    const { buffer } = this;
    return buffer[offset]! | buffer[offset + 1]! << 8 |
      buffer[offset + 2]! << 16 | buffer[offset + 3]! << 24;
  }

  f64(): number {
    const low = this.u32();
    PARTS[isLittleEndian ? 0 : 1] = low;
    PARTS[isLittleEndian ? 1 : 0] = this.u32();
    return WHOLE[0]!;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new RangeError("Cannot read a length: it is over 53 bits");
  }

  /** A view of the next `size` bytes; not a copy. */
  raw(size: number): Uint8Array {
    const offset = this.take(size);
    return this.buffer.subarray(offset, offset + size);
  }

  /** A view of the bytes that `blob()` wrote; not a copy. */
  blob(): Uint8Array {
    return this.raw(this.varint());
  }

  /** Reads the length that `alignedBlob()` wrote, and moves to the bytes. */
  alignedLength(): number {
    const length = this.varint();
    if (length > ALIGNED) this.take(this.u8());
    return length;
  }

  string(): string {
    const header = this.varint();
    const form = header % 4;
    const size = (header - form) / 4;
    const offset = this.take(size);
    if (form === ASCII && size < TINY_STRING) {
      const { buffer } = this;
      let text = "";
      for (let i = 0; i < size; i++) {
        text += String.fromCharCode(buffer[offset + i]!);
      }
      return text;
    }
    const bytes = this.buffer.subarray(offset, offset + size);
    if (form !== UTF16) return DECODER.decode(decodable(bytes));
    if (size % 2 !== 0) {
      throw new RangeError("Cannot read a string: half a code unit is left");
    }
    const { view } = this;
    const units = new Uint16Array(size / 2);
    for (let i = 0; i < units.length; i++) {
      units[i] = view.getUint16(offset + i * 2, true);
    }
    let text = "";
    for (let i = 0; i < units.length; i += CHUNK) {
      text += String.fromCharCode(...units.subarray(i, i + CHUNK));
    }
    return text;
  }
}

/** Buffers up to this many bytes are written where they come: a loop beats the views that a block copy needs. */
export const ALIGNED = 64;
/** Messages above this many bytes are written into a segment. */
const SHARED = 1 << 14;
/** What is taken is copied up to this size, and above it kept in the buffer that it was written into. */
const KEPT = 1 << 16;

let scratch: WeakRef<Uint8Array<ArrayBuffer>> | undefined;

/**
 * The bytes, or, of shared ones, a copy that is valid until the next call: the
 * platform's decoder copies shared memory into fresh memory, which takes three
 * times as long.
 */
function decodable(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > MAX_SCRATCH || !(bytes.buffer instanceof SharedArrayBuffer)) {
    return bytes;
  }
  let memory = scratch?.deref();
  const offset = bytes.byteOffset & 7;
  if (memory === undefined || memory.length < offset + length) {
    memory = new Uint8Array(offset + length);
    scratch = new WeakRef(memory);
  }
  memory.set(bytes, offset);
  return memory.subarray(offset, offset + length);
}

/** Strings above this many bytes are decoded where they lie. */
const MAX_SCRATCH = 1 << 22;

/** The forms of a string's bytes. */
const ASCII = 0;
const UTF8 = 1;
const UTF16 = 2;

/** Below this length a loop beats the call into the platform's encoder. */
const SHORT_STRING = 24;
/** Below this length a loop beats the call into the platform's decoder. */
const TINY_STRING = 8;
/** Arguments of one `String.fromCharCode` call: far from the stack's limit. */
const CHUNK = 8192;

const ENCODER = new TextEncoder();
// Without `ignoreBOM` a leading U+FEFF would be swallowed.
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
