// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a call would have got, and given, on a worker, for calls that are made in
// place: values are encoded and decoded as for a thread. What cannot change is
// not copied, and an array of numbers is copied in one go.
//
// Not all that a worker gets can be had here: a function over there has
// variables of its own, a signal is told of by messages, a port is moved. A call
// with such an argument is for a worker. Of what a call gives, functions and
// classes are those that the caller knows, as in an answer (`homecoming.ts`).

import { carries } from "../wire/carried.ts";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";
import {
  type DecodeContext,
  decodeValue,
  type EncodeContext,
  encodeValue,
} from "../wire/codec.ts";
import { decodeError, encodeError } from "../wire/error_codec.ts";
import { describeFunction } from "../wire/functions/describe.ts";
import { homes } from "../wire/functions/homecoming.ts";
import { homeToken } from "../wire/functions/homes.ts";
import type { Home } from "../wire/functions/origins.ts";
import type { AnyFunction } from "../wire/functions/task.ts";
import { NONE_FAILED, type Outcomes } from "../wire/outcomes.ts";
import { encodePayload } from "../wire/payload.ts";
import { payloadModules } from "../wire/received_payload.ts";
import { defineFunction, describer } from "./definitions.ts";

const NO_MODULES: DecodeContext["modules"] = new Map();
const TypedArray = Object.getPrototypeOf(Uint8Array) as new () => Uint8Array;

/** True for what nobody can change. Of symbols only those travel that mean the same everywhere. */
function isConstant(value: unknown): boolean {
  switch (typeof value) {
    case "object":
      return value === null;
    case "function":
    case "symbol":
      return false;
    default:
      return true;
  }
}

/** The copy of an array of numbers that has its buffer for itself; undefined where it is something else. */
function copyNumbers(value: unknown): unknown {
  if (!(value instanceof TypedArray)) return undefined;
  const { buffer, byteLength, constructor } = value;
  if (
    !(buffer instanceof ArrayBuffer) || buffer.resizable || buffer.detached ||
    buffer.byteLength !== byteLength ||
    Object.getPrototypeOf(constructor) !== TypedArray ||
    Object.getPrototypeOf(value) !== constructor.prototype
  ) return undefined;
  return value.slice();
}

/**
 * The arguments of a call as a worker would get them.
 *
 * @returns `args` itself where nothing in them can change; undefined where the call has to go to a worker.
 * @throws {SerializationError} If an argument cannot travel.
 */
export function copyArguments(
  args: readonly unknown[],
): readonly unknown[] | undefined {
  if (args.every(isConstant)) return args;
  if (args.length === 1) {
    const copy = copyNumbers(args[0]);
    if (copy !== undefined) return [copy];
  }
  // A call is being encoded whose getters have led here: what shared objects
  // write would be let go with that one.
  if (carries()) return undefined;
  const passed: AnyFunction[] = [];
  const payload = encodePayload(args, {
    root: "args",
    describe: describer(passed),
    reach: "thread",
    signals: true,
  });
  if (
    passed.length > 0 || payload.signals.length > 0 ||
    !payload.attachments.every(isSharedBuffer)
  ) return undefined;
  const { bytes, attachments } = payload;
  return decodeValue(
    new ByteReader(bytes, payloadModules(bytes).offset),
    { attachments, modules: NO_MODULES, homes },
  ) as unknown[];
}

function isSharedBuffer(value: unknown): boolean {
  return value instanceof SharedArrayBuffer;
}

/**
 * What a function has returned, as its caller would get it from a worker.
 *
 * @param root What it is called in errors: "result" or "item".
 * @throws {SerializationError} If it cannot travel.
 */
export function copyResult(
  fn: AnyFunction,
  value: unknown,
  root: string,
): unknown {
  if (isConstant(value)) return value;
  return copyNumbers(value) ??
    copyWith(
      fn,
      root,
      (w, context) => encodeValue(w, value, context),
      decodeValue,
    );
}

/** What a function has thrown, likewise. */
export function copyError(fn: AnyFunction, error: unknown): unknown {
  if (isConstant(error)) return error;
  return copyWith(
    fn,
    "error",
    (w, context) => encodeError(w, error, context),
    decodeError,
  );
}

/** What the calls of a chunk have given: each is a value of its own. */
export function copyOutcomes(
  fn: AnyFunction,
  { values, failed }: Outcomes,
): Outcomes {
  let others: Set<number> | undefined;
  const copies: unknown[] = new Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === "number") {
      copies[i] = value;
      continue;
    }
    try {
      copies[i] = failed.has(i)
        ? copyError(fn, value)
        : copyResult(fn, value, "result");
    } catch (error) {
      (others ??= new Set(failed)).add(i);
      copies[i] = error;
    }
  }
  return {
    values: copies,
    failed: others ?? (failed.size === 0 ? NONE_FAILED : failed),
  };
}

function copyWith(
  fn: AnyFunction,
  root: string,
  encode: (w: ByteWriter, context: EncodeContext) => void,
  decode: (r: ByteReader, context: DecodeContext) => unknown,
): unknown {
  const attachments: unknown[] = [];
  const w = new ByteWriter(256);
  encode(w, {
    root,
    attachments,
    modules: new Set(),
    home: (it) => homeOf(fn, it as AnyFunction),
  });
  // Ports and streams move, and the function has seen the last of them.
  return decode(new ByteReader(w.bytes()), {
    attachments,
    modules: NO_MODULES,
    homes,
  });
}

/** How the caller of `fn` would know a function or class that it gives: as one that went along with it, or as an export. */
function homeOf(fn: AnyFunction, value: AnyFunction): Home | undefined {
  try {
    if (defineFunction(fn, "thread").functions.includes(value)) {
      return { kind: "token", token: homeToken(value) };
    }
    const description = describeFunction(value);
    return description.kind === "reference"
      ? { ...description, sent: true }
      : undefined;
  } catch {
    // What cannot be described cannot have come from anywhere.
    return undefined;
  }
}
