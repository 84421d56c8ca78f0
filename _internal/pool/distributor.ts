// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Which worker runs the next job, and when. After everything that can make room
// or work the scheduler pumps; answers that came together are looked at first, so
// that what they make room for leaves together too:
//
//   1. The next job in the queue goes to the worker that has nothing to do, or
//      least (`#pick`); where nobody has room, workers are started (`#grow`).
//   2. Behind a job for which there is no room there may be one that can use a
//      lent place: that one goes.
//   3. An older job that waits behind a call elsewhere goes first (`#overtakes`).
//   4. The queue is empty and a worker has nothing to do: it takes over what
//      waits at another one (`#steal`).
//
// Observers run user code, which may submit or cancel: a pump that is asked for
// while one is at work is one more round of that one.
//
// A worker has room for `concurrency` calls. Calls beyond that are sent ahead
// only where (a) no worker can be started, (b) the function has been measured:
// one call, so that there is no gap between two, and more of them where they
// are short, (c) the worker is revocable: what was sent ahead can be taken back
// by a compare-and-swap, so a job is never bound to a worker that is busy while
// another is idle, never lost with a worker that dies before it begins, and
// never run after it was cancelled. Where one has waited for long behind a call,
// nothing younger is sent ahead to anybody: the next worker that is done with
// its calls takes it over. So few can overtake it. Where one is more urgent than
// what was sent ahead, that is taken back into the queue.
//
// A call that waits for tasks which it has submitted itself lends its place to
// such tasks, so that they run on a full pool too: at any depth, and the
// deepest first, so that no more calls wait than have to. (What was sent ahead
// before may use the place too: there is little of it.) A worker that retires
// and whose calls all wait is replaced before it has ended, since they wait for
// what only its successor can run. A generator that waits for its consumer lends
// its place to every task.
//
// Schedulers may share the cores of the machine: then a job goes to a worker
// only where there is a core for it, or it waits for one (`core_budget.ts`).

import { startAlarm } from "../memory/alarm.ts";
import {
  type BudgetParty,
  type CoreBudget,
  partsOf,
  TURN,
} from "./core_budget.ts";
import { Histogram } from "./histogram.ts";
import type { Job } from "./job.ts";
import type { JobQueue } from "./job_queue.ts";
import type { JobStops } from "./job_stops.ts";
import type { SchedulerOptions } from "./scheduler_options.ts";
import { FULL, type WorkerRecord } from "./worker_record.ts";
import type { WorkerSet } from "./worker_set.ts";

/** Run time that may wait at a worker behind the running call, in milliseconds. */
const AHEAD_TIME = 1;
/** Milliseconds for which a job may wait behind a call before younger ones stay in the queue. */
const AHEAD_PATIENCE = 20;
/** Milliseconds between two threads that are started while nobody waits for them in a `submit()`. */
const GROW_DELAY = 1;

/** What a distributor works on, together with the scheduler. */
export interface DistributorParts {
  readonly queue: JobQueue;
  readonly workers: WorkerSet;
  readonly stops: JobStops;
}

/** What a distributor asks of its scheduler. */
export interface DistributorEvents {
  /** Starts one more worker; false where there may not be one more. */
  start(): boolean;
  /** A job was taken back from its worker: it has to be run by another. */
  recalled(job: Job): void;
  /** The platform has refused to send a job: the job's fault. */
  refused(job: Job, error: unknown): void;
  /** What could be sent has been. */
  pumped(): void;
}

/** Gives the jobs of a queue to workers. */
export class Distributor implements BudgetParty {
  readonly #options: SchedulerOptions;
  readonly #queue: JobQueue;
  readonly #workers: WorkerSet;
  readonly #stops: JobStops;
  readonly #events: DistributorEvents;
  #state: "resting" | "pumping" | "again" = "resting";
  /** Who was sent something, and has not been woken for it. */
  #sentTo: WorkerRecord | undefined;
  /** The others that were. */
  readonly #alsoSentTo = new Set<WorkerRecord>();
  /** The last pump has left jobs in the queue for which there is no room, and there are all workers that may be. */
  #isFull = false;
  /** The last pump has left something for which there is no core. */
  #isRefused = false;
  /** No core for the job that was looked at last, with one of the workers at least. */
  #lacksCore = false;
  /** Jobs were sent ahead since there was no core for one more worker: it is started when there is one. */
  #owesWorker = false;
  readonly #budget: CoreBudget | undefined;
  #isDue = false;
  /** How many workers may be started now. */
  #startLimit = Infinity;
  /** That was too few. */
  #isShort = false;
  /** Takes back that one more is started soon. */
  #stopGrowing: (() => void) | undefined;
  /** When what happens together happens. */
  #time: number | undefined;
  /** The lowest priority so far: while all are the same, nobody is overtaken. */
  #lowestPriority = Infinity;
  /** How long jobs waited before they ran. */
  readonly waitTime = new Histogram();

