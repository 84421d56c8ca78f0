// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Ten thousand tasks of all kinds on three nodes, while every two seconds one of
 * them is killed and replaced, and Redis is started again in the middle: every
 * future settles exactly once with the right result or error. Prints the counts
 * and fails where one is off.
 *
 * Run it with `deno task stress`, or `deno run -A
 * tests/stress/distributed_stress.ts [TASKS] [SEED]` to repeat a run. It needs a
 * `redis-server`.
 *
 * @module
 */

import { hasRedis } from "../distributed/_redis.ts";
import { runDistributed } from "./_distributed/run.ts";

const tasks = Number(Deno.args[0] ?? 10_000);
const seed = Number(Deno.args[1] ?? Date.now() % 1_000_000 + 1);
if (!hasRedis()) {
  console.log("skipped: no redis-server on PATH");
  Deno.exit();
}
console.log(`seed ${seed}`);
const since = performance.now();
const counts = await runDistributed({
  nodes: 3,
  tasks,
  kills: { every: 2000 },
  lockDuration: 3000,
  seed,
  log: (line) => console.log(`  ${line}`),
});
const took = ((performance.now() - since) / 1000).toFixed(1);
const { settled, right, wrong, twice, lost } = counts;
const isRight = settled === tasks && right === tasks && wrong === 0 &&
  twice === 0 && lost === 0;
const text = Object.entries(counts).map(([name, n]) => `${name} ${n}`);
console.log(
  `${isRight ? "ok" : "it fails"}: ${tasks} tasks in ${took} s: ${
    text.join(", ")
  }`,
);
if (!isRight) Deno.exitCode = 1;
