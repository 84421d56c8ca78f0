// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The schedulers of all places, as one: what was prepared for a place goes to its
// scheduler, what concerns all of them is asked of all of them.

import type { Job, JobObserver, JobOptions, Work } from "../pool/job.ts";
import type { Lane } from "../pool/lane.ts";
import type { SchedulerStats } from "../pool/scheduler_options.ts";
import type { LaneOptions, TaskScheduler } from "../pool/task_scheduler.ts";
import { Profile } from "./profile.ts";

/** Listens for the end of each scheduler, those that are made later too. */
interface Listener {
  readonly fn: () => void;
  readonly forget: Set<() => void>;
}

/** The schedulers of an automatic executor. */
export class AutoScheduler implements TaskScheduler {
  readonly #main: Lane;
  readonly #lanes = new Set<Lane>();
  readonly #listeners = new Set<Listener>();

  /** @param main The lane that there always is. */
  constructor(main: Lane) {
    this.#main = main;
    this.#lanes.add(main);
  }

  /** One more lane is there. */
  attach(lane: Lane): void {
    this.#lanes.add(lane);
    for (const { fn, forget } of this.#listeners) {
      forget.add(lane.scheduler.onEnd(fn));
    }
  }

  get options(): LaneOptions {
    return this.#main.scheduler.options;
  }

  get hasRoom(): boolean {
    for (const { scheduler } of this.#lanes) {
      if (!scheduler.hasRoom) return false;
    }
    return true;
  }

  get endError(): unknown {
    for (const { scheduler } of this.#lanes) {
      const error = scheduler.endError;
      if (error !== undefined) return error;
    }
    return undefined;
  }

  checkAccepting(verb?: string): void {
    for (const { scheduler } of this.#lanes) scheduler.checkAccepting(verb);
  }

  // Who submits asks the scheduler where the call will go.
  expect(): boolean {
    return false;
  }

  disappoint(): void {}

  submit(work: Work, options: JobOptions, observer: JobObserver): Job {
    const { meter } = work;
    if (!(meter instanceof Profile)) {
      return this.#home(work).submit(work, options, observer);
    }
    // Before, since it may settle at once.
    meter.begin(work);
    try {
      return this.#home(work).submit(work, options, observer);
    } catch (error) {
      meter.ended(work);
      throw error;
    }
  }

  refuse(
    work: Work,
    options: JobOptions,
    observer: JobObserver,
    reason: unknown,
  ): Job {
    if (work.meter instanceof Profile) work.meter.begin(work);
    return this.#home(work).refuse(work, options, observer, reason);
  }

  cancel(job: Job, reason: unknown): boolean {
    return this.#home(job.work).cancel(job, reason);
  }

  credit(job: Job, items: number): void {
    this.#home(job.work).credit(job, items);
  }

  finish(job: Job): void {
    this.#home(job.work).finish(job);
  }

  finishing(job: Job): void {
    this.#home(job.work).finishing(job);
  }

  rest(job: Job, isResting: boolean): void {
    this.#home(job.work).rest(job, isResting);
  }

  ready(count: number): Promise<void> {
    return this.#main.scheduler.ready(count);
  }

  async prewarm(_count: number, works: readonly Work[]): Promise<void> {
    const all = new Map<TaskScheduler, Work[]>();
    for (const work of works) {
      const home = this.#home(work);
      const some = all.get(home);
      if (some === undefined) all.set(home, [work]);
      else some.push(work);
    }
    await Promise.all(Array.from(all, ([home, some]) => {
      const { minWorkers, maxWorkers } = home.options;
      return home.prewarm(minWorkers > 0 ? minWorkers : maxWorkers, some);
    }));
  }

  async shutdown(cancelQueued: boolean): Promise<void> {
    await Promise.all(
      Array.from(
        this.#lanes,
        ({ scheduler }) => scheduler.shutdown(cancelQueued),
      ),
    );
  }

  async terminate(reason: unknown): Promise<void> {
    await Promise.all(
      Array.from(this.#lanes, ({ scheduler }) => scheduler.terminate(reason)),
    );
  }

  stats(): SchedulerStats {
    return this.#main.scheduler.stats();
  }

  onEnd(fn: () => void): () => void {
    const listener: Listener = { fn, forget: new Set() };
    for (const { scheduler } of this.#lanes) {
      listener.forget.add(scheduler.onEnd(fn));
    }
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      for (const forget of listener.forget) forget();
    };
  }

  #home({ home }: Work): TaskScheduler {
    return home as TaskScheduler | undefined ?? this.#main.scheduler;
  }
}
