// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A module that fills the heap of the worker that imports it, and nobody else's.

import { current } from "../../../mod.ts";
import { grow } from "./overflow.ts";

if (current.worker.kind !== "inline") grow();

export function unreachable(): number {
  return 1;
}
