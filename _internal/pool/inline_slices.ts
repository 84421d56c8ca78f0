// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Calls on the caller's own event loop share it with everything else that
// happens there: the work of all of them in one turn is a slice, and what does
// not fit into it waits for the next turn, in the order in which it came.
//
// state     meaning                                    leaves by
// free      nobody waits                               somebody comes -> driving
// driving   one after the other of those who wait      nobody waits -> free; the slice is over -> parked
//           goes on, each in a microtask of its own
// parked    the slice is over                          the event loop has turned -> driving
//
// Nobody goes on at once: a call begins when its submit has returned. Between
// two of them a microtask runs, so that what the first has resolved goes on
// before the next one begins. Nor does a call that comes take a microtask for
// itself, of which there would be as many before the next turn as calls that
// were submitted together.
//
// Who waits does so with a promise of its own: it goes on in its own context
// (AsyncLocalStorage), where a list of functions would have to keep a snapshot
// for each, which costs five times as much.

import { Turns } from "../memory/turns.ts";

/** Milliseconds of work in one turn. With the longest call that belongs here it is below 10. */
const SLICE = 5;
/** Places of those who went on, above which the list is cut. */
const MAX_GONE = 1024;

const turns = new Turns(SLICE);
let state: "free" | "driving" | "parked" = "free";
let waiting: ((now: number) => void)[] = [];
let gone = 0;

/** True where work that is under way has to wait for a turn of the event loop; `now` is by `performance.now()`. */
export function isSliceOver(now: number): boolean {
  return state === "parked" || turns.isDue(now);
}

/** Resolves, with the time, when it is the caller's turn. */
export function whenFree(): Promise<number> {
  if (state === "free") {
    state = "driving";
    queueMicrotask(drive);
  }
  return new Promise(wait);
}

function wait(resolve: (now: number) => void): void {
  waiting.push(resolve);
}

function drive(): void {
  if (gone === waiting.length) {
    waiting.length = gone = 0;
    state = "free";
    return;
  }
  const now = performance.now();
  if (turns.isDue(now)) {
    state = "parked";
    turns.next().then(drive);
    return;
  }
  state = "driving";
  waiting[gone++]!(now);
  if (gone > MAX_GONE && gone * 2 > waiting.length) {
    waiting = waiting.slice(gone);
    gone = 0;
  }
  queueMicrotask(drive);
}
