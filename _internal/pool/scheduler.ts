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
// the pump does:          gives queued jobs to workers that have room; starts workers while
//                         there are more jobs than room; takes back jobs that wait behind
//                         others where a worker has nothing to do.
// each worker event does: settles a job or puts it back, then pumps.
//
// A worker has room for `concurrency` calls. Calls beyond that are sent ahead
// only where (a) no worker can be started, (b) the function is known to be
// short, (c) the worker is revocable: what was sent ahead can be taken back by
// a compare-and-swap, so a job is never bound to a worker that is busy while
// another is idle, never lost with a worker that dies before it begins, and
// never run after it was cancelled.
//
// state       meaning                                          leaves by
// running     takes jobs                                       shutdown() -> draining; terminate() -> terminated; broken
// draining    takes none; finishes what it accepted            the last job settles -> closing; terminate()
// closing     nothing left to run; workers are told to stop    the last worker is gone -> closed
// terminated  everything was cancelled; workers are stopped    the last worker is gone -> closed
// broken      workers cannot start, or the initializer failed  the last worker is gone -> closed
// closed      no workers                                       never

import { after } from "../base/deadline.ts";
import {
  type BrokenExecutorError,
  CancelledError,
  InvalidStateError,
  TaskTimeoutError,
} from "../base/errors.ts";
import { holdProgram, nextWorkerId, releaseProgram } from "../base/registry.ts";
import { AbortReason } from "../wire/messages.ts";
import type { HostExit } from "../worker/host.ts";
import { report } from "../worker/report.ts";
import { Job, type JobObserver, type JobOptions, type Work } from "./job.ts";
import { JobQueue } from "./job_queue.ts";
import type { PoolWorker, WorkerEvents } from "./pool_worker.ts";
import {
  brokenError,
  crashError,
  isHopeless,
  startError,
} from "./pool_errors.ts";
import type { SchedulerOptions, SchedulerStats } from "./scheduler_options.ts";
import { WorkerRecord } from "./worker_record.ts";

/** Run time that may wait at a worker behind the running call, in milliseconds. */
const AHEAD_TIME = 1;
/** Failed starts in a row after which a pool is broken. */
const MAX_START_FAILURES = 3;
/**
 * Workers that may end under a job before it begins. A module that ends the
 * worker while it is imported would otherwise wander through all of them.
 */
const MAX_LOSSES = 3;
/** Milliseconds after which a worker that was told to end is terminated. */
const STOP_GRACE = 1000;
/** The longest delay that a timer takes; a longer time is for ever. */
const MAX_IDLE_TIMEOUT = 2 ** 31 - 1;
/** Milliseconds between two looks whether workers with calls under way still live. */
const PROBE_INTERVAL = 200;

/** Distributes jobs over workers of one kind. */
export class Scheduler {
  readonly options: SchedulerOptions;
  readonly #queue = new JobQueue();
  readonly #workers = new Set<WorkerRecord>();
  /** Terminated threads that may run on. */
  readonly #abandoned = new Set<PoolWorker>();
  #state:
    | "running"
    | "draining"
    | "closing"
    | "terminated"
    | "broken"
    | "closed" = "running";
  #brokenBy: unknown;
  #startFailures = 0;
  #sequence = 0;
  #pumpState: "resting" | "pumping" | "again" = "resting";
  #held = false;
  #probeTimer: ReturnType<typeof setInterval> | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** The lowest priority so far: while all are the same, nobody is overtaken. */
  #lowestPriority = Infinity;
  /** Jobs that a worker holds. */
  #inFlight = 0;
  #completed = 0;
  #failed = 0;
  #cancelled = 0;
  #crashes = 0;
  #restarts = 0;
  readonly #closed = Promise.withResolvers<void>();
  readonly #waiters = new Set<
    { count: number; waiter: PromiseWithResolvers<void> }
  >();

  constructor(options: SchedulerOptions) {
    this.options = options;
  }

