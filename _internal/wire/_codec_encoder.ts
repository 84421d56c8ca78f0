// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { ByteWriter } from "./bytes.ts";
import { writeBuiltin, writeNamespace } from "./_codec_builtins.ts";
import { writeFunction } from "./_codec_functions.ts";
import { writeInstance } from "./_codec_instances.ts";
import {
  ELLIPSIS,
  isA,
  PendingReference,
  Refusal,
  RestartWithWholeBuffers,
} from "./_codec_path.ts";
import {
  isTravelling,
  writeNumber,
  writePrimitive,
} from "./_codec_primitives.ts";
import * as tags from "./_codec_tags.ts";
import { storageKind } from "./functions/storages.ts";
import { shareableOf } from "./shareables.ts";
import {
  type AnyFunction,
  type EncodeContext,
  forgetLast,
  type GraphWriter,
  type PathKey,
} from "./_codec_types.ts";

/** A gap in an array whose rest is longer than this is looked at key by key. */
const SPARSE_MINIMUM = 1024;

/** Writes one message's graph. Used once. */
export class Encoder implements GraphWriter {
  readonly w: ByteWriter;
  readonly c: EncodeContext;
  readonly wholeBuffers: boolean;
  readonly plainErrors: boolean;
  #pending: Set<object> | undefined;
  captures = 0;
  /** Keys from the root to the value in work; only the first `depth` count. */
  readonly path: PathKey[] = [];
  depth = 0;
  /** Registered objects; their order is their index. */
  readonly #seen = new Set<object>();
  /** Their indices, from the first reference on: most messages have none. */
  #indices: Map<object, number> | undefined;
  readonly #shapes: PropertyKeys[] = [];
  #lastShape = 0;
  /** By shape, the one that came after it: the next one is likely to be that one again. */
  readonly #nextShapes: number[] = [];
  // Made where they are needed: most messages put nothing off.
  #later: (() => void)[] | undefined;
  #created: (() => void)[] | undefined;
  #parts: Set<ArrayBufferLike> | undefined;
  /** Above 0 inside `attempt()`: nothing may be put off, or its failure would escape. */
  #attempts = 0;

  constructor(
    w: ByteWriter,
    c: EncodeContext,
    options: { wholeBuffers: boolean; plainErrors: boolean },
  ) {
    this.w = w;
    this.c = c;
    this.wholeBuffers = options.wholeBuffers;
    this.plainErrors = options.plainErrors;
  }

  get pending(): Set<object> {
    return this.#pending ??= new Set();
  }

  /** Writes the root and everything that was put off on the way. */
  root(value: unknown): void {
    this.value(value);
    const later = this.#later;
    if (later === undefined) return;
    // The list grows while it is worked off; the order is the decoder's order.
    for (let i = 0; i < later.length; i++) {
      this.path[0] = ELLIPSIS;
      this.depth = 1;
      later[i]!();
    }
  }

  value(value: unknown): void {
    switch (typeof value) {
      case "number":
        return writeNumber(this.w, value);
      case "object":
        if (value === null) return this.w.u8(tags.TAG_NULL);
        return this.#object(value);
      case "function":
        if (this.isRegistered(value)) return this.reference(value);
        return writeFunction(this, value as AnyFunction);
      default: {
        const refused = writePrimitive(this.w, value);
        if (refused !== undefined) this.refuse(refused);
      }
    }
  }

  register(object: object): void {
    this.#add(object);
  }

  isRegistered(object: object): boolean {
    return this.#seen.has(object);
  }

