// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What the programs with options share: how arguments are read, and how the
 * program says that something is wrong.
 *
 * @module
 */

import {
  AutoExecutor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "@concurrent/parallel/futures";

/** The executors by the name that `--backend` has for them. */
export const EXECUTORS = {
  threads: ThreadPoolExecutor,
  processes: ProcessPoolExecutor,
  auto: AutoExecutor,
};

/** Where the work is done. */
export type Backend = keyof typeof EXECUTORS | "serial";

/** What was asked for cannot be done: the program ends with 1. */
export class Failure extends Error {}

/** The arguments are wrong: the program ends with 2. */
export class UsageError extends Error {}

/** The positive integer that an option was given. */
export function parseCount(option: string, text: string | undefined): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`--${option} must be a positive integer: ${text}`);
}

/** The backend that `--backend` names. */
export function parseBackend(text: string): Backend {
  if (text === "serial" || Object.hasOwn(EXECUTORS, text)) {
    return text as Backend;
  }
  throw new UsageError(
    `--backend must be threads, processes, auto or serial: ${text}`,
  );
}

/** What went wrong, in one line and without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Runs the program; what it cannot do is one line on standard error. */
export async function runMain(
  main: (args: string[]) => Promise<void>,
): Promise<void> {
  try {
    await main(Deno.args);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message} (--help shows the options)`);
      Deno.exit(2);
    }
    if (error instanceof Failure) {
      console.error(error.message);
      Deno.exit(1);
    }
    throw error;
  }
}
