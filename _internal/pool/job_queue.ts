// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Job } from "./job.ts";

/**
 * Higher priorities first. Within a priority those that are nested in more
 * tasks: others wait for them, and no more tasks begin than have to. Among
 * equals first in, first out. Cancelled jobs are skipped when their turn comes.
 */
export class JobQueue {
  /** In the order of their turn, each with jobs but the one of plain tasks; nearly always there is one. */
  #lanes: Lane[] = [];
  #size = 0;

  /** Jobs that wait and have not been cancelled. */
  get size(): number {
    return this.#size;
  }

  push(job: Job): void {
    this.#lane(job).push(job);
    this.#size++;
  }

  /** Puts a job back to the head: it has had its turn before. */
  unshift(job: Job): void {
    this.#lane(job).unshift(job);
    this.#size++;
  }

  peek(): Job | undefined {
    return this.#first(0);
  }

  /** The next one that a task has submitted. */
  peekNested(): Job | undefined {
    return this.#first(1);
  }

  /** Takes out what `peek()` or `peekNested()` has just given. */
  take(job: Job): void {
    const lane = this.#lane(job);
    lane.shift();
    this.#size--;
    if (lane.peek() === undefined) this.#drop(this.#lanes.indexOf(lane));
  }

  shift(): Job | undefined {
    const job = this.peek();
    if (job !== undefined) this.take(job);
    return job;
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

  /** The next one that is nested in so many tasks at least. */
  #first(depth: number): Job | undefined {
    for (let at = 0; at < this.#lanes.length;) {
      const lane = this.#lanes[at]!;
      const job = lane.depth >= depth ? lane.peek() : undefined;
      if (job !== undefined) return job;
      // All its jobs may have been cancelled.
      if (lane.depth < depth || !this.#drop(at)) at++;
    }
    return undefined;
  }

  /** Removes an empty lane: priorities and depths come and go. Plain tasks have theirs for ever. */
  #drop(at: number): boolean {
    const { priority, depth } = this.#lanes[at]!;
    if (priority === 0 && depth === 0) return false;
    this.#lanes.splice(at, 1);
    return true;
  }

  #lane({ options: { priority }, depth }: Job): Lane {
    let at = 0;
    for (; at < this.#lanes.length; at++) {
      const lane = this.#lanes[at]!;
      if (lane.priority === priority && lane.depth === depth) return lane;
      const isBehind = lane.priority < priority ||
        (lane.priority === priority && lane.depth < depth);
      if (isBehind) break;
    }
    const lane = new Lane(priority, depth);
    this.#lanes.splice(at, 0, lane);
    return lane;
  }
}

/** A deque of jobs: an array with a moving head. */
class Lane {
  readonly priority: number;
  readonly depth: number;
  #jobs: (Job | undefined)[] = [];
  #head = 0;

  constructor(priority: number, depth: number) {
    this.priority = priority;
    this.depth = depth;
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

  shift(): void {
    this.#advance();
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
