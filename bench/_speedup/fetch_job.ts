// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { delay } from "@std/async/delay";
import type { Job, JobSize } from "./job.ts";

/** Requests, and milliseconds until the server answers one. */
const SIZES: Record<JobSize, { requests: number; latency: number }> = {
  full: { requests: 96, latency: 20 },
  short: { requests: 32, latency: 20 },
  tiny: { requests: 4, latency: 5 },
};

/** Asks the server for a number. */
export async function request(url: string): Promise<number> {
  const response = await fetch(url);
  return Number(await response.text());
}

/** Sets up the job that waits: requests to a server that takes its time. */
export function createFetchJob(size: JobSize): Job<string, number, number[]> {
  const { requests, latency } = SIZES[size];
  const abort = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: abort.signal,
    onListen() {},
  }, async ({ url }) => {
    await delay(latency);
    return new Response(new URL(url).pathname.slice(1));
  });
  return {
    name: "fetch",
    title: `Fetch: ${requests} requests, answered after ${latency} ms`,
    kind: "io",
    items: Array.from(
      { length: requests },
      (_, i) => `http://127.0.0.1:${server.addr.port}/${i}`,
    ),
    work: request,
    gather: (answers) => Array.fromAsync(answers),
    digest: (answers) => Promise.resolve(answers.join(" ")),
    async [Symbol.asyncDispose]() {
      abort.abort();
      await server.finished;
    },
  };
}
