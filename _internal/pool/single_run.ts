// Copyright 2026 the @concurrent/parallel authors. MIT license.

// One function on one worker of its own: what a thread and a process of
// Python's modules are. A scheduler with one worker and one job, which is shut
// down as soon as it has the job.
//
// state    meaning                           leaves by
// initial  set up                            start() -> started
// started  the worker comes up or runs       its worker is gone -> ended
// ended    `exit` tells how                  never

import {
  afterTurns,
  afterUnheld,
  type WaitOptions,
  within,
} from "../base/deadline.ts";
import {
  CancelledError,
  InvalidStateError,
  TimeoutError,
} from "../base/errors.ts";
import { holdProgram, releaseProgram } from "../base/registry.ts";
import { canPark } from "../memory/bell.ts";
import type { AnyFunction, TaskOptions } from "../wire/functions/task.ts";
import { AbortReason, type CallMode } from "../wire/messages.ts";
import { releasePayload } from "../wire/payload.ts";
import { INTERRUPT_GRACE } from "../worker/current.ts";
import type { HostExit } from "../worker/host.ts";
import type { Backend } from "./backend.ts";
import type { Work } from "./job.ts";
import type { PoolWorker } from "./pool_worker.ts";
import { Scheduler } from "./scheduler.ts";

/** Milliseconds in which the event loop of a worker must turn once where it was interrupted. */
const PONG_GRACE = 1000;

/** A function and its arguments. */
export interface Call {
  readonly target: AnyFunction;
  readonly args: readonly unknown[];
}

/** What is to run, and how. */
export interface SingleRunOptions extends Call {
  /** What it is called in errors: "thread". */
  readonly what: string;
  readonly name: string;
  readonly backend: Backend;
  readonly mode: CallMode;
  readonly taskOptions: TaskOptions;
  /** True: the program does not wait for it. */
  readonly daemon: boolean;
  readonly signal: AbortSignal | undefined;
  /** Called where the target threw and nobody has asked for the result. */
  readonly onUncaught: (error: unknown) => void;
}

/** A function on a worker of its own. */
export class SingleRun {
  readonly #options: SingleRunOptions;
  readonly #scheduler: Scheduler;
  readonly #result = Promise.withResolvers<unknown>();
  #ended: Promise<void> | undefined;
  #state: "initial" | "started" | "ended" = "initial";
  #resultAsked = false;
  #worker: PoolWorker | undefined;
  #failed = false;
  /** True once the function runs, or is about to. */
  #hasBegun = false;
  #isInterrupted = false;
  /** True where it was killed since it would not hear of the interrupt. */
  #isForced = false;
  #onPong = () => {};
  /** Takes the one timer of an interrupt back. */
  #disarm = () => {};
  /** How the worker ended. */
  exit: HostExit | undefined;

  constructor(options: SingleRunOptions) {
    this.#options = options;
    this.#result.promise.catch(() => {});
    const { backend, name, daemon } = options;
    this.#scheduler = new Scheduler({
      kind: backend.kind,
      name,
      maxWorkers: 1,
      minWorkers: 0,
      concurrency: 1,
      queueLimit: Infinity,
      maxTasksPerWorker: Infinity,
      idleTimeout: Infinity,
      cancelGrace: 100,
      keepsAlive: !daemon,
      exitCode: () => this.#failed ? 1 : 0,
      initializer: undefined,
      sendsEarly: backend.kind === "thread" && canPark ? "all" : undefined,
      startWorker: (identity, events) => {
        const worker = backend.start(identity, {
          ...events,
          exited: (exit) => {
            if (this.#isForced) exit = { signal: "SIGINT" };
            // Not one that was started for a call that could not be sent.
            if (worker === this.#worker) this.#hasExited(exit);
            events.exited(exit);
          },
          pong: () => {
            this.#onPong();
            events.pong();
          },
        });
        return this.#worker = worker;
      },
    });
  }

  /** The worker, once it was started. */
  get worker(): PoolWorker | undefined {
    return this.#worker;
  }

  /**
   * Resolves when it has ended.
   *
   * @throws {InvalidStateError} If it was not started.
   */
  get ended(): Promise<void> {
    this.#checkStarted("wait for");
    return this.#ended!;
  }

  get isAlive(): boolean {
    return this.#state === "started";
  }

  get isStarted(): boolean {
    return this.#state !== "initial";
  }

