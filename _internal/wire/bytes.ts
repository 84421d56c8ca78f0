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
   * A string of any length: a varint of `length * 2 + wide`, then one byte a
   * code unit (Latin-1) or two (UTF-16, so that lone surrogates survive).
   */
  string(value: string): void {
    const { length } = value;
    if (length < SHORT_STRING) {
      this.#shortString(value);
      return;
    }
    let wide = false;
    for (let i = 0; i < length; i++) {
      if (value.charCodeAt(i) > 0xff) {
        wide = true;
        break;
      }
    }
    this.varint(length * 2 + (wide ? 1 : 0));
    if (wide) {
      const offset = this.reserve(length * 2);
      for (let i = 0; i < length; i++) {
        this.view.setUint16(offset + i * 2, value.charCodeAt(i), true);
      }
      return;
    }
    const offset = this.reserve(length);
    const { buffer } = this;
    for (let i = 0; i < length; i++) buffer[offset + i] = value.charCodeAt(i);
  }

  /** A view of what was written; not a copy. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length);
  }

  /** Forgets what was written; gives a buffer above `keep` bytes back to the collector. */
  reset(keep = 1 << 20): void {
    this.length = 0;
    if (this.buffer.length > keep) {
      this.buffer = new Uint8Array(256);
      this.view = new DataView(this.buffer.buffer);
    }
  }

  #shortString(value: string): void {
    const { length } = value;
    // The optimistic Latin-1 pass: one loop for nearly every short string.
    const start = this.length;
    this.varint(length * 2);
    const offset = this.reserve(length);
    const { buffer } = this;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0xff) {
        this.length = start;
        this.varint(length * 2 + 1);
        const wide = this.reserve(length * 2);
        for (let j = 0; j < length; j++) {
          this.view.setUint16(wide + j * 2, value.charCodeAt(j), true);
        }
        return;
      }
      buffer[offset + i] = unit;
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
  readonly view: DataView;
  /** The next byte to read. */
  offset: number;

  constructor(buffer: Uint8Array, offset = 0) {
    this.buffer = buffer;
    this.view = new DataView(
      buffer.buffer,
      buffer.byteOffset,
      buffer.byteLength,
    );
    this.offset = offset;
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
    const length = Math.floor(header / 2);
    if (header % 2 === 0) {
      const offset = this.take(length);
      const { buffer } = this;
      if (length < SHORT_STRING) {
        let text = "";
        for (let i = 0; i < length; i++) {
          text += String.fromCharCode(buffer[offset + i]!);
        }
        return text;
      }
      return latin1(buffer.subarray(offset, offset + length));
    }
    const offset = this.take(length * 2);
    const units = new Uint16Array(length);
    for (let i = 0; i < length; i++) {
      units[i] = this.view.getUint16(offset + i * 2, true);
    }
    let text = "";
    for (let i = 0; i < length; i += CHUNK) {
      text += String.fromCharCode(...units.subarray(i, i + CHUNK));
    }
    return text;
  }
}

const SHORT_STRING = 32;
const CHUNK = 8192;

/** `TextDecoder("latin1")` is windows-1252 and would change 0x80 to 0x9f, so the code units are taken one by one. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  }
  return text;
}
