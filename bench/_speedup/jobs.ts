// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { createFetchJob } from "./fetch_job.ts";
import type { Job, JobSize } from "./job.ts";
import { createMandelbrotJob } from "./mandelbrot_job.ts";
import { createWordCountJob } from "./word_count_job.ts";

/** How the jobs are set up. */
export interface CreateJobOptions {
  size: JobSize;
  /** What the word count counts instead of files of its own. */
  directory?: string;
}

type CreateJob = (options: CreateJobOptions) => Job | Promise<Job>;

/** The jobs by name. */
export const JOBS: Readonly<Record<string, CreateJob>> = {
  "mandelbrot": ({ size }) => createMandelbrotJob(size),
  "word-count": ({ size, directory }) => createWordCountJob(size, directory),
  "fetch": ({ size }) => createFetchJob(size),
};
