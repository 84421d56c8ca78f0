// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { ByteReader } from "./bytes.ts";
import {
  readArrayBuffer,
  readResizableBuffer,
  readView,
  readViewPart,
} from "./_codec_buffers.ts";
import * as builtins from "./_codec_builtins.ts";
import { readSignal, readStorage } from "./_codec_counterparts.ts";
import { readError, readHomeError } from "./_codec_errors.ts";
import {
  readCell,
  readFunctionReference,
  readFunctionValue,
  readGlobal,
  readHome,
  readTask,
} from "./_codec_functions.ts";
import { readDerived, readInstance } from "./_codec_instances.ts";
import {
  readBigInt,
  readKey,
  readKnownSymbol,
  readShortString,
} from "./_codec_primitives.ts";
import * as tags from "./_codec_tags.ts";
import {
  type DecodeContext,
  type GraphReader,
  malformed,
  type TagReader,
} from "./_codec_types.ts";

/** What is deeper is not the encoder's work; one of its levels counts two here at most. */
const DEPTH_MAXIMUM = 2 * (tags.DEPTH_LIMIT + tags.EXTRA_DEPTH);

/** Elements of the longest array. */
const LONGEST = 0xffff_ffff;
/** Places in an array for each element that is in the message. */
const MAX_ROOM = 8;
/** What is not in the table of a message's objects yet. */
const MISSING = Symbol("missing");

/** Reads one message's graph. Used once. */
export class Decoder implements GraphReader {
  readonly r: ByteReader;
  readonly c: DecodeContext;
  readonly creating = { count: 0 };
  readonly #objects: unknown[] = [];
  readonly #shapes: Shape[] = [];
  // Made where they are needed: most messages put nothing off.
  #later: (() => void)[] | undefined;
  #created: (() => void)[] | undefined;
  #depth = 0;

  constructor(r: ByteReader, c: DecodeContext) {
    this.r = r;
    this.c = c;
  }

  root(): unknown {
    const value = this.value();
    const later = this.#later;
    if (later === undefined) return value;
    for (let i = 0; i < later.length; i++) {
      this.#depth = 1;
      later[i]!();
    }
    return value;
  }

  value(): unknown {
    const { r } = this;
    const tag = r.u8();
    if (tag >= tags.SMALL_INT) return tag - tags.SMALL_INT;
    if (tag >= tags.SHORT_STRING) {
      const length = tag - tags.SHORT_STRING;
      if (length < tags.SHORT_STRING_LIMIT) return readShortString(r, length);
      throw malformed(`it holds an unknown tag: ${tag}`);
    }
    switch (tag) {
      // Plain numbers as labels, so that the engine makes a jump table of them;
      // `_codec_tags.ts` names them.
      case 0x00:
        return undefined;
      case 0x01:
        return null;
      case 0x02:
        return true;
      case 0x03:
        return false;
      case 0x04:
        return r.i32();
      case 0x05:
        return r.f64();
      case 0x06:
        return r.string();
      case 0x0a: {
        const object = this.#objects[r.varint()];
        if (object === undefined || object === MISSING) {
          throw malformed("it refers to an object that is not there");
        }
        return object;
      }
      case 0x0d: {
        const object = {};
        this.#objects.push(object);
        this.#assign(object, this.#shape(tag));
        return object;
      }
      case 0x0e: {
        const shape = this.#shape(tag);
        if (shape.make !== undefined) {
          this.#enter();
          const object = shape.make(this, this.#objects);
          this.#depth--;
          return object;
        }
        if (++shape.uses === OFTEN) shape.make = makerOf(shape);
        const object = {};
        this.#objects.push(object);
        this.#assign(object, shape);
        return object;
      }
      case 0x0f:
      case 0x10:
      case 0x11: {
        const array: unknown[] = [];
        this.#objects.push(array);
        this.#fill(array, tag);
        return array;
      }
    }
    const read = READERS[tag];
    if (read === undefined) {
      throw malformed(`it holds an unknown tag: ${tag}`);
    }
    this.c.admit?.(tag);
    this.#enter();
    const value = read(this);
    this.#depth--;
    return value;
  }

  reserve(): number {
    return this.#objects.push(MISSING) - 1;
  }

  fill(index: number, object: object): void {
    this.#objects[index] = object;
  }

  register(object: object): void {
    this.#objects.push(object);
  }

  later(read: () => void): void {
    (this.#later ??= []).push(read);
  }

  whenCreated(read: () => void): void {
    (this.#created ??= []).push(read);
  }

  drainCreated(): void {
    while (this.creating.count === 0) {
      const read = this.#created?.shift();
      if (read === undefined) return;
      read();
    }
  }

  properties(object: object): void {
    this.#assign(object, this.#shape(this.r.u8()));
  }

  array(array: unknown[]): void {
    this.#fill(array, this.r.u8());
  }

  map(map: Map<unknown, unknown>): void {
    const size = this.r.u32();
    this.c.admit?.(tags.TAG_MAP, size);
    this.#enter();
    for (let i = 0; i < size; i++) {
      const key = this.value();
      Map.prototype.set.call(map, key, this.value());
    }
    this.#depth--;
  }

  set(set: Set<unknown>): void {
    const size = this.r.u32();
    this.c.admit?.(tags.TAG_SET, size);
    this.#enter();
    for (let i = 0; i < size; i++) Set.prototype.add.call(set, this.value());
    this.#depth--;
  }

  #enter(): void {
    if (++this.#depth > DEPTH_MAXIMUM) {
      throw malformed("it is nested too deeply");
    }
  }

  #assign(object: object, { keys, isPlain }: Shape): void {
    this.#enter();
    if (isPlain && Object.getPrototypeOf(object) === Object.prototype) {
      const target = object as Record<string | symbol, unknown>;
      for (let i = 0; i < keys.length; i++) target[keys[i]!] = this.value();
    } else {
      const target = object as Record<string | symbol, unknown>;
      for (const key of keys) {
        const value = this.value();
        // Assigning a name that is inherited would run the setters that a
        // class defines, or `__proto__`; any other is set much faster so.
        if (key in target) {
          Object.defineProperty(target, key, {
            value,
            writable: true,
            enumerable: true,
            configurable: true,
          });
        } else target[key] = value;
      }
    }
    this.#depth--;
  }

  #shape(tag: number): Shape {
    const { r } = this;
    if (tag === tags.TAG_SHAPED) {
      const shape = this.#shapes[r.varint()];
      if (shape === undefined) {
        throw malformed("it refers to property names that are not there");
      }
      return shape;
    }
    if (tag !== tags.TAG_OBJECT) throw malformed("properties are expected");
    const length = r.varint();
    const keys: (string | symbol)[] = [];
    let isPlain = true;
    for (let i = 0; i < length; i++) {
      const key = this.#key();
      if (key === "__proto__") isPlain = false;
      keys.push(key);
    }
    const shape: Shape = { keys, isPlain, uses: 0, make: undefined };
    if (length > 0 && this.#shapes.length < tags.SHAPE_LIMIT) {
      this.#shapes.push(shape);
    }
    return shape;
  }

