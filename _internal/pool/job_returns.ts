// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What becomes of a job that a worker holds.
//
//   lends           it waits for something else: its place is another one's turn
//   done, failed    its slot is free: it settles, or is put back for a retry
//   skipped         its slot is free; the job was settled, or given to another
//                   worker, when it was taken back
//   outOfGrace      it settles without an answer, and its worker is given up as
//                   soon as nothing runs there that anybody waits for
//   gone            the worker has ended: what ran there fails or is retried, what
//                   had not begun goes back to the queue
//
// The slot of an answered call is freed before its job settles: observers run
// user code, which finds the place free. A free slot is the next one's turn on
// that worker, or the end of a worker that takes no more calls. The pump comes
// last, when all of it is true.

import { AbortReason, Lent } from "../wire/messages.ts";
import type { Outcomes } from "../wire/outcomes.ts";
import type { HostExit } from "../worker/host.ts";
import { noteTime } from "./definitions.ts";
import type { Distributor } from "./distributor.ts";
import { noteOrigin, noteOrigins } from "./error_origin.ts";
import { Histogram } from "./histogram.ts";
import type { Job } from "./job.ts";
import type { JobEnds } from "./job_ends.ts";
import { crashError } from "./pool_errors.ts";
import type { SchedulerOptions } from "./scheduler_options.ts";
import type { WorkerRecord } from "./worker_record.ts";
import type { WorkerSet } from "./worker_set.ts";

/**
 * Workers that may end under a job before it begins. A module that ends the
 * worker while it is imported would otherwise wander through all of them.
 */
const MAX_LOSSES = 3;

/** What the returns of jobs work on, together with the scheduler. */
export interface JobReturnParts {
  readonly ends: JobEnds;
  readonly workers: WorkerSet;
  readonly distributor: Distributor;
}

/** What the returns of jobs ask of their scheduler. */
export interface JobReturnEvents {
  /** The job has to be run (again). */
  requeue(job: Job): void;
  /** A worker was given up: others may be missing now. */
  replace(): void;
  /** The initializer has failed. */
  broken(error: unknown): void;
}

/** Settles jobs, or puts them back, as their workers answer and end. */
export class JobReturns {
  readonly #options: SchedulerOptions;
  readonly #ends: JobEnds;
  readonly #workers: WorkerSet;
  readonly #distributor: Distributor;
  readonly #events: JobReturnEvents;
  /** How long calls ran on their workers. */
  readonly runTime = new Histogram();

  constructor(
    options: SchedulerOptions,
    { ends, workers, distributor }: JobReturnParts,
    events: JobReturnEvents,
  ) {
    this.#options = options;
    this.#ends = ends;
    this.#workers = workers;
    this.#distributor = distributor;
    this.#events = events;
  }

  /** The worker has answered with a value. */
  done(
    record: WorkerRecord,
    slot: number,
    value: unknown,
    time: number,
  ): void {
    const job = this.#answered(record, slot, time);
    if (job !== undefined && job.state !== "settled") {
      if (job.stopReason === AbortReason.timeout) this.#ends.stop(job);
      else if (record.state === "starting") {
        this.#ends.succeedUncounted(job, value);
      } else {
        const outcomes = job.isChunk ? value as Outcomes : undefined;
        if (outcomes !== undefined) {
          noteOrigins(outcomes, job.options.name, record.worker);
        }
        this.#ends.succeed(job, value, outcomes?.failed.size);
      }
    }
    this.#distributor.pumpLater();
  }

  /** The worker has answered with an error. */
  failed(
    record: WorkerRecord,
    slot: number,
    error: unknown,
    time: number,
  ): void {
    const job = this.#answered(record, slot, time);
    if (job !== undefined && job.state !== "settled") {
      noteOrigin(error, job.options.name, record.worker);
      if (job.stopReason !== undefined) this.#ends.stop(job, error);
      // The initializer is no task: it is not counted.
      else if (record.state === "starting") this.#events.broken(error);
      else this.#failOrRetry(job, error);
    }
    this.#distributor.pumpLater();
  }

  /** The worker has noticed that a call was taken back. */
  skipped(record: WorkerRecord, slot: number): void {
    // The job itself was settled, or given to somebody else, when it was revoked.
    record.release(slot);
    this.#afterRelease(record);
    this.#distributor.pumpLater();
  }

