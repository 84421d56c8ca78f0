// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { checkFunction, checkObject } from "../_internal/base/validation.ts";
import { report } from "../_internal/worker/report.ts";
import { AsyncResult } from "./async_result.ts";
import type { PoolCallbacks } from "./pool_options.ts";

/** Ends a call of a pool; called once. */
export interface CallEnd<R> {
  /** It has returned. */
  succeed(value: R): void;
  /** It has thrown, or was stopped: where somebody wanted that nobody has to look. */
  fail(error: unknown, isWanted?: boolean): void;
}

/** Who is told. */
interface Listeners<R> {
  readonly callback: PoolCallbacks<R>["callback"] | undefined;
  readonly errorCallback: PoolCallbacks["errorCallback"] | undefined;
}

/** Checks who is to be told. */
export function checkCallbacks(verb: string, options: object): void {
  checkObject(verb, "options", options);
  for (const name of ["callback", "errorCallback"]) {
    const value: unknown = Reflect.get(options, name);
    if (value !== undefined) checkFunction(verb, name, value);
  }
}

/** The result of a call that `begin` begins; what that throws is thrown. */
export function promised<R>(
  { callback, errorCallback }: Listeners<R>,
  begin: (end: CallEnd<R>) => void,
): AsyncResult<R> {
  let resolve!: (value: R) => void;
  let reject!: (reason: unknown) => void;
  const result = new AsyncResult<R>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  begin({
    succeed(value) {
      resolve(value);
      if (callback !== undefined) tell(callback, value);
    },
    fail(error, isWanted = false) {
      reject(error);
      if (isWanted || errorCallback !== undefined) result.catch(() => {});
      if (errorCallback !== undefined) tell(errorCallback, error);
    },
  });
  return result;
}

/** What a callback throws is shown, and never thrown at whoever settles calls. */
function tell<V>(callback: (value: V) => unknown, value: V): void {
  const show = (error: unknown) =>
    report("Exception in a callback of a pool:", error);
  try {
    const returned = callback(value);
    if (returned instanceof Promise) returned.catch(show);
  } catch (error) {
    show(error);
  }
}
