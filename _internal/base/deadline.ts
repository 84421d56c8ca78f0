// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The one rule for time: `timeout` in milliseconds, undefined waits for ever,
// 0 polls, negative or NaN is a RangeError; an abort rejects with
// `signal.reason`. Whatever waits takes its timeout and signal through here.

import { checkDuration, checkObject, checkSignal } from "./validation.ts";
import { TimeoutError } from "./errors.ts";

/** What every operation that waits accepts. */
export interface WaitOptions {
  /**
   * How long to wait, in milliseconds. `0` polls.
   *
   * @default {undefined} waits for ever
   */
  timeout?: number | undefined;
  /** Ends the wait; the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

/** The longest delay that a timer of the platform takes, in milliseconds; longer ones would fire at once. */
export const MAX_DELAY = 2 ** 31 - 1;

/** Checks the options of a wait, before any side effect. */
export function checkWait(verb: string, options: WaitOptions): void {
  checkObject(verb, "options", options);
  checkDuration(verb, "timeout", options.timeout);
  checkSignal(verb, options.signal);
}

/**
 * Waits for a promise no longer than the options allow. What is waited for
 * goes on in any case.
 *
 * @param verb What is being done, for the error: "wait for a future".
 * @param promise What to wait for.
 * @param options Timeout and signal, already checked.
 */
export function within<T>(
  verb: string,
  promise: PromiseLike<T>,
  options: WaitOptions,
): Promise<T> {
  const { timeout, signal } = options;
  if (timeout === undefined && signal === undefined) {
    return Promise.resolve(promise);
  }
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted) {
      // The promise may fail later: nobody else may be listening to it.
      promise.then(undefined, () => {});
      reject(signal.reason);
      return;
    }
    let cancelTimer = () => {};
    const end = () => {
      cancelTimer();
      signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = () => {
      end();
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", onAbort);
    // A promise that has settled already wins over a timeout of 0: its reaction
    // runs before any timer.
    cancelTimer = after(timeout ?? Infinity, () => {
      end();
      reject(new TimeoutError(`Cannot ${verb}: ${timeout} ms have passed`));
    });
    promise.then((value) => {
      end();
      resolve(value);
    }, (error) => {
      end();
      reject(error);
    });
  });
}

/**
 * Waits for an event no longer than the options allow. Nothing listens for it
 * any more afterwards, so whoever polls leaves nothing behind.
 *
 * @param verb What is being done, for the error: "wait for a future".
 * @param listen Calls its function at the event, or at once where it is over; returns what takes that back.
 * @param options Timeout and signal, already checked.
 */
export function heard(
  verb: string,
  listen: (fn: () => void) => () => void,
  options: WaitOptions,
): Promise<void> {
  const { timeout, signal } = options;
  return new Promise<void>((resolve, reject) => {
    let isOver = false;
    let cancelTimer = () => {};
    const end = () => {
      isOver = true;
      cancelTimer();
      signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = () => {
      end();
      unlisten();
      reject(signal!.reason);
    };
    const unlisten = listen(() => {
      end();
      // An abort comes first where both are over.
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    });
    if (isOver) return;
    if (signal?.aborted) return onAbort();
    signal?.addEventListener("abort", onAbort);
    cancelTimer = after(timeout ?? Infinity, () => {
      end();
      unlisten();
      reject(new TimeoutError(`Cannot ${verb}: ${timeout} ms have passed`));
    });
  });
}

/** As `after()`, but the wait does not keep the program alive: whoever has work under way does. */
export function afterUnheld(delay: number, fn: () => void): () => void {
  return arm(delay, () => {
    const timer = setTimeout(fn, delay);
    Deno.unrefTimer(timer);
    return timer;
  });
}

/** How often a wait for somebody else's answer looks. */
const LOOKS = 5;

/**
 * As `afterUnheld()`, for the answer of somebody else: where this event loop is
 * held up neither the question leaves nor the answer arrives, so that such a
 * time counts as one of a few looks, however long it is.
 */
export function afterTurns(delay: number, fn: () => void): () => void {
  let looks = 0;
  let cancel = () => {};
  const look = () => {
    if (looks++ < LOOKS) cancel = afterUnheld(delay / LOOKS, look);
    else fn();
  };
  look();
  return () => cancel();
}

/** Calls `fn` after `delay` milliseconds; `Infinity` and what no timer can hold mean never. Returns the canceller. */
export function after(delay: number, fn: () => void): () => void {
  return arm(delay, () => setTimeout(fn, delay));
}

/** True once the timers of this thread are known to be loaded. */
let isLoaded = false;

/**
 * Starts a timer; returns its canceller.
 *
 * Who first asks for `setTimeout` in a thread has Node's timers loaded, and
 * outside of a promise's reaction all reactions that are due run meanwhile: what
 * the timer limits may be over before its canceller is in anybody's hands. So
 * that one is started in a reaction, which no other one interrupts.
 */
function arm(
  delay: number,
  start: () => ReturnType<typeof setTimeout>,
): () => void {
  if (delay > MAX_DELAY) return () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  if (isLoaded || !isLazy()) timer = start();
  else {
    queueMicrotask(() => {
      isLoaded = true;
      if (!isOver) timer = start();
    });
  }
  return () => {
    isOver = true;
    if (timer !== undefined) clearTimeout(timer);
  };
}

/** Whether `setTimeout` is loaded when it is asked for, as that of the platform is. */
function isLazy(): boolean {
  const property = Object.getOwnPropertyDescriptor(globalThis, "setTimeout");
  return property?.get !== undefined;
}
