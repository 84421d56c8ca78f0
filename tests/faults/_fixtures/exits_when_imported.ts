// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A module that ends the worker that imports it, and nobody else.

import { current } from "../../../mod.ts";

if (current.worker.kind !== "inline") Deno.exit(5);

export function unreachable(): number {
  return 1;
}
