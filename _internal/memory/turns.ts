// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { nextTurn } from "./bell.ts";

/** Milliseconds of work after which the event loop gets a turn. */
export const TURN = 8;

/** When the work of this turn of the event loop has begun; undefined where nothing has been done. */
let since: number | undefined;
let turned: Promise<void> | undefined;

function onTurn(): void {
  since = undefined;
  turned = undefined;
}

/**
 * Tells whether the event loop has been kept from turning for too long, by work
 * that goes on in promises: timers and sockets wait for it. There is one event
 * loop: what anybody does counts for everybody.
 */
export class Turns {
  readonly #length: number;

  /** @param length Milliseconds of work in one turn. */
  constructor(length = TURN) {
    this.#length = length;
  }

  /** True where it has to turn before the work goes on; `now` is by `performance.now()`. */
  isDue(now: number): boolean {
    if (since === undefined) {
      since = now;
      turned = nextTurn().then(onTurn);
      return false;
    }
    return now - since > this.#length;
  }

  /** Resolves when the event loop has turned. */
  next(): Promise<void> {
    return turned ?? nextTurn().then(onTurn);
  }
}
