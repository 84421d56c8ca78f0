// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { Lent } from "../wire/messages.ts";
import { CORE, type CoreBudget, partsOf } from "./core_budget.ts";
import { HeldJobs } from "./held_jobs.ts";
import type { Job } from "./job.ts";
import type { SchedulerOptions, WorkerStats } from "./scheduler_options.ts";
import { type PoolWorker, shownId } from "./pool_worker.ts";

/** What the calls that overlap on a worker may want of its core together, in parts: they wait in turns. */
export const FULL = 8 * CORE;

/**
 * What the scheduler knows of one worker. Only the scheduler and its parts write
 * it, its state only the worker set.
 *
 * ```text
 * state      meaning                                     leaves by
 * starting   comes up, or runs the initializer           ready()
 * ready      takes calls                                 limit of calls -> retiring; grace over -> condemned
 * retiring   takes none; ends when it has answered       last answer -> stopping
 * condemned  takes none; is terminated when it has answered
 * stopping   told to end                                 -> gone
 * gone       runs nothing any more                       never
 * ```
 */
export class WorkerRecord {
  readonly worker: PoolWorker;
  state:
    | "starting"
    | "ready"
    | "retiring"
    | "condemned"
    | "stopping"
    | "gone" = "starting";
  /** The error that nobody caught, where that ended it. */
  fault: unknown;
  /** Cancels what would terminate it, should it not end by itself. */
  disarm: (() => void) | undefined;
  idleSince = 0;
  /** Calls sent so far, the initializer not counted. */
  sent = 0;
  /** The same with each call of a chunk. */
  #tasks = 0;
  /** When it came up, by `performance.now()`; undefined while it does. */
  #upSince: number | undefined;
  /** Since when it has had something to run; undefined where it has nothing. */
  #busySince: number | undefined;
  /** How long it had before that. */
  #busyTime = 0;
  readonly #concurrency: number;
  readonly #sendsEarly: boolean;
  readonly #budget: CoreBudget | undefined;
  /** What its calls that do not wait take of a core, in parts, added up. */
  #parts = 0;
  readonly #free: number[] = [];
  /** Free slots beyond those that have a word. */
  readonly #spare: number[] = [];
  readonly #jobs: (Job | undefined)[] = [];
  /** Slots whose calls were taken back and not yet skipped. */
  readonly #revoked = new Set<number>();
  /** Calls that wait, and whom their places are lent to. */
  readonly #lent = new Map<Job, Lent>();
  /** The same jobs in the order in which they were sent. */
  readonly #order = new HeldJobs();

  constructor(
    worker: PoolWorker,
    options: Pick<SchedulerOptions, "concurrency" | "sendsEarly" | "budget">,
  ) {
    this.worker = worker;
    this.#concurrency = options.concurrency;
    this.#sendsEarly = options.sendsEarly !== undefined;
    this.#budget = options.budget;
  }

  /** Calls that it holds: running, waiting for their turn, and those whose places are lent. */
  get size(): number {
    return this.#order.size;
  }

  /** Calls that have a place or wait for one. */
  get load(): number {
    return this.#order.size - this.#lent.size;
  }

