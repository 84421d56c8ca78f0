// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { nextTurn } from "./bell.ts";

/** Milliseconds of work after which the event loop gets a turn. */
export const TURN = 8;

/**
 * Tells whether the event loop has been kept from turning for too long, by work
 * that goes on in promises: timers and sockets wait for it.
 */
export class Turns {
  /** When it must have its turn; undefined where it has just had one. */
  #end: number | undefined;

  /** True where it has to turn before the work goes on; `now` is by `performance.now()`. */
  isDue(now: number): boolean {
    if (this.#end === undefined) {
      this.#end = now + TURN;
      nextTurn().then(this.#onTurn);
    }
    return now > this.#end;
  }

  #onTurn = (): void => {
    this.#end = undefined;
  };
}
