// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The workers of a scheduler: who lives, who is on the way out, who looks after
// them. Which of them runs what is the scheduler's business.
//
//   start() -> live -> leaving -> nobody knows it any more
//                |  stop(): told to end, terminated where it does not listen
//                |  abandon(): terminated, whatever it does
//                |  its own end: a crash, a fault, a failed start
//
// Only live workers count against `maxWorkers`: one that is on its way out has
// been replaced already. A set is empty when the leaving ones are gone too.

import { afterTurns, afterUnheld } from "../base/deadline.ts";
import { InvalidStateError, TimeoutError } from "../base/errors.ts";
import { nextWorkerId } from "../base/registry.ts";
import { startAlarm } from "../memory/alarm.ts";
import type { Lent } from "../wire/messages.ts";
import type { HostExit } from "../worker/host.ts";
import { report } from "../worker/report.ts";
import type { Job } from "./job.ts";
import { isHopeless, startError } from "./pool_errors.ts";
import type { PoolWorker, WorkerEvents } from "./pool_worker.ts";
import type { SchedulerOptions } from "./scheduler_options.ts";
import { WorkerRecord } from "./worker_record.ts";

/** Failed starts in a row after which no more are tried. */
const MAX_START_FAILURES = 3;
/** Milliseconds in which the event loop of a worker that is given up must answer, or its calls are given up too: longer than a busy machine lets it wait for a core. */
const PONG_GRACE = 2_000;
/** Milliseconds after which a worker that was told to end is terminated. */
const STOP_GRACE = 1000;
/** Milliseconds between two looks whether workers with calls under way still live. */
const PROBE_INTERVAL = 200;
/** The sets with calls under way. They look at the same time, which takes one question to the lock manager. */
const watched = new Set<WorkerSet>();
let isProbing = false;
let probeAll: () => void;

/** What a scheduler hears of its workers. */
export interface WorkerSetEvents {
  /** It can be sent calls; the initializer has not run. */
  ready(record: WorkerRecord): void;
  done(record: WorkerRecord, slot: number, value: unknown, time: number): void;
  failed(
    record: WorkerRecord,
    slot: number,
    error: unknown,
    time: number,
  ): void;
  started(record: WorkerRecord, slot: number): void;
  skipped(record: WorkerRecord, slot: number): void;
  /** A call waits, or goes on. */
  lends(record: WorkerRecord, slot: number, to: Lent): void;
  /** A worker has told all that came together. */
  delivered(): void;
  /**
   * It runs nothing any more, and still holds its jobs. With `hopeless` there
   * is no use in starting another one.
   */
  gone(
    record: WorkerRecord,
    exit: HostExit,
    wasStarting: boolean,
    hopeless: { readonly error: unknown } | undefined,
  ): void;
  /** One that was on its way out has left. */
  left(): void;
  /** So many ready workers are waited for: none of them ends for having nothing to do. */
  wanted(): number;
}

/** The workers of one scheduler. */
export class WorkerSet {
  readonly #options: SchedulerOptions;
  readonly #events: WorkerSetEvents;
  readonly #live = new Set<WorkerRecord>();
  readonly #leaving = new Set<WorkerRecord>();
  /** Terminated threads that may run on. */
  readonly #abandoned = new Set<PoolWorker>();
  #startFailures = 0;
  #goneBusyTime = 0;
  #goneUpTime = 0;
  #sequence = 0;
  #disarmIdle: (() => void) | undefined;
  /** Workers that ended by themselves. */
  crashes = 0;
  /** Workers that were replaced, for whatever reason. */
  restarts = 0;

