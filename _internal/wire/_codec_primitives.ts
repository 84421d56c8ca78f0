// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { copyBytes } from "../memory/segments.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import * as tags from "./_codec_tags.ts";
import { malformed } from "./_codec_types.ts";

/** `Symbol.iterator` and its like, by name and by value. */
const KNOWN_SYMBOLS = new Map<string, symbol>();
for (const name of Object.getOwnPropertyNames(Symbol)) {
  const value: unknown = Reflect.get(Symbol, name);
  if (typeof value === "symbol") KNOWN_SYMBOLS.set(name, value);
}
const KNOWN_VALUES = new Set(KNOWN_SYMBOLS.values());

export function writeNumber(w: ByteWriter, value: number): void {
  if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
    if (value >= 0 && value < 0x80) return w.u8(tags.SMALL_INT + value);
    const offset = w.reserve(5);
    w.buffer[offset] = tags.TAG_INT32;
    w.view.setInt32(offset + 1, value, true);
    return;
  }
  const offset = w.reserve(9);
  w.buffer[offset] = tags.TAG_FLOAT64;
  w.view.setFloat64(offset + 1, value, true);
}

export function writeString(w: ByteWriter, value: string): void {
  const { length } = value;
  if (length < tags.SHORT_STRING_LIMIT) {
    const offset = w.reserve(length + 1);
    const { buffer } = w;
    let i = 0;
    for (; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0x7f) break;
      buffer[offset + 1 + i] = unit;
    }
    if (i === length) {
      buffer[offset] = tags.SHORT_STRING + length;
      return;
    }
    w.length = offset;
  }
  w.u8(tags.TAG_STRING);
  w.string(value);
}

/** Writes a primitive that is not an object; returns why where it cannot. */
export function writePrimitive(
  w: ByteWriter,
  value: unknown,
): string | undefined {
  switch (typeof value) {
    case "string":
      writeString(w, value);
      return;
    case "number":
      writeNumber(w, value);
      return;
    case "boolean":
      w.u8(value ? tags.TAG_TRUE : tags.TAG_FALSE);
      return;
    case "undefined":
      w.u8(tags.TAG_UNDEFINED);
      return;
    case "bigint":
      w.u8(tags.TAG_BIGINT);
      w.string(value < 0n ? `-${(-value).toString(16)}` : value.toString(16));
      return;
    case "symbol":
      return writeSymbol(w, value);
    default:
      w.u8(tags.TAG_NULL);
      return;
  }
}

/** True for a symbol that is the same in every isolate. */
export function isTravelling(symbol: symbol): boolean {
  return Symbol.keyFor(symbol) !== undefined || KNOWN_VALUES.has(symbol);
}

function writeSymbol(w: ByteWriter, value: symbol): string | undefined {
  const key = Symbol.keyFor(value);
  if (key !== undefined) {
    w.u8(tags.TAG_SYMBOL_FOR);
    w.string(key);
    return;
  }
  for (const [name, known] of KNOWN_SYMBOLS) {
    if (known === value) {
      w.u8(tags.TAG_SYMBOL_KNOWN);
      w.string(name);
      return;
    }
  }
  return `${
    String(value)
  } is unique to its isolate: use Symbol.for() for a symbol that travels`;
}

export function readBigInt(r: ByteReader): bigint {
  const text = r.string();
  const negative = text.startsWith("-");
  const digits = negative ? text.slice(1) : text;
  if (!/^[0-9a-f]+$/.test(digits)) throw malformed("it holds a bad bigint");
  const value = BigInt(`0x${digits}`);
  return negative ? -value : value;
}

export function readKnownSymbol(r: ByteReader): symbol {
  const name = r.string();
  const value = KNOWN_SYMBOLS.get(name);
  if (value === undefined) {
    throw malformed(`it names an unknown symbol: ${name.slice(0, 64)}`);
  }
  return value;
}