  constructor(
    options: SchedulerOptions,
    { queue, workers, stops }: DistributorParts,
    events: DistributorEvents,
  ) {
    this.#options = options;
    this.#budget = options.budget;
    this.#queue = queue;
    this.#workers = workers;
    this.#stops = stops;
    this.#events = events;
  }

  /** Queues a new job: nothing less urgent that has not begun goes first, wherever it waits. */
  add(job: Job): void {
    const { priority } = job.options;
    if (priority > this.#lowestPriority) {
      for (const record of this.#workers.live) this.recall(record, priority);
    } else this.#lowestPriority = priority;
    this.#queue.push(job);
  }

  /** True where a new job has nothing to look for: the ones before it wait for room already, and it overtakes none. */
  hasToWait(job: Job): boolean {
    return this.#isFull && job.depth === 0 && this.#queue.peek() !== job;
  }

  /** Nothing is under way: who comes now overtakes nobody. */
  rest(): void {
    this.#lowestPriority = Infinity;
    this.#stopGrowing?.();
    this.#stopGrowing = undefined;
  }

  /**
   * A worker has come up. To start a thread blocks this one for some ten
   * milliseconds, and the answer to what the new worker was sent before it came
   * up is on its way: so the others are started a little later, one at a time.
   */
  welcome(): void {
    if (this.#options.sendsEarly === undefined) this.pump();
    else this.#growBy(0);
  }

  /** Pumps, starts so many workers at most, and the others later. */
  #growBy(limit: number): void {
    this.#startLimit = limit;
    this.#isShort = false;
    try {
      this.pump();
    } finally {
      this.#startLimit = Infinity;
    }
    if (!this.#isShort || this.#stopGrowing !== undefined) return;
    this.#stopGrowing = startAlarm(GROW_DELAY, () => {
      this.#stopGrowing = undefined;
      this.#growBy(1);
    });
  }

