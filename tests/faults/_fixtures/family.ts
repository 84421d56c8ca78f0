// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Processes within processes, each of which says who it is and then does not end.

import { Process } from "../../../multiprocessing/mod.ts";
import { mark } from "../../_suites/_tasks.ts";

/** What the innermost one does. */
export type Doing = "waits" | "computes" | "is blocked" | "comes up";

/** Starts others below it, so many deep. */
export async function parent(
  log: string,
  doing: Doing,
  depth: number,
): Promise<never> {
  const below = depth > 1
    ? new Process({ target: parent, args: [log, doing, depth - 1] })
    : new Process({ target: innermost, args: [log, doing] });
  below.start();
  // Nobody waits for that one to come up.
  if (depth === 1 && doing === "comes up") mark(log, `${below.pid}`);
  mark(log, `${Deno.pid}`);
  return await new Promise<never>(() => setInterval(() => {}, 1000));
}

async function innermost(log: string, doing: Doing): Promise<void> {
  if (doing !== "comes up") mark(log, `${Deno.pid}`);
  if (doing === "computes") { for (;;); }
  if (doing === "is blocked") {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  await new Promise<never>(() => setInterval(() => {}, 1000));
}