  /** True until `shutdown()` or `terminate()`, or until it breaks. */
  get accepting(): boolean {
    return this.#state === "running";
  }

  /** True where fewer jobs wait than `queueLimit`. */
  get hasRoom(): boolean {
    const { queueLimit } = this.options;
    return queueLimit === Infinity || this.#waiting() < queueLimit;
  }

  /** Why it is broken; undefined where it is not. */
  get brokenBy(): unknown {
    return this.#brokenBy;
  }

  /** The workers that live now. */
  get workers(): PoolWorker[] {
    return Array.from(this.#workers, ({ worker }) => worker);
  }

  /**
   * Throws where no job can be taken.
   *
   * @throws {InvalidStateError} If it was shut down or terminated.
   * @throws {BrokenExecutorError} If it is broken.
   */
  checkAccepting(): void {
    switch (this.#state) {
      case "running":
        return;
      case "broken":
        throw this.#brokenError();
      default:
        throw new InvalidStateError(
          `Cannot submit a task: the executor was ${
            this.#terminatedBy === undefined ? "shut down" : "terminated"
          }`,
        );
    }
  }

  /**
   * Takes a job.
   *
   * @throws {InvalidStateError} If it was shut down, or `queueLimit` jobs wait.
   * @throws {BrokenExecutorError} If it is broken.
   */
  submit(work: Work, options: JobOptions, observer: JobObserver): Job {
    this.checkAccepting();
    if (!this.hasRoom) {
      throw new InvalidStateError(
        `Cannot submit a task: ${this.#waiting()} tasks are waiting and 'queueLimit' is ${this.options.queueLimit}`,
      );
    }
    const job = new Job(work, options, observer);
    const { priority } = options;
    // Nothing less urgent that has not begun goes first, wherever it waits.
    if (priority > this.#lowestPriority) {
      for (const record of this.#workers) this.#recall(record, priority);
    } else this.#lowestPriority = priority;
    this.#queue.push(job);
    this.#hold();
    this.#pump();
    return job;
  }

  /** Takes a job that was cancelled before it came: it never runs. */
  refuse(
    work: Work,
    options: JobOptions,
    observer: JobObserver,
    reason: unknown,
  ): Job {
    this.checkAccepting();
    const job = new Job(work, options, observer);
    this.#settleCancelled(job, reason);
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
        this.#settleCancelled(job, reason);
        this.#checkIdle();
        return true;
      case "sent": {
        const record = this.#recordOf(job);
        if (record !== undefined && this.#takeBack(record, job)) {
          this.#settleCancelled(job, reason);
          return true;
        }
        this.#requestStop(job, AbortReason.cancelled, reason);
        return false;
      }
      case "running":
        this.#requestStop(job, AbortReason.cancelled, reason);
        return false;
      case "settled":
        return false;
    }
  }

  /** Resolves when `count` workers are ready; starts what is missing. */
  ready(count: number): Promise<void> {
    if (this.#state !== "running") {
      try {
        this.checkAccepting();
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const entry = { count, waiter: Promise.withResolvers<void>() };
    this.#waiters.add(entry);
    this.#hold();
    while (this.#workers.size < count && this.#start());
    this.#checkWaiters();
    return entry.waiter.promise;
  }

  /** Finishes what was accepted, then stops the workers. Resolves when they are gone. */
  shutdown(cancelQueued: boolean): Promise<void> {
    if (this.#state === "running") this.#state = "draining";
    if (cancelQueued) {
      for (const record of this.#workers) this.#recall(record, Infinity);
      for (const job of this.#queue.drain()) {
        this.#settleCancelled(job, "the executor was shut down");
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
    const leaving = [...this.#leaving];
    for (const job of this.#queue.drain()) this.#settleCancelled(job, reason);
    for (const record of [...this.#workers]) {
      for (const job of record.jobs()) {
        record.worker.revoke(record.slotOf(job));
        this.#settleCancelled(job, reason);
      }
      this.#abandon(record, signal);
    }
    // Those that were told before may not have listened.
    for (const record of leaving) record.worker.terminate(signal);
    this.#rejectWaiters(
      new CancelledError("Cannot get ready: the executor was terminated"),
    );
    this.#checkClosed();
    return this.#closed.promise;
  }
  #terminatedBy: unknown;

  /** What it has done so far. */
  stats(): SchedulerStats {
    let idle = 0;
    for (const record of this.#workers) {
      if (record.state === "ready" && record.load === 0) idle++;
    }
    for (const worker of this.#abandoned) {
      if (!worker.stuck) this.#abandoned.delete(worker);
    }
    const queued = this.#waiting();
    return {
      workers: this.#workers.size,
      idle,
      queued,
      running: this.#queue.size + this.#inFlight - queued,
      completed: this.#completed,
      failed: this.#failed,
      cancelled: this.#cancelled,
      crashes: this.#crashes,
      restarts: this.#restarts,
      stuck: this.#abandoned.size,
    };
  }

  /** Jobs that have not begun: here, and sent ahead. */
  #waiting(): number {
    let waiting = this.#queue.size;
    for (const record of this.#workers) waiting += record.waiting;
    return waiting;
  }

  // -- Distribution --

  #pump(): void {
    // Observers run user code, which may submit: one pump at a time, once more
    // where something happened meanwhile.
    if (this.#pumpState !== "resting") {
      this.#pumpState = "again";
      return;
    }
    try {
      do {
        this.#pumpState = "pumping";
        this.#distribute();
      } while (this.#pumpAsked());
    } finally {
      this.#pumpState = "resting";
    }
    this.#checkIdle();
  }

  #pumpAsked(): boolean {
    return this.#pumpState === "again";
  }

  #distribute(): void {
    for (;;) {
      const job = this.#queue.peek();
      if (job === undefined) {
        this.#steal();
        return;
      }
      const record = this.#pick(job);
      if (record === undefined) break;
      this.#queue.shift();
      this.#send(record, job);
    }
    this.#grow();
  }

  /** The worker that takes the job now: an idle one, or a busy one that may be sent work ahead. */
  #pick(job: Job): WorkerRecord | undefined {
    const { concurrency, maxWorkers } = this.options;
    let best: WorkerRecord | undefined;
    for (const record of this.#workers) {
      if (!record.hasRoom) continue;
      if (best === undefined || record.load < best.load) {
        best = record;
        if (record.load === 0) return record;
      }
    }
    if (best === undefined || best.load < concurrency) return best;
    // Everybody is busy. Sending ahead is for short functions on a full pool.
    if (!best.worker.revocable || this.#workers.size < maxWorkers) {
      return undefined;
    }
    const { work } = job;
    if (work.kind !== "remote" || job.attempts > 0) return undefined;
    const { calls, definition: { meanTime } } = work;
    if (meanTime === undefined) return undefined;
    const ahead = Math.floor(AHEAD_TIME / Math.max(meanTime * calls, 0.001));
    return best.load < concurrency + ahead ? best : undefined;
  }

  #send(record: WorkerRecord, job: Job): void {
    const runs = record.load < this.options.concurrency;
    try {
      record.send(job);
    } catch (error) {
      // Refused by the platform before anything was sent: the job's fault.
      this.#settle(job, () => job.observer.failed(error));
      this.#failed++;
      this.#pumpState = "again";
      return;
    }
    this.#inFlight++;
    job.state = "sent";
    if (runs) this.#markRunning(record, job);
    if (record.sent >= this.options.maxTasksPerWorker) {
      record.state = "retiring";
    }
    this.#watch();
  }

  #markRunning(record: WorkerRecord, job: Job): void {
    job.state = "running";
    const { timeout } = job.options;
    if (timeout !== undefined && record.state !== "gone") {
      job.disarm = after(timeout, () => {
        this.#requestStop(job, AbortReason.timeout, undefined);
      });
    }
    job.observer.started();
  }

  /** Starts workers while there are more waiting jobs than workers on their way. */
  #grow(): void {
    const { concurrency } = this.options;
    let coming = 0;
    for (const record of this.#workers) {
      if (record.state === "starting") coming += concurrency;
    }
    while (this.#queue.size > coming && this.#start()) coming += concurrency;
  }

  /** No job waits here and a worker is idle: it takes over what waits elsewhere. */
  #steal(): void {
    const { concurrency } = this.options;
    for (const thief of this.#workers) {
      if (thief.state !== "ready" || thief.load > 0 || !thief.hasRoom) continue;
      let victim: WorkerRecord | undefined;
      for (const record of this.#workers) {
        if (
          record.load > concurrency &&
          (victim === undefined || record.load > victim.load)
        ) victim = record;
      }
      const job = victim?.lastSent();
      if (
        victim === undefined || job === undefined || job.state !== "sent" ||
        !this.#takeBack(victim, job)
      ) return;
      this.#send(thief, job);
    }
  }

  /** Starts one worker; false where there may not be one more. */
  #start(): boolean {
    const { maxWorkers, name } = this.options;
    if (this.#workers.size >= maxWorkers) return false;
    switch (this.#state) {
      case "running":
      case "draining":
        break;
      default:
        return false;
    }
    const id = nextWorkerId();
    const label = maxWorkers === 1 ? name : `${name}_${this.#sequence++}`;
    let record: WorkerRecord | undefined;
    const events: WorkerEvents = {
      ready: () => this.#onReady(record!),
      done: (slot, value, time) => this.#onDone(record!, slot, value, time),
      failed: (slot, error, time) => this.#onFailed(record!, slot, error, time),
      skipped: (slot) => this.#onSkipped(record!, slot),
      progress: (slot, done, total) =>
        record!.job(slot)?.observer.progressed(done, total),
      fault: (error) => this.#onFault(record!, error),
      exited: (exit) => this.#onExited(record!, exit),
    };
    try {
      const worker = this.options.startWorker({ id, name: label }, events);
      record = new WorkerRecord(worker, this.options);
      this.#workers.add(record);
      return true;
    } catch (error) {
      // A missing permission, an option that the platform does not have.
      this.#break(error);
      return false;
    }
  }

  // -- Worker events --

  #onReady(record: WorkerRecord): void {
    if (record.state !== "starting") return;
    const { initializer } = this.options;
    if (initializer === undefined) {
      this.#join(record);
      return;
    }
    const job = new Job(initializer(), {
      name: "initializer",
      priority: 0,
      timeout: undefined,
      retries: 0,
    }, {
      started() {},
      progressed() {},
      succeeded: () => this.#join(record),
      failed: (error) => this.#break(error),
      cancelled: () => {},
    });
    try {
      record.send(job);
    } catch (error) {
      this.#break(error);
      return;
    }
    job.state = "running";
    this.#inFlight++;
  }

  #join(record: WorkerRecord): void {
    this.#startFailures = 0;
    record.ready();
    this.#armIdleTimer();
    this.#checkWaiters();
    this.#pump();
  }

  #onDone(
    record: WorkerRecord,
    slot: number,
    value: unknown,
    time: number,
  ): void {
    const job = this.#answered(record, slot, time);
    if (job !== undefined && job.state !== "settled") {
      if (job.stopReason === AbortReason.timeout) this.#settleStopped(job);
      else {
        // The initializer is no task.
        if (record.state !== "starting") this.#completed++;
        this.#settle(job, () => job.observer.succeeded(value));
      }
    }
    this.#pump();
  }

  #onFailed(
    record: WorkerRecord,
    slot: number,
    error: unknown,
    time: number,
  ): void {
    const job = this.#answered(record, slot, time);
    if (job !== undefined && job.state !== "settled") {
      if (job.stopReason !== undefined) this.#settleStopped(job, error);
      else this.#failOrRetry(job, error);
    }
    this.#pump();
  }

