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
// A call that waits for tasks which it has submitted itself lends its place to
// such tasks, so that they run on a full pool too: at any depth, and the
// deepest first, so that no more calls wait than have to. (What was sent ahead
// before may use the place too: there is little of it.) A worker that retires
// and whose calls all wait is replaced before it has ended, since they wait for
// what only its successor can run. A generator that waits for its consumer lends
// its place to every task.
//
// A worker has room for `concurrency` calls. Calls beyond that are sent ahead
// only where (a) no worker can be started, (b) the function has been measured:
// one call, so that there is no gap between two, and more of them where they
// are short, (c) the worker is revocable: what was sent ahead can be taken back
// by a compare-and-swap, so a job is never bound to a worker that is busy while
// another is idle, never lost with a worker that dies before it begins, and
// never run after it was cancelled. Where one has waited for long behind a call,
// nothing younger is sent ahead to anybody: the next worker that is done with
// its calls takes it over. So few can overtake it.
//
// state       meaning                                          leaves by
// running     takes jobs                                       shutdown() -> draining; terminate() -> terminated; broken
// draining    takes none; finishes what it accepted            the last job settles -> closing; terminate()
// closing     nothing left to run; workers are told to stop    the last worker is gone -> closed
// terminated  everything was cancelled; workers are stopped    the last worker is gone -> closed
// broken      workers cannot start, or the initializer failed  the last worker is gone -> closed
// closed      no workers                                       never

import { after, afterUnheld } from "../base/deadline.ts";
import {
  type BrokenExecutorError,
  CancelledError,
  InvalidStateError,
  TaskTimeoutError,
} from "../base/errors.ts";
import { holdProgram, releaseProgram } from "../base/registry.ts";
import { AbortReason, Lent } from "../wire/messages.ts";
import type { Outcomes } from "../wire/outcomes.ts";
import type { HostExit } from "../worker/host.ts";
import { noteTime } from "./definitions.ts";
import { noteOrigin, noteOrigins } from "./error_origin.ts";
import { Histogram } from "./histogram.ts";
import { enterCurrentContext } from "./inline_worker.ts";
import { catchInterrupts, ignoreInterrupts } from "./interrupts.ts";
import { Job, type JobObserver, type JobOptions, type Work } from "./job.ts";
import { JobEnds } from "./job_ends.ts";
import { JobQueue } from "./job_queue.ts";
import { brokenError, crashError } from "./pool_errors.ts";
import { ReadyWaiters } from "./ready_waiters.ts";
import type { SchedulerOptions, SchedulerStats } from "./scheduler_options.ts";
import type { TaskScheduler } from "./task_scheduler.ts";
import type { WorkerRecord } from "./worker_record.ts";
import { WorkerSet } from "./worker_set.ts";

/** Run time that may wait at a worker behind the running call, in milliseconds. */
const AHEAD_TIME = 1;
/** Milliseconds for which a job may wait behind a call before younger ones stay in the queue. */
const AHEAD_PATIENCE = 20;
/**
 * Workers that may end under a job before it begins. A module that ends the
 * worker while it is imported would otherwise wander through all of them.
 */
const MAX_LOSSES = 3;

/** Milliseconds for which a scheduler that is to end waits for generators that nobody reads. */
const STREAM_PATIENCE = 5000;

/** Distributes jobs over workers of one kind. */
export class Scheduler implements TaskScheduler {
  readonly options: SchedulerOptions;
  readonly #queue = new JobQueue();
  readonly #ends = new JobEnds();
  readonly #waiters = new ReadyWaiters();
  readonly #workers: WorkerSet;
  #state:
    | "running"
    | "draining"
    | "closing"
    | "terminated"
    | "broken"
    | "closed" = "running";
  #brokenBy: unknown;
  #terminatedBy: unknown;
  #pumpState: "resting" | "pumping" | "again" = "resting";
  readonly #runTime = new Histogram();
  readonly #waitTime = new Histogram();
  /** The lowest priority so far: while all are the same, nobody is overtaken. */
  #lowestPriority = Infinity;
  /** What keeps it from losing patience with generators that nobody reads. */
  #impatience: (() => void) | undefined;
  /** Whether this scheduler is one of those who keep the program alive. */
  #isHolding = false;
  readonly #closed = Promise.withResolvers<void>();
  readonly #endListeners = new Set<() => void>();

