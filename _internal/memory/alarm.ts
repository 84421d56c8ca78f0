// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { canPark } from "./bell.ts";

/**
 * Calls a function once, `delay` ms from now; does not keep the program alive.
 *
 * A timer does the same, but the first `setTimeout()` of a program loads Node's
 * timers, which takes 5 ms: as long as all else that a first call costs its
 * caller. And one that is there to be cancelled costs more than this.
 *
 * @returns Takes it back.
 */
export function startAlarm(delay: number, fn: () => void): () => void {
  if (!canPark) {
    const timer = setTimeout(fn, delay);
    Deno.unrefTimer(timer);
    return () => clearTimeout(timer);
  }
  const word = new Int32Array(new SharedArrayBuffer(4));
  let isOn = true;
  const { value } = Atomics.waitAsync(word, 0, 0, delay);
  (value as Promise<unknown>).then(() => {
    if (isOn) fn();
  });
  return () => {
    isOn = false;
    Atomics.notify(word, 0);
  };
}
