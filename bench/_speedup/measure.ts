// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { cpu, io } from "@concurrent/parallel";
import {
  AutoExecutor,
  type Executor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "@concurrent/parallel/futures";
import type { Job } from "./job.ts";

const EXECUTORS = {
  threads: ThreadPoolExecutor,
  processes: ProcessPoolExecutor,
  auto: AutoExecutor,
};

/** An executor that is measured. */
export type Backend = keyof typeof EXECUTORS;

/** The backends, in the order of the table. */
export const BACKENDS = Object.keys(EXECUTORS) as Backend[];

const PLAIN_LOOP = "plain loop";

/** Part of the items that is done once before the time is taken. */
const WARM_UP_PART = 8;

/** What is measured. */
export interface MeasureOptions {
  jobs: readonly Job[];
  backends: readonly Backend[];
  /** Numbers of workers. */
  workers: readonly number[];
  /** How often everything is done. */
  repeat: number;
  /** Called before each step with what it is. */
  onStep?: (step: string) => void;
}

/** What one number of workers gained. */
export interface Measurement {
  backend: Backend;
  workers: number;
  /** In milliseconds, in the order in which they were taken. */
  times: number[];
  /** Median of the times. */
  time: number;
  /** Time of the plain loop divided by `time`. */
  speedup: number;
  /** `speedup` divided by the number of workers. */
  efficiency: number;
}

/** What was measured for one job. */
export interface JobResult {
  name: string;
  title: string;
  kind: Job["kind"];
  /** The plain loop, without the library. */
  serial: { times: number[]; time: number };
  measurements: Measurement[];
}

/** A job gave another result on workers than in the plain loop. */
export class WrongResultError extends Error {
  constructor(job: string, where: string, actual: string, expected: string) {
    super(
      `Cannot trust the times of ${job} on ${where}: the result is ${actual}, not ${expected}`,
    );
    this.name = "WrongResultError";
  }
}

/** Middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

async function* loop(job: Job): AsyncGenerator<unknown> {
  for (const item of job.items) {
    const output = job.work(item);
    yield output instanceof Promise ? await output : output;
  }
}

function spread(
  job: Job,
  executor: Executor,
  items = job.items,
): AsyncIterable<unknown> {
  // The automatic executor goes by what a function says of itself; the items
  // are tasks of a good size already, so they travel one by one.
  const declare = job.kind === "cpu" ? cpu : io;
  const work = executor instanceof AutoExecutor ? declare(job.work) : job.work;
  return executor.map(work, items, { chunkSize: 1 });
}

/** Times of one job: in the plain loop, and by backend and workers. */
interface Times {
  job: Job;
  digest: string | undefined;
  serial: number[];
  parallel: { backend: Backend; workers: number; times: number[] }[];
}

/**
 * Does the jobs in a plain loop and on workers, everything once a round, so
 * that a machine that gets slower or busier does so for all of them.
 */
export async function measure(options: MeasureOptions): Promise<JobResult[]> {
  const { jobs, backends, workers, repeat, onStep = () => {} } = options;
  const all = jobs.map((job): Times => ({
    job,
    digest: undefined,
    serial: [],
    parallel: [],
  }));
  for (let round = 1; round <= repeat; round++) {
    const step = (job: Job, where: string) =>
      onStep(`round ${round} of ${repeat}: ${job.name}, ${where}`);
    for (const entry of all) {
      step(entry.job, PLAIN_LOOP);
      await measureSerial(entry);
    }
    for (const maxWorkers of workers) {
      for (const backend of backends) {
        await using executor = new EXECUTORS[backend]({ maxWorkers });
        await executor.ready();
        for (const entry of all) {
          step(entry.job, `${backend} x ${maxWorkers}`);
          await measureParallel(entry, executor, backend, maxWorkers);
        }
      }
    }
  }
  return all.map(summarize);
}

async function measureSerial(entry: Times): Promise<void> {
  const { job } = entry;
  const { time, digest } = await timeRun(entry, PLAIN_LOOP, () => loop(job));
  entry.digest = digest;
  entry.serial.push(time);
}

async function measureParallel(
  entry: Times,
  executor: Executor,
  backend: Backend,
  workers: number,
): Promise<void> {
  const { job, parallel } = entry;
  // No worker may be left to load the module while the time is taken.
  const count = Math.max(job.items.length / WARM_UP_PART, workers * 2);
  const step = Math.max(1, Math.floor(job.items.length / count));
  const some = job.items.filter((_, i) => i % step === 0);
  await Array.fromAsync(spread(job, executor, some));
  const { time } = await timeRun(
    entry,
    `${backend} x ${workers}`,
    () => spread(job, executor),
  );
  const row = parallel.find((row) =>
    row.backend === backend && row.workers === workers
  );
  if (row !== undefined) row.times.push(time);
  else parallel.push({ backend, workers, times: [time] });
}

/** Times one run and compares its result with the first one's. */
async function timeRun(
  { job, digest: expected }: Times,
  where: string,
  outputs: () => AsyncIterable<unknown>,
): Promise<{ time: number; digest: string }> {
  const start = performance.now();
  const result = await job.gather(outputs());
  const time = performance.now() - start;
  const digest = await job.digest(result);
  if (expected !== undefined && digest !== expected) {
    throw new WrongResultError(job.name, where, digest, expected);
  }
  return { time, digest };
}

function summarize({ job, serial, parallel }: Times): JobResult {
  const serialTime = median(serial);
  const { name, title, kind } = job;
  return {
    name,
    title,
    kind,
    serial: { times: serial, time: serialTime },
    measurements: parallel
      .toSorted((a, b) =>
        BACKENDS.indexOf(a.backend) - BACKENDS.indexOf(b.backend) ||
        a.workers - b.workers
      )
      .map(({ backend, workers, times }) => {
        const time = median(times);
        const speedup = serialTime / time;
        return {
          backend,
          workers,
          times,
          time,
          speedup,
          efficiency: speedup / workers,
        };
      }),
  };
}
