// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Waiting for several things at once.
 *
 * @module
 */

import {
  checkWait,
  heard,
  type WaitOptions,
} from "../_internal/base/deadline.ts";
import { TimeoutError } from "../_internal/base/errors.ts";
import { waitEnded, waitStarted } from "../_internal/base/registry.ts";
import { describe, isThenable } from "../_internal/base/validation.ts";
import { type Waitable, waitableOf } from "./_waitable.ts";
import type { Connection } from "./connection.ts";
import type { Listener } from "./listener.ts";
import { Process } from "./process.ts";

const WAIT = "wait for several objects";

/** What {@linkcode wait} waits for. */
export type WaitObject =
  // deno-lint-ignore no-explicit-any -- whatever it carries
  | Connection<any, any>
  | Listener
  // deno-lint-ignore no-explicit-any -- whatever it returns
  | Process<any>
  | PromiseLike<unknown>;

/**
 * Waits until at least one of several things is ready: a connection that has a
 * message or is at its end, a listener that somebody has connected to, a process
 * that has ended, a promise that has settled. Nothing is taken or accepted:
 * Python's `multiprocessing.connection.wait`.
 *
 * @example Usage
 * ```ts
 * import { pipe, wait } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const [a, b] = pipe();
 * const [c, d] = pipe();
 * await d.send("here");
 *
 * assertEquals(await wait([a, c]), [c]);
 * assertEquals(await wait([a], { timeout: 0 }), []);
 * for (const connection of [a, b, c, d]) connection.close();
 * ```
 *
 * @typeParam T What is waited for.
 * @param objects What to wait for.
 * @param options How long to wait.
 * @returns Those that are ready, in their order; none where the timeout has passed.
 * @throws {TypeError} If one of the objects cannot be waited for.
 * @throws {ConnectionClosedError} If a connection was closed here.
 * @throws {InvalidStateError} If a connection only sends, or a process was not started.
 * @throws {RangeError} If the timeout is negative or NaN.
 */
export async function wait<T extends WaitObject>(
  objects: Iterable<T>,
  options: WaitOptions = {},
): Promise<T[]> {
  checkWait(WAIT, options);
  const { timeout, signal } = options;
  const all = [...new Set(objects)];
  const waitables = all.map(toWaitable);
  signal?.throwIfAborted();
  // Promises that have settled say so in a microtask.
  await Promise.resolve();
  const ready = new Set<Waitable>();
  const review = () => {
    for (const waitable of waitables) {
      if (!ready.has(waitable) && waitable.isReady()) ready.add(waitable);
    }
    return ready.size > 0;
  };
  if (!review() && timeout === 0) await askAll(waitables, ready);
  if (ready.size === 0 && timeout !== 0) {
    waitStarted();
    try {
      await heard(WAIT, (wake) => watchAll(waitables, ready, wake), options);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    } finally {
      waitEnded();
    }
    review();
  }
  return all.filter((_, index) => ready.has(waitables[index]!));
}

/** Looks once, also at what is elsewhere. */
async function askAll(
  waitables: readonly Waitable[],
  ready: Set<Waitable>,
): Promise<void> {
  await Promise.all(waitables.map(async (waitable) => {
    if (await waitable.ask?.()) ready.add(waitable);
  }));
}

function watchAll(
  waitables: readonly Waitable[],
  ready: Set<Waitable>,
  wake: () => void,
): () => void {
  const stops = waitables.map((waitable) =>
    waitable.watch(() => {
      ready.add(waitable);
      end();
      wake();
    })
  );
  const end = () => {
    for (const stop of stops.splice(0)) stop();
  };
  return end;
}

function toWaitable(object: WaitObject): Waitable {
  if (object instanceof Process) return ofPromise(object.sentinel);
  const waitable = typeof object === "object" && object !== null
    ? waitableOf(object)
    : undefined;
  if (waitable !== undefined) return waitable;
  if (isThenable(object)) return ofPromise(object);
  throw new TypeError(
    `Cannot ${WAIT} as each must be a connection, a listener, a process or a promise: current value is ${
      describe(object)
    }`,
  );
}

function ofPromise(promise: PromiseLike<unknown>): Waitable {
  let isSettled = false;
  const wakes = new Set<() => void>();
  const settle = () => {
    isSettled = true;
    for (const wake of wakes) wake();
  };
  promise.then(settle, settle);
  return {
    isReady: () => isSettled,
    watch(wake) {
      wakes.add(wake);
      return () => wakes.delete(wake);
    },
  };
}