  /**
   * Starts the worker.
   *
   * @param call What it runs in place of the target.
   * @throws {InvalidStateError} If it was started before.
   * @throws {SerializationError} If the target or an argument cannot travel.
   * @throws Whatever keeps the worker from being spawned.
   */
  start(call?: Call): void {
    const { what, name, backend, mode, taskOptions, signal } = this.#options;
    const { target, args } = call ?? this.#options;
    if (this.#state !== "initial") {
      throw new InvalidStateError(
        `Cannot start ${what} '${name}': it was started before`,
      );
    }
    signal?.throwIfAborted();
    const { transfer } = taskOptions;
    // A process comes up while its call is encoded.
    const isEarly = backend.kind === "process" && this.#scheduler.expect();
    let work: Work;
    try {
      work = backend.prepare(target, args, mode, {
        objects:
          (typeof transfer === "function" ? transfer(...args) : transfer) ?? [],
        isRepeatable: false,
      });
    } catch (error) {
      if (isEarly) this.#scheduler.disappoint();
      throw error;
    }
    const job = this.#scheduler.submit(work, {
      name: taskOptions.name ?? name,
      priority: 0,
      timeout: taskOptions.timeout,
      retries: 0,
      maySendAhead: false,
    }, {
      started: () => {
        this.#hasBegun = true;
        if (this.#isInterrupted) this.#interrupt();
      },
      progressed() {},
      succeeded: (value) => this.#result.resolve(value),
      failed: (error) => {
        this.#failed = true;
        this.#result.reject(error);
        // Before it counts as started, `start()` itself throws. That it was
        // stopped is what somebody wanted.
        if (
          this.#state === "started" && !this.#resultAsked &&
          !(error instanceof CancelledError)
        ) {
          this.#options.onUncaught(error);
        }
      },
      cancelled: (reason) => {
        this.#failed = true;
        this.#result.reject(
          new CancelledError(
            `Cannot finish ${what} '${name}': it was stopped`,
            { cause: reason },
          ),
        );
      },
    });
    if (work.kind === "remote") releasePayload(work.payload);
    // No worker could even be spawned: a missing permission or folder.
    if (this.#scheduler.brokenBy !== undefined) throw this.#scheduler.brokenBy;
    this.#state = "started";
    if (signal !== undefined && job.state !== "settled") {
      const onAbort = () => this.#scheduler.cancel(job, signal.reason);
      signal.addEventListener("abort", onAbort);
      job.detach = () => signal.removeEventListener("abort", onAbort);
    }
    this.#ended = this.#scheduler.shutdown(false).then(() => {
      this.#state = "ended";
    });
  }

  /** Waits for the end; false where the timeout passes first. */
  async join(options: WaitOptions): Promise<boolean> {
    this.#checkStarted("join");
    if (this.#state === "ended") return true;
    // Whoever waits keeps the program alive, for a daemon too.
    holdProgram();
    try {
      await within(`join ${this.#options.what}`, this.#ended!, options);
      return true;
    } catch (error) {
      if (error instanceof TimeoutError) return false;
      throw error;
    } finally {
      releaseProgram();
    }
  }

  /** What the target returned, or its error. */
  async result(): Promise<unknown> {
    this.#checkStarted("get the result of");
    this.#resultAsked = true;
    holdProgram();
    try {
      return await this.#result.promise;
    } finally {
      releaseProgram();
    }
  }

  /** Stops it now. */
  async terminate(signal?: Deno.Signal): Promise<void> {
    this.#checkStarted("terminate");
    await this.#scheduler.terminate(
      `the ${this.#options.what} was terminated`,
      signal,
    );
    await this.#ended;
  }

  /**
   * Tells the function that it was interrupted, and leaves it to the worker what
   * comes of that. A worker whose event loop does not turn cannot decide: it is
   * ended.
   */
  interrupt(): void {
    this.#checkStarted("interrupt");
    if (this.#state === "ended" || this.#isInterrupted) return;
    this.#isInterrupted = true;
    // Else when the worker has come up: there is nothing to tell before.
    if (this.#hasBegun) this.#interrupt();
  }

  #hasExited(exit: HostExit): void {
    this.exit = exit;
    this.#onPong = () => {};
    this.#disarm();
  }

  #interrupt(): void {
    this.#worker!.abort(0, AbortReason.interrupted);
    // That it answers means that it has heard of it; that it answers once more,
    // when its grace period is over, that it could decide.
    this.#expectPong(() => {
      this.#disarm = afterUnheld(2 * INTERRUPT_GRACE, () => {
        this.#expectPong(() => {
          // A second interrupt is told again.
          this.#isInterrupted = false;
        });
      });
    });
  }

  #expectPong(onPong: () => void): void {
    this.#disarm = afterTurns(PONG_GRACE, () => {
      this.#isForced = true;
      this.#worker!.terminate();
    });
    this.#onPong = () => {
      this.#onPong = () => {};
      this.#disarm();
      onPong();
    };
    this.#worker!.ping();
  }

  #checkStarted(verb: string): void {
    if (this.#state !== "initial") return;
    const { what, name } = this.#options;
    throw new InvalidStateError(
      `Cannot ${verb} ${what} '${name}': it was not started`,
    );
  }
}
