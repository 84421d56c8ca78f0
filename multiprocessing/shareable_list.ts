// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A list of small values in shared memory.
 *
 * @module
 */

// In the memory, all in the byte order of the machine:
//
//   u32 MAGIC, u32 length
//   for each slot   u32 where it begins, u32 how many bytes it has room for
//   each slot       u32 type, u32 how many bytes are used, then the bytes
//
// Slots begin at multiples of 8. Whatever is written into one stays inside.

import { InvalidStateError } from "../_internal/base/errors.ts";
import { describe } from "../_internal/base/validation.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";
import { noteModule } from "../_internal/wire/functions/sync_modules.ts";
import { registerShareable } from "../_internal/wire/shareables.ts";
import { SharedMemory } from "./shared_memory.ts";

/** What a {@linkcode ShareableList} holds. Integers of 64 bits are bigints. */
export type ShareableItem =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | null;

/** How a {@linkcode ShareableList} is made. */
export interface ShareableListOptions {
  /** As of `SharedMemory.create()`. */
  name?: string | undefined;
}

const MAGIC = 0x4c504331;
const HEAD = 8;
const ENTRY = 8;
const SLOT_HEAD = 8;
/** Every slot has room for a number. */
const STEP = 8;

/** Types of items. */
const NULL = 0;
const NUMBER = 1;
const BIGINT = 2;
const FALSE = 3;
const TRUE = 4;
const STRING = 5;
const BYTES = 6;

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const NOTHING = new Uint8Array();
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Takes memory instead of items. Only this module has one. */
class Existing {
  readonly memory: SharedMemory;
  constructor(memory: SharedMemory) {
    this.memory = memory;
  }
}

/** The list over memory that has arrived. One for each in a thread. */
const lists = new WeakMap<SharedMemory, ShareableList>();

/**
 * A list of numbers, strings, bytes, booleans and `null` in {@linkcode SharedMemory}:
 * Python's `multiprocessing.shared_memory.ShareableList`. Linux, with `--allow-ffi`.
 *
 * - **Shared:** sent to a thread or process it is the same list there; nothing is copied.
 * - **Fixed:** the number of items, and the room of each: that of its first value, in steps of 8 bytes. A value of another type may take its place if there is room.
 * - **Order:** an item is not written in one step: who writes what others read uses a lock.
 *
 * @example Usage
 * ```ts
 * import { ShareableList } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * using list = new ShareableList(["howdy", 273.15, true]);
 * list.set(0, "hi");
 *
 * assertEquals([...list], ["hi", 273.15, true]);
 * ```
 *
 * @typeParam T What the items are: of {@linkcode ShareableItem}.
 */
export class ShareableList<T = ShareableItem>
  implements Iterable<T>, Disposable {
  /** The memory of the list. */
  readonly memory: SharedMemory;

  /**
   * Makes a list.
   *
   * @param items What it holds at first.
   * @param options Its name.
   * @throws {NotSupportedError} If the program lacks `--allow-ffi`, or this is not Linux.
   * @throws {AlreadyExistsError} If there is memory of this name.
   * @throws {TypeError} If an item is of another type.
   * @throws {RangeError} If a bigint has more than 64 bits.
   */
  constructor(items: Iterable<T>, options: ShareableListOptions = {}) {
    this.memory = items instanceof Existing
      ? items.memory
      : createMemory(items, options.name);
    lists.set(this.memory, this as ShareableList<unknown> as ShareableList);
  }

  /**
   * Opens a list that a process of this user has made.
   *
   * @param name The name of its memory.
   * @returns The list.
   * @throws {NotSupportedError} If the program lacks `--allow-ffi`, or this is not Linux.
   * @throws {NotFoundError} If there is no memory of this name.
   * @throws {InvalidStateError} If it holds no list.
   */
  static open<T = ShareableItem>(name: string): ShareableList<T> {
    const memory = SharedMemory.open(name);
    if (memory.size >= HEAD && word(viewOf(memory), 0) === MAGIC) {
      return listOf(memory) as ShareableList<unknown> as ShareableList<T>;
    }
    memory.close();
    throw new InvalidStateError(
      `Cannot open a shareable list: '${name}' holds something else`,
    );
  }

  /**
   * How many items there are.
   *
   * @returns The number of items.
   */
  get length(): number {
    return word(viewOf(this.memory), 4);
  }

  /**
   * Reads an item.
   *
   * @param index Which; negative counts from the end.
   * @returns A copy.
   * @throws {RangeError} If there is none.
   * @throws {InvalidStateError} If the list was closed here.
   */
  get(index: number): T {
    const { view, at } = this.#slot("read", index);
    const size = word(view, at + 4);
    const bytes = () =>
      new Uint8Array(view.buffer, at + SLOT_HEAD, size).slice();
    switch (word(view, at)) {
      case NUMBER:
        return view.getFloat64(at + SLOT_HEAD, IS_LITTLE_ENDIAN) as T;
      case BIGINT:
        return view.getBigInt64(at + SLOT_HEAD, IS_LITTLE_ENDIAN) as T;
      case FALSE:
        return false as T;
      case TRUE:
        return true as T;
      case STRING:
        return decoder.decode(bytes()) as T;
      case BYTES:
        return bytes() as T;
      default:
        return null as T;
    }
  }

  /**
   * Replaces an item.
   *
   * @param index Which; negative counts from the end.
   * @param item The new one.
   * @throws {RangeError} If there is no such item, or there is no room for the new one.
   * @throws {TypeError} If it is of a type that a list cannot hold.
   * @throws {InvalidStateError} If the list was closed here.
   */
  set(index: number, item: T): void {
    const { view, at, room } = this.#slot("write", index);
    const packed = pack("write a shareable list", "item", item);
    if (packed.bytes.length > room) {
      throw new RangeError(
        `Cannot write a shareable list as 'item' must have at most ${room} bytes: current value has ${packed.bytes.length}`,
      );
    }
    write(view, at, packed);
  }

  /**
   * Counts equal items. Bytes are equal where their contents are.
   *
   * @param item What is looked for.
   * @returns How many there are.
   */
  count(item: T): number {
    let count = 0;
    for (const other of this) if (isEqual(item, other)) count++;
    return count;
  }

  /**
   * Looks for an item.
   *
   * @param item What is looked for.
   * @returns Where the first one is; -1 where there is none.
   */
  indexOf(item: T): number {
    let index = 0;
    for (const other of this) {
      if (isEqual(item, other)) return index;
      index++;
    }
    return -1;
  }

  /**
   * Goes through the items, as they are when they are reached.
   *
   * @returns The iterator.
   */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.length; i++) yield this.get(i);
  }

  /** Disposes of the memory: closes it, and where it was made here unlinks it. */
  [Symbol.dispose](): void {
    this.memory[Symbol.dispose]();
  }

  #slot(verb: string, index: number) {
    const view = viewOf(this.memory);
    const length = word(view, 4);
    const position = index < 0 ? index + length : index;
    if (!(Number.isInteger(position) && position >= 0 && position < length)) {
      throw new RangeError(
        `Cannot ${verb} a shareable list as 'index' must be an integer from ${-length} to ${
          length - 1
        }: current value is ${String(index)}`,
      );
    }
    const entry = HEAD + position * ENTRY;
    return { view, at: word(view, entry), room: word(view, entry + 4) };
  }
}

