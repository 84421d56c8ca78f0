// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the suites of Pool have done elsewhere, beside _tasks.ts.

import { current } from "../../mod.ts";
import { mark } from "./_tasks.ts";

/** The worker that runs it: never the same again. */
export function workerId(): string {
  return `${current.worker.name} ${current.worker.id}`;
}

/** Writes that it runs; fails at 3. */
export function failAtThree(log: string, n: number): number {
  mark(log, `${n}`);
  if (n === 3) throw new RangeError("three");
  return n;
}

export function bigError(_: number): never {
  throw new RangeError("!".repeat(1 << 20));
}

export function appendLine([log, line]: [string, string]): string {
  mark(log, line);
  return line;
}

/** Ends its worker at 0. */
export async function crashAt(n: number): Promise<number> {
  if (n !== 0) return n;
  Deno.exit(7);
  return await new Promise<never>(() => {});
}

export async function sleepy(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