  /** A call waits, or goes on. */
  lends(record: WorkerRecord, slot: number, to: Lent): void {
    record.lend(slot, to);
    if (to === Lent.no) return;
    this.#distributor.markNext(record);
    this.#distributor.pumpLater();
  }

  /** A worker has ended: its jobs are put back or fail. */
  gone(
    record: WorkerRecord,
    exit: HostExit,
    wasStarting: boolean,
  ): void {
    // What has ended it may have been taken back while it was made ready: what
    // is next in line by what was sent is innocent then.
    const { isAtAny } = record;
    // From the last to the first: those that are put back keep their order.
    for (const job of record.jobs().reverse()) {
      const slot = record.slotOf(job);
      // Where the claims are shared they tell for sure; a process with which no
      // memory is shared is never sent more than it runs.
      const begun = !record.worker.revoke(slot);
      const hadTurn = isAtAny ? record.worker.isAt(slot) : job.state !== "sent";
      record.release(slot);
      job.disarm?.();
      job.disarm = undefined;
      if (begun) job.work.meter?.lost(record.worker.kind);
      // Of one that came up it is the initializer, unless calls are sent early:
      // the start has failed.
      if (job.state === "settled") continue;
      if (wasStarting && this.#options.sendsEarly === undefined) continue;
      if (job.stopReason !== undefined) {
        this.#ends.stop(job);
      } else if (
        // Only where its turn had come can it be the reason.
        !begun && job.canBeSentAgain &&
        (!hadTurn || ++job.losses < MAX_LOSSES)
      ) {
        this.#events.requeue(job);
      } else {
        const { name } = job.options;
        this.#failOrRetry(
          job,
          crashError(record.worker.name, name, exit, record.fault),
        );
      }
    }
  }

  /** A call that was asked to stop has not: its future settles now, its worker goes. */
  outOfGrace(record: WorkerRecord, job: Job): void {
    if (job.state === "settled" || record.state === "gone") return;
    this.#ends.stop(job);
    // Its worker waits for what runs beside it, which may be its own.
    record.worker.giveUp(record.slotOf(job));
    if (record.worker.kind === "inline") {
      // There is nothing to stop and nothing to replace: the call is left to
      // itself, its place is free.
      record.release(record.slotOf(job));
      this.#afterRelease(record);
      this.#distributor.pump();
      return;
    }
    // What waits behind it is taken back; what runs beside it may finish, and
    // so may what cannot be taken back, since it has begun meanwhile.
    this.#distributor.recall(record);
    for (const other of record.jobs()) {
      if (other.state === "sent") this.#distributor.markRunning(record, other);
    }
    if (!record.runsAny) this.#giveUp(record);
    else if (record.state !== "condemned") this.#workers.condemn(record);
    this.#distributor.pump();
  }

  /** Frees the slot of an answered call and lets the next one on that worker count as running. */
  #answered(
    record: WorkerRecord,
    slot: number,
    time: number,
  ): Job | undefined {
    const job = record.job(slot);
    if (job === undefined) {
      // Taken back in time, but it could not even be decoded.
      record.release(slot);
      this.#afterRelease(record);
      return undefined;
    }
    const { work, calls } = job;
    if (work.kind === "remote") noteTime(work.definition, time / calls);
    work.meter?.ran(record.worker.kind, work, time);
    // The initializer is no task.
    if (record.state !== "starting") this.runTime.add(time / calls, calls);
    job.disarm?.();
    job.disarm = undefined;
    record.release(slot);
    this.#afterRelease(record);
    return job;
  }

  #afterRelease(record: WorkerRecord): void {
    this.#distributor.markNext(record);
    if (record.state === "condemned") {
      // What it was condemned for never answers: it is not waited for.
      if (!record.runsAny) this.#giveUp(record);
    } else if (record.size === 0) this.#workers.rest(record);
  }

  #failOrRetry(job: Job, error: unknown): void {
    job.attempts++;
    if (
      job.attempts <= job.options.retries && job.stopReason === undefined &&
      job.canBeSentAgain
    ) this.#events.requeue(job);
    else this.#ends.fail(job, error);
  }

  /** Gives up a worker that runs nothing that anybody waits for. */
  #giveUp(record: WorkerRecord): void {
    this.#workers.giveUp(record);
    this.#events.replace();
  }
}
