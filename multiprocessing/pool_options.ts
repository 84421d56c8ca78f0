// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * How pools are set up, and how their calls want to run.
 *
 * @module
 */

import type { WaitOptions } from "../_internal/base/deadline.ts";
import type {
  AnyFunction,
  TaskOptions,
} from "../_internal/wire/functions/task.ts";

/** How a pool is set up. */
export interface PoolOptions {
  /**
   * Workers at most; they are started when there is work for them.
   *
   * @default {navigator.hardwareConcurrency}
   */
  processes?: number;
  /**
   * Runs on each worker before its first task. If it fails, the pool is broken:
   * every call fails with a `BrokenExecutorError` whose `cause` is the error.
   *
   * @default {undefined}
   */
  initializer?: AnyFunction;
  /**
   * The initializer's arguments.
   *
   * @default {[]}
   */
  initArgs?: unknown[];
  /**
   * Tasks after which a worker is replaced by a new one. A chunk of a map is one.
   *
   * @default {Infinity}
   */
  maxTasksPerChild?: number;
  /**
   * The label of the pool and, with a number, of its workers.
   *
   * @default {undefined} the class name and a number
   */
  name?: string;
  /**
   * Milliseconds that a task has to end after it was asked to stop.
   *
   * @default {100}
   */
  cancelGrace?: number;
  /**
   * What a SIGINT (Ctrl-C) does while tasks are under way: `"terminate"` ends
   * them and then the program, `"ignore"` nothing.
   *
   * @default {"terminate"}
   */
  onInterrupt?: "terminate" | "ignore";
  /**
   * What the workers may do: at most what this program may. Threads take
   * `"inherit"` only.
   *
   * @default {"inherit"}
   */
  permissions?: Deno.PermissionOptions;
}

/** Who is told of the end of a call. What they throw is reported on the console, and changes nothing. */
export interface PoolCallbacks<R = unknown> {
  /**
   * Called once with the result.
   *
   * @param value The result.
   */
  callback?: (value: R) => unknown;
  /**
   * Called once with the error, of which somebody has heard then.
   *
   * @param error What the call threw.
   */
  errorCallback?: (error: unknown) => unknown;
}

/** How one call wants to run, and who is told of its end. */
export type ApplyOptions<R = unknown> = TaskOptions & PoolCallbacks<R>;

/** How a map of a pool takes its input. */
export interface PoolMapOptions {
  /**
   * Items that travel together and fail together when their worker dies.
   * `"auto"` starts with one and grows while the calls turn out to be short.
   *
   * @default {"auto"}
   */
  chunkSize?: number | "auto";
  /**
   * True: the first error ends the map and cancels the rest. False: every call
   * runs, then the map fails with the first error.
   *
   * @default {false}
   */
  failFast?: boolean;
  /**
   * Milliseconds for the whole map. Past them it fails with a `TimeoutError`
   * and the rest is cancelled.
   *
   * @default {undefined} no limit
   */
  timeout?: number;
  /** Ends the map with `signal.reason` and cancels the rest. */
  signal?: AbortSignal;
  /**
   * Called after each finished chunk with the number of items done.
   *
   * @param done Items whose calls have ended.
   */
  onProgress?: (done: number) => void;
}

/** How `imap()` and `imapUnordered()` take their input. */
export interface IMapOptions extends Omit<PoolMapOptions, "failFast"> {
  /**
   * Items that may be pulled from the input and not yet given out.
   *
   * @default {undefined} a few chunks for each worker
   */
  bufferSize?: number;
}

/** The results of `imap()` and `imapUnordered()`. */
export interface IMapIterator<R>
  extends AsyncIterableIterator<R>, AsyncDisposable {
  /**
   * Takes the next result. Where an item has failed it rejects with that error,
   * and the step after it takes the next one.
   *
   * @param options How long to wait; a result that comes later is the next step's.
   * @throws {TimeoutError} If the timeout passes first.
   */
  next(options?: WaitOptions): Promise<IteratorResult<R>>;
}
