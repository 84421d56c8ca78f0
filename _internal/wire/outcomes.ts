// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The answer to a chunk: varint n, then for each call 1 and its value, or 0 and
// its error.

import type { ByteReader, ByteWriter } from "./bytes.ts";
import {
  type DecodeContext,
  decodeValue,
  type EncodeContext,
  encodeValue,
} from "./codec.ts";
import { decodeError, encodeError } from "./error_codec.ts";

/** How one call of a chunk ended. */
export interface Outcome {
  readonly ok: boolean;
  /** What it returned, or what it threw. */
  readonly value: unknown;
}

/** Writes the answer. Only the calls whose values cannot travel fail. */
export function writeOutcomes(
  w: ByteWriter,
  outcomes: readonly Outcome[],
  context: EncodeContext,
): void {
  w.varint(outcomes.length);
  for (const { ok, value } of outcomes) {
    const start = w.length;
    try {
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
export function readOutcomes(r: ByteReader, context: DecodeContext): Outcome[] {
  const outcomes: Outcome[] = [];
  for (let n = r.varint(); n > 0; n--) {
    const ok = r.u8() === 1;
    outcomes.push({
      ok,
      value: ok ? decodeValue(r, context) : decodeError(r, context),
    });
  }
  return outcomes;
}
