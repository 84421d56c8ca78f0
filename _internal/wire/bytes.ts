// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** Growable little-endian byte buffer. `bytes()` is a view, valid until the next `reset()` or write. */
export class ByteWriter {
  /** The buffer; only the first `length` bytes count. */
  buffer: Uint8Array<ArrayBuffer>;
  /** A view over `buffer`, replaced together with it. */
  view: DataView<ArrayBuffer>;
  /** Bytes written so far. */
  length = 0;

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
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
    this.buffer.set(bytes, offset);
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
  bytes(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length);
  }

  /** What was written, with its buffer: the writer starts anew with another one. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.bytes();
    this.buffer = new Uint8Array(256);
    this.view = new DataView(this.buffer.buffer);
    this.length = 0;
    return bytes;
  }

  /** Forgets what was written; gives a buffer above `keep` bytes back to the collector. */
  reset(keep = 1 << 20): void {
    this.length = 0;
    if (this.buffer.length > keep) {
      this.buffer = new Uint8Array(256);
      this.view = new DataView(this.buffer.buffer);
    }
  }

  #grow(needed: number): void {
    const buffer = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    buffer.set(this.buffer.subarray(0, this.length));
    this.buffer = buffer;
    this.view = new DataView(buffer.buffer);
  }
}

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

  /** A view over `buffer`. Made at the first use: short messages need none, and it costs more than reading them. */
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

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  i32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true);
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
    if (form !== UTF16) return DECODER.decode(bytes);
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
