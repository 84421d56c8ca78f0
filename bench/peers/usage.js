// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What Linux says of this process, its threads and its children. Elsewhere the
// figures are NaN, which JSON makes null.

import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has ended, or there is no such file.
    return "";
  }
}

/** Processor time in ms of the thread that calls, which is the main one. */
export function callerTime() {
  const text = read(`/proc/self/task/${process.pid}/schedstat`);
  return text === "" ? NaN : Number(text.split(" ")[0]) / 1e6;
}

/** This process and all below it. */
function family() {
  const parents = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    // The command, in parentheses, may hold anything.
    const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    parents.set(Number(name), Number(parent));
  }
  const pids = [process.pid];
  for (const pid of pids) {
    for (const [child, parent] of parents) if (parent === pid) pids.push(child);
  }
  return pids;
}

/** Processor time in ms of all threads of all of them, of those that live. */
export function processorTime() {
  if (process.platform !== "linux") return NaN;
  let sum = 0;
  for (const pid of family()) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      sum += Number(read(`/proc/${pid}/task/${task}/schedstat`).split(" ")[0]);
    }
  }
  return sum / 1e6;
}

/** Memory in bytes of all of them; what they share counts once. */
export function memory() {
  if (process.platform !== "linux") return NaN;
  let sum = 0;
  for (const pid of family()) {
    const [, kilobytes] = /^Pss:\s+(\d+)/m.exec(
      read(`/proc/${pid}/smaps_rollup`),
    ) ?? [];
    sum += Number(kilobytes ?? NaN) * 1024;
  }
  return sum;
}
