// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Five tasks in a pool of threads; what they return is read from futures.
 *
 * Run it with `deno run -A examples/thread_pool.ts`.
 *
 * @module
 */

import { ThreadPoolExecutor } from "@concurrent/parallel/futures";
import { delay } from "@std/async/delay";

async function worker(n: number): Promise<string> {
  console.log(`Worker: ${n}`);
  await delay(2_000);
  return `Done: ${n}`;
}

await using executor = new ThreadPoolExecutor({ maxWorkers: 5 });

const futures = [1, 2, 3, 4, 5].map((n) => executor.submit(worker, n));

for (const future of futures) {
  console.log(await future.result());
}