  constructor(options: SchedulerOptions, events: WorkerSetEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Those that live, in the order of their start. */
  get live(): ReadonlySet<WorkerRecord> {
    return this.#live;
  }

  /** True where nobody lives and nobody is on the way out. */
  get isEmpty(): boolean {
    return this.#live.size === 0 && this.#leaving.size === 0;
  }

  /** Calls that the workers hold. */
  get size(): number {
    let size = 0;
    for (const record of this.#live) size += record.size;
    return size;
  }

  /** The worker that holds the job; undefined where none does. */
  holderOf(job: Job): WorkerRecord | undefined {
    for (const record of this.#live) if (record.has(job)) return record;
    return undefined;
  }

  /** How long workers had something to run, those that are gone included. */
  busyTime(now: number): number {
    let time = this.#goneBusyTime;
    for (const record of this.#live) time += record.busyTime(now);
    return time;
  }

  /** How long workers were up, those that are gone included. */
  upTime(now: number): number {
    let time = this.#goneUpTime;
    for (const record of this.#live) time += record.upTime(now);
    return time;
  }

  /** Calls that were sent ahead. */
  get waiting(): number {
    let waiting = 0;
    for (const record of this.#live) waiting += record.waiting;
    return waiting;
  }

  /** Workers whose initializer has run. */
  get ready(): number {
    let ready = 0;
    for (const record of this.#live) if (record.state !== "starting") ready++;
    return ready;
  }

  /** Workers that run their initializer. */
  get initializing(): number {
    let initializing = 0;
    for (const record of this.#live) {
      if (record.state === "starting") {
        initializing += record.size - record.waiting;
      }
    }
    return initializing;
  }

  /** Workers with nothing to do. */
  get idle(): number {
    let idle = 0;
    for (const record of this.#live) {
      if (record.state === "ready" && record.size === 0) idle++;
    }
    return idle;
  }

  /** Terminated threads that still run. */
  get stuck(): number {
    for (const worker of this.#abandoned) {
      if (!worker.stuck) this.#abandoned.delete(worker);
    }
    return this.#abandoned.size;
  }

  /**
   * True where there may be one more. One that is condemned takes no calls:
   * another takes its place. So does one that retires, where its calls wait for
   * others to be run.
   */
  get hasPlace(): boolean {
    let places = this.#options.maxWorkers;
    for (const { state, isSuspended } of this.#live) {
      if (state !== "condemned" && !(state === "retiring" && isSuspended)) {
        places--;
      }
    }
    return places > 0;
  }

  /**
   * Starts one more worker.
   *
   * @returns False where there may not be one more.
   * @throws Whatever keeps it from being spawned: a missing permission, an option that the platform does not have.
   */
  start(): boolean {
    if (!this.hasPlace) return false;
    const { maxWorkers, name } = this.#options;
    const label = maxWorkers === 1 ? name : `${name}_${this.#sequence++}`;
    const events = this.#events;
    // Nothing is heard of a worker before its constructor has returned.
    const heard: WorkerEvents = {
      owner: this.#options,
      ready: () => {
        if (record.state === "starting") events.ready(record);
      },
      done: (slot, value, time) => events.done(record, slot, value, time),
      failed: (slot, error, time) => events.failed(record, slot, error, time),
      measured: (slot, measurement) => {
        const work = record.job(slot)?.work;
        work?.meter?.measured(record.worker.kind, work, measurement);
      },
      started: (slot) => events.started(record, slot),
      skipped: (slot) => events.skipped(record, slot),
      progress: (slot, done, total) =>
        record.job(slot)?.observer.progressed(done, total),
      lends: (slot, to) => events.lends(record, slot, to),
      item: (slot, outcome) => record.job(slot)?.observer.yielded?.(outcome),
      finishing: (slot) => record.job(slot)?.observer.finishing?.(),
      pong: () => {
        if (record.state === "condemned") record.disarm?.();
      },
      lingers: () => {
        if (record.state !== "stopping") return;
        record.disarm?.();
        // What a daemon has started is no reason to wait either.
        if (this.#options.keepsAlive === false) record.worker.unref?.();
      },
      delivered: () => events.delivered(),
      fault: (error) => this.#onFault(record, error),
      exited: (exit) => this.#onExited(record, exit),
    };
    const worker = this.#options.startWorker(
      { id: nextWorkerId(), name: label },
      heard,
    );
    const record = new WorkerRecord(worker, this.#options);
    this.#live.add(record);
    return true;
  }

  /** The worker has been set up and takes calls. */
  join(record: WorkerRecord): void {
    this.#startFailures = 0;
    record.ready();
    this.#armIdleTimer();
  }

  /** The worker has had its calls: it takes no more, and ends when it has answered. */
  retire(record: WorkerRecord): void {
    record.state = "retiring";
  }

  /** The worker has nothing to do; one that retires ends. */
  rest(record: WorkerRecord): void {
    if (record.state === "retiring") {
      this.restarts++;
      this.stop(record);
      return;
    }
    record.idleSince = performance.now();
    this.#armIdleTimer();
  }

  /** Tells an idle worker to end. */
  stop(record: WorkerRecord): void {
    record.state = "stopping";
    this.#leave(record);
    this.#end(record);
  }

  #end(record: WorkerRecord): void {
    // A worker whose event loop does not turn (something that a task left
    // behind) cannot hear it: it is not waited for.
    record.disarm = afterTurns(STOP_GRACE, () => record.worker.terminate());
    record.worker.stop(this.#options.exitCode?.() ?? 0);
  }

  /**
   * Gives a worker up once the calls that it still runs have ended: one of them
   * was asked to stop and has not. Where that one holds the event loop, the
   * others can never end: the worker does not answer, and goes with them.
   */
  condemn(record: WorkerRecord): void {
    record.state = "condemned";
    this.restarts++;
    record.disarm = afterTurns(PONG_GRACE, () =>
      this.#onFault(
        record,
        new TimeoutError(
          "Cannot go on: a task that was asked to stop holds the event loop",
        ),
      ));
    record.worker.ping();
  }

  /** Gives a worker up that runs nothing that anybody waits for. */
  giveUp(record: WorkerRecord): void {
    for (const job of record.jobs()) {
      if (job.state !== "settled") {
        throw new InvalidStateError(
          `Cannot give up worker '${record.worker.name}': a task there is ${job.state}`,
        );
      }
    }
    // One that is condemned was counted then.
    if (record.state !== "condemned") this.restarts++;
    this.abandon(record);
  }

  /** Gives a worker up, with its calls and whatever it does. */
  abandon(record: WorkerRecord, signal?: Deno.Signal): void {
    if (record.state === "gone") return;
    record.disarm?.();
    for (const job of record.jobs()) record.release(record.slotOf(job));
    record.state = "gone";
    this.#leave(record);
    record.worker.terminate(signal);
  }

  /** Terminates those that are on their way out: they may not have listened. */
  hurry(signal?: Deno.Signal): void {
    for (const record of [...this.#leaving]) record.worker.terminate(signal);
  }

  /** Looks after workers with calls under way, for deaths that announce themselves by nothing. */
  watch(): void {
    watched.add(this);
    if (isProbing) return;
    isProbing = true;
    startAlarm(PROBE_INTERVAL, probeAll);
  }

  /** Nothing is under way. */
  unwatch(): void {
    // The alarm goes off once more and finds nobody: calls come one after the
    // other, and it is not set for each of them.
    watched.delete(this);
  }

  static {
    probeAll = () => {
      isProbing = watched.size > 0;
      if (!isProbing) return;
      startAlarm(PROBE_INTERVAL, probeAll);
      for (const set of watched) set.#probe();
    };
  }

  #probe(): void {
    for (const record of this.#live) {
      if (record.size > 0) record.worker.probe();
    }
  }

  /** No worker will come any more. */
  close(): void {
    this.unwatch();
    this.#disarmIdle?.();
    this.#disarmIdle = undefined;
  }

  #onFault(record: WorkerRecord, error: unknown): void {
    if (record.state === "gone") return;
    if (record.size === 0) {
      report(`Uncaught (in idle worker "${record.worker.name}")`, error);
    }
    record.fault = error;
    this.#onGone(record, { error });
    const { kind, exitCode } = this.#options;
    // One that runs a single function ends as a program does, with a code.
    if (kind === "process" && exitCode !== undefined) this.#end(record);
    else record.worker.terminate();
  }

  #onExited(record: WorkerRecord, exit: HostExit): void {
    record.disarm?.();
    if (record.worker.stuck) {
      this.#abandoned.add(record.worker);
      this.#options.budget?.lose(record.worker);
    }
    this.#onGone(record, exit);
    this.#leaving.delete(record);
    this.#events.left();
  }

  /** It runs nothing any more, or cannot be trusted to. */
  #onGone(record: WorkerRecord, exit: HostExit): void {
    if (record.state === "gone") return;
    const wasStarting = record.state === "starting";
    const wasTold = record.state === "stopping";
    record.state = "gone";
    this.#leave(record);
    let hopeless: { readonly error: unknown } | undefined;
    if (wasStarting) {
      const error = startError(record.worker.name, exit);
      if (++this.#startFailures >= MAX_START_FAILURES || isHopeless(error)) {
        hopeless = { error };
      }
    } else if (!wasTold) {
      this.crashes++;
      this.restarts++;
    }
    this.#events.gone(record, exit, wasStarting, hopeless);
  }

  #leave(record: WorkerRecord): void {
    if (this.#live.delete(record)) {
      const now = performance.now();
      this.#goneBusyTime += record.busyTime(now);
      this.#goneUpTime += record.upTime(now);
    }
    this.#leaving.add(record);
  }

  #armIdleTimer(): void {
    const { idleTimeout, minWorkers } = this.#options;
    this.#disarmIdle ??= afterUnheld(idleTimeout, () => {
      this.#disarmIdle = undefined;
      const now = performance.now();
      // Who has them is told when the last one joins, which arms the timer again.
      const kept = Math.max(minWorkers, this.#events.wanted());
      let isLeft = false;
      for (const record of [...this.#live]) {
        if (record.state !== "ready" || record.size > 0) continue;
        if (this.#live.size <= kept) break;
        // Timers may fire a little early.
        if (now - record.idleSince >= idleTimeout - 2) this.stop(record);
        else isLeft = true;
      }
      if (isLeft) this.#armIdleTimer();
    });
  }
}
