// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A payload is what a message carries beyond its header: the modules that the
// receiver must import first, then one value.
//
//   varint n, n strings (module URLs), value
//
// Imports are asynchronous and decoding is not, so the modules come first: a
// receiver that has them all (nearly always: none are needed) decodes at once:
// `received_payload.ts`.
//
// The value is written first, since only then it is known what comes before it:
//
//   | room for a header | modules, stores |= value =|
//     at least HEADROOM                   ^ START, or more by a multiple of 8
//
// A long one is written into a segment (`memory/segments.ts`).
// It is held by whoever has made it, until `releasePayload()` or the collector
// finds that nobody did, by each job that is under way with it, and by each
// message.

import { SerializationError } from "../base/errors.ts";
import { describe } from "../base/validation.ts";
import { copyBytes, type Segment } from "../memory/segments.ts";
import { isMovable, movable } from "./attachments.ts";
import { ByteArena, ByteWriter } from "./bytes.ts";
import { encodeValue, type Reach } from "./codec.ts";
import {
  writeFlatArray,
  writeFloats,
  writeInts,
  writeNumber,
} from "./_codec_primitives.ts";
import { TAG_FLOAT64_ARRAY, TAG_INT32_ARRAY } from "./_codec_tags.ts";
import type { AnyFunction, Description } from "./functions/task.ts";
import { type StoreSnapshot, writeContexts } from "./contexts.ts";
import { homeToken } from "./functions/homes.ts";
import { writeModuleUrl } from "./functions/names.ts";
import type { Storage } from "./functions/storages.ts";

/** A value on its way: bytes, and what only the platform can carry. */
export interface Payload {
  readonly bytes: Uint8Array;
  /** What the bytes lie in; undefined where that is memory of their own. */
  readonly segment: Segment | undefined;
  readonly attachments: readonly unknown[];
  readonly transfer: readonly Transferable[];
  /** Whoever sends it tells the receiver when one of them fires. */
  readonly signals: readonly AbortSignal[];
  /** What the value is known to use of them. */
  readonly storages: readonly Storage[];
  /** True where the stores of some come before the value. */
  readonly contexts: boolean;
  /** True where what was captured may change: it must be encoded, and decoded, afresh for every call. */
  readonly mutable: boolean;
}

/** How to encode a payload. */
export interface PayloadOptions {
  /** What the value is called in errors: "args". */
  readonly root: string;
  /** Finds out what a function captured. */
  readonly describe: (fn: AnyFunction) => Description;
  /** Gives the token of a function that goes by value; by default every one gets one. */
  readonly token?: ((fn: AnyFunction) => string) | undefined;
  /** Only a thread can be sent more than bytes. */
  readonly reach: Reach;
  /** True for one that jobs hold while they need it, and that workers are sent: it may lie in a segment. */
  readonly isShared?: boolean;
  /** True where the sender tells the receiver what becomes of the signals in the value; else they are refused. */
  readonly signals?: boolean;
  /** Has the stores go before the value. */
  readonly contexts?: ContextOptions | undefined;
  /** What is moved instead of copied. */
  readonly transfer?: readonly Transferable[] | undefined;
  /** True: the payload may be sent more than once. Transferred buffers are then taken away from the caller and copied to the worker. */
  readonly isRepeatable?: boolean;
  /**
   * Asked when the value is encoded and nothing has been moved yet: what to
   * encode in its place. `mutable` is as in the payload.
   */
  readonly instead?:
    | ((mutable: boolean) => Replacement | undefined)
    | undefined;
}

/** Whose stores go with a value, besides those of the storages in it. */
export interface ContextOptions {
  /** Those that the called function is known to use. */
  readonly storages: readonly Storage[];
  /** What they hold; without it they are asked. */
  readonly stores?: StoreSnapshot | undefined;
}

/** What is encoded in place of a value. */
export interface Replacement extends Pick<PayloadOptions, "root" | "describe"> {
  readonly value: unknown;
}

