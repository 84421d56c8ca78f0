// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Where the automatic executor can run a call.
//
//   place     backend   workers                           for
//   inline    inline    none: this event loop             what waits, and what is cheaper run than sent
//   compute   thread    one for each core, one call each  what computes
//   wait      thread    one for each core, many calls     async functions that compute too, or might
//   block     thread    more than cores, one call each    what keeps its thread waiting
//   process   process   one for each core, one call each  what needs a real end, permissions, a heap of its own

import type { WorkerKind } from "../worker/host.ts";

/** Where a call can run. */
export type Place = "inline" | "compute" | "wait" | "block" | "process";

/** What runs the calls of a place. */
export const BACKEND_OF: Readonly<Record<Place, WorkerKind>> = {
  inline: "inline",
  compute: "thread",
  wait: "thread",
  block: "thread",
  process: "process",
};

/** Where the calls of a backend run, unless more is known of them. */
export const PLACE_OF: Readonly<Record<WorkerKind, Place>> = {
  inline: "inline",
  thread: "compute",
  process: "process",
};

/** Calls that a worker of `wait` has under way at a time. */
export const WAITING_CALLS = 100;
/** Workers of `block` at most, where nobody says how many. */
export const BLOCKING_WORKERS = 16;
/** Milliseconds after which such a worker is stopped, where nobody says so. */
export const BLOCKING_IDLE_TIME = 10_000;
