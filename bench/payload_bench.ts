// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A large argument: what it takes to get it there.

import { createImplementations } from "./_support/implementations.ts";
import { check, measure } from "./_support/tasks.ts";

const PAYLOADS: Record<string, unknown> = {
  "1 MB Float64Array": new Float64Array(131_072).fill(0.5),
  "100 000 characters": "lorem ipsum ".repeat(8_334),
  "tree of 1000 objects": Array.from({ length: 1_000 }, (_, id) => ({
    id,
    name: `row ${id}`,
    active: id % 2 === 0,
    score: id / 3,
    tags: ["a", "b"],
  })),
};

const implementations = await createImplementations();

for (const [group, payload] of Object.entries(PAYLOADS)) {
  const expected = measure(payload);
  for (const [i, { name, call }] of implementations.entries()) {
    // What stays on the event loop sends nothing.
    if (name.endsWith("io()")) continue;
    Deno.bench({
      name,
      group: `payload: ${group}`,
      baseline: i === 0,
      fn: async () => check(await call(payload), expected),
    });
  }
}
