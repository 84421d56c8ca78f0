// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Futures in the order in which they settle: {@linkcode asCompleted}.
 *
 * @module
 */

import { after, checkWait } from "../_internal/base/deadline.ts";
import { TimeoutError } from "../_internal/base/errors.ts";
import { checkObject } from "../_internal/base/validation.ts";
import { checkFutures } from "./_check_futures.ts";
import { type Future, watchFuture } from "./_future_core.ts";

/** How {@linkcode asCompleted} waits. */
export interface AsCompletedOptions {
  /**
   * Milliseconds for the whole iteration, from the call. Past them it ends
   * with a `TimeoutError`.
   *
   * @default {undefined} waits for ever
   */
  timeout?: number;
  /** Ends the iteration; it rejects with `signal.reason`. */
  signal?: AbortSignal;
}

/**
 * Yields futures as they settle: first those that have settled already, in the
 * order given, then the others in the order in which they do.
 *
 * What the loop gives is the future: `await` it. TypeScript takes it for the
 * result already, as it does with every promise in `for await`; where a loop
 * needs the future's methods, step with `next()`, whose `value` has the type.
 *
 * @example Usage
 * ```ts
 * import { asCompleted, Future } from "@concurrent/parallel/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const slow = new Future<string>();
 * const fast = new Future<string>();
 * fast.setResult("fast");
 * setTimeout(() => slow.setResult("slow"), 1);
 *
 * const order = [];
 * for await (const future of asCompleted([slow, fast])) order.push(await future);
 * assertEquals(order, ["fast", "slow"]);
 * ```
 *
 * @typeParam T The results.
 * @param futures The futures; duplicates are yielded once.
 * @param options How long to wait.
 * @returns The futures as they settle.
 * @throws {RangeError} If `timeout` is negative.
 * @throws {TypeError} If `futures` holds something else.
 */
export function asCompleted<T>(
  futures: Iterable<Future<T>>,
  options: AsCompletedOptions = {},
): AsyncIterableIterator<Future<T>> {
  checkObject("iterate over futures", "options", options);
  const { timeout, signal } = options;
  checkWait("iterate over futures", { timeout, signal });
  const all = checkFutures("iterate over futures", futures);
  const count = all.size;
  /** How to stop watching those that have not settled: what was yielded is not held. */
  const watched = new Map<Future<T>, () => void>();
  const ready: Future<T>[] = [];
  let sleepers: (() => void)[] = [];
  const wake = () => {
    const woken = sleepers;
    sleepers = [];
    for (const resolve of woken) resolve();
  };
  /** The first reason to end early, and its error. */
  let limit: (() => unknown) | undefined;
  const stop = (error: () => unknown) => {
    limit ??= error;
    wake();
  };
  const onAbort = () => stop(() => signal!.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  const cancelTimer = timeout === undefined
    ? () => {}
    : after(timeout, () =>
      stop(() =>
        new TimeoutError(
          `Cannot iterate over futures: ${
            count - yielded
          } of ${count} have not settled within ${timeout} ms`,
        )
      ));
  const unlimit = () => {
    cancelTimer();
    signal?.removeEventListener("abort", onAbort);
  };
  let yielded = 0;
  let ended = false;
  for (const future of all) {
    // At once for those that have settled already.
    const unwatch = watchFuture(future, () => {
      watched.delete(future);
      ready.push(future);
      if (yielded + ready.length === count) unlimit();
      wake();
    });
    if (!future.done()) watched.set(future, unwatch);
  }
  // What is left to do takes no time: it must not hold the program up.
  if (count === 0) unlimit();
  const end = () => {
    unlimit();
    for (const unwatch of watched.values()) unwatch();
    watched.clear();
  };
  // Not an async generator: `yield` would wait for the future and yield its
  // value, since a future is a promise.
  return {
    async next(): Promise<IteratorResult<Future<T>>> {
      for (;;) {
        if (ended || yielded === count) {
          ended = true;
          end();
          return { done: true, value: undefined };
        }
        const value = ready.shift();
        if (value !== undefined) {
          yielded++;
          if (yielded === count) wake();
          return { done: false, value };
        }
        if (limit !== undefined) {
          ended = true;
          end();
          throw limit();
        }
        await new Promise<void>((resolve) => {
          sleepers.push(resolve);
        });
      }
    },
    return(): Promise<IteratorResult<Future<T>>> {
      ended = true;
      end();
      wake();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
