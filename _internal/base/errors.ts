// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Base class of every error that this library creates itself. Errors that a
 * task threw keep their own class.
 *
 * @example Catch anything that the library reports
 * ```ts
 * import { ParallelError, SerializationError } from "@concurrent/parallel";
 * import { assert } from "@std/assert";
 *
 * assert(new SerializationError("Cannot send x") instanceof ParallelError);
 * ```
 */
export class ParallelError extends Error {
  /**
   * Creates the error.
   *
   * @param message What could not be done and why.
   * @param options The standard options; `cause` is kept.
   */
  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The future was cancelled, or its task was stopped because somebody asked for it. */
export class CancelledError extends ParallelError {}

/** A wait lasted longer than its `timeout`. What was waited for goes on. */
export class TimeoutError extends ParallelError {}

/** A task ran longer than its own `timeout` and was stopped. */
export class TaskTimeoutError extends TimeoutError {}

/** The operation does not fit the state that the object is in. */
export class InvalidStateError extends ParallelError {}

/** A feature that this version does not have, or that the chosen backend cannot offer. */
export class NotSupportedError extends ParallelError {}

/** The executor cannot run tasks any more; `cause` holds the first reason. */
export class BrokenExecutorError extends ParallelError {}

/** A thread pool whose workers cannot start or whose initializer failed. */
export class BrokenThreadPoolError extends BrokenExecutorError {}

/** A process pool whose workers cannot start or whose initializer failed. */
export class BrokenProcessPoolError extends BrokenExecutorError {}

/** Where and how a worker ended, for {@linkcode WorkerCrashedError}. */
export interface WorkerCrashDetails {
  /** The worker's label, such as `"ThreadPoolExecutor-1_0"`. */
  worker: string;
  /** The exit code, where the worker had one. */
  exitCode?: number | undefined;
  /** The signal that ended a process, such as `"SIGKILL"`. */
  signal?: string | undefined;
  /** The label of the task that it was running. */
  task?: string | undefined;
}

/** The worker that ran the task ended before the task did. */
export class WorkerCrashedError extends ParallelError {
  /** The worker's label. */
  readonly worker: string;
  /** The exit code, or `undefined` where there is none. */
  readonly exitCode: number | undefined;
  /** The signal that ended the process, or `undefined`. */
  readonly signal: string | undefined;
  /** The label of the task that was running, or `undefined`. */
  readonly task: string | undefined;

  /**
   * Creates the error.
   *
   * @param message What happened.
   * @param details Which worker and task, and how it ended.
   * @param options The standard options; `cause` is kept.
   */
  constructor(
    message: string,
    details: WorkerCrashDetails,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.worker = details.worker;
    this.exitCode = details.exitCode;
    this.signal = details.signal;
    this.task = details.task;
  }
}

/** A function or value that cannot travel to a worker, or a message that cannot be read. */
export class SerializationError extends ParallelError {
  /** Where the value is, such as `"args[0].socket"`; empty where no path applies. */
  readonly path: string;
  /** Why it cannot travel, in a few words. */
  readonly reason: string;

  /**
   * Creates the error.
   *
   * @param message The whole sentence.
   * @param options `path` and `reason` as data, and the standard `cause`.
   */
  constructor(
    message: string,
    options: ErrorOptions & { path?: string; reason?: string } = {},
  ) {
    super(message, options);
    this.path = options.path ?? "";
    this.reason = options.reason ?? "";
  }
}
