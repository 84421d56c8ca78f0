// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Five tasks in a pool of processes: `thread_pool.ts` with another class.
 *
 * Run it with `deno run -A examples/process_pool.ts`.
 *
 * @module
 */

import { ProcessPoolExecutor } from "@concurrent/parallel/futures";
import { delay } from "@std/async/delay";

async function worker(n: number): Promise<string> {
  console.log(`Worker: ${n}`);
  await delay(2_000);
  return `Done: ${n}`;
}

await using executor = new ProcessPoolExecutor({ maxWorkers: 5 });

const futures = [1, 2, 3, 4, 5].map((n) => executor.submit(worker, n));

for (const future of futures) {
  console.log(await future.result());
}
