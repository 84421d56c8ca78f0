// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  createHeavy,
  createTinyMap,
  createTinySubmits,
  createUneven,
} from "./computing.ts";
import { createCrashes, createTimeouts } from "./failing.ts";
import {
  createMixedFunctions,
  createMixedItems,
  createPhaseChange,
} from "./mixed.ts";
import { createArrays, createTexts } from "./payloads.ts";
import {
  createBlockingReads,
  createBlockingWaits,
  createFetches,
  createSleeps,
  createSmallFiles,
} from "./waiting.ts";
import type { WorkloadMaker } from "./workload.ts";

/** All workloads, in the order of the table, by name. */
export const WORKLOADS: Readonly<Record<string, WorkloadMaker>> = {
  "cpu-heavy": createHeavy,
  "cpu-tiny-submit": createTinySubmits,
  "cpu-tiny-map": createTinyMap,
  "async-sleep": createSleeps,
  "small-files": createSmallFiles,
  "fetch": createFetches,
  "blocking-read": createBlockingReads,
  "blocking-wait": createBlockingWaits,
  "payload-array": createArrays,
  "payload-text": createTexts,
  "mixed-items": createMixedItems,
  "mixed-functions": createMixedFunctions,
  "phase-change": createPhaseChange,
  "uneven": createUneven,
  "crashes": createCrashes,
  "timeouts": createTimeouts,
};
