// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Job, JobObserver, JobOptions, Work } from "./job.ts";
import type { SchedulerOptions, SchedulerStats } from "./scheduler_options.ts";

/** What a map has to know of the workers. */
export type LaneOptions = Pick<
  SchedulerOptions,
  "maxWorkers" | "minWorkers" | "concurrency"
>;

/**
 * What executors need of a scheduler: the one of this isolate
 * (`scheduler.ts`), or the way to one above this worker
 * (`relay_scheduler.ts`).
 */
export interface TaskScheduler {
  readonly options: LaneOptions;
  /** True where one more job can wait, as far as this side knows. */
  readonly hasRoom: boolean;
  /** Throws where no job can be taken. `verb` is what somebody wanted to do. */
  checkAccepting(verb?: string): void;
  /**
   * A job is about to come: where there is no worker, one starts, and comes up
   * while the call is encoded. True where one was started: `disappoint()` is
   * called where the job does not come after all.
   */
  expect(): boolean;
  /** The job does not come. */
  disappoint(): void;
  /** Takes a job. */
  submit(work: Work, options: JobOptions, observer: JobObserver): Job;
  /** Takes a job that was cancelled before it came. */
  refuse(
    work: Work,
    options: JobOptions,
    observer: JobObserver,
    reason: unknown,
  ): Job;
  /** Cancels a job; true where it had not begun. */
  cancel(job: Job, reason: unknown): boolean;
  /** A generator's consumer has taken values. */
  credit(job: Job, items: number): void;
  /** Nobody wants more values of a generator. */
  finish(job: Job): void;
  /** A generator has been told so. */
  finishing(job: Job): void;
  /** Whether anybody waits for a generator. */
  rest(job: Job, isResting: boolean): void;
  ready(count: number): Promise<void>;
  /** As `ready()`, and has each worker get the functions ready for their calls. */
  prewarm(count: number, works: readonly Work[]): Promise<void>;
  shutdown(cancelQueued: boolean): Promise<void>;
  terminate(reason: unknown): Promise<void>;
  stats(): SchedulerStats;
  /** Why nothing can be submitted any more; undefined where it can. */
  readonly endError: unknown;
  /** Calls a function when it ends; returns what takes that back. */
  onEnd(fn: () => void): () => void;
}
