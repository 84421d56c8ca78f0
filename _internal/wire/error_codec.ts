// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a task threw, to bytes and back. An error arrives as the same built-in
// class (or class of this library, of Deno, of WebAssembly), with name,
// message, own properties, cause, members and the remote stack; an error of a
// class that the receiver has sent arrives as that class, one of an unknown
// class as its nearest built-in one with its name. Whatever else was thrown,
// `undefined` included, arrives as itself.

import { SerializationError } from "../base/errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { describeThrown } from "./_codec_errors.ts";
import { isA } from "./_codec_path.ts";
import {
  type DecodeContext,
  decodeValue,
  type EncodeContext,
  encodeGraph,
} from "./codec.ts";

export { registerErrorClass } from "./_codec_errors.ts";

/** Writes a thrown value. Never throws: what cannot travel becomes an error that describes it. */
export function encodeError(
  w: ByteWriter,
  thrown: unknown,
  c: EncodeContext,
): void {
  try {
    return encodeGraph(w, thrown, c, true);
  } catch (error) {
    const description = describeThrown(thrown);
    const reason = isA(error, SerializationError) && error.reason !== ""
      ? error.reason
      : describeThrown(error);
    encodeGraph(
      w,
      new SerializationError(
        `Cannot send ${
          c.root === "reason" ? "the reason of an abort" : "what was thrown"
        }: ${reason}: it was ${description}`,
        { path: c.root, reason },
      ),
      { root: c.root, modules: new Set() },
      true,
    );
  }
}

/**
 * Reads what `encodeError` wrote: the thrown value, which may be anything.
 *
 * @throws {SerializationError} If the message is malformed.
 */
export function decodeError(r: ByteReader, c: DecodeContext): unknown {
  return decodeValue(r, c);
}