  /** The load as this job finds it: not every job may use every lent place. */
  loadFor(job: Job): number {
    if (this.#lent.size === 0 || job.depth > 0) return this.load;
    let load = this.#order.size;
    for (const to of this.#lent.values()) if (to === Lent.all) load--;
    return load;
  }

  /** True where every call that it holds waits for something else. */
  get isSuspended(): boolean {
    return this.#lent.size > 0 && this.load === 0;
  }

  /** The call in the slot waits, or goes on. */
  lend(slot: number, to: Lent): void {
    const job = this.#jobs[slot];
    if (job === undefined) return;
    const waited = this.#lent.has(job);
    if (to === Lent.no) this.#lent.delete(job);
    else this.#lent.set(job, to);
    this.#noteLoad();
    const waits = to !== Lent.no;
    if (waits !== waited) this.#weigh(waits ? -job.parts : job.parts);
  }

  /** False where its calls want so much more than a core together that another one is better off elsewhere, or later. */
  fits(job: Job): boolean {
    return this.#parts === 0 ||
      this.#parts + partsOf(job.work.meter?.share ?? 1) <= FULL;
  }

  /** What one more call would add to what it takes of the cores, in parts. */
  added(job: Job): number {
    return Math.min(this.#parts + partsOf(job.work.meter?.share ?? 1), CORE) -
      Math.min(this.#parts, CORE);
  }

  /** Since when it has had something to run, by `performance.now()`. */
  get busySince(): number | undefined {
    return this.#busySince;
  }

  /** How long it has had something to run, in milliseconds. */
  busyTime(now: number): number {
    return this.#busyTime + (now - (this.#busySince ?? now));
  }

  /** How long it has been up, in milliseconds. */
  upTime(now: number): number {
    return now - (this.#upSince ?? now);
  }

  /** What it has done so far. */
  stats(now: number): WorkerStats {
    const { name, kind, pid } = this.worker;
    const busyTime = this.busyTime(now);
    const upTime = this.upTime(now);
    return {
      id: shownId(this.worker),
      name,
      kind,
      pid,
      sharesMemory: this.worker.revocable,
      state: this.state === "ready"
        ? this.size > 0 ? "busy" : "idle"
        : this.state === "starting"
        ? "starting"
        : "leaving",
      tasks: this.#tasks,
      running: this.state === "starting" ? 0 : this.size - this.waiting,
      busyTime,
      utilization: upTime === 0 ? 0 : Math.min(busyTime / upTime, 1),
    };
  }

  /** Notes when it gets something to run, and when it has nothing left. */
  #noteLoad(): void {
    if ((this.load > 0) === (this.#busySince !== undefined)) return;
    const now = performance.now();
    if (this.#busySince === undefined) {
      this.#busySince = now;
    } else {
      // What it got before it was up it could not run.
      if (this.#upSince !== undefined) this.#busyTime += now - this.#busySince;
      this.#busySince = undefined;
    }
  }

  /** Calls that it holds and that have not begun. */
  get waiting(): number {
    let waiting = 0;
    for (const { state } of this.jobs()) if (state === "sent") waiting++;
    return waiting;
  }

  /** True where it is known what the worker is at: calls that it holds, or that were taken back too late. */
  get isAtAny(): boolean {
    const slots = this.jobs().map((job) => this.slotOf(job));
    return [...slots, ...this.#revoked].some((it) => this.worker.isAt(it));
  }

  /** True where a function runs for which somebody waits. */
  get runsAny(): boolean {
    return this.#order.find(isRunning) !== undefined;
  }

  /** True where one more call can be sent. */
  get hasRoom(): boolean {
    return (this.state === "ready" ||
      (this.#sendsEarly && this.state === "starting")) &&
      // A slot without a word cannot be taken back: those are for what is
      // submitted by calls that wait for it, and for nothing else.
      (this.#free.length > 0 || this.#jobs.length < this.worker.slots ||
        (this.#lent.size > 0 && this.load < this.worker.slots));
  }

  /** The initializer is done. */
  ready(): void {
    if (this.state === "starting") {
      this.state = "ready";
      const now = performance.now();
      // The initializer is no task; calls that were sent early are.
      this.sent = this.size;
      this.idleSince = now;
      this.#upSince = now;
      if (this.#busySince !== undefined) this.#busySince = now;
    }
  }

  /** Hands a job to the worker. */
  send(job: Job): void {
    const slots = this.#free.length > 0 || this.#jobs.length < this.worker.slots
      ? this.#free
      : this.#spare;
    const slot = slots.at(-1) ?? this.#jobs.length;
    this.worker.send(slot, job.work, job.origin);
    slots.pop();
    this.#jobs[slot] = job;
    this.#order.add(job, slot);
    this.sent++;
    // The initializer is none.
    const isTask = this.state !== "starting" || this.#sendsEarly;
    if (isTask) this.#tasks += job.calls;
    this.#noteLoad();
    if (this.#budget === undefined) return;
    // To start a worker is free, what its initializer does included.
    job.parts = isTask ? partsOf(job.work.meter?.share ?? 1) : 0;
    this.#weigh(job.parts);
  }

  /** Takes a job back that has not begun. Its slot is free when the worker has noticed. */
  revoke(job: Job): boolean {
    const slot = this.#order.slotOf(job);
    if (slot === undefined || !this.worker.revoke(slot)) return false;
    this.#forget(job);
    this.#jobs[slot] = undefined;
    this.#revoked.add(slot);
    this.sent--;
    this.#tasks -= job.calls;
    this.#noteLoad();
    return true;
  }

  /** Frees a slot whose call was answered. */
  release(slot: number): void {
    const job = this.#jobs[slot];
    if (job === undefined && !this.#revoked.delete(slot)) return;
    if (job !== undefined) {
      this.#forget(job);
      this.#noteLoad();
    }
    this.#jobs[slot] = undefined;
    this.worker.release(slot);
    (slot < this.worker.slots ? this.#free : this.#spare).push(slot);
  }

  /** A call takes so much more of a core, or less. */
  #weigh(parts: number): void {
    if (this.#budget === undefined || parts === 0) return;
    const before = Math.min(this.#parts, CORE);
    this.#parts += parts;
    const change = Math.min(this.#parts, CORE) - before;
    if (change !== 0) this.#budget.change(change);
  }

  /** It does not hold the job any more. */
  #forget(job: Job): void {
    this.#order.delete(job);
    const waited = this.#lent.delete(job);
    if (!waited) this.#weigh(-job.parts);
  }

  /** The job that was sent first and could run now, if it does not yet count as running. */
  nextToRun(): Job | undefined {
    // Whatever is sent to it runs.
    if (this.#concurrency === Infinity) return undefined;
    const lent = this.#lent;
    let places = this.#concurrency;
    const next = this.#order.find((job) => {
      if (lent.size > 0 && lent.has(job)) return false;
      return isWaiting(job) || --places === 0;
    });
    return next !== undefined && isWaiting(next) ? next : undefined;
  }

  /** The job that was sent first of those that have not begun. */
  firstWaiting(): Job | undefined {
    return this.#order.find(isWaiting);
  }

  /** The job that was sent last. */
  lastSent(): Job | undefined {
    return this.#order.last;
  }

  job(slot: number): Job | undefined {
    return this.#jobs[slot];
  }

  jobs(): Job[] {
    return this.#order.toArray();
  }

  has(job: Job): boolean {
    return this.#order.has(job);
  }

  slotOf(job: Job): number {
    const slot = this.#order.slotOf(job);
    if (slot === undefined) {
      throw new RangeError(
        `Cannot find a job: worker '${this.worker.name}' does not hold it`,
      );
    }
    return slot;
  }
}

function isWaiting(job: Job): boolean {
  return job.state === "sent";
}

function isRunning(job: Job): boolean {
  return job.state === "running";
}
