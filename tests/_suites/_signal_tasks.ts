// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What tasks do with a signal of their caller.

import { ThreadPoolExecutor } from "../../futures/mod.ts";
import { current } from "../../mod.ts";
import { mark } from "./_tasks.ts";

/** What a signal's reason looks like. */
export interface Seen {
  aborted: boolean;
  reason?: unknown;
  isSignal: boolean;
}

/** Looks at once. */
export function look(signal: AbortSignal): Seen {
  const { aborted } = signal;
  return {
    aborted,
    ...(aborted ? { reason: signal.reason } : {}),
    isSignal: signal instanceof AbortSignal,
  };
}

/** As `look`, for executors whose tasks wait. */
// deno-lint-ignore require-await -- only async functions may run in place
export async function lookLater(signal: AbortSignal): Promise<Seen> {
  return look(signal);
}

/** Says that it runs, waits for the signal, gives the reason. */
export async function untilFired(
  path: string,
  { signal }: { signal: AbortSignal },
): Promise<unknown> {
  mark(path, "begun");
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  return signal.reason;
}

// deno-lint-ignore require-await -- only async functions may run in place
export async function areSame(
  signals: AbortSignal[],
  one: AbortSignal,
): Promise<boolean> {
  return signals.every((signal) => signal === one);
}

// deno-lint-ignore require-await -- only async functions may run in place
export async function giveBack(signal: AbortSignal): Promise<AbortSignal> {
  return signal;
}

/** Looks, waits for the signal, looks again. */
export async function lookTwice(
  path: string,
  signal: AbortSignal,
): Promise<[boolean, boolean]> {
  const before = signal.aborted;
  await untilFired(path, { signal });
  return [before, signal.aborted];
}

/** Sends the signal on to a worker of its own. */
export async function sendOn(
  path: string,
  signal: AbortSignal,
): Promise<unknown> {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1 });
  return await executor.submit(untilFired, path, { signal });
}

/** Asks for the signal when its event loop has not turned since it was asked to stop; leaves what that says. */
export async function lateSignal(path: string): Promise<never> {
  mark(path, "begun");
  while (caught(() => current.throwIfAborted()) === undefined);
  const { signal } = current;
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  const { name, cause } = signal.reason as Error;
  mark(path, JSON.stringify([name, describe(cause)]));
  throw signal.reason;
}

/** Waits until it is asked to stop; leaves why. */
export async function reasonOfStop(path: string): Promise<never> {
  const { signal } = current;
  mark(path, "begun");
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  const { name, cause } = signal.reason as Error;
  const thrown = caught(() => current.throwIfAborted()) as Error;
  mark(
    path,
    JSON.stringify([name, describe(cause), describe(thrown.cause)]),
  );
  throw signal.reason;
}

function describe(cause: unknown): unknown {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : cause;
}

function caught(fn: () => void): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
}

/** Ends its worker. */
export function crashWith(_signal: AbortSignal): never {
  Deno.exit(3);
}

/** Ends its worker the first time, then waits for the signal. */
export async function crashOnce(
  path: string,
  signal: AbortSignal,
): Promise<unknown> {
  mark(path, "begun");
  if ((await Deno.readTextFile(path)).split("\n").length === 2) {
    Deno.exit(5);
    return await new Promise(() => {});
  }
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  return signal.reason;
}
