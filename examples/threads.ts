// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Five threads at the same time.
 *
 * Run it with `deno run -A examples/threads.ts`. It takes two seconds, not ten.
 *
 * @module
 */

import { Thread } from "@concurrent/parallel/threading";
import { delay } from "@std/async/delay";

async function worker(n: number): Promise<void> {
  console.log(`Worker: ${n}`);
  await delay(2_000);
  console.log(`Done: ${n}`);
}

const threads: Thread<Promise<void>>[] = [];

for (let n = 1; n <= 5; n++) {
  const thread = new Thread({ target: worker, args: [n] });
  threads.push(thread);
  thread.start();
}

for (const thread of threads) {
  await thread.join();
}
