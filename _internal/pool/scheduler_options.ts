// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { WorkerKind } from "../worker/host.ts";
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
  /** The code with which workers end in order; 0 where it is missing. */
  readonly exitCode?: () => number;
  /** Runs first on every worker. */
  readonly initializer: (() => Work) | undefined;
  /** Starts a worker. */
  readonly startWorker: (
    identity: { readonly id: number; readonly name: string },
    events: WorkerEvents,
  ) => PoolWorker;
}

/** What an executor has done so far. */
export interface ExecutorStats {
  /** Workers that live, those that come up included. */
  readonly workers: number;
  /** Workers with nothing to do. */
  readonly idle: number;
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
  /** Workers that ended by themselves. */
  readonly crashes: number;
  /** Workers that were replaced, for whatever reason. */
  readonly restarts: number;
  /** Threads that were given up while they were busy and still run. */
  readonly stuck: number;
}