const NONE: readonly never[] = [];
/** Bytes before a payload in its buffer: a header is written there, so that the payload is not copied behind it. */
const HEADROOM = 32;
/** Where the value is written. */
const START = HEADROOM + 8;
const privateWriter = new ByteWriter(4096);
const arena = new ByteArena();
/** A longer string is copied as a whole, and not byte by byte. */
const MAX_FLAT_STRING = 512;
const sharedWriter = new ByteWriter(4096, true);

/**
 * Encodes a value for a message.
 *
 * @throws {SerializationError} If a part of it cannot travel; the error names the part.
 */
export function encodePayload(
  value: unknown,
  options: PayloadOptions,
): Payload {
  const { transfer } = options;
  const moved = transfer !== undefined && transfer.length > 0;
  if (moved) checkTransfer(transfer);
  // The writer is shared: encoding can run user code (getters), which may
  // submit a task of its own, so a nested call gets a writer of its own.
  const w = takeWriter(options.isShared ?? false);
  try {
    let context = encodeInto(w, value, options);
    const other = options.instead?.(context.mutable);
    if (other !== undefined) {
      w.reset();
      context = encodeInto(w, other.value, { ...options, ...other });
    }
    const { contexts } = options;
    const { storages } = context;
    if (
      contexts !== undefined && storages !== undefined &&
      storages.size > context.written
    ) {
      // One that is only named by an argument: hardly ever.
      w.reset();
      context = encodeInto(w, other === undefined ? value : other.value, {
        ...options,
        ...other,
        contexts: { ...contexts, storages: [...storages] },
      });
    }
    const { modules, attachments = NONE, signals = NONE } = context;
    const moving = moved && options.reach === "thread"
      ? takeTransferred(attachments, transfer, options.isRepeatable ?? false)
      : {
        attachments: checkAttachments(attachments, options.root),
        transfer: NONE,
      };
    return kept({
      ...takeBytes(w, modules),
      mutable: context.mutable,
      signals,
      storages: storagesIn(context),
      contexts: context.written > 0,
      ...moving,
    });
  } finally {
    giveWriter(w);
  }
}

/** Nothing but bytes, and few of them: of many that wait, each is small. */
class FlatPayload implements Payload {
  readonly #buffer: Uint8Array<ArrayBuffer>;
  readonly #start: number;
  readonly #end: number;

