// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { openSync, readSync } from "node:fs";
import process from "node:process";

// Opened before anything else is done: a program that gives up a permission may
// not open it any more, but goes on reading.
let file;
try {
  file = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
} catch {
  // Not Linux: the figure is NaN, which JSON makes null.
}
const bytes = new Uint8Array(128);
const decoder = new TextDecoder();

/** Processor time in ms of the thread that calls, which is the main one. */
export function callerTime() {
  if (file === undefined) return NaN;
  const count = readSync(file, bytes, 0, bytes.length, 0);
  return Number(decoder.decode(bytes.subarray(0, count)).split(" ")[0]) / 1e6;
}
