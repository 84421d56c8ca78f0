// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Job } from "./job.ts";

/** First in, first out within a priority; higher priorities first. Cancelled jobs are skipped when their turn comes. */
export class JobQueue {
  /** Highest priority first; nearly always there is one. */
  #lanes: Lane[] = [];
  #size = 0;

  /** Jobs that wait and have not been cancelled. */
  get size(): number {
    return this.#size;
  }

  push(job: Job): void {
    this.#lane(job.options.priority).push(job);
    this.#size++;
  }

  /** Puts a job back to the head: it has had its turn before. */
  unshift(job: Job): void {
    this.#lane(job.options.priority).unshift(job);
    this.#size++;
  }

  peek(): Job | undefined {
    for (const lane of this.#lanes) {
      const job = lane.peek();
      if (job !== undefined) return job;
    }
    return undefined;
  }

  shift(): Job | undefined {
    for (const lane of this.#lanes) {
      const job = lane.shift();
      if (job !== undefined) {
        this.#size--;
        return job;
      }
    }
    return undefined;
  }

  /** A waiting job was settled in place: it does not count any more. */
  dropped(): void {
    this.#size--;
  }

  /** Takes everything out. */
  drain(): Job[] {
    const jobs: Job[] = [];
    for (let job = this.shift(); job !== undefined; job = this.shift()) {
      jobs.push(job);
    }
    this.#lanes = [];
    return jobs;
  }

  #lane(priority: number): Lane {
    const first = this.#lanes[0];
    if (first !== undefined && first.priority === priority) return first;
    let at = 0;
    for (; at < this.#lanes.length; at++) {
      const lane = this.#lanes[at]!;
      if (lane.priority === priority) return lane;
      if (lane.priority < priority) break;
    }
    const lane = new Lane(priority);
    this.#lanes.splice(at, 0, lane);
    return lane;
  }
}

/** A deque of jobs: an array with a moving head. */
class Lane {
  readonly priority: number;
  #jobs: (Job | undefined)[] = [];
  #head = 0;

  constructor(priority: number) {
    this.priority = priority;
  }

  push(job: Job): void {
    this.#jobs.push(job);
  }

  unshift(job: Job): void {
    if (this.#head > 0) this.#jobs[--this.#head] = job;
    else this.#jobs.unshift(job);
  }

  peek(): Job | undefined {
    while (this.#head < this.#jobs.length) {
      const job = this.#jobs[this.#head]!;
      if (job.state === "queued") return job;
      this.#advance();
    }
    return undefined;
  }

  shift(): Job | undefined {
    const job = this.peek();
    if (job !== undefined) this.#advance();
    return job;
  }

  #advance(): void {
    this.#jobs[this.#head++] = undefined;
    if (this.#head === this.#jobs.length) {
      this.#jobs = [];
      this.#head = 0;
    } else if (this.#head > 4096 && this.#head * 2 > this.#jobs.length) {
      this.#jobs = this.#jobs.slice(this.#head);
      this.#head = 0;
    }
  }
}