  #onSkipped(record: WorkerRecord, slot: number): void {
    // The job itself was settled, or given to somebody else, when it was revoked.
    record.release(slot);
    this.#afterRelease(record);
    this.#pump();
  }

  #onFault(record: WorkerRecord, error: unknown): void {
    if (record.state === "gone") return;
    if (record.load === 0) {
      report(`Uncaught (in idle worker "${record.worker.name}")`, error);
    }
    record.fault = error;
    this.#onGone(record, { error });
    record.worker.terminate();
  }

  #onExited(record: WorkerRecord | undefined, exit: HostExit): void {
    if (record === undefined) return;
    record.exited = true;
    record.disarm?.();
    if (record.worker.stuck) this.#abandoned.add(record.worker);
    this.#onGone(record, exit);
    this.#leaving.delete(record);
    this.#checkClosed();
  }

  /** The worker runs nothing any more, or cannot be trusted to. */
  #onGone(record: WorkerRecord, exit: HostExit): void {
    if (record.state === "gone") return;
    const wasStarting = record.state === "starting";
    const expected = record.state === "stopping";
    record.state = "gone";
    this.#workers.delete(record);
    if (!record.exited) this.#leaving.add(record);
    if (wasStarting) this.#startFailures++;
    else if (!expected) {
      this.#crashes++;
      this.#restarts++;
    }
    // From the last to the first: those that are put back keep their order.
    for (const job of record.jobs().reverse()) {
      const slot = record.slotOf(job);
      // Where the claims are shared they tell for sure; a process is never
      // sent more than it runs.
      const begun = !record.worker.revoke(slot);
      record.release(slot);
      this.#inFlight--;
      job.disarm?.();
      job.disarm = undefined;
      if (job.state === "settled") continue;
      if (job.stopReason !== undefined) {
        this.#settleStopped(job);
      } else if (
        // Only where its turn had come can it be the reason.
        !begun && !wasStarting &&
        (job.state === "sent" || ++job.losses < MAX_LOSSES)
      ) {
        this.#requeue(job);
      } else {
        const { name } = job.options;
        this.#failOrRetry(
          job,
          crashError(record.worker.name, name, exit, record.fault),
        );
      }
    }
    if (wasStarting) this.#onStartFailure(record, exit);
    this.#pump();
    this.#keepMinimum();
    for (const { count } of this.#waiters) {
      while (this.#workers.size < count && this.#start());
    }
    this.#checkClosed();
  }

  #onStartFailure(record: WorkerRecord, exit: HostExit): void {
    const error = startError(record.worker.name, exit);
    if (isHopeless(error) || this.#startFailures >= MAX_START_FAILURES) {
      this.#break(error);
    }
  }

  // -- Ends of jobs --

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
      return undefined;
    }
    this.#inFlight--;
    if (job.work.kind === "remote") {
      const { definition, calls } = job.work;
      const mean = time / Math.max(calls, 1);
      definition.meanTime = definition.meanTime === undefined
        ? mean
        : definition.meanTime * 0.8 + mean * 0.2;
    }
    job.disarm?.();
    job.disarm = undefined;
    record.release(slot);
    this.#afterRelease(record);
    return job;
  }

  #afterRelease(record: WorkerRecord): void {
    const next = record.nextToRun();
    if (next !== undefined) this.#markRunning(record, next);
    if (record.state === "condemned") {
      // What it was condemned for never answers: it is not waited for.
      if (!record.runsAny) this.#abandon(record);
      return;
    }
    if (record.load > 0) return;
    if (record.state === "retiring") {
      this.#restarts++;
      this.#stop(record);
    } else {
      record.idleSince = performance.now();
      this.#armIdleTimer();
    }
  }

  #failOrRetry(job: Job, error: unknown): void {
    job.attempts++;
    if (
      job.attempts <= job.options.retries && job.stopReason === undefined &&
      (this.#state === "running" || this.#state === "draining")
    ) {
      this.#requeue(job);
      return;
    }
    this.#failed++;
    this.#settle(job, () => job.observer.failed(error));
  }

  #requeue(job: Job): void {
    job.state = "queued";
    this.#queue.unshift(job);
  }

  /** Revokes a job that was sent ahead; false where it has begun. */
  #takeBack(record: WorkerRecord, job: Job): boolean {
    if (!record.revoke(job)) return false;
    this.#inFlight--;
    return true;
  }

  /** Takes back what waits at a worker with a lower priority than this one. */
  #recall(record: WorkerRecord, priority: number): void {
    // From the last to the first, so that they keep their order.
    for (const job of record.jobs().reverse()) {
      if (
        job.state === "sent" && job.options.priority < priority &&
        this.#takeBack(record, job)
      ) this.#requeue(job);
    }
  }

  #requestStop(job: Job, reason: AbortReason, cause: unknown): void {
    if (job.stopReason !== undefined || job.state === "settled") return;
    const record = this.#recordOf(job);
    if (record === undefined) return;
    job.disarm?.();
    job.stopReason = reason;
    job.stopCause = cause;
    record.worker.abort(record.slotOf(job), reason);
    job.disarm = after(
      this.options.cancelGrace,
      () => this.#graceOver(record, job),
    );
  }

  /** A call that was asked to stop has not: its future settles now, its worker goes. */
  #graceOver(record: WorkerRecord, job: Job): void {
    if (job.state === "settled" || record.state === "gone") return;
    this.#settleStopped(job);
    if (record.worker.kind === "inline") {
      // There is nothing to stop and nothing to replace: the call is left to
      // itself, its place is free.
      this.#inFlight--;
      record.release(record.slotOf(job));
      this.#afterRelease(record);
      this.#pump();
      return;
    }
    // What waits behind it is taken back; what runs beside it may finish.
    this.#recall(record, Infinity);
    if (record.state !== "condemned") this.#restarts++;
    if (record.runsAny) record.state = "condemned";
    else this.#abandon(record);
    this.#pump();
  }

  #settleStopped(job: Job, error?: unknown): void {
    if (job.stopReason === AbortReason.timeout) {
      this.#failed++;
      const { name, timeout } = job.options;
      this.#settle(job, () =>
        job.observer.failed(
          new TaskTimeoutError(
            `Cannot finish task '${name}': its timeout of ${timeout} ms has passed`,
          ),
        ));
    } else {
      this.#settleCancelled(job, job.stopCause ?? error);
    }
  }

  #settleCancelled(job: Job, reason: unknown): void {
    if (job.state === "settled") return;
    this.#cancelled++;
    this.#settle(job, () => job.observer.cancelled(reason));
  }

  #settle(job: Job, tell: () => void): void {
    job.state = "settled";
    job.disarm?.();
    job.disarm = undefined;
    job.detach?.();
    job.detach = undefined;
    tell();
  }

  // -- Ends of workers --

  /** Tells an idle worker to end. It does not count any more. */
  #stop(record: WorkerRecord): void {
    record.state = "stopping";
    this.#workers.delete(record);
    this.#leaving.add(record);
    // A worker whose event loop does not turn (something that a task left
    // behind) cannot hear it: it is not waited for.
    record.disarm = after(STOP_GRACE, () => record.worker.terminate());
    record.worker.stop(this.options.exitCode?.() ?? 0);
  }
  /** Workers that are on their way out. */
  readonly #leaving = new Set<WorkerRecord>();

  /** Gives a worker up, whatever it does. */
  #abandon(record: WorkerRecord, signal?: Deno.Signal): void {
    if (record.state === "gone") return;
    for (const job of record.jobs()) {
      record.release(record.slotOf(job));
      this.#inFlight--;
    }
    record.state = "gone";
    this.#workers.delete(record);
    this.#leaving.add(record);
    record.worker.terminate(signal);
    this.#keepMinimum();
  }

  #break(error: unknown): void {
    if (this.#state !== "running" && this.#state !== "draining") return;
    this.#state = "broken";
    this.#brokenBy = error;
    for (const job of this.#queue.drain()) {
      this.#failed++;
      this.#settle(job, () => job.observer.failed(this.#brokenError()));
    }
    for (const record of [...this.#workers]) {
      for (const job of record.jobs()) {
        if (job.state === "settled") continue;
        this.#failed++;
        this.#settle(job, () => job.observer.failed(this.#brokenError()));
      }
      this.#abandon(record);
    }
    this.#rejectWaiters(this.#brokenError());
    this.#checkClosed();
  }

  #brokenError(): BrokenExecutorError {
    return brokenError(this.options.kind, this.#brokenBy);
  }

  #keepMinimum(): void {
    if (this.#state !== "running") return;
    while (
      this.#workers.size < this.options.minWorkers && this.#start()
    );
  }

  #armIdleTimer(): void {
    const { idleTimeout } = this.options;
    if (idleTimeout > MAX_IDLE_TIMEOUT || this.#idleTimer !== undefined) return;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      const now = performance.now();
      let left = false;
      for (const record of [...this.#workers]) {
        if (record.state !== "ready" || record.load > 0) continue;
        if (this.#workers.size <= this.options.minWorkers) break;
        // Timers may fire a little early.
        if (now - record.idleSince >= idleTimeout - 2) this.#stop(record);
        else left = true;
      }
      if (left) this.#armIdleTimer();
    }, idleTimeout);
    Deno.unrefTimer(this.#idleTimer);
  }

  // -- Ends of the scheduler --

  /** Nothing to run: the program may end, and a draining scheduler closes. */
  #checkIdle(): void {
    if (this.#queue.size > 0 || this.#inFlight > 0) return;
    this.#unwatch();
    if (this.#state === "draining") {
      this.#state = "closing";
      for (const record of [...this.#workers]) this.#stop(record);
      this.#rejectWaiters(
        new InvalidStateError("Cannot get ready: the executor was shut down"),
      );
      this.#checkClosed();
    } else if (this.#state === "running" && this.#waiters.size === 0) {
      this.#release();
    }
  }

  #checkClosed(): void {
    if (this.#workers.size > 0 || this.#leaving.size > 0) return;
    if (
      this.#state !== "closing" && this.#state !== "terminated" &&
      this.#state !== "broken"
    ) return;
    if (this.#idleTimer !== undefined) clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
    this.#unwatch();
    if (this.#state !== "broken") this.#state = "closed";
    this.#release();
    this.#closed.resolve();
  }

  #checkWaiters(): void {
    if (this.#waiters.size === 0) return;
    let ready = 0;
    for (const record of this.#workers) {
      if (record.state !== "starting") ready++;
    }
    for (const entry of this.#waiters) {
      if (ready < entry.count) continue;
      this.#waiters.delete(entry);
      entry.waiter.resolve();
    }
    this.#checkIdle();
  }

  #rejectWaiters(error: unknown): void {
    for (const { waiter } of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
  }

  /** Looks after workers with calls under way, for deaths that announce themselves by nothing. */
  #watch(): void {
    if (this.#probeTimer !== undefined) return;
    this.#probeTimer = setInterval(() => {
      for (const record of this.#workers) {
        if (record.load > 0) record.worker.probe();
      }
    }, PROBE_INTERVAL);
    Deno.unrefTimer(this.#probeTimer);
  }

  #unwatch(): void {
    if (this.#probeTimer !== undefined) clearInterval(this.#probeTimer);
    this.#probeTimer = undefined;
  }

  #hold(): void {
    if (this.#held || this.options.keepsAlive === false) return;
    this.#held = true;
    holdProgram();
  }

  #release(): void {
    if (!this.#held) return;
    this.#held = false;
    releaseProgram();
  }

  #recordOf(job: Job): WorkerRecord | undefined {
    for (const record of this.#workers) {
      if (record.has(job)) return record;
    }
    return undefined;
  }
}
