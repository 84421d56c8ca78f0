// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A function is encoded once and sent to a worker once. What it captured is
// what it was at the submit: a definition whose captures can change is encoded
// again at every submit, and is the same definition as long as the bytes are.

import type { Reach } from "../wire/codec.ts";
import {
  createCaptureContext,
  describeFunction,
} from "../wire/functions/describe.ts";
import { homeToken } from "../wire/functions/homes.ts";
import { nameOf } from "../wire/functions/names.ts";
import {
  type AnyFunction,
  type Description,
  unwrapTask,
} from "../wire/functions/task.ts";
import { encodePayload, type Payload } from "../wire/payload.ts";

/** A function as workers know it. */
export interface Definition {
  /** Unique in the program. */
  readonly id: number;
  readonly name: string;
  /** Its code, and that of the functions that it brings along: what it has captured besides is not in it. */
  readonly code: string;
  /** The values of the constants that it and those functions have captured. */
  readonly constants: readonly unknown[];
  readonly payload: Payload;
  /** What goes by value in it; none of them has properties of its own, unless the payload is mutable. */
  readonly functions: readonly AnyFunction[];
  /** Mean run time in milliseconds, weighted towards the last runs; undefined before the first. */
  meanTime: number | undefined;
  /** Bytes of an answer to one call, where they are counted: at least the mean, weighted towards the last ones. */
  answerSize: number;
}

type CacheEntry = Record<Reach, Definition | undefined>;

const cache = new WeakMap<AnyFunction, CacheEntry>();
let lastId = 0;

/**
 * The definition of a function for workers that are so far away.
 *
 * @throws {SerializationError} If the function, or something that it captured, cannot travel.
 */
export function defineFunction(
  fn: AnyFunction,
  reach: Reach,
): Definition {
  let entry = cache.get(fn);
  const known = entry?.[reach];
  if (known !== undefined && isCurrent(known)) return known;
  const functions: AnyFunction[] = [];
  const describe = describer(functions);
  let isAlone = false;
  let code = "";
  const constants: unknown[] = [];
  const payload = encodePayload(fn, {
    root: nameOf(fn) || "function",
    describe: (it) => {
      const description = describe(it);
      isAlone = it === fn && cannotNameItself(fn, description);
      code += codeOf(description);
      if (description.kind === "value") {
        for (const { value } of description.constants) constants.push(value);
      }
      return description;
    },
    // A program that writes its arrow function where it submits makes one for
    // every call: a token would be a third of what that costs.
    token: (it) => isAlone ? "" : homeToken(it),
    reach,
    signals: true,
  });
  if (known !== undefined && samePayload(known.payload, payload)) return known;
  const definition: Definition = {
    id: ++lastId,
    name: nameOf(fn) || "(anonymous)",
    code,
    constants,
    payload,
    functions,
    // The code is the same, only what it captured has changed.
    meanTime: known?.meanTime,
    answerSize: known?.answerSize ?? 0,
  };
  if (entry === undefined) {
    entry = { thread: undefined, process: undefined, machine: undefined };
    cache.set(fn, entry);
  }
  entry[reach] = definition;
  return definition;
}

/** The definition of a function that a worker has sent on: it is not known here. */
export function relayedDefinition(name: string, payload: Payload): Definition {
  return {
    id: ++lastId,
    name,
    code: "",
    constants: [],
    payload,
    functions: [],
    meanTime: undefined,
    answerSize: 0,
  };
}

/** Above this many times the mean a run time counts as this many. */
const MAX_OUTLIER = 8;
/** And a mean below this many milliseconds as this one. */
const MIN_MEAN = 0.001;

/**
 * A call has run for so many milliseconds. One that takes far longer than the
 * others was most likely interrupted: only where the next ones do too has the
 * function become slower, which shows within some ten calls.
 */
export function noteTime(definition: Definition, time: number): void {
  const { meanTime = time } = definition;
  const most = MAX_OUTLIER * Math.max(meanTime, MIN_MEAN);
  definition.meanTime = meanTime * 0.8 + Math.min(time, most) * 0.2;
}

/** The answer to so many calls was so long, in bytes. */
export function noteAnswer(
  definition: Definition,
  size: number,
  calls: number,
): void {
  const each = size / calls;
  definition.answerSize = Math.max(
    each,
    definition.answerSize * 0.8 + each * 0.2,
  );
}

/**
 * Describes the functions of one message: what they share is told apart within it.
 *
 * @param byValue Takes those that go by value.
 */
export function describer(byValue?: AnyFunction[]): (
  fn: AnyFunction,
) => ReturnType<typeof describeFunction> {
  let context: ReturnType<typeof createCaptureContext> | undefined;
  return (fn) => {
    context ??= createCaptureContext();
    const description = describeFunction(fn, context);
    if (description.kind !== "reference") byValue?.push(fn);
    return description;
  };
}

function codeOf(description: Description): string {
  switch (description.kind) {
    case "reference":
      return `${description.url}\n${description.name}\n`;
    case "value":
      return `${description.url}\n${description.source}\n`;
    default:
      // What it calls is described too.
      return "task\n";
  }
}

/** True for an arrow function that captures nothing: no answer to its call can hold it. */
function cannotNameItself(
  fn: AnyFunction,
  description: Description,
): boolean {
  return description.kind === "value" && !Object.hasOwn(fn, "prototype") &&
    description.constants.length === 0 && description.cells.length === 0 &&
    description.imports.length === 0;
}

/** False where it can have changed, if only by a property that a function got since. */
function isCurrent({ payload, functions }: Definition): boolean {
  if (payload.mutable) return false;
  for (const fn of functions) {
    // Nothing is allocated where there is none, which is the rule.
    for (const key in fn) {
      if (!Object.hasOwn(fn, key)) continue;
      // Every task has that one, and it stays as it is.
      if (key !== "options" || unwrapTask(fn).fn === fn) return false;
    }
  }
  return true;
}

function samePayload(a: Payload, b: Payload): boolean {
  if (a.bytes.length !== b.bytes.length || a.mutable !== b.mutable) {
    return false;
  }
  if (
    !sameMembers(a.attachments, b.attachments) ||
    !sameMembers(a.signals, b.signals)
  ) return false;
  return sameBytes(a.bytes, b.bytes);
}

/** Eight at a time where both lie alike, as two of one function do: a captured array may be large. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  const { length } = a;
  const begin = a.byteOffset % 8 === b.byteOffset % 8
    ? Math.min(-a.byteOffset & 7, length)
    : length;
  const count = Math.floor((length - begin) / 8);
  const words = ({ buffer, byteOffset }: Uint8Array) =>
    new BigInt64Array(buffer, byteOffset + begin, count);
  if (count > 0) {
    const x = words(a);
    const y = words(b);
    for (let i = 0; i < count; i++) if (x[i] !== y[i]) return false;
  }
  for (let i = 0; i < begin; i++) if (a[i] !== b[i]) return false;
  for (let i = begin + count * 8; i < length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

function sameMembers(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
