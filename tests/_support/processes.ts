// Copyright 2026 the @concurrent/parallel authors. MIT license.

import process from "node:process";
import { threadCpu } from "../../_internal/worker/cpu_share.ts";

/**
 * False once a process has ended: it is gone, or waits for nothing but that its
 * parent takes note. One that was killed is a zombie as soon as its first thread has
 * ended; until the last one has, it holds its files and sockets.
 */
export function isAlive(pid: number): boolean {
  if (Deno.build.os !== "linux") return isKnown(pid);
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    if (!/\) [ZX] /.test(stat)) return true;
    return [...Deno.readDirSync(`/proc/${pid}/task`)].length > 1;
  } catch {
    return false;
  }
}

/** Processor time of this thread, in ms: to wait for a core takes none. The time where the system does not tell. */
export function threadTime(): number {
  return threadCpu() ?? performance.now();
}

function isKnown(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
