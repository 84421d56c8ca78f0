// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A little of what `deno task stress` does at length. The seed is printed where
// a run fails; `STRESS_SEED` repeats it, and `STRESS_SCALE` does more.

import { assert } from "@std/assert";
import { fuzzControlChannel, fuzzListener } from "./_multiprocessing/frames.ts";

const SEED = Number(Deno.env.get("STRESS_SEED") ?? Date.now() % 1_000_000);
const SCALE = Number(Deno.env.get("STRESS_SCALE") ?? 0.05);
const count = Math.round(100_000 * SCALE);

/** Runs it, and names the seed where it fails. */
async function seeded(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (cause) {
    throw new RangeError(`Cannot pass with STRESS_SEED=${SEED}`, { cause });
  }
}

Deno.test({
  name: "Listener survives what no client sends, and serves others meanwhile",
  ignore: Deno.build.os === "windows",
  fn: () =>
    seeded(async () => {
      const { refused, closed } = await fuzzListener({ count, seed: SEED });
      assert(refused > 0 && closed > 0);
    }),
});

Deno.test("ProcessHost and its child survive what the other never sends, or end", () =>
  seeded(async () => {
    const children = Math.max(3, Math.round(100 * SCALE));
    const { refused } = await fuzzControlChannel({
      count,
      seed: SEED,
      children,
    });
    assert(refused > 0);
  }));
