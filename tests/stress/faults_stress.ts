// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Kills processes of a family at random that hold locks, wait for them, are
 * blocked on queues, in barriers, pipes, proxies of a manager: those that are
 * left have to be told within a second and to end by themselves, and no process,
 * socket or file may be left.
 *
 * Run it with `deno task stress`, or `deno run -A tests/stress/faults_stress.ts
 * [ROUNDS] [SEED]` to repeat a run. Linux.
 *
 * @module
 */

import { runRound } from "./_faults/round.ts";

const rounds = Number(Deno.args[0] ?? 200);
const seed = Number(Deno.args[1] ?? Date.now() % 1_000_000 + 1);
console.log(`seed ${seed}`);
const since = performance.now();
let failed = 0;
for (let i = seed; i < seed + rounds; i++) {
  try {
    console.log(`ok seed ${i}: ${await runRound(i)}`);
  } catch (error) {
    failed++;
    console.log(`it fails: seed ${i}: ${(error as Error).message}`);
  }
}
const seconds = ((performance.now() - since) / 1000).toFixed(0);
console.log(`${rounds} rounds in ${seconds} s, ${failed} failed`);
if (failed > 0) Deno.exitCode = 1;
