// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A little of what `deno task stress` does at length. The seed is printed where
// a round fails: `deno run -A tests/stress/faults_stress.ts 1 SEED` repeats it.

import { planOf, runRound } from "./_faults/round.ts";

const SEED = Number(Deno.env.get("STRESS_SEED") ?? Date.now() % 1_000_000 + 1);

/** `deno task stress` has none. */
const SLACK = 10;

/** The first seed from this one on with such a plan. */
function seedOf(isParent: boolean, isEarly: boolean, from: number): number {
  let seed = from;
  for (;; seed++) {
    const plan = planOf(seed);
    if (plan.isParent === isParent && (plan.early !== undefined) === isEarly) {
      return seed;
    }
  }
}

const CASES = [
  ["processes are killed that hold and wait", false, false],
  ["processes are killed that come up", false, true],
  [
    "the parent is killed, and the next program removes what all have left",
    true,
    false,
  ],
] as const;

for (const [name, isParent, isEarly] of CASES) {
  const seed = seedOf(isParent, isEarly, SEED);
  Deno.test({
    name: `A family is told, ends and leaves nothing where ${name}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      try {
        await runRound(seed, SLACK);
      } catch (cause) {
        throw new RangeError(`Cannot pass with seed ${seed}`, { cause });
      }
    },
  });
}