  constructor(options: SchedulerOptions) {
    this.options = options;
    this.#workers = new WorkerSet(options, {
      ready: (record) => this.#onReady(record),
      done: (record, slot, value, time) =>
        this.#onDone(record, slot, value, time),
      failed: (record, slot, error, time) =>
        this.#onFailed(record, slot, error, time),
      skipped: (record, slot) => this.#onSkipped(record, slot),
      lends: (record, slot, to) => this.#onLends(record, slot, to),
      gone: (record, exit, wasStarting, hopeless) =>
        this.#onGone(record, exit, wasStarting, hopeless),
      left: () => this.#checkClosed(),
    });
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
    const { priority } = options;
    // Nothing less urgent that has not begun goes first, wherever it waits.
    if (priority > this.#lowestPriority) {
      for (const record of this.#workers.live) this.#recall(record, priority);
    } else this.#lowestPriority = priority;
    this.#queue.push(job);
    this.#hold();
    this.#pump();
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
        this.#ends.cancel(job, reason);
        this.#checkIdle();
        return true;
      case "sent": {
        const record = this.#recordOf(job);
        if (record !== undefined && record.revoke(job)) {
          this.#ends.cancel(job, reason);
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

  /** A generator's consumer has taken values. */
  credit(job: Job, items: number): void {
    const record = this.#recordOf(job);
    record?.worker.credit(record.slotOf(job), items);
  }

  /**
   * Nobody wants more values of a generator: its `finally` runs, for as long as
   * it takes. Where its event loop does not turn it is stopped as by a cancel.
   */
  finish(job: Job): void {
    if (job.state === "settled") return;
    const record = this.#recordOf(job);
    if (record === undefined || job.state === "sent") {
      this.cancel(job, "nobody wants its values");
      return;
    }
    record.worker.finish(record.slotOf(job));
    job.disarm?.();
    job.disarm = afterUnheld(
      this.options.cancelGrace,
      () =>
        this.#unlessAnswered(record, job, () => {
          if (!job.isFinishing) this.cancel(job, "nobody wants its values");
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

  /** Whether anybody waits for a generator: where nobody does, it does not keep the program alive. */
  rest(job: Job, isResting: boolean): void {
    if (job.isResting === isResting || job.state === "settled") return;
    job.isResting = isResting;
    if (isResting) {
      this.#ends.resting++;
      this.#checkIdle();
    } else {
      this.#ends.resting--;
      this.#forgetPatience();
      this.#hold();
    }
  }

  /** Only generators that nobody reads are left, and the end waits for them: not for ever. */
  #losePatience(): void {
    this.#impatience ??= after(STREAM_PATIENCE, () => {
      this.#impatience = undefined;
      const error = new InvalidStateError(
        `Cannot go on with a stream: its executor was shut down, and nobody has read it for ${STREAM_PATIENCE} ms`,
      );
      for (const record of this.#workers.live) {
        for (const job of record.jobs()) {
          if (!job.isResting) continue;
          if (job.observer.expired === undefined) this.cancel(job, error);
          else job.observer.expired(error);
        }
      }
    });
  }

  #forgetPatience(): void {
    this.#impatience?.();
    this.#impatience = undefined;
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

  /** Finishes what was accepted, then stops the workers. Resolves when they are gone. */
  shutdown(cancelQueued: boolean): Promise<void> {
    if (this.#state === "running") this.#state = "draining";
    if (cancelQueued) {
      for (const record of this.#workers.live) this.#recall(record);
      for (const job of this.#queue.drain()) {
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
    for (const job of this.#queue.drain()) this.#ends.cancel(job, reason);
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
      runTime: this.#runTime,
      waitTime: this.#waitTime,
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
      } while (this.#isPumpAsked());
    } finally {
      this.#pumpState = "resting";
    }
    this.#checkIdle();
  }

  #isPumpAsked(): boolean {
    return this.#pumpState === "again";
  }

  #distribute(): void {
    for (;;) {
      let job = this.#queue.peek();
      if (job === undefined) {
        this.#steal();
        return;
      }
      let record = this.#pick(job);
      if (record === undefined) {
        this.#grow();
        if (this.options.sendsEarly !== undefined) record = this.#pick(job);
      }
      if (record === undefined) {
        // Behind it there may be one that can use a lent place.
        const nested = this.#queue.peekNested();
        if (nested === undefined || nested === job) return;
        job = nested;
        record = this.#pick(job);
        if (record === undefined) return;
      }
      if (this.#overtakes(record, job)) continue;
      this.#queue.take(job);
      this.#send(record, job);
    }
  }

  /**
   * A worker could run the next job now, but an older one waits elsewhere
   * behind a call: that one goes first.
   */
  #overtakes(thief: WorkerRecord, next: Job): boolean {
    const { concurrency } = this.options;
    if (thief.loadFor(next) >= concurrency) return false;
    let oldest: Job | undefined;
    let victim: WorkerRecord | undefined;
    for (const record of this.#workers.live) {
      if (record.load <= concurrency) continue;
      const job = record.firstWaiting();
      if (
        job !== undefined && job.queuedAt < (oldest ?? next).queuedAt &&
        job.options.priority >= next.options.priority
      ) {
        oldest = job;
        victim = record;
      }
    }
    if (
      oldest === undefined || thief.loadFor(oldest) >= concurrency ||
      !victim!.revoke(oldest)
    ) return false;
    this.#send(thief, oldest);
    return true;
  }

  /** The worker that takes the job now: an idle one, or a busy one that may be sent work ahead. */
  #pick(job: Job): WorkerRecord | undefined {
    const { concurrency, maxWorkers, sendsEarly } = this.options;
    const mayWait = sendsEarly === "all" || job.canBeSentAgain;
    let best: WorkerRecord | undefined;
    let bestLoad = 0;
    for (const record of this.#workers.live) {
      if (!record.hasRoom) continue;
      const isUp = record.state !== "starting";
      if (!isUp && !mayWait) continue;
      const load = record.loadFor(job);
      if (
        best === undefined || load < bestLoad ||
        // One that is up is better; of those, one that holds no call which waits:
        // that call may go on at any moment, and ends with its worker.
        (isUp && load === bestLoad &&
          (best.state === "starting" || record.size < best.size))
      ) {
        best = record;
        bestLoad = load;
        if (isUp && record.size === 0) return record;
      }
    }
    if (best === undefined || bestLoad < concurrency) return best;
    // Everybody is busy. Sending ahead is for short functions on a full pool.
    if (!best.worker.revocable || this.#workers.live.size < maxWorkers) {
      return undefined;
    }
    const { work } = job;
    // What cannot be sent twice must not be taken back either.
    if (
      work.kind !== "remote" || job.attempts > 0 || !job.canBeSentAgain ||
      !job.options.maySendAhead
    ) return undefined;
    const { calls, definition: { meanTime } } = work;
    if (meanTime === undefined) return undefined;
    // At least one, so that the worker has no gap between two calls.
    const ahead = Math.max(
      1,
      Math.floor(AHEAD_TIME / Math.max(meanTime * calls, 0.001)),
    );
    if (bestLoad >= concurrency + ahead || this.#holdsUp(job)) return undefined;
    return best;
  }

  /** An older job has waited for long behind a call: it has to be somebody's next. */
  #holdsUp(next: Job): boolean {
    const { concurrency } = this.options;
    const latest = performance.now() - AHEAD_PATIENCE;
    for (const record of this.#workers.live) {
      if (record.load <= concurrency) continue;
      const job = record.firstWaiting();
      if (
        job !== undefined && job.sentAt < latest &&
        job.queuedAt < next.queuedAt &&
        job.options.priority >= next.options.priority
      ) return true;
    }
    return false;
  }

  #send(record: WorkerRecord, job: Job): void {
    // One that is still starting runs nothing yet: the job can be taken back.
    const runs = record.load < this.options.concurrency &&
      record.state !== "starting";
    try {
      record.send(job);
    } catch (error) {
      // Refused by the platform before anything was sent: the job's fault.
      this.#ends.fail(job, error);
      this.#pumpState = "again";
      return;
    }
    job.state = "sent";
    if (runs) this.#markRunning(record, job);
    else job.sentAt = performance.now();
    if (record.sent >= this.options.maxTasksPerWorker) {
      record.state = "retiring";
    }
    this.#workers.watch();
  }

  #markRunning(record: WorkerRecord, job: Job): void {
    job.state = "running";
    this.#waitTime.add(performance.now() - job.queuedAt, job.calls);
    const { timeout } = job.options;
    if (timeout !== undefined && record.state !== "gone") {
      job.disarm = afterUnheld(
        timeout,
        () =>
          this.#unlessAnswered(record, job, () => {
            this.#requestStop(job, AbortReason.timeout, undefined);
          }),
      );
    }
    job.observer.started();
  }

  /** Whose turn it is counts as running. */
  #markNext(record: WorkerRecord): void {
    let next = record.nextToRun();
    while (next !== undefined) {
      this.#markRunning(record, next);
      next = record.nextToRun();
    }
  }

  /** Starts workers while there are more waiting jobs than workers on their way. */
  #grow(): void {
    const { concurrency } = this.options;
    let coming = 0;
    for (const record of this.#workers.live) {
      if (record.state === "starting") coming += concurrency;
    }
    while (this.#queue.size > coming && this.#start()) coming += concurrency;
  }

  /** No job waits here and a worker is idle: it takes over what waits elsewhere. */
  #steal(): void {
    const { concurrency } = this.options;
    for (const thief of this.#workers.live) {
      if (thief.state !== "ready" || thief.size > 0 || !thief.hasRoom) continue;
      let victim: WorkerRecord | undefined;
      for (const record of this.#workers.live) {
        const waits = record.load > concurrency ||
          (record.state === "starting" && record.load > 0);
        if (waits && (victim === undefined || record.load > victim.load)) {
          victim = record;
        }
      }
      const job = victim?.lastSent();
      if (
        victim === undefined || job === undefined || job.state !== "sent" ||
        !victim.revoke(job)
      ) return;
      this.#send(thief, job);
    }
  }

  /** Starts one worker; false where there may not be one more. */
  #start(): boolean {
    if (this.#state !== "running" && this.#state !== "draining") return false;
    try {
      if (!this.#workers.start()) return false;
      if (this.options.isInterruptible) catchInterrupts(this);
      return true;
    } catch (error) {
      this.#break(error);
      return false;
    }
  }

  #startUpTo(count: number): void {
    while (this.#workers.live.size < count && this.#start());
  }

  // -- Worker events --

  #onReady(record: WorkerRecord): void {
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
      maySendAhead: false,
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
    const { initializerTimeout: timeout } = this.options;
    if (timeout === undefined) return;
    job.disarm = afterUnheld(timeout, () =>
      this.#break(
        new TaskTimeoutError(
          `Cannot start worker '${record.worker.name}': its initializer has not ended within ${timeout} ms`,
        ),
      ));
  }

  #join(record: WorkerRecord): void {
    this.#workers.join(record);
    this.#markNext(record);
    this.#waiters.check(this.#workers.ready);
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
      noteOrigin(error, job.options.name, record.worker);
      if (job.stopReason !== undefined) this.#ends.stop(job, error);
      // The initializer is no task: it is not counted.
      else if (record.state === "starting") this.#break(error);
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

  #onLends(record: WorkerRecord, slot: number, to: Lent): void {
    record.lend(slot, to);
    if (to === Lent.no) return;
    this.#markNext(record);
    this.#pump();
  }

  /** A worker has ended: its jobs are put back or fail. */
  #onGone(
    record: WorkerRecord,
    exit: HostExit,
    wasStarting: boolean,
    hopeless: { readonly error: unknown } | undefined,
  ): void {
    // From the last to the first: those that are put back keep their order.
    for (const job of record.jobs().reverse()) {
      const slot = record.slotOf(job);
      // Where the claims are shared they tell for sure; a process is never
      // sent more than it runs.
      const begun = !record.worker.revoke(slot);
      record.release(slot);
      job.disarm?.();
      job.disarm = undefined;
      // Of one that came up it is the initializer, unless calls are sent early:
      // the start has failed.
      if (job.state === "settled") continue;
      if (wasStarting && this.options.sendsEarly === undefined) continue;
      if (job.stopReason !== undefined) {
        this.#ends.stop(job);
      } else if (
        // Only where its turn had come can it be the reason.
        !begun && job.canBeSentAgain &&
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
    if (hopeless !== undefined) this.#break(hopeless.error);
    this.#pump();
    this.#replace();
    this.#checkClosed();
  }

  /** Starts what is missing for those who wait for workers, and for `minWorkers`. */
  #replace(): void {
    if (this.#state === "running") this.#startUpTo(this.options.minWorkers);
    this.#startUpTo(this.#waiters.wanted);
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
      this.#afterRelease(record);
      return undefined;
    }
    if (job.work.kind === "remote") {
      noteTime(job.work.definition, time / job.calls);
    }
    // The initializer is no task.
    if (record.state !== "starting") {
      this.#runTime.add(time / job.calls, job.calls);
    }
    job.disarm?.();
    job.disarm = undefined;
    record.release(slot);
    this.#afterRelease(record);
    return job;
  }

  #afterRelease(record: WorkerRecord): void {
    this.#markNext(record);
    if (record.state === "condemned") {
      // What it was condemned for never answers: it is not waited for.
      if (!record.runsAny) this.#abandon(record);
    } else if (record.size === 0) {
      if (record.state === "retiring") {
        this.#workers.restarts++;
        this.#workers.stop(record);
      } else this.#workers.rest(record);
    }
  }

  #failOrRetry(job: Job, error: unknown): void {
    job.attempts++;
    if (
      job.attempts <= job.options.retries && job.stopReason === undefined &&
      job.canBeSentAgain
    ) this.#requeue(job);
    else this.#ends.fail(job, error);
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

  /** Takes back what waits at a worker: everything, or what has a lower priority than this one. */
  #recall(record: WorkerRecord, priority?: number): void {
    // From the last to the first, so that they keep their order.
    for (const job of record.jobs().reverse()) {
      if (
        job.state === "sent" &&
        (priority === undefined || job.options.priority < priority) &&
        record.revoke(job)
      ) this.#requeue(job);
    }
  }

  #requestStop(job: Job, reason: AbortReason, cause: unknown): void {
    if (job.stopReason !== undefined || job.state === "settled") return;
    job.disarm?.();
    job.disarm = undefined;
    job.stopReason = reason;
    job.stopCause = cause;
    const record = this.#recordOf(job);
    // Its worker has just ended: it is not run once more.
    if (record === undefined) return;
    record.worker.abort(record.slotOf(job), reason, cause);
    job.disarm = afterUnheld(
      this.options.cancelGrace,
      () =>
        this.#unlessAnswered(record, job, () => this.#graceOver(record, job)),
    );
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
    else job.disarm = afterUnheld(0, look);
  }

  /** A call that was asked to stop has not: its future settles now, its worker goes. */
  #graceOver(record: WorkerRecord, job: Job): void {
    if (job.state === "settled" || record.state === "gone") return;
    this.#ends.stop(job);
    // Its worker waits for what runs beside it, which may be its own.
    record.worker.giveUp(record.slotOf(job));
    if (record.worker.kind === "inline") {
      // There is nothing to stop and nothing to replace: the call is left to
      // itself, its place is free.
      record.release(record.slotOf(job));
      this.#afterRelease(record);
      this.#pump();
      return;
    }
    // What waits behind it is taken back; what runs beside it may finish, and
    // so may what cannot be taken back, since it has begun meanwhile.
    this.#recall(record);
    for (const other of record.jobs()) {
      if (other.state === "sent") this.#markRunning(record, other);
    }
    if (!record.runsAny) {
      if (record.state !== "condemned") this.#workers.restarts++;
      this.#abandon(record);
    } else if (record.state !== "condemned") this.#workers.condemn(record);
    this.#pump();
  }

  // -- Ends of workers and of the scheduler --

  /** Gives up a worker that runs nothing that anybody waits for. */
  #abandon(record: WorkerRecord): void {
    for (const job of record.jobs()) {
      if (job.state !== "settled") {
        throw new InvalidStateError(
          `Cannot give up worker '${record.worker.name}': a task there is ${job.state}`,
        );
      }
    }
    this.#workers.abandon(record);
    this.#replace();
  }

  #break(error: unknown): void {
    if (this.#state !== "running" && this.#state !== "draining") return;
    this.#state = "broken";
    this.#brokenBy = error;
    for (const job of this.#queue.drain()) {
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
        if (this.#state === "draining") this.#losePatience();
      }
      return;
    }
    this.#workers.unwatch();
    // Who comes now overtakes nobody.
    this.#lowestPriority = Infinity;
    if (this.#state === "draining") {
      this.#state = "closing";
      for (const record of [...this.#workers.live]) this.#workers.stop(record);
      this.#waiters.reject(
        new InvalidStateError("Cannot get ready: the executor was shut down"),
      );
      this.#checkClosed();
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
    this.#forgetPatience();
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

  #recordOf(job: Job): WorkerRecord | undefined {
    for (const record of this.#workers.live) {
      if (record.has(job)) return record;
    }
    return undefined;
  }
}