/** The rest of a short string, whose length was in its tag. */
export function readShortString(r: ByteReader, length: number): string {
  const offset = r.take(length);
  const { buffer } = r;
  let text = "";
  let i = 0;
  // Each step makes a string.
  for (; i + 4 <= length; i += 4) {
    const at = offset + i;
    text += String.fromCharCode(
      buffer[at]!,
      buffer[at + 1]!,
      buffer[at + 2]!,
      buffer[at + 3]!,
    );
  }
  for (; i < length; i++) text += String.fromCharCode(buffer[offset + i]!);
  return text;
}

/** Slots of the table of keys; a power of two. */
const KEY_SLOTS = 512;
const KEYS: string[] = new Array(KEY_SLOTS).fill("");

/**
 * A short string that is likely to come again (a property's name): the same
 * string object is given out while it stays in the table, which saves its
 * creation and lets the engine find the property by identity.
 */
export function readKey(r: ByteReader, length: number): string {
  const offset = r.take(length);
  const { buffer } = r;
  let hash = length;
  for (let i = 0; i < length; i++) {
    hash = (Math.imul(hash, 31) + buffer[offset + i]!) | 0;
  }
  const slot = (hash ^ (hash >>> 9)) & (KEY_SLOTS - 1);
  const known = KEYS[slot]!;
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === buffer[offset + i]) i++;
    if (i === length) return known;
  }
  let text = "";
  for (let i = 0; i < length; i++) {
    text += String.fromCharCode(buffer[offset + i]!);
  }
  KEYS[slot] = text;
  return text;
}

/** Writes a primitive that needs no tables; false, and nothing, where it is something else. */
export function writeFlat(w: ByteWriter, value: unknown): boolean {
  switch (typeof value) {
    case "number":
      writeNumber(w, value);
      return true;
    case "string":
      writeString(w, value);
      return true;
    case "undefined":
      w.u8(tags.TAG_UNDEFINED);
      return true;
    case "boolean":
      w.u8(value ? tags.TAG_TRUE : tags.TAG_FALSE);
      return true;
    default:
      if (value !== null) return false;
      w.u8(tags.TAG_NULL);
      return true;
  }
}

/** What `readFlat()` leaves to the decoder. */
export const NOT_FLAT = Symbol("not flat");

/** Writes a short array of primitives, as the encoder would; false, and nothing, where it is more than that. */
export function writeFlatArray(
  w: ByteWriter,
  array: readonly unknown[],
): boolean {
  const start = w.length;
  try {
    const { length } = array;
    if (
      length < tags.PACKED_MINIMUM &&
      Object.getPrototypeOf(array) === Array.prototype
    ) {
      w.u8(tags.TAG_ARRAY);
      w.varint(length);
      let i = 0;
      for (; i < length; i++) {
        const value = array[i];
        // What is missing is not undefined.
        if (value === undefined && !(i in array)) break;
        if (!writeFlat(w, value)) break;
      }
      if (i === length) return true;
    }
  } catch {
    // A proxy, or an accessor: the encoder's error names the path.
  }
  w.length = start;
  return false;
}

/** Reads a value without objects in it, or a short array of such. Where it is something else `r` is where it was. */
export function readFlat(r: ByteReader): unknown {
  const { offset } = r;
  const value = readFlatOrArray(r);
  if (value === NOT_FLAT) r.offset = offset;
  return value;
}

function readFlatOrArray(r: ByteReader): unknown {
  const tag = r.buffer[r.offset];
  if (tag !== tags.TAG_ARRAY) return readFlatValue(r, tag);
  const length = r.buffer[r.offset + 1];
  if (length === undefined || length >= tags.PACKED_MINIMUM) return NOT_FLAT;
  r.offset += 2;
  const array: unknown[] = new Array(length);
  for (let i = 0; i < length; i++) {
    const value = readFlatValue(r, r.buffer[r.offset]);
    if (value === NOT_FLAT) return NOT_FLAT;
    array[i] = value;
  }
  return array;
}

