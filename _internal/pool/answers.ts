// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What comes back from a worker, for the isolate that asked.

import { SerializationError } from "../base/errors.ts";
import { copyOf } from "../memory/segments.ts";
import { ByteReader } from "../wire/bytes.ts";
import { type Admit, decodeGraph } from "../wire/codec.ts";
import { NOT_FLAT, readFlat } from "../wire/_codec_primitives.ts";
import { decodeError } from "../wire/error_codec.ts";
import { homes } from "../wire/functions/homecoming.ts";
import { CallMode } from "../wire/messages.ts";
import type { WorkerPlace } from "../wire/relay_messages.ts";
import { readOutcomes } from "../wire/outcomes.ts";

const NO_MODULES: ReadonlyMap<string, Record<string, unknown>> = new Map();

/** An answer that is passed on as it came. */
export class RawAnswer {
  readonly payload: Uint8Array;
  readonly attachments: readonly unknown[];
  /** Of an error: the worker that it comes from, for whoever reads it. */
  worker: WorkerPlace | undefined;

  constructor(payload: Uint8Array, attachments: readonly unknown[]) {
    // A message is valid during its delivery only.
    this.payload = copyOf(payload);
    this.attachments = attachments;
  }
}

/**
 * Reads the answer to a call of this mode, or a value of its generator.
 *
 * @param admit Where it comes from another machine: what is taken from that (`wire/data_only.ts`).
 */
export function readAnswer(
  mode: CallMode,
  payload: Uint8Array,
  attachments: readonly unknown[],
  admit?: Admit,
): unknown {
  const r = new ByteReader(payload);
  const flat = mode === CallMode.chunk ? NOT_FLAT : readFlat(r);
  if (flat !== NOT_FLAT) return flat;
  const context = { attachments, modules: NO_MODULES, homes, admit };
  return mode === CallMode.chunk
    ? readOutcomes(r, context)
    : decodeGraph(r, context);
}

/** Reads the error of a call; `admit` as for its answer. */
export function readError(
  payload: Uint8Array,
  attachments: readonly unknown[],
  admit?: Admit,
): unknown {
  try {
    return decodeError(new ByteReader(payload), {
      attachments,
      modules: NO_MODULES,
      homes,
      admit,
    });
  } catch (error) {
    return new SerializationError("Cannot read the error of a task", {
      reason: "bad error payload",
      cause: error,
    });
  }
}
