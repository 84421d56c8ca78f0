// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The way from an executor to the nodes: as a scheduler, so that everything
// that executors do (submit, map, stream, wait) works over it.
//
//   executor -> BrokerScheduler -> TicketDesk -> Broker -> Redis -> WorkerNode
//
// state       meaning                                        leaves by
// running     takes jobs                                     shutdown() -> shut; terminate() -> terminated;
//                                                            no connection -> broken
// shut        takes no more, and finishes what it has        terminate() -> terminated; no connection -> broken
// terminated  what it had was cancelled                      never
// broken      what it had has failed                         never

import {
  BrokenExecutorError,
  InvalidStateError,
  NotSupportedError,
} from "../_internal/base/errors.ts";
import { afterUnheld } from "../_internal/base/deadline.ts";
import { holdProgram, releaseProgram } from "../_internal/base/registry.ts";
import type {
  Job,
  JobObserver,
  JobOptions,
  Work,
} from "../_internal/pool/job.ts";
import type { SchedulerStats } from "../_internal/pool/scheduler_options.ts";
import type {
  LaneOptions,
  TaskScheduler,
} from "../_internal/pool/task_scheduler.ts";
import type { NodeStats } from "./_node_board.ts";
import { TicketDesk, type TicketDeskSettings } from "./_ticket_desk.ts";

/** Calls at a time for which a map has room, where nothing is known of the nodes. */
const UNKNOWN_SLOTS = 4;
/** Milliseconds that the end of an executor waits for Redis to hear of it. */
const FAREWELL = 2_000;
/** Milliseconds for which a stream may be left unread once its executor was shut down. */
const STREAM_PATIENCE = 5_000;

/** A scheduler whose workers are nodes. */
export class BrokerScheduler implements TaskScheduler {
  readonly #desk: TicketDesk;
  readonly #onEnd = new Set<() => void>();
  /** `shut`: takes no more, and finishes what it has. */
  #state: "running" | "shut" | "terminated" | "broken" = "running";
  #fault: unknown;
  /** Resolves when nothing is under way and the connections are closed. */
  #closed: Promise<void> | undefined;
  /** Called when nothing is under way. */
  #onIdle = () => {};
  #forgetPatience: (() => void) | undefined;

