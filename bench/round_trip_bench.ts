// Copyright 2026 the @concurrent/parallel authors. MIT license.

// One small task after the other: what the way to a worker and back takes.

import { createImplementations } from "./_support/implementations.ts";
import { check } from "./_support/tasks.ts";

for (const [i, { name, call }] of (await createImplementations()).entries()) {
  Deno.bench({
    name,
    group: "round trip",
    baseline: i === 0,
    fn: async () => check(await call(42), 42),
  });
}
