// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Numbers that processes share: where they lie, and what can be done with them.
//
//   real shared memory (Linux, with --allow-ffi)    a MemoryFile
//     many numbers    one of its own
//     one number      8 bytes in an arena: memory and a descriptor for each would
//                     be too much
//   elsewhere         a SharedArrayBuffer of the program that made them, which
//                     serves others
//
// A place in an arena is used again where its number was never sent away. Else
// somebody may have it: nobody counts that, and it stays.
//
// What has arrived is unmapped when the collector finds that nobody has a number of
// it. Not so where users have views, whose buffers they may have moved elsewhere.

import { nextSerial } from "./domain.ts";
import {
  canShareMemory,
  MemoryFile,
  type MemoryReference,
} from "./memory_file.ts";
import {
  type AtomicNumber,
  atomicNumber,
  type NumberArrays,
  numberBytes,
  numberMemory,
  type NumberType,
  numberView,
} from "./shared_number.ts";

const ARENA_SIZE = 1 << 16;
const PLACE_SIZE = 8;
const MAKE = "create shared numbers";
const TAKE = "receive shared numbers";

/** Where numbers lie: what other threads and, of real shared memory, processes need. */
export type NumbersMemory =
  | SharedArrayBuffer
  | { readonly file: MemoryReference; readonly offset: number };

/** A file that is closed when nobody has it any more. */
interface Holder {
  readonly file: MemoryFile;
}

/** A place in an arena of this thread. */
interface ArenaPlace extends Holder {
  readonly offset: number;
  isSent: boolean;
}

const arenas: Holder[] = [];
const freePlaces: ArenaPlace[] = [];
let used = ARENA_SIZE;
const unused = new FinalizationRegistry<ArenaPlace>((place) => {
  if (place.isSent) return;
  new BigInt64Array(place.file.buffer, place.offset, 1)[0] = 0n;
  freePlaces.push(place);
});

const received = new Map<string, WeakRef<Holder>>();
const forgotten = new FinalizationRegistry<MemoryFile>((file) => {
  file.close();
  if (received.get(file.id)?.deref() === undefined) received.delete(file.id);
});

/** Numbers whose memory this thread has. */
export class NumbersCore {
  readonly serial: number;
  readonly type: NumberType;
  readonly view: NumberArrays<ArrayBufferLike>[NumberType];
  /** Where they are. Who sends it calls `share()`. */
  readonly memory: NumbersMemory;
  /** Keeps an arena mapped. */
  readonly #holder: Holder | undefined;
  #first: AtomicNumber<number | bigint> | undefined;

  private constructor(
    type: NumberType,
    length: number,
    memory: NumbersMemory,
    holder: Holder | undefined,
    serial: number,
  ) {
    this.type = type;
    this.serial = serial;
    this.memory = memory;
    this.#holder = holder;
    this.view = memory instanceof SharedArrayBuffer
      ? numberView(type, memory)
      : numberView(type, holder!.file.buffer, memory.offset, length);
  }

  /**
   * One number, 0.
   *
   * @throws {RangeError} If there is no memory left.
   */
  static createOne(type: NumberType): NumbersCore {
    if (!canShareMemory()) return NumbersCore.#inProgram(type, 1);
    const place = freePlaces.pop() ?? newPlace();
    const memory = { file: place.file.reference(), offset: place.offset };
    const core = new NumbersCore(type, 1, memory, place, nextSerial());
    unused.register(core, place);
    return core;
  }

  /**
   * Many numbers, all of them 0.
   *
   * @throws {RangeError} If there is not so much memory.
   */
  static createMany(type: NumberType, length: number): NumbersCore {
    if (!canShareMemory()) return NumbersCore.#inProgram(type, length);
    // An array may be empty, memory may not.
    const size = Math.max(1, numberBytes(type, length));
    const file = MemoryFile.create(MAKE, size);
    const memory = { file: file.reference(), offset: 0 };
    return new NumbersCore(type, length, memory, { file }, nextSerial());
  }

  /**
   * Numbers that have arrived.
   *
   * @param isExposed True where users get a view of them: the memory is then mapped until `close()`.
   * @throws {NotFoundError} If their memory is gone.
   * @throws {NotSupportedError} If this program cannot share memory.
   */
  static receive(
    type: NumberType,
    length: number,
    memory: NumbersMemory,
    serial: number,
    isExposed: boolean,
  ): NumbersCore {
    const holder = memory instanceof SharedArrayBuffer
      ? undefined
      : isExposed
      ? { file: MemoryFile.take(TAKE, memory.file) }
      : receiveHolder(memory.file);
    return new NumbersCore(type, length, memory, holder, serial);
  }

  static #inProgram(type: NumberType, length: number): NumbersCore {
    const memory = numberMemory(type, length);
    return new NumbersCore(type, length, memory, undefined, nextSerial());
  }

  /** True where other processes can have the same memory. */
  get isReal(): boolean {
    return this.#holder !== undefined;
  }

  /** What others need to have it too: it is about to be sent. */
  share(): NumbersMemory {
    if (this.#holder !== undefined && "isSent" in this.#holder) {
      (this.#holder as ArenaPlace).isSent = true;
    }
    return this.memory;
  }

  /** Of many: gives up the memory, and where it was made here, for everybody who does not have it yet. */
  close(): void {
    const file = this.#holder?.file;
    file?.close();
    if (file?.isOwner && file.isLinked) file.unlink(MAKE);
  }

  /** The first number, changed in one step. */
  get first(): AtomicNumber<number | bigint> {
    const { buffer, byteOffset } = this.view;
    return this.#first ??= atomicNumber(this.type, buffer, byteOffset);
  }

  // What users elsewhere call too

  load(): number | bigint {
    return this.first.load();
  }

  store(value: number | bigint): void {
    this.first.store(value);
  }

  add(change: number | bigint): number | bigint {
    return this.first.add(change);
  }

  compareExchange(
    expected: number | bigint,
    replacement: number | bigint,
  ): number | bigint {
    return this.first.compareExchange(expected, replacement);
  }

  get(index: number): number | bigint | undefined {
    return this.view[index];
  }

  set(values: ArrayLike<number | bigint>, offset: number): void {
    (this.view as { set(values: unknown, offset: number): void })
      .set(values, offset);
  }

  /** A copy, in memory of its own. */
  slice(start?: number, end?: number): NumberArrays<ArrayBuffer>[NumberType] {
    const { view } = this;
    const part = (view as Uint8Array).subarray(start, end);
    return new (view.constructor as Uint8ArrayConstructor)(
      part,
    ) as unknown as NumberArrays<ArrayBuffer>[NumberType];
  }
}

/** The methods that users elsewhere may call. */
export const NUMBERS_METHODS = [
  "load",
  "store",
  "add",
  "compareExchange",
  "get",
  "set",
  "slice",
] as const;

function newPlace(): ArenaPlace {
  if (used === ARENA_SIZE) {
    arenas.push({ file: MemoryFile.create(MAKE, ARENA_SIZE) });
    used = 0;
  }
  const offset = used;
  used += PLACE_SIZE;
  return { file: arenas.at(-1)!.file, offset, isSent: false };
}

function receiveHolder(reference: MemoryReference): Holder {
  const id = MemoryFile.idOf(reference);
  const own = arenas.find(({ file }) => file.id === id);
  const here = own ?? received.get(id)?.deref();
  if (here !== undefined) return here;
  const holder = { file: MemoryFile.take(TAKE, reference) };
  received.set(id, new WeakRef(holder));
  forgotten.register(holder, holder.file);
  return holder;
}