  /** Copies what was written. */
  constructor(w: ByteWriter) {
    this.#start = arena.copy(w);
    this.#end = this.#start + w.length;
    this.#buffer = arena.buffer;
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  get segment(): undefined {
    return undefined;
  }

  get attachments(): readonly unknown[] {
    return NONE;
  }

  get transfer(): readonly Transferable[] {
    return NONE;
  }

  get signals(): readonly AbortSignal[] {
    return NONE;
  }

  get storages(): readonly Storage[] {
    return NONE;
  }

  get contexts(): boolean {
    return false;
  }

  get mutable(): boolean {
    return false;
  }
}

/**
 * As `encodePayload()`, for the arguments of most calls: a few primitives, for
 * which nothing has to be asked. Undefined where there is more to them.
 */
export function encodeFlatPayload(
  args: readonly unknown[],
): Payload | undefined {
  for (let i = 0; i < args.length; i++) {
    const value = args[i];
    if (typeof value === "string" && value.length > MAX_FLAT_STRING) return;
  }
  const w = takeWriter(false);
  try {
    w.u8(0);
    return writeFlatArray(w, args) ? new FlatPayload(w) : undefined;
  } finally {
    giveWriter(w);
  }
}

/** Leaves room for a header and modules, writes the value. */
function encodeInto(w: ByteWriter, value: unknown, options: PayloadOptions) {
  const context = encodeContext(options);
  w.reserve(START);
  const { contexts } = options;
  if (contexts !== undefined && contexts.storages.length > 0) {
    context.storages = new Set(contexts.storages);
    writeContexts(w, context.storages, contexts.stores, context);
    context.written = context.storages.size;
  }
  encodeValue(w, value, context);
  return context;
}

function storagesIn(
  { storages }: ReturnType<typeof encodeContext>,
): readonly Storage[] {
  return storages === undefined ? NONE : [...storages];
}

function encodeContext(options: PayloadOptions) {
  const { root, reach, describe, transfer } = options;
  return {
    root,
    reach,
    describe,
    token: options.token ?? homeToken,
    modules: new Set<string>(),
    attachments: reach === "thread" ? [] as unknown[] : undefined,
    signals: options.signals ? [] as AbortSignal[] : undefined,
    transfer: transfer === undefined || transfer.length === 0
      ? undefined
      : new Set<object>(transfer as object[]),
    storages: undefined as Set<Storage> | undefined,
    /** Of how many storages the stores are in the payload. */
    written: 0,
    mutable: false,
  };
}

/** Takes a payload out of its writer, with what comes before the value. */
function takeBytes(
  w: ByteWriter,
  modules: ReadonlySet<string>,
  stores?: ByteWriter,
): Pick<Payload, "bytes" | "segment"> {
  let begin = START;
  if (modules.size === 0 && stores === undefined) w.buffer[--begin] = 0;
  else {
    const head = new ByteWriter(256);
    head.varint(modules.size);
    for (const url of modules) writeModuleUrl(head, url);
    if (stores !== undefined) head.raw(stores.bytes());
    const lacking = head.length - (START - HEADROOM);
    if (lacking > 0) {
      // By a multiple of 8: what is aligned stays so.
      const shift = (lacking + 7) & ~7;
      begin += shift;
      const end = w.reserve(shift);
      w.buffer.copyWithin(begin, START, end);
    }
    begin -= head.length;
    w.buffer.set(head.bytes(), begin);
  }
  const { bytes, segment } = w.take();
  return { bytes: bytes.subarray(begin), segment };
}

/** Bytes that a list may begin with. A longer one leaves what it begins with: a buffer that costs more than it holds. */
const MIN_CAPACITY = 256;
const MAX_CAPACITY = 1 << 14;

/**
 * A payload of many values, each encoded at once and for itself: what happens
 * to a value after `add()` does not matter, and one that cannot travel leaves
 * the others as they are.
 *
 *   varint n > 0, n values: lists of arguments; a number is a list of itself
 *   varint 0, numbers: likewise, where there is nothing else
 */
export class ListPayload {
  /** The next one is mostly as long as the last one. */
  static #capacity = MIN_CAPACITY;
  readonly #w: ByteWriter;
  readonly #context: ReturnType<typeof encodeContext>;
  /** Where the last value begins, in bytes, among the attachments and among the signals. */
  #lastStart = 0;
  #lastAttachments = 0;
  #lastSignals = 0;
  readonly #storages: readonly Storage[];
  readonly #stores: StoreSnapshot | undefined;
  /** Values before those of the list. */
  #heads = 0;
  /** What is in the list: nothing but numbers, or lists of arguments. */
  #form: "ints" | "floats" | "lists" = "ints";
  /** Values in the list. */
  length = 0;

  constructor(options: PayloadOptions) {
    this.#w = new ByteWriter(ListPayload.#capacity, options.isShared);
    this.#w.reserve(START);
    this.#context = encodeContext(options);
    this.#storages = options.contexts?.storages ?? NONE;
    this.#stores = options.contexts?.stores;
  }

  /** Bytes of the values so far. */
  get size(): number {
    return this.#w.length - START;
  }

  /** True where what was captured may change. */
  get mutable(): boolean {
    return this.#context.mutable;
  }

