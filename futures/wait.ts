// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Waiting for some or all of a number of futures: {@linkcode wait}.
 *
 * @module
 */

import { after, checkWait } from "../_internal/base/deadline.ts";
import { checkObject } from "../_internal/base/validation.ts";
import { checkFutures } from "./_check_futures.ts";
import { type Future, hasFailed, watchFuture } from "./_future_core.ts";

/** When {@linkcode wait} returns. */
export type ReturnWhen = "all" | "first" | "firstException";

/** How {@linkcode wait} waits. */
export interface WaitForOptions {
  /**
   * How long to wait, in milliseconds. Past them `wait` returns what it has.
   *
   * @default {undefined} waits for ever
   */
  timeout?: number;
  /** Ends the wait; the promise rejects with `signal.reason`. */
  signal?: AbortSignal;
  /**
   * `"all"`: when every future has settled. `"first"`: when one has.
   * `"firstException"`: when one has failed, or all have settled; a cancelled
   * future has not failed.
   *
   * @default {"all"}
   */
  returnWhen?: ReturnWhen;
}

/** What {@linkcode wait} found. */
export interface WaitResult<T> {
  /** The futures that have settled. */
  readonly done: Set<Future<T>>;
  /** The others. */
  readonly notDone: Set<Future<T>>;
}

/**
 * Waits for some or all of a number of futures, of any executors. A timeout is
 * not an error: what has not settled is in `notDone`.
 *
 * @example Usage
 * ```ts
 * import { Future, wait } from "@concurrent/parallel/futures";
 * import { assert } from "@std/assert";
 *
 * const a = new Future<number>();
 * const b = new Future<number>();
 * a.setResult(1);
 * const { done, notDone } = await wait([a, b], { returnWhen: "first" });
 *
 * assert(done.has(a) && notDone.has(b));
 * ```
 *
 * @typeParam T The results.
 * @param futures The futures; duplicates count once.
 * @param options When to return.
 * @returns The futures, by whether they have settled.
 * @throws {RangeError} If `timeout` is negative or `returnWhen` is unknown.
 */
export async function wait<T>(
  futures: Iterable<Future<T>>,
  options: WaitForOptions = {},
): Promise<WaitResult<T>> {
  checkObject("wait for futures", "options", options);
  const { timeout, signal, returnWhen = "all" } = options;
  checkWait("wait for futures", { timeout, signal });
  if (!["all", "first", "firstException"].includes(returnWhen)) {
    throw new RangeError(
      `Cannot wait for futures as 'returnWhen' must be "all", "first" or "firstException": current value is ${returnWhen}`,
    );
  }
  const all = checkFutures("wait for futures", futures);
  signal?.throwIfAborted();
  const enough = Promise.withResolvers<void>();
  let open = all.size;
  let failed = false;
  const check = () => {
    if (
      open === 0 || (returnWhen === "first" && open < all.size) ||
      (returnWhen === "firstException" && failed)
    ) enough.resolve();
  };
  // At once for those that have settled already.
  const unwatch = Array.from(all, (future) =>
    watchFuture(future, () => {
      open--;
      failed ||= hasFailed(future);
      check();
    }));
  check();
  const cancelTimer = timeout === undefined
    ? () => {}
    : after(timeout, () => enough.resolve());
  const onAbort = () => enough.reject(signal!.reason);
  signal?.addEventListener("abort", onAbort);
  try {
    await enough.promise;
  } finally {
    for (const stop of unwatch) stop();
    cancelTimer();
    signal?.removeEventListener("abort", onAbort);
  }
  const done = new Set<Future<T>>();
  const notDone = new Set<Future<T>>();
  for (const future of all) (future.done() ? done : notDone).add(future);
  return { done, notDone };
}
