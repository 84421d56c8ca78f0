// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { SerializationError } from "../../base/errors.ts";
import { PROPERTIES_NAME } from "./names.ts";

const WAYS_OUT =
  "pass it as an argument, export the function from a module other than the main one, or use fromModule()";

/**
 * Says that a captured variable keeps a function from travelling, and what to
 * do instead. The codec uses it too, for a captured value that it cannot
 * encode.
 *
 * @param functionName The function's own name; empty for an anonymous one.
 * @param variable The captured variable.
 * @param reason Why it cannot travel, as the end of a sentence.
 * @param options The standard options; `cause` is kept.
 * @returns The error to throw.
 */
export function captureError(
  functionName: string,
  variable: string,
  reason: string,
  options: ErrorOptions = {},
): SerializationError {
  const own = `${PROPERTIES_NAME}.`;
  const what = variable.startsWith(own)
    ? `its property '${variable.slice(own.length)}'`
    : `the variable '${variable}' that it captures`;
  return new SerializationError(
    `Cannot send ${label(functionName)} as ${what} ${reason}: ${WAYS_OUT}`,
    { ...options, path: variable, reason },
  );
}

/**
 * Says that a function itself cannot travel.
 *
 * @param functionName The function's own name; empty for an anonymous one.
 * @param reason Why it cannot travel, as the end of a sentence.
 * @param wayOut What to do instead.
 * @param options The standard options; `cause` is kept.
 * @returns The error to throw.
 */
export function functionError(
  functionName: string,
  reason: string,
  wayOut: string = WAYS_OUT,
  options: ErrorOptions = {},
): SerializationError {
  return new SerializationError(
    `Cannot send ${label(functionName)} as it ${reason}: ${wayOut}`,
    { ...options, reason },
  );
}

function label(functionName: string): string {
  return functionName === ""
    ? "an anonymous function"
    : `function '${functionName}'`;
}
