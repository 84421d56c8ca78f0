// Copyright 2026 the @concurrent/parallel authors. MIT license.

// From nothing to the result of the first task, and to nothing again.

import {
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "@concurrent/parallel/futures";
import { Process } from "@concurrent/parallel/multiprocessing";
import { Thread } from "@concurrent/parallel/threading";
import { RawWorker } from "./_support/raw_worker.ts";
import { check, measure } from "./_support/tasks.ts";

const IMPLEMENTATIONS: Record<string, () => Promise<number>> = {
  "new Worker()": async () => {
    using worker = new RawWorker();
    return await worker.call(42);
  },
  "Thread": async () => {
    await using thread = new Thread({ target: measure, args: [42] }).start();
    return await thread.result();
  },
  "Process": async () => {
    await using process = new Process({ target: measure, args: [42] }).start();
    return await process.result();
  },
  "ThreadPoolExecutor": async () => {
    await using executor = new ThreadPoolExecutor({ maxWorkers: 1 });
    return await executor.submit(measure, 42);
  },
  "ProcessPoolExecutor": async () => {
    await using executor = new ProcessPoolExecutor({ maxWorkers: 1 });
    return await executor.submit(measure, 42);
  },
};

for (const [i, [name, run]] of Object.entries(IMPLEMENTATIONS).entries()) {
  Deno.bench({
    name,
    group: "start-up",
    baseline: i === 0,
    // Each run takes tens of milliseconds.
    n: 15,
    warmup: 2,
    fn: async () => check(await run(), 42),
  });
}
