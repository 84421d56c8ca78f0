// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How a call that runs is brought to an end: by a cancel, by its timeout, or
// because nobody wants more values of a generator.
//
//   limit() -- timeout --> request() -- abort --> the call ends in time: its answer counts as the stop
//   cancel -------------->     |
//                              +-- cancelGrace is over --> outOfGrace(): settled without it, its worker goes
//
//   finish() -- finish --> the generator says that it knows: it has all the time that it needs
//                  |
//                  +-- cancelGrace is over --> its event loop does not turn: a cancel
//
// A call has one timer at a time, `Job.disarm`: each step replaces the one
// before, and the end of the job takes the last one away. A timer that fires
// late, since this thread was held up, does not decide before the answers that
// have come meanwhile have been read: one of them may be the call's.
//
// A scheduler that is to end waits for its generators, which may wait for a
// consumer who has gone. Where only such are left it loses its patience after a
// while: their consumers get an error, and they are cancelled.

import { after, afterTurns, afterUnheld } from "../base/deadline.ts";
import { InvalidStateError } from "../base/errors.ts";
import { AbortReason } from "../wire/messages.ts";
import type { Job } from "./job.ts";
import type { SchedulerOptions } from "./scheduler_options.ts";
import type { WorkerRecord } from "./worker_record.ts";
import type { WorkerSet } from "./worker_set.ts";

/** Milliseconds, of several turns, in which an answer that is here is read. */
const READ_TIME = 10;

/** Milliseconds for which a scheduler that is to end waits for generators that nobody reads. */
const STREAM_PATIENCE = 5000;

/** What the stops of jobs ask of their scheduler. */
export interface JobStopEvents {
  /** Cancels a job, whatever its state. */
  cancel(job: Job, reason: unknown): void;
  /** A call that was asked to stop has not, and may have been settled meanwhile. */
  outOfGrace(record: WorkerRecord, job: Job): void;
}

/** Asks calls to stop, and sees to it that they do. */
export class JobStops {
  readonly #grace: number;
  readonly #workers: WorkerSet;
  readonly #events: JobStopEvents;
  /** What keeps it from losing patience with generators that nobody reads. */
  #impatience: (() => void) | undefined;

  constructor(
    { cancelGrace }: SchedulerOptions,
    workers: WorkerSet,
    events: JobStopEvents,
  ) {
    this.#grace = cancelGrace;
    this.#workers = workers;
    this.#events = events;
  }

  /** The call runs from now on: for as long as its timeout allows. */
  limit(record: WorkerRecord, job: Job): void {
    const { timeout } = job.options;
    // One that began before it was known here may have been asked to stop: that
    // has a limit of its own.
    if (
      timeout === undefined || record.state === "gone" ||
      job.stopReason !== undefined
    ) return;
    job.disarm = afterUnheld(
      timeout,
      () =>
        this.#unlessAnswered(record, job, () => {
          this.request(job, AbortReason.timeout, undefined);
        }),
    );
  }

  /** Asks a call that has been sent to stop. */
  request(job: Job, reason: AbortReason, cause: unknown): void {
    if (job.stopReason !== undefined || job.state === "settled") return;
    job.disarm?.();
    job.disarm = undefined;
    job.stopReason = reason;
    job.stopCause = cause;
    const record = this.#workers.holderOf(job);
    // Its worker has just ended: it is not run once more.
    if (record === undefined) return;
    record.worker.abort(record.slotOf(job), reason, cause);
    job.disarm = afterUnheld(
      this.#grace,
      () =>
        this.#unlessAnswered(record, job, () => {
          this.#events.outOfGrace(record, job);
        }),
    );
  }

  /** Tells a generator that runs that nobody wants more of its values. */
  finish(record: WorkerRecord, job: Job): void {
    record.worker.finish(record.slotOf(job));
    job.disarm?.();
    job.disarm = afterUnheld(
      this.#grace,
      () =>
        this.#unlessAnswered(record, job, () => {
          if (!job.isFinishing) {
            this.#events.cancel(job, "nobody wants its values");
          }
        }),
    );
  }

  /** The generator knows: it has all the time that it needs. */
  finishing(job: Job): void {
    job.isFinishing = true;
    if (job.stopReason !== undefined) return;
    job.disarm?.();
    job.disarm = undefined;
  }

  /** Only generators that nobody reads are left, and the end waits for them: not for ever. */
  losePatience(): void {
    this.#impatience ??= after(STREAM_PATIENCE, () => {
      this.#impatience = undefined;
      const error = new InvalidStateError(
        `Cannot go on with a stream: its executor was shut down, and nobody has read it for ${STREAM_PATIENCE} ms`,
      );
      for (const record of this.#workers.live) {
        for (const job of record.jobs()) {
          if (!job.isResting) continue;
          if (job.observer.expired === undefined) {
            this.#events.cancel(job, error);
          } else job.observer.expired(error);
        }
      }
    });
  }

  /** Somebody reads on, or there is nothing left to wait for. */
  forgetPatience(): void {
    this.#impatience?.();
    this.#impatience = undefined;
  }

  /**
   * The time of a call is over. Where this event loop was held up the answer
   * may be here all the same, and not have been read: it counts.
   */
  #unlessAnswered(record: WorkerRecord, job: Job, fn: () => void): void {
    const { attempts } = job;
    const look = () => {
      if (job.attempts === attempts && record.has(job)) fn();
    };
    if (record.worker.poll()) look();
    // A socket is read in turns of the event loop, more than one.
    else job.disarm = afterTurns(READ_TIME, look);
  }
}
