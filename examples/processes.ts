// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Five processes at the same time: `threads.ts` with another class.
 *
 * Run it with `deno run -A examples/processes.ts`. Each worker is a process of
 * its own and prints to the same terminal.
 *
 * @module
 */

import { Process } from "@concurrent/parallel/multiprocessing";
import { delay } from "@std/async/delay";

async function worker(n: number): Promise<void> {
  console.log(`Worker: ${n}`);
  await delay(2_000);
  console.log(`Done: ${n}`);
}

const processes: Process<Promise<void>>[] = [];

for (let n = 1; n <= 5; n++) {
  const process = new Process({ target: worker, args: [n] });
  processes.push(process);
  process.start();
}

for (const process of processes) {
  await process.join();
}
