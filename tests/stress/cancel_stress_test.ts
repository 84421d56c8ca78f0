// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A little of what `deno task stress` does at length. The seed is printed where
// a run fails; `STRESS_SEED` repeats it, and `STRESS_SCALE` does more.

import { runCancels } from "./_futures/cancels.ts";

const SEED = Number(Deno.env.get("STRESS_SEED") ?? Date.now() % 1_000_000);
const SCALE = Number(Deno.env.get("STRESS_SCALE") ?? 0.05);

for (const kind of ["thread", "process"] as const) {
  Deno.test(`every future of a ${kind} pool settles exactly once, though a third is cancelled and workers die`, async () => {
    try {
      await runCancels({
        kind,
        count: Math.round(100_000 * SCALE),
        kills: Math.max(4, Math.round(100 * SCALE)),
        seed: SEED,
      });
    } catch (cause) {
      throw new RangeError(`Cannot pass with STRESS_SEED=${SEED}`, { cause });
    }
  });
}
