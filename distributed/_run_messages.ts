// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a node itself says of a run, to its client or to its own scheduler. All
// else goes through as it came.

import {
  SerializationError,
  WorkerCrashedError,
} from "../_internal/base/errors.ts";
import { ByteWriter } from "../_internal/wire/bytes.ts";
import { encodeError } from "../_internal/wire/error_codec.ts";
import {
  Relay,
  type RelayAnswer,
  writeRelay,
} from "../_internal/wire/relay_messages.ts";

/** The answer of a run that failed for a reason of its node. */
export function failedAnswer(ticket: number, error: unknown): Uint8Array {
  const w = new ByteWriter(256);
  writeRelay(w, { tag: Relay.failed, ticket, worker: undefined });
  encodeError(w, error, { root: "error", modules: new Set() });
  return w.bytes();
}

/** The answer of a job that was cancelled before it was here. */
export function cancelledAnswer(
  ticket: number,
  payload: Uint8Array,
): [answer: RelayAnswer, message: Uint8Array] {
  const w = new ByteWriter(payload.length + 16);
  const answer = { tag: Relay.cancelled, ticket, payload } as const;
  writeRelay(w, answer);
  w.raw(payload);
  return [answer, w.bytes()];
}

/** A reason, as in a `Relay.cancel`. */
export function reasonPayload(reason: string): Uint8Array {
  const w = new ByteWriter(64);
  encodeError(w, reason, { root: "reason", modules: new Set() });
  return w.bytes();
}

/** The error of a task whose node is lost, or ends. */
export function lostError(
  task: string,
  node: string,
  reason: string,
): WorkerCrashedError {
  return new WorkerCrashedError(`Cannot finish task '${task}': ${reason}`, {
    worker: node,
    exitCode: undefined,
    signal: undefined,
    task,
  });
}

/** The error of a task whose result, or one of its values, has more bytes than it may. */
export function tooLarge(
  task: string,
  what: string,
  size: number,
  maxPayload: number,
): SerializationError {
  const reason = `${what} has ${size} bytes, and 'maxPayload' is ${maxPayload}`;
  return new SerializationError(
    `Cannot send what task '${task}' returned: ${reason}`,
    { reason },
  );
}
