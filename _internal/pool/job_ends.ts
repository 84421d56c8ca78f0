// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { TaskTimeoutError } from "../base/errors.ts";
import { AbortReason } from "../wire/messages.ts";
import type { Job } from "./job.ts";

/** The ends of jobs: each job settles once, is counted once with all its calls, and tells its observer. */
export class JobEnds {
  completed = 0;
  failed = 0;
  cancelled = 0;
  /** Jobs under way that nobody has to keep the program alive for. */
  resting = 0;

  /** The job is under way from now on: it may be sent, and sent again, until its end. */
  begin(job: Job): void {
    if (job.work.kind === "inline") return;
    job.segment = job.work.payload.segment;
    job.segment?.hold();
  }

  /** @param failed How many of the calls of a chunk threw. */
  succeed(job: Job, value: unknown, failed = 0): void {
    if (job.state === "settled") return;
    this.completed += job.calls - failed;
    this.failed += failed;
    this.#settle(job);
    job.observer.succeeded(value);
  }

  /** The initializer of a worker is no task: its end is told, and not counted. */
  succeedUncounted(job: Job, value: unknown): void {
    this.#settle(job);
    job.observer.succeeded(value);
  }

  fail(job: Job, error: unknown): void {
    if (job.state === "settled") return;
    this.failed += job.calls;
    this.#settle(job);
    job.observer.failed(error);
  }

  cancel(job: Job, reason: unknown): void {
    if (job.state === "settled") return;
    this.cancelled += job.calls;
    this.#settle(job);
    job.observer.cancelled(reason);
  }

  /** A job that was asked to stop has: by its own error, by the end of its worker, or by running out of grace. */
  stop(job: Job, error?: unknown): void {
    if (job.stopReason !== AbortReason.timeout) {
      this.cancel(job, job.stopCause ?? error);
      return;
    }
    const { name, timeout } = job.options;
    this.fail(
      job,
      new TaskTimeoutError(
        `Cannot finish task '${name}': its timeout of ${timeout} ms has passed`,
      ),
    );
  }

  /** Notes whether anybody waits for a generator. */
  rest(job: Job, isResting: boolean): void {
    job.isResting = isResting;
    this.resting += isResting ? 1 : -1;
  }

  #settle(job: Job): void {
    job.state = "settled";
    if (job.isResting) this.resting--;
    job.disarm?.();
    job.disarm = undefined;
    job.detach?.();
    job.detach = undefined;
    const { work } = job;
    if (work.kind === "remote") work.carried?.();
    work.meter?.ended(work);
    job.segment?.release();
    job.segment = undefined;
  }
}
