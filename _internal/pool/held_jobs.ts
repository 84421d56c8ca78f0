// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Job, Place } from "./job.ts";

/** The jobs that a worker holds, in the order in which they were sent: a linked list, each job knows its place. */
export class HeldJobs {
  #first: Place | undefined;
  #last: Place | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The one that was sent last. */
  get last(): Job | undefined {
    return this.#last?.job;
  }

  /** Adds a job at the end. A job is held by one worker at a time. */
  add(job: Job, slot: number): void {
    const last = this.#last;
    const place: Place = {
      jobs: this,
      slot,
      job,
      before: last,
      behind: undefined,
    };
    if (last === undefined) this.#first = place;
    else last.behind = place;
    this.#last = place;
    job.place = place;
    this.#size++;
  }

  has(job: Job): boolean {
    return job.place?.jobs === this;
  }

  /** Its slot; undefined where it is not held here. */
  slotOf({ place }: Job): number | undefined {
    return place?.jobs === this ? place.slot : undefined;
  }

  delete(job: Job): void {
    const { place } = job;
    if (place?.jobs !== this) return;
    const { before, behind } = place;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    job.place = undefined;
    this.#size--;
  }

  /** The first one for which `test` holds. */
  find(test: (job: Job) => boolean): Job | undefined {
    let place = this.#first;
    while (place !== undefined && !test(place.job)) place = place.behind;
    return place?.job;
  }

  /** Those that are held now. */
  toArray(): Job[] {
    const jobs: Job[] = [];
    for (let at = this.#first; at !== undefined; at = at.behind) {
      jobs.push(at.job);
    }
    return jobs;
  }
}