interface Packed {
  readonly type: number;
  readonly bytes: Uint8Array;
}

function createMemory(
  items: Iterable<unknown>,
  name: string | undefined,
): SharedMemory {
  const verb = "create a shareable list";
  if (
    typeof (items as Iterable<unknown> | null)?.[Symbol.iterator] !== "function"
  ) {
    throw new TypeError(
      `Cannot ${verb} as 'items' must be iterable: current value is ${
        describe(items)
      }`,
    );
  }
  const packed = Array.from(
    items,
    (item, index) => pack(verb, `items[${index}]`, item),
  );
  const rooms = packed.map(({ bytes }) =>
    Math.max(STEP, Math.ceil(bytes.length / STEP) * STEP)
  );
  const first = HEAD + packed.length * ENTRY;
  const size = rooms.reduce((sum, room) => sum + SLOT_HEAD + room, first);
  const memory = SharedMemory.create({ size, name });
  const view = viewOf(memory);
  let at = first;
  for (const [index, item] of packed.entries()) {
    const entry = HEAD + index * ENTRY;
    view.setUint32(entry, at, IS_LITTLE_ENDIAN);
    view.setUint32(entry + 4, rooms[index]!, IS_LITTLE_ENDIAN);
    write(view, at, item);
    at += SLOT_HEAD + rooms[index]!;
  }
  view.setUint32(4, packed.length, IS_LITTLE_ENDIAN);
  view.setUint32(0, MAGIC, IS_LITTLE_ENDIAN);
  return memory;
}

function pack(verb: string, name: string, item: unknown): Packed {
  const number = new DataView(new ArrayBuffer(STEP));
  const bytes = new Uint8Array(number.buffer);
  switch (typeof item) {
    case "number":
      number.setFloat64(0, item, IS_LITTLE_ENDIAN);
      return { type: NUMBER, bytes };
    case "bigint":
      if (BigInt.asIntN(64, item) !== item) {
        throw new RangeError(
          `Cannot ${verb} as '${name}' must have at most 64 bits: current value is ${item}`,
        );
      }
      number.setBigInt64(0, item, IS_LITTLE_ENDIAN);
      return { type: BIGINT, bytes };
    case "boolean":
      return { type: item ? TRUE : FALSE, bytes: NOTHING };
    case "string":
      if (!item.isWellFormed()) break;
      return { type: STRING, bytes: encoder.encode(item) };
  }
  if (item === null) return { type: NULL, bytes: NOTHING };
  if (item instanceof Uint8Array) return { type: BYTES, bytes: item };
  throw new TypeError(
    `Cannot ${verb} as '${name}' must be a number, bigint, boolean, well-formed string, Uint8Array or null: current value is ${
      describe(item)
    }`,
  );
}

function write(view: DataView, at: number, { type, bytes }: Packed): void {
  view.setUint32(at, type, IS_LITTLE_ENDIAN);
  view.setUint32(at + 4, bytes.length, IS_LITTLE_ENDIAN);
  new Uint8Array(view.buffer, at + SLOT_HEAD, bytes.length).set(bytes);
}

function isEqual(one: unknown, other: unknown): boolean {
  if (!(one instanceof Uint8Array && other instanceof Uint8Array)) {
    return one === other || (Number.isNaN(one) && Number.isNaN(other));
  }
  return one.length === other.length &&
    one.every((byte, index) => byte === other[index]);
}

function word(view: DataView, at: number): number {
  return view.getUint32(at, IS_LITTLE_ENDIAN);
}

function viewOf(memory: SharedMemory): DataView {
  return new DataView(memory.buffer);
}

function listOf(memory: SharedMemory): ShareableList {
  const here = lists.get(memory);
  if (here !== undefined) return here;
  const existing: unknown = new Existing(memory);
  return new ShareableList(existing as Iterable<ShareableItem>);
}

declareOwnExports(import.meta.url, { ShareableList });
noteModule(import.meta.url, { ShareableList });
registerShareable("multiprocessing.ShareableList", ShareableList, {
  encode(list, context) {
    context.modules.add(import.meta.url);
    return list.memory;
  },
  decode: (payload) => listOf(payload as SharedMemory),
});