  constructor(settings: TicketDeskSettings) {
    this.#desk = new TicketDesk(settings, {
      changed: () => {
        if (this.#desk.size === 0) this.#onIdle();
        this.#checkPatience();
      },
      broken: (error) => this.#break(error),
    });
  }

  get options(): LaneOptions {
    const slots = this.nodes.reduce((sum, node) => sum + node.slots, 0);
    return {
      maxWorkers: slots > 0 ? slots : UNKNOWN_SLOTS,
      minWorkers: 0,
      concurrency: 1,
    };
  }

  /** The nodes that serve the queue, as far as they were heard of. */
  get nodes(): NodeStats[] {
    return this.#desk.broker.board.nodes;
  }

  get hasRoom(): boolean {
    return true;
  }

  checkAccepting(verb = "submit a task"): void {
    switch (this.#state) {
      case "running":
        return;
      case "broken":
        throw this.#fault;
      default:
        throw new InvalidStateError(
          `Cannot ${verb}: the executor was ${
            this.#state === "shut" ? "shut down" : "terminated"
          }`,
        );
    }
  }

  expect(): boolean {
    // The connection is made while the call is encoded.
    this.#desk.broker.open().catch(() => {});
    return false;
  }

  disappoint(): void {}

  submit(work: Work, options: JobOptions, observer: JobObserver): Job {
    this.checkAccepting();
    if (work.kind !== "remote") {
      throw new TypeError("Cannot send a call: it has no bytes");
    }
    return this.#desk.open(work, options, observer);
  }

  refuse(
    work: Work,
    options: JobOptions,
    observer: JobObserver,
    reason: unknown,
  ): Job {
    this.checkAccepting();
    return this.#desk.refuse(work, options, observer, reason);
  }

  cancel(job: Job, reason: unknown): boolean {
    return this.#desk.cancel(job, reason);
  }

  credit(job: Job, items: number): void {
    this.#desk.credit(job, items);
  }

  finish(job: Job): void {
    this.#desk.finish(job);
  }

  rest(job: Job, isResting: boolean): void {
    this.#desk.rest(job, isResting);
  }

  finishing(): void {
    // The scheduler that runs it has heard.
  }

  /** Resolves when a node serves the queue. */
  async ready(): Promise<void> {
    const verb = "start an executor";
    this.checkAccepting(verb);
    const { board } = this.#desk.broker;
    holdProgram();
    try {
      try {
        await this.#desk.broker.open();
      } finally {
        // Its end comes before whatever that made of the connection.
        this.checkAccepting(verb);
      }
      const found = Promise.withResolvers<void>();
      const look = () => {
        if (board.nodes.some(({ state }) => state === "serving")) {
          found.resolve();
        }
      };
      const forget = [
        board.onBeat(look),
        this.onEnd(() => found.reject(this.#endErrorOf(verb))),
      ];
      look();
      try {
        await found.promise;
      } finally {
        for (const stop of forget) stop();
      }
    } finally {
      releaseProgram();
    }
  }

  prewarm(): Promise<void> {
    return Promise.reject(
      new NotSupportedError(
        "Cannot prewarm an executor whose workers are on other machines: they come and go",
      ),
    );
  }

  shutdown(cancelQueued: boolean): Promise<void> {
    if (this.#state === "running") this.#state = "shut";
    if (cancelQueued) {
      for (const job of this.#desk.jobs()) {
        if (job.state === "queued") {
          this.cancel(job, "the executor was shut down");
        }
      }
    }
    this.#checkPatience();
    return this.#closed ??= this.#drain();
  }

  async terminate(reason: unknown): Promise<void> {
    if (this.#state === "running" || this.#state === "shut") {
      this.#state = "terminated";
      this.#ended();
    }
    this.#desk.cancelAll(reason);
    await (this.#closed ??= this.#drain());
  }

  stats(): SchedulerStats {
    const { nodes } = this;
    const sum = (key: "workers" | "idle" | "crashes" | "restarts" | "stuck") =>
      nodes.reduce((total, node) => total + node[key], 0);
    const { ends, size, queued, runTime, waitTime } = this.#desk;
    const perWorker = nodes.flatMap((node) => node.perWorker);
    return {
      workers: sum("workers"),
      idle: sum("idle"),
      queued,
      running: size - queued,
      completed: ends.completed,
      failed: ends.failed,
      cancelled: ends.cancelled,
      crashes: sum("crashes"),
      restarts: sum("restarts"),
      stuck: sum("stuck"),
      runTime,
      waitTime,
      busyTime: perWorker.reduce((total, { busyTime }) => total + busyTime, 0),
      upTime: perWorker.reduce(
        (total, { busyTime, utilization }) =>
          total + (utilization > 0 ? busyTime / utilization : 0),
        0,
      ),
      perWorker,
    };
  }

  get endError(): unknown {
    return this.#endErrorOf("submit a task");
  }

  #endErrorOf(verb: string): unknown {
    try {
      this.checkAccepting(verb);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  onEnd(fn: () => void): () => void {
    this.#onEnd.add(fn);
    return () => this.#onEnd.delete(fn);
  }

  /** It has no connection and gets none. */
  #break(error: unknown): void {
    if (this.#state === "terminated" || this.#state === "broken") return;
    this.#state = "broken";
    this.#fault = error instanceof BrokenExecutorError
      ? error
      : new BrokenExecutorError("Cannot reach the nodes", { cause: error });
    this.#desk.failAll(this.#fault);
    this.#ended();
  }

  #ended(): void {
    for (const listener of [...this.#onEnd]) listener();
    this.#onEnd.clear();
  }

  /** Resolves when nothing is under way any more. */
  async #drain(): Promise<void> {
    if (this.#desk.size > 0) {
      await new Promise<void>((resolve) => this.#onIdle = resolve);
    }
    this.#desk.close();
    this.#forgetPatience?.();
    // What was cancelled is taken back before the connection goes.
    const farewell = Promise.withResolvers<void>();
    const disarm = afterUnheld(FAREWELL, () => farewell.resolve());
    holdProgram();
    try {
      await Promise.race([this.#desk.settled(), farewell.promise]);
      await this.#desk.broker.close(farewell.promise);
    } finally {
      disarm();
      releaseProgram();
    }
    if (this.#state === "shut") this.#ended();
  }

  /** Once it was shut down, streams that nobody reads are not waited for for ever. */
  #checkPatience(): void {
    if (this.#state !== "shut") return;
    if (!this.#desk.isResting) {
      this.#forgetPatience?.();
      this.#forgetPatience = undefined;
      return;
    }
    this.#forgetPatience ??= afterUnheld(STREAM_PATIENCE, () => {
      const error = new InvalidStateError(
        `Cannot go on with a stream: its executor was shut down, and nobody has read it for ${STREAM_PATIENCE} ms`,
      );
      for (const job of this.#desk.jobs()) {
        if (job.observer.expired === undefined) this.cancel(job, error);
        else job.observer.expired(error);
      }
    });
  }
}
