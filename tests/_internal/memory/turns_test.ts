// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { TURN, Turns } from "../../../_internal/memory/turns.ts";

Deno.test("Turns.isDue() is true when the event loop has waited for too long, until it has turned", async () => {
  const turns = new Turns();
  assertEquals(turns.isDue(100), false);
  await Promise.resolve();
  assertEquals(turns.isDue(100 + TURN), false);
  assert(turns.isDue(101 + TURN));

  await new Promise((resolve) => setTimeout(resolve, 5));

  assertEquals(turns.isDue(101 + TURN), false);
});
