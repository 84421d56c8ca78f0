// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Workloads that wait: for a timer, a disk, a server, and blocking.

import { join } from "@std/path";
import { blockFor, countLines, fetchId, sampleFile } from "./tasks.ts";
import {
  check,
  checkResults,
  nothing,
  type Setting,
  waves,
  type Workload,
} from "./workload.ts";

/** Timers, many at a time. */
export function createSleeps({ scale }: Setting): Workload {
  const sleep = async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ms;
  };
  return {
    name: "async-sleep",
    title: "submit() of timers of 10 to 50 ms, in waves of 500",
    calls: Math.ceil(1500 * scale),
    functions: [{ fn: sleep, expected: ["inline"] }],
    canInline: true,
    waits: true,
    async run(executor, calls) {
      const time = (i: number) => 10 + i % 5 * 10;
      const results = await waves(executor, sleep, {
        calls,
        size: 500,
        args: (i) => [time(i)],
      });
      checkResults(results, time, calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** Small files, one call each. */
export async function createSmallFiles(
  { directory, scale }: Setting,
): Promise<Workload> {
  const paths: string[] = [];
  for (let i = 0; i < 300; i++) {
    const path = join(directory, `small-${i}.txt`);
    await Deno.writeTextFile(path, "a line of some text\n".repeat(50 + i % 9));
    paths.push(path);
  }
  return {
    name: "small-files",
    title: "submit() of Deno.readTextFile() of 1 KB, in waves of 300",
    calls: Math.ceil(8000 * scale),
    // In threads it is many at a time too: a file may be large.
    functions: [{ fn: countLines, expected: ["inline", "thread"] }],
    canInline: true,
    waits: true,
    async run(executor, calls) {
      const results = await waves(executor, countLines, {
        calls,
        size: paths.length,
        args: (i) => [paths[i % paths.length]!],
      });
      checkResults(results, (i) => 51 + i % paths.length % 9, calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** Requests to a server that takes 20 ms. */
export function createFetches({ server, scale }: Setting): Workload {
  return {
    name: "fetch",
    title: "submit() of fetch() of what takes 20 ms, in waves of 100",
    calls: Math.ceil(400 * scale),
    functions: [{ fn: fetchId, expected: ["inline"] }],
    canInline: true,
    waits: true,
    async run(executor, calls) {
      const results = await waves(executor, fetchId, {
        calls,
        size: 100,
        args: (i) => [server.url(i, 20)],
      });
      checkResults(results, (i) => i, calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** Large files, read by what blocks its thread meanwhile. */
export async function createBlockingReads(
  { directory, scale }: Setting,
): Promise<Workload> {
  const paths: string[] = [];
  for (let i = 0; i < 4; i++) {
    const path = join(directory, `large-${i}.bin`);
    await Deno.writeFile(path, new Uint8Array(8 << 20).fill(i + 1));
    paths.push(path);
  }
  return {
    name: "blocking-read",
    title: "submit() of Deno.readFileSync() of 8 MB",
    calls: Math.ceil(80 * scale),
    functions: [{ fn: sampleFile, expected: ["thread"] }],
    canInline: true,
    waits: true,
    async run(executor, calls) {
      const results = await waves(executor, sampleFile, {
        calls,
        size: 100,
        args: (i) => [paths[i % 4]!],
      });
      checkResults(results, (i) => (i % 4 + 1) * (8 << 20) / 4096, calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** Sleeps that block their thread. */
export function createBlockingWaits({ scale }: Setting): Workload {
  return {
    name: "blocking-wait",
    title: "submit() of Atomics.wait() of 20 ms",
    calls: Math.ceil(96 * scale),
    functions: [{ fn: blockFor, expected: ["thread"] }],
    canInline: true,
    waits: true,
    async run(executor, calls) {
      const results = await waves(executor, blockFor, {
        calls,
        size: 200,
        args: () => [20],
      });
      for (const result of results) check(result, "timed-out");
      check(results.length, calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}
