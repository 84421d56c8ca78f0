// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What calls of objects carry: arguments, results, errors. The bytes may come
// from anybody who has the key of a station, and so be anything.

import { SerializationError } from "../base/errors.ts";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";
import { decodeError, encodeError } from "../wire/error_codec.ts";
import { prepare } from "../wire/functions/revive.ts";
import {
  decodeFromBytes,
  decodeLoaded,
  encodeToBytes,
} from "../wire/values.ts";

/**
 * The bytes of a value, in memory of their own.
 *
 * @param root What the value is called in errors: "args".
 * @throws {SerializationError} If a part of it cannot travel; the error names the part.
 */
export function packValue(value: unknown, root: string): Uint8Array {
  return encodeToBytes(value, root);
}

/**
 * The value of bytes that `packValue()` has made. A promise only where a module
 * has to be imported first; the bytes must hold until it settles then.
 *
 * @throws {SerializationError} If the bytes are none of a value.
 */
export function unpackValue(bytes: Uint8Array): unknown {
  return checked(() => decodeFromBytes(bytes, "a value"));
}

/** As {@linkcode unpackValue}, of a value that needs no modules. */
export function unpackPlain(bytes: Uint8Array): unknown {
  return checked(() => decodeLoaded(bytes));
}

/** The bytes of something that was thrown. Never throws: what cannot travel is described. */
export function packError(thrown: unknown): Uint8Array {
  const w = new ByteWriter(256);
  encodeError(w, thrown, { root: "error", modules: new Set() });
  return w.take().bytes;
}

/** What `packError()` was given. */
export function unpackError(bytes: Uint8Array): unknown {
  const context = { attachments: [], modules: new Map(), revive: prepare };
  return decodeError(new ByteReader(bytes), context);
}

function checked<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new SerializationError("Cannot read a value: it ends early", {
      reason: "bad value",
      cause,
    });
  }
}
