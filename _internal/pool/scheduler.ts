// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The one scheduler: under every executor, `Thread`, `Process` and `Pool`.
//
//          |====================== caller's side ======================|=== worker's side ===|
//
//  submit -> encode -> Job -> JobQueue -> pick a worker -> channel.send -> guest: claim, run
//   (layer 7)          |       priority,      idle first,                       |
//                      |       then FIFO      least loaded                      v
//  observer <--------- settle <---- release the slot <---- channel <------ done | failed
//   (future, map, thread)
//
// submit does:            checks the state, queues the job, pumps.
// the pump does:          gives queued jobs to workers that have room (`distributor.ts`).
// each worker event does: settles a job or puts it back, then pumps.
//
// What is done here: the state, what comes in, and when workers are started and
// stopped. Who does the rest:
//
//   JobQueue      what waits, in the order of its turn
//   Distributor   which worker runs it, and when; what is taken back
//   JobStops      cancels, timeouts and ends of generators: asking, and the grace period
//   JobReturns    what becomes of a job when its worker answers or ends
//   JobEnds       each job settles once and is counted
//   WorkerSet     who lives and who is on the way out
//   ReadyWaiters  who waits for workers
//
// state       meaning                                          leaves by
// running     takes jobs                                       shutdown() -> draining; terminate() -> terminated; broken
// draining    takes none; finishes what it accepted            the last job settles -> closing; terminate()
//             (the last one of its group: drain_group.ts)
// closing     nothing left to run; workers are told to stop    the last worker is gone -> closed
// terminated  everything was cancelled; workers are stopped    the last worker is gone -> closed
// broken      workers cannot start, or the initializer failed  the last worker is gone -> closed
// closed      no workers                                       never

import {
  type BrokenExecutorError,
  CancelledError,
  InvalidStateError,
} from "../base/errors.ts";
import { holdProgram, releaseProgram } from "../base/registry.ts";
import { AbortReason } from "../wire/messages.ts";
import type { HostExit } from "../worker/host.ts";
import { Distributor } from "./distributor.ts";
import type { DrainMember } from "./drain_group.ts";
import { initialize } from "./initializer.ts";
import { enterCurrentContext } from "./inline_worker.ts";
import { catchInterrupts, ignoreInterrupts } from "./interrupts.ts";
import { Job, type JobObserver, type JobOptions, type Work } from "./job.ts";
import { JobEnds } from "./job_ends.ts";
import { JobQueue } from "./job_queue.ts";
import { JobReturns } from "./job_returns.ts";
import { JobStops } from "./job_stops.ts";
import { brokenError } from "./pool_errors.ts";
import { ReadyWaiters } from "./ready_waiters.ts";
import type { SchedulerOptions, SchedulerStats } from "./scheduler_options.ts";
import type { TaskScheduler } from "./task_scheduler.ts";
import type { WorkerRecord } from "./worker_record.ts";
import { WorkerSet } from "./worker_set.ts";

/** Distributes jobs over workers of one kind. */
export class Scheduler implements TaskScheduler, DrainMember {
  readonly options: SchedulerOptions;
  readonly #queue = new JobQueue();
  readonly #ends = new JobEnds();
  readonly #waiters = new ReadyWaiters();
  readonly #workers: WorkerSet;
  readonly #stops: JobStops;
  readonly #distributor: Distributor;
  readonly #returns: JobReturns;
  #state:
    | "running"
    | "draining"
    | "closing"
    | "terminated"
    | "broken"
    | "closed" = "running";
  #brokenBy: unknown;
  #terminatedBy: unknown;
  /** Whether this scheduler is one of those who keep the program alive. */
  #isHolding = false;
  readonly #closed = Promise.withResolvers<void>();
  readonly #endListeners = new Set<() => void>();

