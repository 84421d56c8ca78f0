// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Ctrl-C. Deno ends a program at once where nobody listens for SIGINT: no
// `finally` runs and no `await using` cleans up. So while executors of the
// program have workers there is one listener for all of them:
//
//   1. SIGINT: the listener is removed. From here on a second one ends the
//      program at once.
//   2. Executors with work are terminated. What awaits them throws, so that the
//      program unwinds; so do loops over results, with what lies ready there. No executor has work: 4. follows at once.
//   3. It has the grace for that, or until nothing is left to do. An error that
//      says nothing but that the program was interrupted, and that nobody
//      catches, is not printed: it would end the program before 4.
//   4. The signal is raised once more. Nobody listens now, so that the program
//      ends by it, as whoever started it expects (128 + 2 in a shell). Where
//      somebody does, they have the last word, and the next worker that is
//      started leads back to the beginning.
//
// A program that handles SIGINT itself through `process.on()` is left alone. A
// listener of `Deno.addSignalListener()` cannot be seen, nor one of
// `process.once()` that was there first and is gone by now: executors have an
// option for that. Workers install nothing: their program decides.

import { CancelledError } from "../base/errors.ts";
import { afterUnheld } from "../base/deadline.ts";
import { nodeProcess } from "../wire/functions/sync_modules.ts";
import { current } from "../worker/current.ts";

/** What a Ctrl-C ends. */
export interface Interruptible {
  /** Whether somebody waits for it. */
  readonly isBusy: boolean;
  /** Ends what it does, without waiting for that. */
  terminate(reason: unknown): unknown;
}

/** What those hear who waited. */
export const INTERRUPTED = "the program was interrupted (SIGINT)";
/** Milliseconds in which the program can unwind. */
const GRACE = 500;
/** Milliseconds in which the signal has ended the program, where nobody listens for it. */
const ARRIVAL = 500;
/** What ends a program by SIGINT, where the signal itself cannot. */
const EXIT_CODE = 130;

const watched = new Set<Interruptible>();
/**
 * ```text
 * state      meaning                          leaves by
 * resting    no listener                      a worker is started -> listening
 * listening  the listener is installed        the last one left -> resting; SIGINT -> unwinding
 * unwinding  executors were terminated        the grace is over, or nothing is left to do -> resting
 * ```
 */
let state: "resting" | "listening" | "unwinding" = "resting";

/** Has SIGINT end it. Called whenever it starts a worker. */
export function catchInterrupts(it: Interruptible): void {
  watched.add(it);
  if (state === "resting" && isProgram()) listen();
}

/** It has no workers any more. */
export function ignoreInterrupts(it: Interruptible): void {
  if (!watched.delete(it) || watched.size > 0) return;
  if (state === "listening") unlisten();
}

/**
 * False in workers, those that others have started included, and under
 * `deno test`: that ends by the signal itself, and would take a listener that
 * Deno has not quite let go of for a leak of the test.
 */
function isProgram(): boolean {
  return current.worker.kind === "inline" &&
    !("WorkerGlobalScope" in globalThis) && Deno.test.name !== "test";
}

function listen(): void {
  state = "listening";
  Deno.addSignalListener("SIGINT", onInterrupt);
}

function unlisten(): void {
  state = "resting";
  Deno.removeSignalListener("SIGINT", onInterrupt);
}

function onInterrupt(): void {
  if (nodeProcess().listenerCount("SIGINT") > 0) return;
  unlisten();
  const busy = [...watched].filter(({ isBusy }) => isBusy);
  if (busy.length === 0) raise();
  else unwind(busy);
}

function unwind(busy: readonly Interruptible[]): void {
  state = "unwinding";
  const end = () => {
    globalThis.removeEventListener("unhandledrejection", onRejection);
    globalThis.removeEventListener("beforeunload", onEmpty);
    cancelTimer();
    state = "resting";
    raise();
  };
  // Nothing is left to do: without the signal the program would end well now.
  const onEmpty = (event: Event) => {
    event.preventDefault();
    end();
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("beforeunload", onEmpty);
  const cancelTimer = afterUnheld(GRACE, end);
  // Observers run user code, which may end the next one.
  for (const it of busy) void it.terminate(INTERRUPTED);
}

function onRejection(event: PromiseRejectionEvent): void {
  if (isInterruption(event.reason)) event.preventDefault();
}

/** Whether an error says nothing but that the program was interrupted. */
export function isInterruption(error: unknown): boolean {
  return error instanceof CancelledError && error.cause === INTERRUPTED;
}

/** Ends the program by SIGINT, unless somebody listens for it. */
function raise(): void {
  try {
    // As `Deno.kill()`, but for this process without a permission.
    nodeProcess().kill(Deno.pid, "SIGINT");
  } catch {
    // Not on this system.
    Deno.exit(EXIT_CODE);
  }
  // A thread of Deno's takes the signal, a moment later. A program with nothing
  // left to do would be faster, and end well.
  setTimeout(() => {}, ARRIVAL);
}