  #key(): string | symbol {
    const { r } = this;
    const tag = r.u8();
    if (tag === tags.TAG_STRING) return r.string();
    if (tag === tags.TAG_SYMBOL_FOR || tag === tags.TAG_SYMBOL_KNOWN) {
      this.c.admit?.(tag);
      return tag === tags.TAG_SYMBOL_FOR
        ? Symbol.for(r.string())
        : readKnownSymbol(r);
    }
    const length = tag - tags.SHORT_STRING;
    if (length < 0 || length >= tags.SHORT_STRING_LIMIT) {
      throw malformed("a property name is expected");
    }
    return readKey(r, length);
  }

  #fill(array: unknown[], tag: number): void {
    const { r } = this;
    const length = r.varint();
    if (tag === tags.TAG_INT32_ARRAY) {
      const offset = r.take(length * 4);
      const { view } = r;
      for (let i = 0; i < length; i++) {
        array[i] = view.getInt32(offset + i * 4, true);
      }
      return;
    }
    if (tag === tags.TAG_FLOAT64_ARRAY) {
      const offset = r.take(length * 8);
      const { view } = r;
      for (let i = 0; i < length; i++) {
        array[i] = view.getFloat64(offset + i * 8, true);
      }
      return;
    }
    if (tag !== tags.TAG_ARRAY) throw malformed("an array is expected");
    if (length > LONGEST) throw malformed("it holds too long an array");
    this.#enter();
    // The array grows with what is read: a false length allocates nothing.
    for (let i = 0; i < length; i++) {
      const next = r.buffer[r.offset];
      if (next === tags.TAG_HOLE) {
        r.offset++;
        continue;
      }
      if (next === tags.TAG_SPARSE) {
        r.offset++;
        this.#fillSparse(array, length);
        break;
      }
      array[i] = this.value();
    }
    if (array.length !== length) array.length = length;
    this.#depth--;
  }

  #fillSparse(array: unknown[], length: number): void {
    const { r } = this;
    this.c.admit?.(tags.TAG_SPARSE);
    const count = r.varint();
    // The engine makes room for each element that an array may have, or, of one
    // that is longer than any it has room for, for those that are there.
    if (length > (array.length + Math.min(count, r.remaining)) * MAX_ROOM) {
      array.length = LONGEST;
    }
    for (let i = 0; i < count; i++) {
      const index = r.varint();
      if (index >= length) throw malformed("an index is out of range");
      array[index] = this.value();
    }
  }
}

interface Shape {
  readonly keys: readonly (string | symbol)[];
  /** False where a key needs care. */
  readonly isPlain: boolean;
  uses: number;
  /** Reads an object of a shape that comes often. */
  make: Maker | undefined;
}

