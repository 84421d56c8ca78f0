// Copyright 2026 the @concurrent/parallel authors. MIT license.

// From an executor to the queue: jobs are added in batches, one batch at a
// time; what is submitted meanwhile is the next one.
//
// A batch whose connection was lost is sent again: BullMQ adds no job whose id
// is there. One that was added, run and removed in that moment runs twice; its
// second answer finds nobody.

import type { Queue } from "bullmq";
import { InvalidStateError } from "../_internal/base/errors.ts";
import { after } from "../_internal/base/deadline.ts";

/** A job on its way to the queue. */
export interface OutgoingJob {
  readonly id: string;
  readonly name: string;
  /** The sealed body, in base64. */
  readonly data: string;
  /** As BullMQ counts: the lowest comes first. */
  readonly priority: number;
  /** Runs at most. */
  readonly attempts: number;
  /** Milliseconds before the second run, twice as many before each further one. */
  readonly backoff: number;
}

/** What becomes of jobs. */
export interface SenderEvents<T extends OutgoingJob> {
  /** It is in the queue. */
  added(job: T): void;
  /** Redis has refused it. */
  refused(job: T, error: unknown): void;
}

/** Jobs and characters of a batch. */
const MAX_BATCH = 500;
const MAX_BATCH_LENGTH = 1 << 20;
/** Milliseconds between two attempts. */
const PAUSE = 100;
/** Replies after which another attempt may go well. */
const PASSING = /^(LOADING|READONLY|MASTERDOWN|TRYAGAIN|CLUSTERDOWN|BUSY)/;

/** Adds jobs to a queue, in the order in which they come. */
export class JobSender<T extends OutgoingJob> {
  readonly #queue: Queue;
  readonly #events: SenderEvents<T>;
  /** What waits for the next batch. */
  readonly #waiting = new Set<T>();
  #state: "idle" | "sending" | "closed" = "idle";
  /** Resolves when what was sent has arrived. */
  idle: Promise<void> = Promise.resolve();

  constructor(queue: Queue, events: SenderEvents<T>) {
    this.#queue = queue;
    this.#events = events;
  }

  /** Sends a job with the next batch: after what this turn submits. */
  send(job: T): void {
    this.#waiting.add(job);
    if (this.#state !== "idle") return;
    this.#state = "sending";
    this.idle = Promise.resolve().then(() => this.#run());
  }

  /** Takes back a job that was not sent; false where it is on its way. */
  take(job: T): boolean {
    return this.#waiting.delete(job);
  }

  /** Sends nothing more. */
  close(): void {
    this.#state = "closed";
    this.#waiting.clear();
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0 && this.#state === "sending") {
      const batch = this.#nextBatch();
      const error = await this.#add(batch);
      if ((this.#state as string) === "closed") return;
      for (const job of batch) {
        if (error === undefined) this.#events.added(job);
        else this.#events.refused(job, error);
      }
    }
    if (this.#state === "sending") this.#state = "idle";
  }

  #nextBatch(): T[] {
    const batch: T[] = [];
    let length = 0;
    for (const job of this.#waiting) {
      if (batch.length > 0 && length + job.data.length > MAX_BATCH_LENGTH) {
        break;
      }
      this.#waiting.delete(job);
      batch.push(job);
      length += job.data.length;
      if (batch.length === MAX_BATCH) break;
    }
    return batch;
  }

  /** Returns why it was refused. */
  async #add(batch: readonly T[]): Promise<unknown> {
    const jobs = batch.map((
      { id, name, data, priority, attempts, backoff },
    ) => ({
      name,
      data,
      opts: {
        jobId: id,
        priority,
        attempts,
        backoff: { type: "exponential", delay: backoff },
        removeOnComplete: true,
        removeOnFail: true,
      },
    }));
    while (this.#state === "sending") {
      try {
        await this.#queue.addBulk(jobs);
        return undefined;
      } catch (error) {
        if (isRefusal(error)) {
          // Some of them may have been added.
          for (const { id } of batch) this.#queue.remove(id).catch(() => {});
          return new InvalidStateError(
            `Cannot submit a task: Redis has refused it (${error.message})`,
            { cause: error },
          );
        }
        await new Promise<void>((resolve) => after(PAUSE, resolve));
      }
    }
    return undefined;
  }
}

/** True for an error that Redis has answered with, where another attempt would get the same. */
function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError" &&
    !PASSING.test(error.message);
}
