// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A function is encoded once and sent to a worker once. What it captured is
// what it was at the submit: a definition whose captures can change is encoded
// again at every submit, and is the same definition as long as the bytes are.

import { describeFunction } from "../wire/functions/describe.ts";
import { createCaptureContext } from "../wire/functions/describe.ts";
import type { AnyFunction } from "../wire/functions/task.ts";
import { encodePayload, type Payload } from "../wire/payload.ts";

/** A function as workers know it. */
export interface Definition {
  /** Unique in the program. */
  readonly id: number;
  readonly name: string;
  readonly payload: Payload;
  /** Mean run time in milliseconds, weighted towards the last runs; undefined before the first. */
  meanTime: number | undefined;
}

interface CacheEntry {
  bytes: Definition | undefined;
  attachments: Definition | undefined;
}

const cache = new WeakMap<AnyFunction, CacheEntry>();
let lastId = 0;

/**
 * The definition of a function for workers whose channel does, or does not,
 * carry attachments.
 *
 * @throws {SerializationError} If the function, or something that it captured, cannot travel.
 */
export function defineFunction(
  fn: AnyFunction,
  attachments: boolean,
): Definition {
  let entry = cache.get(fn);
  const key = attachments ? "attachments" : "bytes";
  const known = entry?.[key];
  if (known !== undefined && !known.payload.mutable) return known;
  const payload = encodePayload(fn, {
    root: fn.name || "function",
    describe: describer(),
    attachments,
  });
  if (known !== undefined && samePayload(known.payload, payload)) return known;
  const definition: Definition = {
    id: ++lastId,
    name: fn.name || "(anonymous)",
    payload,
    // The code is the same, only what it captured has changed.
    meanTime: known?.meanTime,
  };
  if (entry === undefined) {
    cache.set(fn, entry = { bytes: undefined, attachments: undefined });
  }
  entry[key] = definition;
  return definition;
}

/** Describes the functions of one message: what they share is told apart within it. */
export function describer(): (
  fn: AnyFunction,
) => ReturnType<typeof describeFunction> {
  let context: ReturnType<typeof createCaptureContext> | undefined;
  return (fn) => {
    context ??= createCaptureContext();
    return describeFunction(fn, context);
  };
}

function samePayload(a: Payload, b: Payload): boolean {
  if (a.bytes.length !== b.bytes.length || a.mutable !== b.mutable) {
    return false;
  }
  if (
    a.attachments.length !== b.attachments.length ||
    a.attachments.some((value, i) => value !== b.attachments[i])
  ) {
    return false;
  }
  for (let i = 0; i < a.bytes.length; i++) {
    if (a.bytes[i] !== b.bytes[i]) return false;
  }
  return true;
}
