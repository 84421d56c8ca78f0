// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The process that runs the jobs of `bullmq.ts`.

import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { serve } from "../_support/serve.ts";
import type { Data } from "./bullmq.ts";

class BullmqWorker {
  #done = 0;
  #onDone = () => {};

  async start(
    url: string,
    name: string,
    concurrency: number,
  ): Promise<number> {
    const worker = new Worker<Data, number>(
      name,
      ({ data }) => Promise.resolve(data.x),
      {
        connection: new Redis(url, { maxRetriesPerRequest: null }),
        concurrency,
      },
    );
    worker.on("completed", () => {
      this.#done++;
      this.#onDone();
    });
    await worker.waitUntilReady();
    return 0;
  }

  /** Resolves when so many more jobs are done. */
  async done(count: number): Promise<number> {
    const end = this.#done + count;
    await new Promise<void>((resolve) => {
      this.#onDone = () => {
        if (this.#done >= end) resolve();
      };
    });
    return 0;
  }
}

await serve(new BullmqWorker());
