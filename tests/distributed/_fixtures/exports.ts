// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** What nodes run for whoever does not sign. */

import { task } from "../../../futures/mod.ts";

/** Uses nothing but its arguments. */
export function area(width: number, height: number): number {
  return width * height;
}

const FACTOR = 3;
export const triple = task((n: number) => n * FACTOR, { name: "thrice" });

export function* upTo(n: number): Generator<number> {
  for (let i = 1; i <= n; i++) yield i;
}

/** Leaves something that shows that it was run. */
export function leave(path: string): void {
  Deno.writeTextFileSync(path, "ran\n");
}