  constructor(options: SchedulerOptions) {
    this.options = options;
    this.#workers = new WorkerSet(options, {
      ready: (record) =>
        initialize(
          record,
          options,
          () => this.#join(record),
          (error) => this.#break(error),
        ),
      done: (record, slot, value, time) =>
        this.#returns.done(record, slot, value, time),
      failed: (record, slot, error, time) =>
        this.#returns.failed(record, slot, error, time),
      started: (record, slot) => this.#distributor.started(record, slot),
      skipped: (record, slot) => this.#returns.skipped(record, slot),
      lends: (record, slot, to) => this.#returns.lends(record, slot, to),
      delivered: () => this.#distributor.delivered(),
      gone: (record, exit, wasStarting, hopeless) =>
        this.#onGone(record, exit, wasStarting, hopeless),
      left: () => this.#checkClosed(),
      wanted: () => this.#waiters.wanted,
    });
    this.#stops = new JobStops(options, this.#workers, {
      cancel: (job, reason) => this.cancel(job, reason),
      outOfGrace: (record, job) => this.#returns.outOfGrace(record, job),
    });
    this.#distributor = new Distributor(options, {
      queue: this.#queue,
      workers: this.#workers,
      stops: this.#stops,
    }, {
      start: () => this.#start(),
      recalled: (job) => this.#requeue(job),
      refused: (job, error) => this.#ends.fail(job, error),
      pumped: () => this.#checkIdle(),
    });
    this.#returns = new JobReturns(options, {
      ends: this.#ends,
      workers: this.#workers,
      distributor: this.#distributor,
    }, {
      requeue: (job) => this.#requeue(job),
      replace: () => this.#replace(),
      broken: (error) => this.#break(error),
    });
    options.group?.join(this);
  }

  /**
   * True where fewer jobs wait than `queueLimit`. Those for which a worker is
   * still to be started wait for nobody, and do not count.
   */
  get hasRoom(): boolean {
    const { queueLimit, maxWorkers, concurrency } = this.options;
    if (queueLimit === Infinity) return true;
    const free = maxWorkers * concurrency - this.#running;
    return this.#waiting < queueLimit + Math.max(free, 0);
  }

  /** True where somebody waits for it: for a job, for its end, or for the next step of what goes on. */
  get isBusy(): boolean {
    return this.#isHolding || this.#endListeners.size > 0;
  }

  get hasJobs(): boolean {
    return this.#queue.size + this.#workers.size > 0;
  }

  settle(): void {
    if (this.#state === "draining") this.#checkIdle();
  }

  /** Why it is broken; undefined where it is not. */
  get brokenBy(): unknown {
    return this.#brokenBy;
  }

  /**
   * Throws where no job can be taken.
   *
   * @throws {InvalidStateError} If it was shut down or terminated.
   * @throws {BrokenExecutorError} If it is broken.
   */
  checkAccepting(verb = "submit a task"): void {
    switch (this.#state) {
      case "running":
        return;
      case "broken":
        throw this.#brokenError();
      default:
        throw new InvalidStateError(
          `Cannot ${verb}: the executor was ${
            this.#terminatedBy === undefined ? "shut down" : "terminated"
          }`,
        );
    }
  }

  /**
   * A job is about to come: where there is no worker, one starts, and comes up
   * while the call is encoded. The first function of a program takes as long.
   * True where one was started.
   */
  expect(): boolean {
    if (this.#state !== "running" || this.#workers.live.size > 0) return false;
    try {
      return this.#startOne();
    } catch {
      // The job will find the same, and fail with it.
      return false;
    }
  }

  /** The job for which `expect()` has started a worker does not come: nobody waits for that worker, unless others have come meanwhile. */
  disappoint(): void {
    const { live } = this.#workers;
    if (this.#state !== "running" || this.#queue.size > 0) return;
    if (this.#waiters.wanted > 0 || this.options.minWorkers > 0) return;
    for (const record of [...live]) {
      if (record.state === "starting" && record.size === 0) {
        this.#workers.stop(record);
      }
    }
  }

  /**
   * Takes a job.
   *
   * @throws {InvalidStateError} If it was shut down, or `queueLimit` jobs wait.
   * @throws {BrokenExecutorError} If it is broken.
   */
  submit(work: Work, options: JobOptions, observer: JobObserver): Job {
    if (!(options.isContinuation && this.#state === "draining")) {
      this.checkAccepting();
    }
    // Who refuses what an accepted task needs lets that one fail.
    if (!this.hasRoom && !options.isContinuation) {
      throw new InvalidStateError(
        `Cannot submit a task: ${this.#waiting} tasks are waiting and 'queueLimit' is ${this.options.queueLimit}`,
      );
    }
    const job = new Job(work, options, observer);
    this.#ends.begin(job);
    this.#distributor.add(job);
    this.#hold();
    if (!this.#distributor.hasToWait(job)) this.#distributor.pump();
    if (work.kind === "inline" && job.state === "queued") {
      // It will be sent from the context of whoever makes room for it.
      work.enter ??= enterCurrentContext();
    }
    return job;
  }

  /** Takes a job that was cancelled before it came: it never runs. */
  refuse(
    work: Work,
    options: JobOptions,
    observer: JobObserver,
    reason: unknown,
  ): Job {
    if (!options.isContinuation) this.checkAccepting();
    const job = new Job(work, options, observer);
    this.#ends.cancel(job, reason);
    return job;
  }

  /**
   * Cancels a job. Waiting: it is settled at once and never runs: true.
   * Running: it is asked to stop, and its worker is stopped where it does not
   * within the grace period: false. Settled: false.
   */
  cancel(job: Job, reason: unknown): boolean {
    switch (job.state) {
      case "queued":
        this.#queue.dropped();
        this.#distributor.dropped();
        this.#ends.cancel(job, reason);
        this.#checkIdle();
        return true;
      case "sent":
        if (this.#workers.holderOf(job)?.revoke(job)) {
          this.#ends.cancel(job, reason);
          return true;
        }
        this.#stops.request(job, AbortReason.cancelled, reason);
        return false;
      case "running":
        this.#stops.request(job, AbortReason.cancelled, reason);
        return false;
      case "settled":
        return false;
    }
  }

  /** A generator's consumer has taken values. */
  credit(job: Job, items: number): void {
    const record = this.#workers.holderOf(job);
    record?.worker.credit(record.slotOf(job), items);
  }

  /**
   * Nobody wants more values of a generator: its `finally` runs, for as long as
   * it takes. Where its event loop does not turn it is stopped as by a cancel.
   */
  finish(job: Job): void {
    if (job.state === "settled") return;
    const record = this.#workers.holderOf(job);
    if (record === undefined || job.state === "sent") {
      this.cancel(job, "nobody wants its values");
      return;
    }
    this.#stops.finish(record, job);
  }

  /** The generator knows. */
  finishing(job: Job): void {
    this.#stops.finishing(job);
  }

  /** Whether anybody waits for a generator: where nobody does, it does not keep the program alive. */
  rest(job: Job, isResting: boolean): void {
    if (job.isResting === isResting || job.state === "settled") return;
    this.#ends.rest(job, isResting);
    if (isResting) this.#checkIdle();
    else {
      this.#stops.forgetPatience();
      this.#hold();
    }
  }

  /** Resolves when `count` workers are ready; starts what is missing. */
  async ready(count: number): Promise<void> {
    this.checkAccepting("get ready");
    const ready = this.#waiters.wait(count);
    this.#hold();
    this.#startUpTo(count);
    this.#waiters.check(this.#workers.ready);
    this.#checkIdle();
    await ready;
  }

  /**
   * As {@linkcode ready}, and has each worker get the functions ready for their
   * calls. Workers that replace these later get them with the first call.
   */
  async prewarm(count: number, works: readonly Work[]): Promise<void> {
    await this.ready(count);
    const loads: Promise<void>[] = [];
    for (const { state, worker } of this.#workers.live) {
      if (state !== "ready") continue;
      for (const work of works) loads.push(worker.load(work));
    }
    holdProgram();
    try {
      await Promise.all(loads);
    } catch (error) {
      // The clearer error, where somebody has ended it meanwhile.
      this.checkAccepting("prewarm an executor");
      throw error;
    } finally {
      releaseProgram();
    }
  }

  /** Resolves when it has been shut down or terminated and its workers are gone. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Finishes what was accepted, then stops the workers. Resolves when they are gone. */
  shutdown(cancelQueued: boolean): Promise<void> {
    if (this.#state === "running") this.#state = "draining";
    if (cancelQueued) {
      for (const record of this.#workers.live) {
        this.#distributor.recall(record);
      }
      for (const job of this.#drain()) {
        this.#ends.cancel(job, "the executor was shut down");
      }
    }
    // Closing the workers takes a moment in which somebody may await it.
    if (this.#state !== "closed") this.#hold();
    this.#checkIdle();
    this.#checkClosed();
    return this.#closed.promise;
  }

  /** Cancels everything and stops the workers now. Resolves when they are gone. */
  terminate(reason: unknown, signal?: Deno.Signal): Promise<void> {
    if (this.#state === "closed") return this.#closed.promise;
    if (this.#state !== "broken") this.#state = "terminated";
    this.#terminatedBy = reason;
    this.#hold();
    this.#tellEnd();
    this.#workers.hurry(signal);
    for (const job of this.#drain()) this.#ends.cancel(job, reason);
    for (const record of [...this.#workers.live]) {
      for (const job of record.jobs()) {
        // A thread that cannot be stopped must not begin with it later.
        record.worker.revoke(record.slotOf(job));
      }
      // Observers run user code, which may end jobs of this worker.
      for (const job of record.jobs()) this.#ends.cancel(job, reason);
      this.#workers.abandon(record, signal);
    }
    this.#waiters.reject(
      new CancelledError("Cannot get ready: the executor was terminated"),
    );
    this.#checkClosed();
    this.options.group?.settled();
    return this.#closed.promise;
  }

  /** Why nothing can be submitted any more; undefined where it can. */
  get endError(): unknown {
    if (this.#terminatedBy !== undefined && this.#state !== "broken") {
      return new CancelledError(
        "Cannot go on: the executor was terminated",
        { cause: this.#terminatedBy },
      );
    }
    try {
      this.checkAccepting();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Calls a function when it is terminated or closed; returns what takes that back. */
  onEnd(fn: () => void): () => void {
    this.#endListeners.add(fn);
    return () => this.#endListeners.delete(fn);
  }

  #tellEnd(): void {
    for (const fn of this.#endListeners) fn();
    this.#endListeners.clear();
  }

  /** What it has done so far. */
  stats(): SchedulerStats {
    const workers = this.#workers;
    const ends = this.#ends;
    const now = performance.now();
    return {
      workers: workers.live.size,
      idle: workers.idle,
      queued: this.#waiting,
      running: this.#running,
      completed: ends.completed,
      failed: ends.failed,
      cancelled: ends.cancelled,
      crashes: workers.crashes,
      restarts: workers.restarts,
      stuck: workers.stuck,
      runTime: this.#returns.runTime,
      waitTime: this.#distributor.waitTime,
      busyTime: workers.busyTime(now),
      upTime: workers.upTime(now),
      perWorker: Array.from(workers.live, (record) => record.stats(now)),
    };
  }

  /** Jobs that have begun. */
  get #running(): number {
    const { size, waiting, initializing } = this.#workers;
    return size - waiting - initializing;
  }

  /** Jobs that have not begun: here, and sent ahead. */
  get #waiting(): number {
    return this.#queue.size + this.#workers.waiting;
  }

  // -- Workers --

  /** Starts one worker; false where there may not be one more. */
  #start(): boolean {
    if (this.#state !== "running" && this.#state !== "draining") return false;
    try {
      return this.#startOne();
    } catch (error) {
      this.#break(error);
      return false;
    }
  }

  #startOne(): boolean {
    if (!this.#workers.start()) return false;
    if (this.options.isInterruptible) catchInterrupts(this);
    return true;
  }

  #startUpTo(count: number): void {
    while (this.#workers.live.size < count && this.#start());
  }

  /** Starts what is missing for those who wait for workers, and for `minWorkers`. */
  #replace(): void {
    if (this.#state === "running") this.#startUpTo(this.options.minWorkers);
    this.#startUpTo(this.#waiters.wanted);
  }

  #join(record: WorkerRecord): void {
    this.#workers.join(record);
    this.#distributor.markNext(record);
    this.#waiters.check(this.#workers.ready);
    this.#distributor.welcome();
  }

  /** A worker has ended. */
  #onGone(
    record: WorkerRecord,
    exit: HostExit,
    wasStarting: boolean,
    hopeless: { readonly error: unknown } | undefined,
  ): void {
    this.#returns.gone(record, exit, wasStarting);
    if (hopeless !== undefined) this.#break(hopeless.error);
    this.#distributor.pump();
    this.#replace();
    this.#checkClosed();
  }

  /** Puts a job back that has to be run (again). Somebody may have ended the scheduler meanwhile. */
  #requeue(job: Job): void {
    if (this.#state === "running" || this.#state === "draining") {
      job.state = "queued";
      this.#queue.unshift(job);
    } else if (this.#brokenBy !== undefined) {
      this.#ends.fail(job, this.#brokenError());
    } else this.#ends.cancel(job, this.#terminatedBy);
  }

  /** Takes out what waits. */
  #drain(): Job[] {
    this.#distributor.dropped();
    return this.#queue.drain();
  }

  // -- Ends --

  #break(error: unknown): void {
    if (this.#state !== "running" && this.#state !== "draining") return;
    this.#state = "broken";
    this.#brokenBy = error;
    for (const job of this.#drain()) {
      this.#ends.fail(job, this.#brokenError());
    }
    for (const record of [...this.#workers.live]) {
      for (const job of record.jobs()) {
        this.#ends.fail(job, this.#brokenError());
      }
      this.#workers.abandon(record);
    }
    this.#waiters.reject(this.#brokenError());
    this.#checkClosed();
    this.options.group?.settled();
  }

  #brokenError(): BrokenExecutorError {
    return brokenError(this.options.kind, this.#brokenBy);
  }

  /** Nothing to run: the program may end, and a draining scheduler closes. */
  #checkIdle(): void {
    const open = this.#queue.size + this.#workers.size;
    if (open > 0) {
      if (open === this.#ends.resting && this.#waiters.wanted === 0) {
        this.#release();
        if (this.#state === "draining") this.#stops.losePatience();
      }
      return;
    }
    this.#workers.unwatch();
    this.#distributor.rest();
    if (this.#state === "draining") {
      if (this.options.group?.isBusyBeside(this)) return;
      this.#state = "closing";
      for (const record of [...this.#workers.live]) this.#workers.stop(record);
      this.#waiters.reject(
        new InvalidStateError("Cannot get ready: the executor was shut down"),
      );
      this.#checkClosed();
      this.options.group?.settled();
    } else if (this.#state === "running" && this.#waiters.wanted === 0) {
      this.#release();
    }
  }

  #checkClosed(): void {
    if (!this.#workers.isEmpty) return;
    ignoreInterrupts(this);
    switch (this.#state) {
      case "closing":
      case "terminated":
        this.#state = "closed";
        break;
      case "broken":
        break;
      default:
        return;
    }
    this.#workers.close();
    this.#stops.forgetPatience();
    this.#release();
    this.#closed.resolve();
    this.#tellEnd();
  }

  #hold(): void {
    if (this.#isHolding || this.options.keepsAlive === false) return;
    this.#isHolding = true;
    holdProgram();
  }

  #release(): void {
    if (!this.#isHolding) return;
    this.#isHolding = false;
    releaseProgram();
  }
}