  /** Gives queued jobs to workers that have room, one pump at a time. */
  pump(): void {
    if (this.#state !== "resting") {
      this.#state = "again";
      return;
    }
    try {
      do {
        this.#state = "pumping";
        this.#isFull = false;
        this.#isRefused = false;
        this.#distribute();
      } while (this.#isAsked());
    } finally {
      this.#state = "resting";
      this.#time = undefined;
      this.#wake();
    }
    this.#events.pumped();
    if (this.#budget === undefined) return;
    if (!this.#isRefused) this.#budget.leave(this);
    this.#budget.serve();
  }

  /** Jobs that wait were settled in place. */
  dropped(): void {
    this.#budget?.withdraw(this);
  }

  /** Wakes those that were sent something: once for all of it. */
  #wake(): void {
    this.#sentTo?.worker.wake();
    this.#sentTo = undefined;
    // Mostly it is one, and to clear a set costs as much as to run a short call.
    if (this.#alsoSentTo.size === 0) return;
    for (const record of this.#alsoSentTo) record.worker.wake();
    this.#alsoSentTo.clear();
  }

  #wakeLater(record: WorkerRecord): void {
    if (this.#sentTo === undefined) this.#sentTo = record;
    else if (this.#sentTo !== record) this.#alsoSentTo.add(record);
  }

  /** Something that a worker has told may have made room: to be looked at when it has told all. */
  pumpLater(): void {
    this.#isDue = true;
  }

  /** A worker has told all that came together. */
  delivered(): void {
    if (this.#isDue) {
      this.#isDue = false;
      if (this.#stopGrowing === undefined) this.pump();
      else this.#growBy(0);
    }
    this.#time = undefined;
  }

  /** The time, asked once for all that happens together: asking costs as much as sending a call. */
  #now(): number {
    return this.#time ??= performance.now();
  }

  /** Whose turn it is at the worker counts as running. */
  markNext(record: WorkerRecord): void {
    let next = record.nextToRun();
    while (next !== undefined) {
      this.markRunning(record, next);
      next = record.nextToRun();
    }
  }

  /** The worker says that a call begins. */
  started(record: WorkerRecord, slot: number): void {
    const job = record.job(slot);
    // Of the initializer it is known.
    if (job?.state === "sent") this.markRunning(record, job);
  }

  /** A job that was sent runs now. */
  markRunning(record: WorkerRecord, job: Job): void {
    job.state = "running";
    this.waitTime.add(this.#now() - job.queuedAt, job.calls);
    this.#stops.limit(record, job);
    job.observer.started();
  }

  /** Takes back what waits at a worker: everything, or what has a lower priority than this one. */
  recall(record: WorkerRecord, priority?: number): void {
    // What waits there does so in its own context, which another would not have.
    if (record.worker.tellsStart) return;
    // From the last to the first, so that they keep their order.
    for (const job of record.jobs().reverse()) {
      if (
        job.state === "sent" &&
        (priority === undefined || job.options.priority < priority) &&
        record.revoke(job)
      ) this.#events.recalled(job);
    }
  }

  #isAsked(): boolean {
    return this.#state === "again";
  }

  #distribute(): void {
    for (;;) {
      let job = this.#queue.peek();
      if (job === undefined) {
        this.#steal();
        if (this.#owesWorker) this.#growLate();
        return;
      }
      this.#lacksCore = false;
      let record = this.#pick(job);
      if (record === undefined) {
        this.#grow(job);
        // The new one, or with no core for it one that is busy.
        if (this.#options.sendsEarly !== undefined || this.#lacksCore) {
          record = this.#pick(job);
        }
      }
      if (record === undefined) {
        this.#noteRefused();
        // Behind it there may be one that can use a lent place.
        const nested = this.#queue.peekNested();
        if (nested === undefined || nested === job) {
          this.#isFull = this.#isRefused || !this.#workers.hasPlace;
          return;
        }
        job = nested;
        this.#lacksCore = false;
        record = this.#pick(job);
        if (record === undefined) {
          this.#noteRefused();
          return;
        }
      }
      if (this.#overtakes(record, job)) continue;
      this.#queue.take(job);
      this.#send(record, job);
    }
  }

  /** True where calls overlap on a worker and are known by what they take of its core. */
  get #overlaps(): boolean {
    return this.#budget !== undefined && this.#options.concurrency > 1;
  }

  /** There is a core for the job at the worker, and nobody else waits for that one. */
  #hasCore(record: WorkerRecord, job: Job): boolean {
    const budget = this.#budget;
    if (budget === undefined) return true;
    const { busySince } = record;
    return budget.fits(this, record.added(job)) &&
      (busySince === undefined || !budget.isWanted(this) ||
        this.#now() - busySince < TURN);
  }

  /** A job waits for a core. */
  #noteRefused(): void {
    if (!this.#lacksCore) return;
    this.#isRefused = true;
    this.#budget!.refuse(this);
  }

  /**
   * A worker could run the next job now, but an older one waits elsewhere
   * behind a call: that one goes first.
   */
  #overtakes(thief: WorkerRecord, next: Job): boolean {
    const { concurrency } = this.#options;
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
      !this.#hasCore(thief, oldest) || !victim!.revoke(oldest)
    ) return false;
    this.#send(thief, oldest);
    return true;
  }

  /** The worker that takes the job now: an idle one, or a busy one that may be sent work ahead. */
  #pick(job: Job): WorkerRecord | undefined {
    const { concurrency, maxWorkers, sendsEarly } = this.#options;
    const mayWait = sendsEarly === "all" || job.canBeSentAgain;
    let best: WorkerRecord | undefined;
    let bestLoad = 0;
    for (const record of this.#workers.live) {
      if (!record.hasRoom) continue;
      const isUp = record.state !== "starting";
      if (!isUp && !mayWait) continue;
      if (!this.#hasCore(record, job)) {
        this.#lacksCore = true;
        continue;
      }
      if (this.#overlaps && !record.fits(job)) continue;
      const load = record.loadFor(job);
      if (
        best === undefined || load < bestLoad ||
        // Calls of two kinds that come in turns must not be told apart by it.
        (load === bestLoad && this.#overlaps && load > 0 &&
          Math.random() < 0.5) ||
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
    const mayGrow = this.#workers.live.size < maxWorkers;
    if (!best.worker.revocable || (mayGrow && !this.#lacksCore)) {
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
    if (mayGrow) this.#owesWorker = true;
    return best;
  }

  /** An older job has waited for long behind a call: it has to be somebody's next. */
  #holdsUp(next: Job): boolean {
    const { concurrency } = this.#options;
    const latest = this.#now() - AHEAD_PATIENCE;
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
    const runs = record.load < this.#options.concurrency &&
      record.state !== "starting" && !record.worker.tellsStart;
    const isFree = this.#budget === undefined || record.added(job) === 0;
    try {
      this.#wakeLater(record);
      record.send(job);
    } catch (error) {
      // Before anything was sent.
      this.#events.refused(job, error);
      this.#state = "again";
      return;
    }
    if (!isFree) this.#budget!.served(this);
    job.state = "sent";
    if (runs) this.markRunning(record, job);
    else if (!record.worker.tellsStart) job.sentAt = this.#now();
    if (record.sent >= this.#options.maxTasksPerWorker) {
      this.#workers.retire(record);
    }
    this.#workers.watch();
  }

  /** Starts workers while there are more waiting jobs than workers on their way, and cores for them. */
  #grow(next: Job): void {
    const { concurrency, sendsEarly, startsAtOnce = Infinity } = this.#options;
    const budget = this.#budget;
    const parts = budget === undefined
      ? 0
      : partsOf(next.work.meter?.share ?? 1);
    // With one for which there is no core there is no use in another.
    if (this.#lacksCore) return;
    const room = this.#overlaps
      ? Math.min(concurrency, Math.max(1, Math.floor(FULL / parts)))
      : concurrency;
    const { live } = this.#workers;
    let coming = 0;
    let starting = 0;
    let idle = 0;
    for (const record of live) {
      // One that has been sent a call already comes for that one.
      const places = sendsEarly === undefined ? room : room - record.load;
      if (record.state !== "starting") continue;
      starting++;
      coming += Math.max(places, 0);
      if (record.load === 0) idle++;
    }
    while (this.#queue.size > coming) {
      if (budget !== undefined && !budget.fits(this, parts * (idle + 1))) {
        // Otherwise it waits for one that comes up, and nobody waits for it.
        this.#lacksCore = idle === 0;
        return;
      }
      // The next is started when one of them is up.
      if (starting++ >= (live.size < startsAtOnce ? startsAtOnce : 1)) return;
      idle++;
      this.#isShort = this.#startLimit === 0;
      if (this.#isShort || !this.#events.start()) return;
      this.#startLimit--;
      coming += room;
    }
  }

  /** No job waits here, but at workers, since there was no core for one more: it is started when there is, and takes over. */
  #growLate(): void {
    const { concurrency } = this.#options;
    let waiting: Job | undefined;
    for (const record of this.#workers.live) {
      // What it could take over is another one's already.
      if (record.state === "starting" || record.size === 0) return;
      if (record.load > concurrency) waiting = record.lastSent();
    }
    this.#owesWorker = waiting !== undefined;
    if (waiting === undefined) return;
    const parts = partsOf(waiting.work.meter?.share ?? 1);
    this.#lacksCore = !this.#budget!.fits(this, parts);
    if (this.#lacksCore) this.#noteRefused();
    else this.#owesWorker = this.#events.start();
  }

  /** No job waits here and a worker is idle: it takes over what waits elsewhere. */
  #steal(): void {
    const { concurrency } = this.#options;
    for (const thief of this.#workers.live) {
      if (thief.state !== "ready" || thief.size > 0 || !thief.hasRoom) continue;
      let victim: WorkerRecord | undefined;
      for (const record of this.#workers.live) {
        if (record.worker.tellsStart) continue;
        const waits = record.load > concurrency ||
          (record.state === "starting" && record.load > 0);
        if (waits && (victim === undefined || record.load > victim.load)) {
          victim = record;
        }
      }
      const job = victim?.lastSent();
      if (
        victim === undefined || job === undefined || job.state !== "sent"
      ) return;
      this.#lacksCore = !this.#hasCore(thief, job);
      this.#noteRefused();
      if (this.#lacksCore || !victim.revoke(job)) return;
      this.#send(thief, job);
    }
  }
}
