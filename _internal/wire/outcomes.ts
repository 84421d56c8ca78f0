// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The answer to a chunk: varint n, then for each call 1 and its value, or 0 and
// its error. Where all have returned numbers: varint 0, then those.

import type { ByteReader, ByteWriter } from "./bytes.ts";
import {
  type DecodeContext,
  decodeValue,
  type EncodeContext,
  encodeValue,
} from "./codec.ts";
import { readNumbers, writeNumbers } from "./_codec_primitives.ts";
import { decodeError, encodeError } from "./error_codec.ts";

/** How one call ended. */
export interface Outcome {
  readonly ok: boolean;
  /** What it returned, or what it threw. */
  readonly value: unknown;
}

/** How the calls of a chunk ended. Not an object for each: there may be a million. */
export interface Outcomes {
  /** What each returned, or threw. */
  readonly values: ArrayLike<unknown>;
  /** The indices of those that threw. */
  readonly failed: ReadonlySet<number>;
}

/** No call threw. */
export const NONE_FAILED: ReadonlySet<number> = new Set();

/** Writes the answer. Only the calls whose values cannot travel fail. */
export function writeOutcomes(
  w: ByteWriter,
  { values, failed }: Outcomes,
  context: EncodeContext,
): void {
  if (failed.size === 0) {
    const start = w.length;
    w.varint(0);
    if (writeNumbers(w, values)) return;
    w.length = start;
  }
  w.varint(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const start = w.length;
    try {
      const ok = !failed.has(i);
      w.u8(ok ? 1 : 0);
      if (ok) encodeValue(w, value, context);
      else encodeError(w, value, context);
    } catch (error) {
      // What it wrote is taken back.
      w.length = start;
      w.u8(0);
      encodeError(w, error, context);
    }
  }
}

/** Reads the answer. */
export function readOutcomes(r: ByteReader, context: DecodeContext): Outcomes {
  const count = r.varint();
  if (count === 0) return { values: readNumbers(r), failed: NONE_FAILED };
  const values: unknown[] = [];
  let failed: Set<number> | undefined;
  for (let i = 0; i < count; i++) {
    if (r.u8() === 1) values.push(decodeValue(r, context));
    else {
      (failed ??= new Set()).add(i);
      values.push(decodeError(r, context));
    }
  }
  return { values, failed: failed ?? NONE_FAILED };
}
