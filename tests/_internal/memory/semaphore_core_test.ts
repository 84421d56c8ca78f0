// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { SemaphoreCore } from "../../../_internal/memory/semaphore_core.ts";

const STATE = 0;
const CONTENDED = 1;

Deno.test("SemaphoreCore.tryFast() overtakes nobody while permits are handed over", () => {
  const core = SemaphoreCore.create(0, 10);
  // As release() leaves it for a moment, under the guard: permits for those who wait.
  core.words[STATE] = (2 << 1) | CONTENDED;
  assertFalse(core.tryFast());
  assertEquals(core.attempt(), 0);
  assertEquals(core.value, 2);
  core.words[STATE] = 2 << 1;
  assert(core.tryFast());
  assertEquals(core.value, 1);
});

Deno.test("SemaphoreCore.grant() marks the word where it refuses, and calm() takes the mark away", () => {
  const core = SemaphoreCore.create(0, 10);
  assertEquals(core.grant(), 0);
  assertEquals(core.words[STATE], CONTENDED);
  assertEquals(core.tryNow(0), 0);
  assertEquals(core.words[STATE], 0);
  assert(core.release(1));
  assertEquals(core.grant(), 1);
  assertEquals(core.words[STATE], 0);
});

Deno.test("SemaphoreCore.tryAcquire() finds a permit behind a mark that nobody needs any more", () => {
  const core = SemaphoreCore.create(0, 10);
  // Its waiter has died, and nobody has looked since.
  core.words[STATE] = (1 << 1) | CONTENDED;
  assert(core.tryAcquire());
  assertEquals(core.words[STATE], 0);
});
