// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Caller } from "./station.ts";

/** What an object is made of. */
export interface ServedMemory {
  readonly serial: number;
  readonly parts: readonly unknown[];
}

/** One method. */
// deno-lint-ignore no-explicit-any -- each method knows its arguments, and peers have proved the key
export type Method = (args: any[], caller: Caller) => unknown;

/** The methods of an object, for one agent. */
export type CoreView = Readonly<Record<string, Method>>;
