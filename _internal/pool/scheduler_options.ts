// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { WorkerKind } from "../worker/host.ts";
import type { CoreBudget } from "./core_budget.ts";
import type { DrainGroup } from "./drain_group.ts";
import type { Histogram, TimeStats } from "./histogram.ts";
import type { Work } from "./job.ts";
import type { PoolWorker, WorkerEvents } from "./pool_worker.ts";

/** How a scheduler is set up; checked by whoever is above it. */
export interface SchedulerOptions {
  readonly kind: WorkerKind;
  readonly name: string;
  readonly maxWorkers: number;
  readonly minWorkers: number;
  /** Calls that a worker may have under way at a time. */
  readonly concurrency: number;
  /** Jobs that may wait; one more is refused. */
  readonly queueLimit: number;
  /** Calls after which a worker is replaced. */
  readonly maxTasksPerWorker: number;
  /** Milliseconds after which an idle worker above `minWorkers` is stopped. */
  readonly idleTimeout: number;
  /** Milliseconds between asking a call to stop and stopping its worker. */
  readonly cancelGrace: number;
  /**
   * False: pending work does not keep the program alive.
   *
   * @default {true}
   */
  readonly keepsAlive?: boolean;
  /**
   * True: a SIGINT of the program terminates it.
   *
   * @default {false}
   */
  readonly isInterruptible?: boolean;
  /**
   * Which calls are sent to a worker that is still starting, so that they run
   * also where this thread is blocked from now on: all of them, or those that
   * can be taken back and sent to another one. Without an initializer only.
   *
   * @default {undefined} none
   */
  readonly sendsEarly?: "all" | "repeatable" | undefined;
  /**
   * Workers that come up at a time, until there are so many; then one at a
   * time. To start one keeps a core busy: of many at once none is up before all
   * are, and where calls turn out to compute no more of them are of use.
   *
   * @default {Infinity}
   */
  readonly startsAtOnce?: number | undefined;
  /**
   * The cores that it shares with other schedulers.
   *
   * @default {undefined} its own number of workers is the limit
   */
  readonly budget?: CoreBudget | undefined;
  /**
   * Those that it is shut down with, whose tasks may submit to it.
   *
   * @default {undefined} its own only
   */
  readonly group?: DrainGroup | undefined;
  /** The code with which workers end in order; 0 where it is missing. */
  readonly exitCode?: () => number;
  /** Runs first on every worker. */
  readonly initializer: (() => Work) | undefined;
  /** Milliseconds that the initializer may take. */
  readonly initializerTimeout?: number | undefined;
  /** Starts a worker. */
  readonly startWorker: (
    identity: { readonly id: number; readonly name: string },
    events: WorkerEvents,
  ) => PoolWorker;
}

/** What one worker of an executor has done so far. */
export interface WorkerStats {
  /** Its number: `current.worker.id` over there. */
  readonly id: number;
  /** Its label. */
  readonly name: string;
  /** What it is. */
  readonly kind: WorkerKind;
  /** The number of its process; undefined where it is none. */
  readonly pid: number | undefined;
  /** Whether calls reach it through shared memory: a thread's do, a process's with `--allow-ffi` on Linux, once it is up. */
  readonly sharesMemory: boolean;
  /** Whether it comes up, has nothing to do, has, or will end when it is done. */
  readonly state: "starting" | "idle" | "busy" | "leaving";
  /** Tasks that it was given, those that run included. */
  readonly tasks: number;
  /** Tasks that it runs now. */
  readonly running: number;
  /** How long it had something to run, in milliseconds. */
  readonly busyTime: number;
  /** The same as a share of the time since it came up, from 0 to 1. */
  readonly utilization: number;
}

/** What one backend of an executor has done so far. */
export interface BackendStats {
  /** Workers that live, those that come up included. */
  readonly workers: number;
  /** Tasks that wait. */
  readonly queued: number;
  /** Tasks that run. */
  readonly running: number;
  /** Tasks that returned. */
  readonly completed: number;
  /** Tasks that threw, timed out or lost their worker. */
  readonly failed: number;
  /** Tasks that were cancelled. */
  readonly cancelled: number;
}

/** What an executor has done so far. */
export interface ExecutorStats {
  /** Workers that live, those that come up included. */
  readonly workers: number;
  /** Workers with nothing to do. */
  readonly idle: number;
  /** Tasks that wait. A chunk of a map counts as one while it waits and while it runs. */
  readonly queued: number;
  /** Tasks that run. */
  readonly running: number;
  /** Tasks that returned. */
  readonly completed: number;
  /** Tasks that threw, timed out or lost their worker. */
  readonly failed: number;
  /** Tasks that were cancelled. */
  readonly cancelled: number;
  /** Workers that ended by themselves. */
  readonly crashes: number;
  /** Workers that were replaced, for whatever reason. */
  readonly restarts: number;
  /** Threads that were given up while they were busy and still run. */
  readonly stuck: number;
  /** How long tasks ran on their workers, in milliseconds; those that lost their worker are not known. */
  readonly runTime: TimeStats;
  /** How long tasks waited before they ran, in milliseconds. */
  readonly waitTime: TimeStats;
  /** The share of the time since they came up in which workers had something to run, from 0 to 1; those that are gone included. */
  readonly utilization: number;
  /** The same for each backend that was used. */
  readonly perBackend: Readonly<Partial<Record<WorkerKind, BackendStats>>>;
  /** Each worker that lives, in the order of their start. */
  readonly perWorker: readonly WorkerStats[];
}

/** The same as a scheduler tells it, to be added up. */
export interface SchedulerStats extends
  Omit<
    ExecutorStats,
    "runTime" | "waitTime" | "utilization" | "perBackend"
  > {
  readonly runTime: Histogram;
  readonly waitTime: Histogram;
  /** Milliseconds in which workers had something to run, and in which they were up. */
  readonly busyTime: number;
  readonly upTime: number;
}