type Maker = (g: GraphReader, objects: unknown[]) => object;

/** Objects of one shape in a message, from which on it is worth to make a function for them. */
const OFTEN = 64;
/** Properties that such a function has at most, and characters of their names. */
const MAX_PROPERTIES = 32;
const MAX_NAMES = 1024;
/** Functions that are kept. */
const MAX_MAKERS = 128;
const makers = new Map<string, Maker | undefined>();

/**
 * A function that reads objects with these keys: an engine that knows them
 * beforehand makes the object at once, half as large and in half the time.
 */
function makerOf({ keys, isPlain }: Shape): Maker | undefined {
  if (
    !isPlain || keys.length > MAX_PROPERTIES ||
    !keys.every((key) => typeof key === "string") ||
    new Set(keys).size < keys.length
  ) return undefined;
  const names = keys.map((key) => JSON.stringify(key));
  const id = names.join();
  if (id.length > MAX_NAMES) return undefined;
  if (makers.has(id)) return makers.get(id);
  let maker: Maker | undefined;
  try {
    const literal = names.map((name) => `${name}: undefined`).join();
    const reads = names.map((name) => `object[${name}] = g.value();`).join("");
    // Nothing but property names, as literals, comes from the message.
    maker = new Function(
      "g",
      "objects",
      `const object = {${literal}}; objects.push(object); ${reads} return object;`,
    ) as Maker;
  } catch {
    // A program that was started without the right to make functions.
  }
  if (makers.size < MAX_MAKERS) makers.set(id, maker);
  return maker;
}

/** The containers whose content follows after the root, by kind. */
const readLater: TagReader = (g) => {
  const kind = g.r.u8();
  switch (kind) {
    case tags.LATER_OBJECT:
    case tags.LATER_NULL_OBJECT: {
      const object = kind === tags.LATER_OBJECT ? {} : Object.create(null);
      g.register(object);
      g.later(() => g.properties(object));
      return object;
    }
    case tags.LATER_ARRAY: {
      const array: unknown[] = [];
      g.register(array);
      g.later(() => g.array(array));
      return array;
    }
    case tags.LATER_MAP: {
      const map = new Map();
      g.register(map);
      g.later(() => g.map(map));
      return map;
    }
    case tags.LATER_SET: {
      const set = new Set();
      g.register(set);
      g.later(() => g.set(set));
      return set;
    }
    default:
      throw malformed("it holds an unknown container");
  }
};

const READERS: (TagReader | undefined)[] = [];
READERS[tags.TAG_BIGINT] = (g) => readBigInt(g.r);
READERS[tags.TAG_SYMBOL_FOR] = (g) => Symbol.for(g.r.string());
READERS[tags.TAG_SYMBOL_KNOWN] = (g) => readKnownSymbol(g.r);
READERS[tags.TAG_MAP] = (g) => {
  const map = new Map();
  g.register(map);
  g.map(map);
  return map;
};
READERS[tags.TAG_SET] = (g) => {
  const set = new Set();
  g.register(set);
  g.set(set);
  return set;
};
READERS[tags.TAG_DATE] = builtins.readDate;
READERS[tags.TAG_REGEXP] = builtins.readRegExp;
READERS[tags.TAG_ARRAY_BUFFER] = readArrayBuffer;
READERS[tags.TAG_RESIZABLE_BUFFER] = readResizableBuffer;
READERS[tags.TAG_VIEW_PART] = readViewPart;
READERS[tags.TAG_VIEW] = readView;
READERS[tags.TAG_URL] = builtins.readUrl;
READERS[tags.TAG_URL_SEARCH_PARAMS] = builtins.readUrlSearchParams;
READERS[tags.TAG_HEADERS] = builtins.readHeaders;
READERS[tags.TAG_BOXED] = builtins.readBoxed;
READERS[tags.TAG_TEMPORAL] = builtins.readTemporal;
READERS[tags.TAG_ERROR] = readError;
READERS[tags.TAG_ATTACHMENT] = builtins.readAttachment;
READERS[tags.TAG_GLOBAL] = readGlobal;
READERS[tags.TAG_FUNCTION_REFERENCE] = readFunctionReference;
READERS[tags.TAG_FUNCTION_VALUE] = readFunctionValue;
READERS[tags.TAG_CELL] = readCell;
READERS[tags.TAG_INSTANCE] = readInstance;
READERS[tags.TAG_DERIVED] = readDerived;
READERS[tags.TAG_SHAREABLE] = builtins.readShareable;
READERS[tags.TAG_LATER] = readLater;
READERS[tags.TAG_HOME] = readHome;
READERS[tags.TAG_OWN_ERROR] = readHomeError;
READERS[tags.TAG_SIGNAL] = readSignal;
READERS[tags.TAG_STORAGE] = readStorage;
READERS[tags.TAG_TASK] = readTask;
