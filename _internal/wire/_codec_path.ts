// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { SerializationError } from "../base/errors.ts";
import { captureError } from "./functions/capture_error.ts";
import type { PathKey } from "./_codec_types.ts";

/** Thrown by the writers; becomes a SerializationError where the path is known. */
export class Refusal {
  readonly reason: string;
  readonly cause: unknown;
  constructor(reason: string, cause?: unknown) {
    this.reason = reason;
    this.cause = cause;
  }
}

/** A value refers to a function which is being defined and does not exist yet. */
export class PendingReference {}

/** Parts of one buffer were met twice: the message must be written again with the whole buffer. */
export class RestartWithWholeBuffers {}

/** `instanceof` for what user code may have thrown: a proxy's trap may throw again. */
export function isA<T>(
  value: unknown,
  ctor: abstract new (...args: never[]) => T,
): value is T {
  try {
    return value instanceof ctor;
  } catch {
    // Whatever it is, it is none of ours.
    return false;
  }
}

/** Marks the start of a path that is too deep to be kept. */
export const ELLIPSIS = "\u2026";

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
/** Keys shown at each end of a long path. */
const SHOWN = 8;

function formatKeys(keys: readonly PathKey[]): string {
  let text = "";
  for (const key of keys) {
    if (typeof key === "number") text += `[${key}]`;
    else if (typeof key === "object") {
      text += ` \u27e8${
        key.functionName || "anonymous"
      }: ${key.variable}\u27e9`;
    } else if (key === ELLIPSIS) text += ELLIPSIS;
    else if (key.startsWith("<")) text += key;
    else if (IDENTIFIER.test(key)) text += `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}

/** `args[0].socket` for the root `args` and the keys `0`, `socket`. */
export function formatPath(root: string, keys: readonly PathKey[]): string {
  if (keys.length <= 2 * SHOWN) return root + formatKeys(keys);
  return root + formatKeys(keys.slice(0, SHOWN)) + ELLIPSIS +
    formatKeys(keys.slice(-SHOWN));
}

/** What a failed write means to the caller; `keys` lead to the value. */
export function describeFailure(
  error: unknown,
  root: string,
  keys: readonly PathKey[],
): SerializationError {
  let reason: string;
  let cause: unknown;
  if (isA(error, SerializationError)) {
    // The description of functions throws its own, with more to say than a
    // path; where it names no variable the path is added as data.
    if (error.path === "" && keys.at(-1) === "<class>") {
      // Nobody wrote that class down: it is its instance that was to be sent.
      keys = keys.slice(0, -1);
      reason = `its class ${error.reason}`;
      cause = error;
    } else if (
      error.path !== "" || keys.some((key) => typeof key === "object")
    ) {
      return error;
    } else {
      return new SerializationError(error.message, {
        path: formatPath(root, keys),
        reason: error.reason,
        ...(error.cause === undefined ? {} : { cause: error.cause }),
      });
    }
  } else if (isA(error, Refusal)) {
    ({ reason, cause } = error);
    if (keys.at(-1) === "<class>") keys = keys.slice(0, -1);
  } else if (isA(error, PendingReference)) {
    reason = "it is needed while the function that it refers to is defined";
  } else if (
    isA(error, RangeError) &&
    /call stack/.test((error as RangeError).message)
  ) {
    reason = "it is nested too deeply";
  } else {
    reason = "reading it threw";
    cause = error;
  }
  const options = cause === undefined ? {} : { cause };
  const captured = keys.findLastIndex((key) => typeof key === "object");
  const key = keys[captured];
  if (typeof key === "object") {
    return captureError(
      key.functionName,
      formatPath(key.variable, keys.slice(captured + 1)),
      `cannot travel, since ${reason}`,
      options,
    );
  }
  const path = formatPath(root, keys);
  return new SerializationError(`Cannot send ${path}: ${reason}`, {
    path,
    reason,
    ...options,
  });
}