  reference(object: object): void {
    if (this.#pending?.has(object)) throw new PendingReference();
    this.w.u8(tags.TAG_REF);
    if (this.#indices === undefined) {
      this.#indices = new Map();
      for (const seen of this.#seen) {
        this.#indices.set(seen, this.#indices.size);
      }
    }
    this.w.varint(this.#indices.get(object)!);
  }

  /** Gives `object` the next index; false where it has one. One look-up, and not two. */
  #add(object: object): boolean {
    const { size } = this.#seen;
    this.#seen.add(object);
    if (this.#seen.size === size) return false;
    this.#indices?.set(object, size);
    return true;
  }

  child(key: PathKey, value: unknown): void {
    this.path[this.depth - 1] = key;
    this.value(value);
  }

  enter(): void {
    if (++this.depth > tags.DEPTH_LIMIT + tags.EXTRA_DEPTH) {
      this.refuse("it is nested too deeply");
    }
  }

  leave(): void {
    this.depth--;
  }

  isDeep(): boolean {
    if (this.depth < tags.DEPTH_LIMIT) return false;
    // What is put off is not there yet when an initializer needs it.
    return this.#attempts === 0 && this.pending.size === 0;
  }

  later(write: () => void): void {
    const { captures } = this;
    (this.#later ??= []).push(() => {
      this.captures = captures;
      write();
      this.captures = 0;
    });
  }

  whenCreated(write: () => void): void {
    (this.#created ??= []).push(write);
  }

  drainCreated(): void {
    while (this.pending.size === 0) {
      const write = this.#created?.shift();
      if (write === undefined) return;
      write();
    }
  }

  attempt(write: () => void): { readonly error: unknown } | undefined {
    const { depth, captures } = this;
    const { length } = this.w;
    const seen = this.#seen.size;
    const shapes = this.#shapes.length;
    const created = this.#created?.length ?? 0;
    const attachments = this.c.attachments?.length ?? 0;
    const signals = this.c.signals?.length ?? 0;
    const modules = this.c.modules.size;
    const pending = [...this.pending];
    this.#attempts++;
    try {
      write();
      return undefined;
    } catch (error) {
      if (isA(error, RestartWithWholeBuffers)) throw error;
      // Everything from `seen` on was registered by the failed part.
      forgetLast(this.#seen, seen);
      this.#indices = undefined;
      this.depth = depth;
      this.captures = captures;
      this.w.length = length;
      this.#shapes.length = shapes;
      this.#lastShape = 0;
      if (this.#created !== undefined) this.#created.length = created;
      if (this.c.attachments !== undefined) {
        this.c.attachments.length = attachments;
      }
      if (this.c.signals !== undefined) this.c.signals.length = signals;
      forgetLast(this.c.modules, modules);
      this.pending.clear();
      for (const fn of pending) this.pending.add(fn);
      return { error };
    } finally {
      this.#attempts--;
    }
  }

  properties(object: object, keys: PropertyKeys = keysOf(object)): void {
    this.#keys(keys);
    this.#values(object, keys);
  }

  #values(object: object, keys: PropertyKeys): void {
    const values = object as Record<string | symbol, unknown>;
    const { length } = keys;
    this.enter();
    let i = 0;
    // The engine reads a property that it enumerates without looking for it.
    for (const key in values) {
      // Others follow, of the prototype, or since a getter has changed the object.
      if (key !== keys[i]) break;
      // The key goes first: a getter that throws is named by it.
      this.path[this.depth - 1] = key;
      this.value(values[key]);
      i++;
    }
    for (; i < length; i++) {
      const key = keys[i]!;
      this.path[this.depth - 1] = typeof key === "string"
        ? key
        : `<${String(key)}>`;
      this.value(values[key]);
    }
    this.leave();
  }

  array(array: readonly unknown[]): void {
    const { length } = array;
    if (length >= tags.PACKED_MINIMUM && typeof array[0] === "number") {
      const packed = packedKind(array);
      if (packed !== 0) return this.#packed(packed, array as number[]);
    }
    this.w.u8(tags.TAG_ARRAY);
    this.w.varint(length);
    this.enter();
    for (let i = 0; i < length; i++) {
      this.path[this.depth - 1] = i;
      const value = array[i];
      if (value === undefined && !(i in array)) {
        if (length - i > SPARSE_MINIMUM) {
          this.#sparse(array, i);
          break;
        }
        this.w.u8(tags.TAG_HOLE);
      } else this.value(value);
    }
    this.leave();
  }

  // The iterators are those of the built-in classes: a subclass may show other
  // entries than it holds.
  map(map: Map<unknown, unknown>): void {
    // The size is set at the end: a getter below may change the map meanwhile.
    const offset = this.w.reserve(4);
    let size = 0;
    this.enter();
    for (const [key, value] of Map.prototype.entries.call(map)) {
      size++;
      const label = typeof key === "string"
        ? `<get(${JSON.stringify(key)})>`
        : "<entry>";
      this.child("<key>", key);
      this.child(label, value);
    }
    this.leave();
    this.w.view.setUint32(offset, size, true);
  }

  set(set: Set<unknown>): void {
    const offset = this.w.reserve(4);
    let size = 0;
    this.enter();
    for (const value of Set.prototype.values.call(set)) {
      size++;
      this.child("<member>", value);
    }
    this.leave();
    this.w.view.setUint32(offset, size, true);
  }

  sentPart(buffer: ArrayBufferLike): void {
    if (this.hasPart(buffer)) throw new RestartWithWholeBuffers();
    (this.#parts ??= new Set()).add(buffer);
  }

  /** True where a part of `buffer` is in the message already. */
  hasPart(buffer: ArrayBufferLike): boolean {
    return this.#parts?.has(buffer) ?? false;
  }

  refuse(reason: string, cause?: unknown): never {
    throw new Refusal(reason, cause);
  }

  #object(object: object): void {
    const prototype = Object.getPrototypeOf(object);
    if (this.captures > 0 && !isSameEverywhere(prototype)) {
      this.c.mutable = true;
    }
    if (prototype === Object.prototype && this.#known(object)) return;
    if (prototype === Array.prototype && Array.isArray(object)) {
      if (!this.#add(object)) return this.reference(object);
      if (!this.isDeep()) return this.array(object);
      this.w.u8(tags.TAG_LATER);
      this.w.u8(tags.LATER_ARRAY);
      return this.later(() => this.array(object));
    }
    if (this.#seen.has(object)) return this.reference(object);
    if (prototype === Object.prototype || prototype === null) {
      const keys = keysOf(object);
      if (keys.length === 0 || keys[0] === "0" || prototype === null) {
        if (writeNamespace(this, object)) return;
      }
      const isNull = prototype === null;
      this.register(object);
      if (this.isDeep()) {
        this.w.u8(tags.TAG_LATER);
        this.w.u8(isNull ? tags.LATER_NULL_OBJECT : tags.LATER_OBJECT);
        return this.later(() => this.properties(object, keys));
      }
      if (isNull) {
        this.w.u8(tags.TAG_DERIVED);
        this.w.u8(tags.TAG_NULL);
      }
      return this.properties(object, keys);
    }
    if (prototype === Map.prototype) {
      const map = object as Map<unknown, unknown>;
      this.register(object);
      const deep = this.isDeep();
      this.w.u8(deep ? tags.TAG_LATER : tags.TAG_MAP);
      if (!deep) return this.map(map);
      this.w.u8(tags.LATER_MAP);
      return this.later(() => this.map(map));
    }
    if (prototype === Set.prototype) {
      const set = object as Set<unknown>;
      this.register(object);
      const deep = this.isDeep();
      this.w.u8(deep ? tags.TAG_LATER : tags.TAG_SET);
      if (!deep) return this.set(set);
      this.w.u8(tags.LATER_SET);
      return this.later(() => this.set(set));
    }
    if (!writeBuiltin(this, object, prototype)) {
      writeInstance(this, object, prototype);
    }
  }

  /** Writes a plain object that has the properties which are expected; false, and nothing, where it has others. */
  #known(object: object): boolean {
    const guess = this.#nextShapes[this.#lastShape];
    const keys = guess === undefined ? undefined : this.#shapes[guess];
    if (keys === undefined || !hasKeys(object, keys)) return false;
    if (!this.#add(object)) {
      this.reference(object);
      return true;
    }
    this.#lastShape = guess!;
    if (this.isDeep()) {
      this.w.u8(tags.TAG_LATER);
      this.w.u8(tags.LATER_OBJECT);
      this.later(() => this.properties(object, keys));
      return true;
    }
    this.w.u8(tags.TAG_SHAPED);
    this.w.varint(guess!);
    this.#values(object, keys);
    return true;
  }

  #keys(keys: PropertyKeys): void {
    const { w } = this;
    const { length } = keys;
    const shapes = this.#shapes;
    if (length > 0 && shapes.length > 0) {
      const last = shapes[this.#lastShape]!;
      let found = sameKeys(last, keys) ? this.#lastShape : -1;
      for (let i = 0; found < 0 && i < shapes.length; i++) {
        if (sameKeys(shapes[i]!, keys)) found = i;
      }
      if (found >= 0) {
        this.#nextShapes[this.#lastShape] = found;
        this.#lastShape = found;
        w.u8(tags.TAG_SHAPED);
        w.varint(found);
        return;
      }
    }
    w.u8(tags.TAG_OBJECT);
    w.varint(length);
    for (let i = 0; i < length; i++) writePrimitive(w, keys[i]!);
    if (length > 0 && shapes.length < tags.SHAPE_LIMIT) {
      const found = shapes.push(keys) - 1;
      this.#nextShapes[this.#lastShape] = found;
      this.#lastShape = found;
    }
  }

  #packed(kind: number, array: readonly number[]): void {
    const { w } = this;
    const { length } = array;
    w.u8(kind);
    w.varint(length);
    if (kind === tags.TAG_INT32_ARRAY) {
      const offset = w.reserve(length * 4);
      const { view } = w;
      for (let i = 0; i < length; i++) {
        view.setInt32(offset + i * 4, array[i]!, true);
      }
      return;
    }
    const offset = w.reserve(length * 8);
    const { view } = w;
    for (let i = 0; i < length; i++) {
      view.setFloat64(offset + i * 8, array[i]!, true);
    }
  }

  #sparse(array: readonly unknown[], from: number): void {
    const indices: number[] = [];
    for (const key of Object.keys(array)) {
      const index = Number(key);
      // Keys come in the order of the indices; the named ones follow.
      if (!(index < array.length) || String(index) !== key) break;
      if (index >= from) indices.push(index);
    }
    this.w.u8(tags.TAG_SPARSE);
    this.w.varint(indices.length);
    for (const index of indices) {
      this.w.varint(index);
      this.child(index, array[index]);
    }
  }
}

/** True for objects of which each isolate has one: capturing them again changes nothing. */
function isSameEverywhere(prototype: object | null): boolean {
  return prototype !== null &&
    (shareableOf(prototype) !== undefined ||
      storageKind(prototype) !== "other");
}

type PropertyKeys = readonly (string | symbol)[];

/** The enumerable ones; of symbols those that mean the same everywhere. */
function keysOf(object: object): PropertyKeys {
  const names = Object.keys(object);
  const symbols = Object.getOwnPropertySymbols(object);
  if (symbols.length === 0) return names;
  return [
    ...names,
    ...symbols.filter((symbol) =>
      isTravelling(symbol) &&
      Object.prototype.propertyIsEnumerable.call(object, symbol)
    ),
  ];
}

/** True where the object has exactly these keys that can travel, in this order. */
function hasKeys(object: object, keys: PropertyKeys): boolean {
  // Those that begin like an array may be something else.
  if (keys[0] === "0") return false;
  let i = 0;
  for (const key in object) if (key !== keys[i++]) return false;
  return i === keys.length &&
    Object.getOwnPropertySymbols(object).length === 0;
}

function sameKeys(a: PropertyKeys, b: PropertyKeys): boolean {
  const { length } = a;
  if (length !== b.length) return false;
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

/** The tag for an array of numbers without gaps, or 0. */
function packedKind(array: readonly unknown[]): number {
  const { length } = array;
  let kind: number = tags.TAG_INT32_ARRAY;
  for (let i = 0; i < length; i++) {
    const value = array[i];
    if (typeof value !== "number") return 0;
    if ((value | 0) !== value || (value === 0 && 1 / value < 0)) {
      kind = tags.TAG_FLOAT64_ARRAY;
    }
  }
  return kind;
}
