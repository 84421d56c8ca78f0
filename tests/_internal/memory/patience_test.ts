// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { Patience } from "../../../_internal/memory/patience.ts";

/** How many of so many tries look, all of them in vain. */
function triesInVain(patience: Patience, count: number): number {
  let tries = 0;
  for (let i = 0; i < count; i++) {
    if (patience.next() === 0) continue;
    tries++;
    patience.note(false);
  }
  return tries;
}

Deno.test("Patience looks each time while that is worth it", () => {
  const patience = new Patience(7);
  for (let i = 0; i < 50; i++) {
    assertEquals(patience.next(), 7);
    patience.note(true);
  }
});

Deno.test("Patience looks ever less where it is in vain, and never gives up", () => {
  const patience = new Patience(7);
  const first = triesInVain(patience, 200);
  const then = triesInVain(patience, 200);
  assert(first < 45, `${first} of 200`);
  assert(then < first && then >= 20, `${then} of 200, after ${first}`);
});

Deno.test("Patience looks each time again after one success", () => {
  const patience = new Patience(7);
  triesInVain(patience, 200);
  while (patience.next() === 0);
  patience.note(true);
  assertEquals(patience.next(), 7);
});

Deno.test("Patience of no looks never looks", () => {
  assertEquals(new Patience(0).next(), 0);
});
