// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The value codec: any graph of values to bytes and back. What a value keeps:
//
// - identity and cycles, among everything in one message;
// - its type: the language's data types, the web's URL, URLSearchParams and
//   Headers, Temporal, errors (see `error_codec.ts`), functions and classes
//   (by their description, or by name to who has them), instances with their
//   prototype (no constructor runs), what is registered as shareable;
// - as structured clone does, own enumerable properties only, and of symbol
//   keys those that mean the same everywhere: accessors are read, the named
//   properties of arrays are left out (looking for them would cost more than
//   sending the numbers).
//
// What cannot travel is a SerializationError that names its path. Everything
// else (layout, limits) is in `_codec_tags.ts`.

import { ParallelError } from "../base/errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { Decoder } from "./_codec_decoder.ts";
import { Encoder } from "./_codec_encoder.ts";
import {
  describeFailure,
  isA,
  RestartWithWholeBuffers,
} from "./_codec_path.ts";
import {
  NOT_FLAT,
  readFlat,
  writeFlat,
  writeFlatArray,
} from "./_codec_primitives.ts";
import {
  type DecodeContext,
  type EncodeContext,
  forgetLast,
  malformed,
} from "./_codec_types.ts";

export type {
  Admit,
  AnyFunction,
  DecodeContext,
  EncodeContext,
  Reach,
  Revive,
} from "./_codec_types.ts";

/**
 * Writes `value` with everything that it refers to. Where it throws, `w`,
 * what `c` collects is as it was.
 *
 * @throws {SerializationError} If a part of it cannot travel.
 */
export function encodeValue(
  w: ByteWriter,
  value: unknown,
  c: EncodeContext,
): void {
  // The commonest values of all need none of the tables of a graph.
  if (writeFlat(w, value)) return;
  // Nor does a list of arguments that are such.
  if (Array.isArray(value) && writeFlatArray(w, value)) return;
  encodeGraph(w, value, c, false);
}

/** As `encodeValue`; with `plainErrors` errors do not bring classes of their own along. */
export function encodeGraph(
  w: ByteWriter,
  value: unknown,
  c: EncodeContext,
  plainErrors: boolean,
): void {
  const start = w.length;
  const attached = c.attachments?.length ?? 0;
  const signals = c.signals?.length ?? 0;
  const modules = c.modules.size;
  let wholeBuffers = false;
  for (;;) {
    const encoder = new Encoder(w, c, { wholeBuffers, plainErrors });
    try {
      return encoder.root(value);
    } catch (error) {
      w.length = start;
      if (c.attachments !== undefined) c.attachments.length = attached;
      if (c.signals !== undefined) c.signals.length = signals;
      forgetLast(c.modules, modules);
      if (!isA(error, RestartWithWholeBuffers)) {
        throw describeFailure(
          error,
          c.root,
          encoder.path.slice(0, encoder.depth),
        );
      }
      // Once at most: the second pass sends no parts.
      wholeBuffers = true;
    }
  }
}

/**
 * Reads one value that `encodeValue` wrote, from any bytes: what no encoder
 * wrote is refused, and memory grows only with the message.
 *
 * @throws {SerializationError} If the message is malformed, or names what this side does not have.
 * @throws {ParallelError} If an object of the library cannot be had here; the error says why.
 */
export function decodeValue(r: ByteReader, c: DecodeContext): unknown {
  // No tables for them here either.
  const flat = readFlat(r);
  return flat === NOT_FLAT ? decodeGraph(r, c) : flat;
}

/** As `decodeValue`, of a value that `readFlat()` has left to the decoder. */
export function decodeGraph(r: ByteReader, c: DecodeContext): unknown {
  try {
    return new Decoder(r, c).root();
  } catch (error) {
    // What a class of the library says of its own object is more than this.
    if (error instanceof ParallelError) throw error;
    throw malformed(
      error instanceof RangeError ? "it ends early" : "a part of it is invalid",
      error,
    );
  }
}
