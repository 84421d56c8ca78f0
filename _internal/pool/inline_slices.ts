// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Calls on the caller's own event loop share it with everything else that
// happens there: the work of all of them in one turn is a slice, and what does
// not fit into it waits for the next turn, in the order in which it came.
//
// state     meaning                                    leaves by
// free      nobody waits                               somebody comes -> driving
// driving   one after the other of those who wait      the last one goes on -> free; the slice is over -> parked
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

/** Calls `fn` with the time, in the caller's context, when it is its turn. */
export function soon(fn: (now: number) => void): void {
  if (state !== "free") {
    whenFree().then(fn);
    return;
  }
  // The only one needs no promise: a microtask has its context too.
  state = "driving";
  queueMicrotask(() => {
    const now = performance.now();
    if (turns.isDue(now)) {
      new Promise(waitFirst).then(fn);
      park();
      return;
    }
    goOn();
    fn(now);
  });
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

/** For one that came before those who wait, of whom none has gone on. */
function waitFirst(resolve: (now: number) => void): void {
  waiting.unshift(resolve);
}

function drive(): void {
  const now = performance.now();
  if (turns.isDue(now)) return park();
  state = "driving";
  waiting[gone++]!(now);
  if (gone > MAX_GONE && gone * 2 > waiting.length) {
    waiting = waiting.slice(gone);
    gone = 0;
  }
  goOn();
}

function park(): void {
  state = "parked";
  turns.next().then(drive);
}

/** Somebody has been let go. Who comes from now on comes behind: that one's microtask is queued already. */
function goOn(): void {
  if (gone < waiting.length) {
    queueMicrotask(drive);
    return;
  }
  waiting.length = gone = 0;
  state = "free";
}