function readFlatValue(r: ByteReader, tag: number | undefined): unknown {
  if (tag === undefined) return NOT_FLAT;
  if (tag >= tags.SMALL_INT) {
    r.offset++;
    return tag - tags.SMALL_INT;
  }
  if (tag >= tags.SHORT_STRING) {
    const length = tag - tags.SHORT_STRING;
    if (length >= tags.SHORT_STRING_LIMIT || r.remaining <= length) {
      return NOT_FLAT;
    }
    r.offset++;
    return readShortString(r, length);
  }
  switch (tag) {
    case tags.TAG_UNDEFINED:
      r.offset++;
      return undefined;
    case tags.TAG_NULL:
      r.offset++;
      return null;
    case tags.TAG_TRUE:
    case tags.TAG_FALSE:
      r.offset++;
      return tag === tags.TAG_TRUE;
    case tags.TAG_INT32:
      if (r.remaining < 5) return NOT_FLAT;
      r.offset++;
      return r.i32();
    case tags.TAG_FLOAT64:
      if (r.remaining < 9) return NOT_FLAT;
      r.offset++;
      return r.f64();
    default:
      return NOT_FLAT;
  }
}

// -- Numbers that were put together by the library --
//
//   u8 TAG_INT32_ARRAY or TAG_FLOAT64_ARRAY, varint n, n numbers
//
// Unlike those of an array somewhere in a value they are written as they come,
// and read in one block.

/** Many numbers. */
export type Numbers = Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Writes the whole numbers of 32 bits between two places, up to the first that is none; returns how many. */
export function writeInts(
  w: ByteWriter,
  items: ArrayLike<unknown>,
  from: number,
  to: number,
): number {
  const offset = w.reserve((to - from) * 4) - from * 4;
  const { view } = w;
  let i = from;
  for (; i < to; i++) {
    const item = items[i];
    if (typeof item !== "number" || (item | 0) !== item) break;
    if (item === 0 && 1 / item < 0) break;
    view.setInt32(offset + i * 4, item, true);
  }
  w.length = offset + i * 4;
  return i - from;
}

/** As `writeInts()`, any numbers. */
export function writeFloats(
  w: ByteWriter,
  items: ArrayLike<unknown>,
  from: number,
  to: number,
): number {
  const offset = w.reserve((to - from) * 8) - from * 8;
  const { view } = w;
  let i = from;
  for (; i < to; i++) {
    const item = items[i];
    if (typeof item !== "number") break;
    view.setFloat64(offset + i * 8, item, true);
  }
  w.length = offset + i * 8;
  return i - from;
}

/** Writes all, and how many; false, and nothing, where there is something else among them. */
export function writeNumbers(
  w: ByteWriter,
  items: ArrayLike<unknown>,
): boolean {
  const { length } = items;
  if (typeof items[0] !== "number") return false;
  const start = w.length;
  for (const isInt of [true, false]) {
    w.u8(isInt ? tags.TAG_INT32_ARRAY : tags.TAG_FLOAT64_ARRAY);
    w.varint(length);
    const write = isInt ? writeInts : writeFloats;
    if (write(w, items, 0, length) === length) return true;
    w.length = start;
  }
  return false;
}

/** Reads what `writeNumbers()` wrote. */
export function readNumbers(r: ByteReader): Numbers {
  const tag = r.u8();
  const isInt = tag === tags.TAG_INT32_ARRAY;
  if (!isInt && tag !== tags.TAG_FLOAT64_ARRAY) {
    throw malformed("numbers are expected");
  }
  const length = r.varint();
  const bytes = r.raw(length * (isInt ? 4 : 8));
  const numbers = isInt ? new Int32Array(length) : new Float64Array(length);
  copyBytes(new Uint8Array(numbers.buffer), 0, bytes);
  return numbers;
}
