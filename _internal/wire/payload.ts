// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A payload is what a message carries beyond its header: the modules that the
// receiver must import first, then one value.
//
//   varint n, n strings (module URLs), value
//
// Imports are asynchronous and decoding is not, so the modules come first: a
// receiver that has them all (nearly always: none are needed) decodes at once.

import { SerializationError } from "../base/errors.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { decodeValue, encodeValue } from "./codec.ts";
import type { AnyFunction } from "./functions/task.ts";
import type { FunctionDescription } from "./functions/description.ts";
import { homeToken } from "./functions/homes.ts";
import { type ModuleNamespace, prepare } from "./functions/revive.ts";

/** A value on its way: bytes, and what only the platform can carry. */
export interface Payload {
  readonly bytes: Uint8Array;
  readonly attachments: readonly unknown[];
  readonly transfer: readonly Transferable[];
  /** True where what was captured may change: it must be encoded, and decoded, afresh for every call. */
  readonly mutable: boolean;
}

/** How to encode a payload. */
export interface PayloadOptions {
  /** What the value is called in errors: "args". */
  readonly root: string;
  /** Finds out what a function captured. */
  readonly describe: (fn: AnyFunction) => FunctionDescription;
  /** Gives the token of a function that goes by value; by default every one gets one. */
  readonly token?: ((fn: AnyFunction) => string) | undefined;
  /** False where the channel has nothing but bytes. */
  readonly attachments: boolean;
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

/** What is encoded in place of a value. */
export interface Replacement extends Pick<PayloadOptions, "root" | "describe"> {
  readonly value: unknown;
}

const NONE: readonly never[] = [];
/** Bytes before a payload in its buffer: a header is written there, so that the payload is not copied behind it. */
const HEADROOM = 32;
/** Payloads above this many bytes keep the buffer that they were written into. */
const LARGE = 1 << 16;
const writer = new ByteWriter(4096);

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
  // The writer is shared: encoding can run user code (getters), which may
  // submit a task of its own, so a nested call gets a writer of its own.
  const w = takeWriter();
  try {
    let context = encodeInto(w, value, options);
    const other = options.instead?.(context.mutable);
    if (other !== undefined) {
      w.reset();
      context = encodeInto(w, other.value, { ...options, ...other });
    }
    const { modules, attachments = NONE } = context;
    let message: Uint8Array<ArrayBuffer>;
    if (modules.size > 0) {
      const full = new ByteWriter(w.length + 256);
      full.reserve(HEADROOM);
      full.varint(modules.size);
      for (const url of modules) full.string(url);
      full.raw(w.bytes().subarray(HEADROOM + 1));
      message = full.bytes();
    } else {
      message = w.length > LARGE ? w.take() : w.bytes().slice();
    }
    return {
      bytes: message.subarray(HEADROOM),
      mutable: context.mutable,
      ...(moved && options.attachments
        ? takeTransferred(
          attachments,
          transfer,
          options.isRepeatable ?? false,
        )
        : { attachments, transfer: NONE }),
    };
  } finally {
    giveWriter(w);
  }
}

/** Leaves room for a header, writes the value as one that needs no modules. */
function encodeInto(w: ByteWriter, value: unknown, options: PayloadOptions) {
  const { root, describe, transfer } = options;
  const context = {
    root,
    describe,
    token: options.token ?? homeToken,
    modules: new Set<string>(),
    attachments: options.attachments ? [] as unknown[] : undefined,
    transfer: transfer === undefined || transfer.length === 0
      ? undefined
      : new Set<object>(transfer as object[]),
    mutable: false,
  };
  w.reserve(HEADROOM);
  w.u8(0);
  encodeValue(w, value, context);
  return context;
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
  const { bytes } = payload;
  if (header.length > HEADROOM) {
    throw new RangeError(
      `Cannot write a header of ${header.length} bytes: there is room for ${HEADROOM}`,
    );
  }
  const message = new Uint8Array(
    bytes.buffer,
    bytes.byteOffset - header.length,
    header.length + bytes.length,
  );
  message.set(header);
  return message;
}

/** The modules that a payload needs, and where its value begins. */
export function payloadModules(
  bytes: Uint8Array,
): { readonly modules: readonly string[]; readonly offset: number } {
  if (bytes.length > 0 && bytes[0] === 0) return NO_MODULES;
  const r = new ByteReader(bytes);
  const count = r.varint();
  if (count > r.remaining) {
    throw new SerializationError(
      `Cannot read a payload: it names ${count} modules in ${r.remaining} bytes`,
      { reason: "bad payload" },
    );
  }
  const modules: string[] = [];
  for (let i = 0; i < count; i++) modules.push(r.string());
  return { modules, offset: r.offset };
}

const NO_MODULES = { modules: [] as readonly string[], offset: 1 };

/** Decodes the value of a payload whose modules have been imported. */
export function decodePayload(
  bytes: Uint8Array,
  offset: number,
  attachments: readonly unknown[],
  modules: ReadonlyMap<string, ModuleNamespace>,
): unknown {
  return decodeValue(new ByteReader(bytes, offset), {
    attachments,
    modules,
    revive: prepare,
  });
}

let writerTaken = false;

function takeWriter(): ByteWriter {
  if (writerTaken) return new ByteWriter();
  writerTaken = true;
  writer.reset();
  return writer;
}

function giveWriter(w: ByteWriter): void {
  if (w === writer) writerTaken = false;
}
