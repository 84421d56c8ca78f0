// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What pools that share their cores are given to do.

import type { Executor } from "../../../futures/mod.ts";
import type { Value } from "../../../multiprocessing/mod.ts";

/** Returns how many calls computed at the moment, this one included. */
export async function computing(
  running: Value<"int32">,
  ms: number,
): Promise<number> {
  const count = await running.add(1);
  const end = performance.now() + ms;
  while (performance.now() < end);
  await running.add(-1);
  return count;
}

/** Submits itself to the other pool and waits for that, so many times. */
export async function pingPong(
  depth: number,
  here: Executor,
  there: Executor,
): Promise<number> {
  if (depth === 0) return 0;
  return 1 + await there.submit(pingPong, depth - 1, there, here);
}
