// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What `remote_worker_test.ts` has measured.

import process from "node:process";

/** Processor time of this thread, in ms. */
function threadTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Computes until its thread has had so much processor time; returns how much that was. */
export function compute(ms: number): number {
  const start = threadTime();
  let had = 0;
  while (had < ms) {
    for (let i = 0; i < 1000; i++) Math.sqrt(i);
    had = threadTime() - start;
  }
  return had;
}

/** Blocks its thread for so long. */
export function block(ms: number): void {
  const word = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(word, 0, 0, ms);
}

/** Computes, then waits without its thread. */
export async function computeAndWait(
  computing: number,
  waiting: number,
): Promise<number> {
  const had = computing > 0 ? compute(computing) : 0;
  // Without its thread from here on: the time begins when it has been let go.
  await undefined;
  await new Promise((resolve) => setTimeout(resolve, waiting));
  return had;
}

let together = 0;
const over = Promise.withResolvers<void>();

/** The last one of so many calls computes, while the others wait for it. */
export async function computeTogether(
  calls: number,
  ms: number,
): Promise<number> {
  if (++together < calls) {
    await over.promise;
    return 0;
  }
  const had = compute(ms);
  over.resolve();
  return await Promise.resolve(had);
}

let failures = 0;

/** Fails the first time in its worker, and computes each time. */
export function failOnce(ms: number): number {
  const had = compute(ms);
  if (failures++ === 0) throw new RangeError("the first time");
  return had;
}

/** Returns what cannot travel. */
export function symbol(): symbol {
  return Symbol("it stays here");
}

/** Yields the numbers up to `count`. */
export function* values(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i;
}
