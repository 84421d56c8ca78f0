// Copyright 2026 the @concurrent/parallel authors. MIT license.

// An error that nobody catches ends a worker, and with it the task that left it;
// on the caller's event loop it would end the program. So it is traced to its
// call by the context in which it came up, and fails that one alone. In a worker
// that runs calls in place, its own listeners come first.
//
// The platform forgets the context of what a timer's callback throws: a function
// that hands such a callback to a timer is not run in place unasked (`facts.ts`).

import { currentCall } from "../worker/current.ts";

/** A call that has left an error. */
export interface Faulty {
  fault(error: unknown): void;
}

let isListening = false;

/** From now on, errors that calls of this class have left are told to them. */
export function watchFaults(
  isFaulty: (call: unknown) => call is Faulty,
): void {
  if (isListening) return;
  isListening = true;
  const tell = (event: Event, error: unknown): void => {
    const call = event.defaultPrevented ? undefined : currentCall();
    if (!isFaulty(call)) return;
    event.preventDefault();
    call.fault(error);
  };
  globalThis.addEventListener(
    "unhandledrejection",
    (event) => tell(event, event.reason),
  );
  globalThis.addEventListener("error", (event) => tell(event, event.error));
}
