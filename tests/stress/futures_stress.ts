// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Submits a hundred thousand tasks to a pool of threads and to one of
 * processes, cancels a third of them at random moments and kills workers.
 *
 * Run it with `deno task stress`, or `deno run -A tests/stress/futures_stress.ts
 * [SEED]` to repeat a run.
 *
 * @module
 */

import { runCancels } from "./_futures/cancels.ts";

const seed = Number(Deno.args[0] ?? Date.now() % 1_000_000 + 1);
console.log(`seed ${seed}`);
for (const kind of ["thread", "process"] as const) {
  const since = performance.now();
  await runCancels({ kind, count: 100_000, kills: 100, seed });
  const took = Math.round(performance.now() - since);
  console.log(`ok 100000 submits to a ${kind} pool (${took} ms)`);
}
