// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Plain BullMQ, as its manual has it: this process adds jobs, another one
// (`bullmq_worker.ts`) runs them and sends back what they were given.

import { type Job, Queue, QueueEvents } from "bullmq";
import { Redis } from "ioredis";
import { Program } from "../_support/program.ts";
import { serve } from "../_support/serve.ts";
import { expectEqual } from "../_multiprocessing/checks.ts";

/** What a job is given. */
export interface Data {
  readonly x: number;
}

class Bullmq {
  #queue!: Queue<Data, number>;
  #events!: QueueEvents;
  #worker!: Program;

  async start(
    url: string,
    name: string,
    concurrency: number,
  ): Promise<number> {
    const connect = () => new Redis(url, { maxRetriesPerRequest: null });
    this.#queue = new Queue<Data, number>(name, { connection: connect() });
    this.#events = new QueueEvents(name, { connection: connect() });
    // Each job that is waited for adds some.
    this.#queue.setMaxListeners(0);
    this.#events.setMaxListeners(0);
    await this.#events.waitUntilReady();
    const path = new URL("bullmq_worker.ts", import.meta.url);
    this.#worker = Program.deno("BullMQ's worker", path);
    return await this.#worker.call({
      scenario: "start",
      args: [url, name, concurrency],
    });
  }

  /** Jobs one by one, each with its result: per second. */
  async submit(count: number): Promise<number> {
    const since = performance.now();
    const results = await Promise.all(
      Array.from({ length: count }, async (_, x) => {
        const job = await this.#queue.add("task", { x });
        return await this.#resultOf(job);
      }),
    );
    const rate = rateOf(count, since);
    return await this.#checked(results, rate);
  }

  /** All jobs with one command, each with its result: per second. */
  async bulk(count: number): Promise<number> {
    const since = performance.now();
    const jobs = await this.#queue.addBulk(jobsOf(count));
    const results = await Promise.all(jobs.map((job) => this.#resultOf(job)));
    const rate = rateOf(count, since);
    return await this.#checked(results, rate);
  }

  /** All jobs with one command, and nobody is told of a result: per second. */
  async forget(count: number): Promise<number> {
    const since = performance.now();
    const done = this.#worker.call({ scenario: "done", args: [count] });
    await this.#queue.addBulk(jobsOf(count));
    await done;
    const rate = rateOf(count, since);
    await this.#clean();
    return rate;
  }

  /** One job at a time, with its result: microseconds. */
  async single(count: number): Promise<number> {
    const results: unknown[] = [];
    const since = performance.now();
    for (let x = 0; x < count; x++) {
      results.push(
        await this.#resultOf(await this.#queue.add("task", { x })),
      );
    }
    const time = (performance.now() - since) * 1000 / count;
    return await this.#checked(results, time);
  }

  #resultOf(job: Job<Data, number>): Promise<number> {
    return job.waitUntilFinished(this.#events);
  }

  async #checked(results: unknown[], value: number): Promise<number> {
    results.forEach((result, x) => expectEqual("result", result, x));
    await this.#clean();
    return value;
  }

  /** What was done is kept until here: whoever waits may ask for it. */
  async #clean(): Promise<void> {
    await this.#queue.clean(0, 0, "completed");
  }
}

function jobsOf(count: number): { name: string; data: Data }[] {
  return Array.from(
    { length: count },
    (_, x) => ({ name: "task", data: { x } }),
  );
}

function rateOf(count: number, since: number): number {
  return count * 1000 / (performance.now() - since);
}

await serve(new Bullmq());