  /**
   * Adds a value.
   *
   * @throws {SerializationError} If a part of it cannot travel; the list is as it was.
   */
  add(value: unknown, describe: PayloadOptions["describe"]): void {
    const context = this.#context;
    if (this.#form !== "lists") {
      const numbers = this.#takeNumbers(this.length);
      this.#form = "lists";
      for (const number of numbers) writeNumber(this.#w, number);
    }
    this.#lastStart = this.#w.length;
    this.#lastAttachments = context.attachments?.length ?? 0;
    this.#lastSignals = context.signals?.length ?? 0;
    context.describe = describe;
    encodeValue(this.#w, value, context);
    this.length++;
  }

  /**
   * Adds the numbers of an array between two places, up to what is none, and
   * returns how many there were. Takes none where the list has other values.
   */
  addNumbers(items: readonly unknown[], from: number, to: number): number {
    if (this.#form === "lists") return 0;
    const w = this.#w;
    let at = from;
    if (this.#form === "ints") {
      at += writeInts(w, items, from, to);
      if (at < to && typeof items[at] === "number") {
        const numbers = this.#takeNumbers(this.length + at - from);
        this.#form = "floats";
        writeFloats(w, numbers, 0, numbers.length);
      }
    }
    if (this.#form === "floats") at += writeFloats(w, items, at, to);
    this.length += at - from;
    return at - from;
  }

  /** Takes the numbers out again. */
  #takeNumbers(count: number): number[] {
    const w = this.#w;
    const numbers: number[] = [];
    const isInt = this.#form === "ints";
    for (let i = 0; i < count; i++) {
      numbers.push(
        isInt
          ? w.view.getInt32(START + i * 4, true)
          : w.view.getFloat64(START + i * 8, true),
      );
    }
    w.length = START;
    return numbers;
  }

  /** Puts a value before those of the list; called before the first `add()`. It is not counted. */
  addHead(value: unknown, describe: PayloadOptions["describe"]): void {
    this.add(value, describe);
    this.length--;
    this.#heads++;
    // Asked of the values of the list.
    this.#context.mutable = false;
  }

  /** Takes the last value out again. */
  undo(): void {
    const context = this.#context;
    this.#w.length = this.#lastStart;
    if (context.attachments !== undefined) {
      context.attachments.length = this.#lastAttachments;
    }
    if (context.signals !== undefined) {
      context.signals.length = this.#lastSignals;
    }
    this.length--;
  }

  /** The payload; the list is used up. */
  finish(): Payload {
    const context = this.#context;
    const stores = new ByteWriter(64);
    for (const storage of this.#storages) {
      (context.storages ??= new Set()).add(storage);
    }
    if (context.storages !== undefined) {
      writeContexts(stores, context.storages, this.#stores, context);
    }
    const form = this.#form;
    if (form === "lists") stores.varint(this.#heads + this.length);
    else {
      stores.varint(0);
      stores.u8(form === "ints" ? TAG_INT32_ARRAY : TAG_FLOAT64_ARRAY);
      stores.varint(this.length);
    }
    const { length } = this.#w.buffer;
    ListPayload.#capacity = length > MAX_CAPACITY ? MIN_CAPACITY : length;
    const { modules, attachments = NONE, signals = NONE, mutable } = context;
    checkAttachments(attachments, this.#context.root);
    return kept({
      ...takeBytes(this.#w, modules, stores),
      mutable,
      signals,
      storages: storagesIn(context),
      contexts: context.storages !== undefined,
      attachments,
      transfer: NONE,
    });
  }
}

/** Finds out now, not when the message leaves, whether the platform can clone what it has to. */
function checkAttachments(
  attachments: readonly unknown[],
  root: string,
): readonly unknown[] {
  for (const value of attachments) {
    if (value instanceof SharedArrayBuffer) continue;
    try {
      structuredClone(value);
    } catch (cause) {
      throw new SerializationError(
        `Cannot send ${root}: ${(cause as Error)?.message ?? cause}`,
        { path: root, reason: "refused by structured clone", cause },
      );
    }
  }
  return attachments;
}

/** Checks what is to be moved, before anything is taken away. */
function checkTransfer(transfer: readonly unknown[]): void {
  if (new Set(transfer).size < transfer.length) {
    throw new SerializationError(
      "Cannot move an object: 'transfer' names it twice",
      { path: "transfer", reason: "named twice" },
    );
  }
  for (const [index, object] of transfer.entries()) {
    if (!(object instanceof ArrayBuffer) && !isMovable(object)) {
      throw new SerializationError(
        `Cannot move transfer[${index}]: only array buffers, ports and streams can be moved (of a typed array its 'buffer'): current value is ${
          describe(object)
        }`,
        { path: `transfer[${index}]`, reason: "cannot be moved" },
      );
    }
    if (object instanceof ArrayBuffer && object.detached) {
      throw new SerializationError(
        "Cannot move a buffer: it has been moved before",
        { path: "transfer", reason: "is detached" },
      );
    }
  }
}

/**
 * Takes the caller's buffers away now, at the submit, as a transfer does, and
 * not when the message happens to leave: what the caller writes afterwards
 * must not reach the task.
 */
function takeTransferred(
  attachments: readonly unknown[],
  transfer: readonly Transferable[],
  isRepeatable: boolean,
): Pick<Payload, "attachments" | "transfer"> {
  const taken = new Map<unknown, Transferable>();
  for (const object of transfer) {
    taken.set(
      object,
      object instanceof ArrayBuffer
        ? structuredClone(object, { transfer: [object] })
        : object,
    );
  }
  return {
    attachments: attachments.map((value) => taken.get(value) ?? value),
    transfer: [...taken.values()].filter((object) =>
      !(isRepeatable && object instanceof ArrayBuffer)
    ),
  };
}

/**
 * A whole message: the header, written into the room before the payload. It
 * holds until the next message is made of the same payload.
 */
export function messageOf(header: Uint8Array, payload: Payload): Uint8Array {
  if (header.length > HEADROOM) {
    throw new RangeError(
      `Cannot write a header of ${header.length} bytes: there is room for ${HEADROOM}`,
    );
  }
  let { bytes } = payload;
  // The header of the last message has not been read: it was taken back.
  if (payload.segment?.isSent) bytes = withRoom(new ByteWriter(), bytes);
  const message = new Uint8Array(
    bytes.buffer,
    bytes.byteOffset - header.length,
    header.length + bytes.length,
  );
  message.set(header);
  return message;
}

/** A copy of a payload, with room for a header before it. */
function withRoom(w: ByteWriter, bytes: Uint8Array): Uint8Array {
  // What is aligned stays so.
  const begin = HEADROOM + (bytes.byteOffset & 7);
  w.reserve(begin + bytes.length);
  copyBytes(w.buffer, begin, bytes);
  return w.bytes().subarray(begin);
}

/**
 * A payload that has come in a message, to be sent on as it is.
 *
 * @param isShared As in the options of one that is encoded.
 */
export function receivedPayload(
  bytes: Uint8Array,
  attachments: readonly unknown[],
  mutable: boolean,
  signals: readonly AbortSignal[] = NONE,
  contexts = false,
  isShared = false,
): Payload {
  const w = new ByteWriter(0, isShared);
  return kept({
    bytes: withRoom(w, bytes),
    segment: w.segment,
    attachments,
    transfer: movable(attachments),
    mutable,
    signals,
    storages: NONE,
    contexts,
  });
}

const forgotten = new FinalizationRegistry<Segment>((segment) =>
  segment.release()
);

/** Sees to it that the segment of a payload that nobody releases is free one day. */
function kept(payload: Payload): Payload {
  const { segment } = payload;
  if (segment !== undefined) forgotten.register(payload, segment, payload);
  return payload;
}

/** Whoever has made the payload is done with it: what is under way with it holds it by itself. */
export function releasePayload(payload: Payload): void {
  const { segment } = payload;
  if (segment !== undefined && forgotten.unregister(payload)) segment.release();
}

const taken = new Set<ByteWriter>();

function takeWriter(isShared: boolean): ByteWriter {
  const writer = isShared ? sharedWriter : privateWriter;
  if (taken.has(writer)) return new ByteWriter(256, isShared);
  taken.add(writer);
  writer.reset();
  return writer;
}

function giveWriter(w: ByteWriter): void {
  // What a failure has left.
  w.reset();
  taken.delete(w);
}
