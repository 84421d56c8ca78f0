// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A little of what `deno task stress` does at length. The seed is printed where
// a run fails; `STRESS_SEED` repeats it, and `STRESS_SCALE` does more.

import { SCENARIOS } from "./_threading/scenarios.ts";

const SEED = Number(Deno.env.get("STRESS_SEED") ?? Date.now() % 1_000_000);
const SCALE = Number(Deno.env.get("STRESS_SCALE") ?? 0.05);

for (const { name, threads, run } of SCENARIOS) {
  for (const count of threads) {
    // Most of the time goes into starting threads.
    if (SCALE < 0.5 && count !== 4) continue;
    Deno.test(`${name} with ${count} threads`, async () => {
      try {
        await run({ threads: count, scale: SCALE, seed: SEED });
      } catch (cause) {
        throw new RangeError(`Cannot pass with STRESS_SEED=${SEED}`, { cause });
      }
    });
  }
}
