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

/** What a scheduler has done so far. */
export interface SchedulerStats {
  readonly workers: number;
  readonly idle: number;
  readonly queued: number;
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly crashes: number;
  readonly restarts: number;
  readonly stuck: number;
}
