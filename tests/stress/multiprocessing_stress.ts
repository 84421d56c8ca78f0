// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Sends a hundred thousand frames that no other side writes to a listener, and as
 * many to the reader of a child's control channel and to children.
 *
 * Run it with `deno task stress`, or `deno run -A
 * tests/stress/multiprocessing_stress.ts [SEED]` to repeat a run.
 *
 * @module
 */

import { fuzzControlChannel, fuzzListener } from "./_multiprocessing/frames.ts";

const seed = Number(Deno.args[0] ?? Date.now() % 1_000_000 + 1);
console.log(`seed ${seed}`);
for (const fuzz of [fuzzListener, fuzzControlChannel]) {
  const since = performance.now();
  const { sent, received, refused, closed, grown } = await fuzz({
    count: 100_000,
    seed,
    children: 100,
  });
  const took = Math.round(performance.now() - since);
  console.log(
    `ok ${fuzz.name}: ${sent} frames, ${received} received, ${refused} messages refused, ${closed} connections closed, ${
      Math.round(grown / 1024)
    } KB more (${took} ms)`,
  );
}
