// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A million calls that do nothing: what `map` itself costs, and that nothing
// piles up.

import { assert } from "@std/assert";
import { slowness } from "../_suites/_helpers.ts";
import type { MillionResult } from "./_futures/million.ts";

const COUNT = 1_000_000;
const MB = 2 ** 20;
/** The most that a million calls may take on top of what the pool has. */
const PEAK = 64 * MB;
/** Microseconds for each call. */
const EACH = 3;

Deno.test("Executor.map() calls a function a million times in flat memory, in microseconds each", async () => {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      "--no-check",
      new URL("./_futures/million.ts", import.meta.url).href,
      String(COUNT),
    ],
    stdin: "null",
    stderr: "inherit",
  }).output();
  assert(success, "the program failed");
  const { each, peak, baseline, isRight }: MillionResult = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const found = `${each.toFixed(2)} us each (without workers: ${
    baseline.toFixed(2)
  } us), ${(peak / MB).toFixed(0)} MB at most`;
  console.log(found);
  assert(isRight, "the results are not the items");
  assert(peak < PEAK, found);
  assert(each < EACH * slowness(), found);
});
