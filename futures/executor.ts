// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What every executor does, and how pools are set up: {@linkcode Executor} and
 * its options.
 *
 * @module
 */

import type { TimeStats } from "../_internal/pool/histogram.ts";
import type { MapOptions } from "../_internal/pool/map_options.ts";
import type {
  BackendStats,
  ExecutorStats,
  WorkerStats,
} from "../_internal/pool/scheduler_options.ts";
import type { Future } from "./future.ts";

/** Any function that can be submitted. */
// deno-lint-ignore no-explicit-any -- callers submit functions of every signature
export type TaskFunction = (...args: any[]) => unknown;

/** How {@linkcode Executor.shutdown} ends. */
export interface ShutdownOptions {
  /**
   * Wait until the workers are gone. `false`: return at once; what was
   * accepted is finished all the same.
   *
   * @default {true}
   */
  wait?: boolean;
  /**
   * Cancel what has not started.
   *
   * @default {false}
   */
  cancelFutures?: boolean;
  /**
   * How long to wait, in milliseconds. Past them the promise rejects with a
   * `TimeoutError`; the executor goes on finishing.
   *
   * @default {undefined} waits for ever
   */
  timeout?: number;
}

export type { BackendStats, ExecutorStats, MapOptions, TimeStats, WorkerStats };

/**
 * Runs functions somewhere else: in threads, in processes, or wherever they run
 * best. The same interface for all of them.
 *
 * - **Order:** tasks start in the order of their submission, higher priorities
 *   first. With several threads neighbours may change places: each is sent its
 *   next task while it runs one.
 * - **Errors:** a task's error arrives at its future as the same built-in class.
 * - **Dispose:** `await using` finishes what was accepted, then stops the workers.
 */
export interface Executor extends AsyncDisposable {
  /**
   * Runs a function with arguments.
   *
   * - **Signals:** an `AbortSignal` among the arguments, or captured, fires over
   *   there when it fires here, until the task has ended.
   * - **Context:** the task finds each `AsyncLocalStorage` as it is now that it
   *   captured or is passed, that it imports, or that the module of an exported
   *   task exports or imports. One that a module keeps to itself is not reached.
   *   What it holds is encoded now.
   *
   * @typeParam A The arguments.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param args Its arguments; encoded now, so later changes do not matter.
   * @returns The future of the result.
   * @throws {SerializationError} If the function, an argument or its context cannot travel.
   * @throws {InvalidStateError} If the executor was shut down, or its queue is full.
   * @throws {BrokenExecutorError} If its workers cannot start.
   */
  submit<A extends unknown[], R>(
    fn: (...args: A) => R,
    ...args: A
  ): Future<Awaited<R>>;
  /**
   * Calls a function with each item of an input.
   *
   * @typeParam T The items.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param items The input, of any length; pulled as results are taken.
   * @param options Chunks, order, errors, limits.
   * @returns The results.
   */
  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions & { onError: "settle" },
  ): AsyncIterableIterator<PromiseSettledResult<Awaited<R>>> & AsyncDisposable;
  /**
   * Calls a function with each item of an input.
   *
   * @typeParam T The items.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param items The input, of any length; pulled as results are taken.
   * @param options Chunks, order, errors, limits.
   * @returns The results.
   */
  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<Awaited<R>> & AsyncDisposable;
  /**
   * Calls a function with each list of arguments of an input.
   *
   * @typeParam A The arguments.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param items The lists of arguments.
   * @param options Chunks, order, errors, limits.
   * @returns The results.
   */
  starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<A> | AsyncIterable<A>,
    options?: MapOptions,
  ): AsyncIterableIterator<Awaited<R>> & AsyncDisposable;
  /**
   * Runs a generator over there and yields its values here, one by one. It
   * begins with the first step and waits for whoever takes the values: it is at
   * most some values ahead, 16 where they are taken slowly. While it waits its
   * place is free for other tasks. Leaving the loop runs its `finally`.
   *
   * - **Shutdown:** `shutdown()`, and so `await using`, waits for a stream that
   *   has begun for as long as it is read. Where nothing else is left and nobody
   *   has taken a value for five seconds, the stream is ended: who reads on gets
   *   what it had made by then, and an {@linkcode InvalidStateError}. Who takes
   *   values with `next()` saves that time with `return()`, or by declaring the
   *   stream after its executor with `await using`.
   *
   * @typeParam A The arguments.
   * @typeParam Y What the generator yields.
   * @param fn The generator function, or one that returns something to iterate over.
   * @param args Its arguments; encoded now.
   * @returns The values; its error comes behind the values before it.
   * @throws {SerializationError} If the function or an argument cannot travel.
   * @throws {InvalidStateError} If the executor was shut down.
   * @throws {BrokenExecutorError} If its workers cannot start.
   */
  stream<A extends unknown[], Y>(
    fn: (...args: A) => Iterable<Y> | AsyncIterable<Y>,
    ...args: A
  ): AsyncIterableIterator<Y> & AsyncDisposable;
  /**
   * Takes no more tasks, finishes what was accepted, stops the workers.
   *
   * @param options Whether and how long to wait, and what to cancel.
   * @throws {TimeoutError} If the timeout passes first.
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
  /** Stops the workers now; pending and running futures are cancelled. Resolves when the workers are gone. */
  terminate(): Promise<void>;
  /**
   * Tells what the executor has done so far.
   *
   * @returns The counts and times.
   * @throws {NotSupportedError} In a worker that the executor was sent to.
   */
  stats(): ExecutorStats;
  /** Starts the workers ahead of the first task; resolves when they take tasks. */
  ready(): Promise<void>;
  /**
   * Starts the workers as {@linkcode Executor.ready} does, and has each of them
   * get functions ready: it imports their modules and decodes them, so that the
   * first call of each finds them there. Nothing of them is called.
   *
   * - **Which workers:** those of the backend where the function would run, as
   *   many as `ready()` starts. A worker that is started later gets a function
   *   with the first call, as always.
   * - **Busy workers:** one that runs a task does it when its event loop turns.
   * - **Changes:** of a function that has captured variables which are assigned,
   *   only the modules are kept, since its values go with each call.
   * - **In a task:** an executor is prewarmed where it was made.
   *
   * @example The first call is as fast as the others
   * ```ts
   * import { ThreadPoolExecutor } from "@concurrent/parallel/futures";
   * import { assertEquals } from "@std/assert";
   *
   * const double = (n: number) => 2 * n;
   *
   * await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
   * await pool.prewarm(double);
   *
   * assertEquals(await pool.submit(double, 21), 42);
   * ```
   *
   * @param fns The functions, or tasks.
   * @returns Resolves when the workers have them.
   * @throws {SerializationError} If a function cannot travel, or not be decoded there.
   * @throws {NotSupportedError} If this is a task and the executor is above.
   * @throws Whatever a module throws that a function needs.
   */
  prewarm(...fns: TaskFunction[]): Promise<void>;
}

/** How a pool of workers is set up. */
export interface PoolOptions {
  /**
   * Workers at most; they are started when there is work for them.
   *
   * @default {navigator.hardwareConcurrency}
   */
  maxWorkers?: number;
  /**
   * Workers that are kept once they were started.
   *
   * @default {0}
   */
  minWorkers?: number;
  /**
   * The label of the pool and, with a number, of its workers.
   *
   * @default {undefined} the class name and a number
   */
  name?: string;
  /**
   * Runs on each worker before its first task. If it fails, the pool is broken;
   * also where it is a task with a timeout, which has passed.
   *
   * @default {undefined}
   */
  initializer?: TaskFunction;
  /**
   * The initializer's arguments.
   *
   * @default {[]}
   */
  initArgs?: unknown[];
  /**
   * Tasks after which a worker is replaced by a new one. Where its tasks wait
   * for others that they have submitted, the new one is started before it ends.
   *
   * @default {Infinity}
   */
  maxTasksPerWorker?: number;
  /**
   * Milliseconds after which an idle worker above `minWorkers` is stopped.
   *
   * @default {Infinity}
   */
  idleTimeout?: number;
  /**
   * Tasks that one worker has under way at a time. More than one is for tasks that wait.
   *
   * @default {1}
   */
  concurrency?: number;
  /**
   * Tasks that may wait for workers that are busy, at least 1; one more is
   * refused with an
   * {@linkcode InvalidStateError}. `map` waits for room while it has tasks under way.
   *
   * @default {Infinity}
   */
  queueLimit?: number;
  /**
   * Milliseconds that a task has to end after it was asked to stop.
   *
   * @default {100}
   */
  cancelGrace?: number;
  /**
   * What a SIGINT (Ctrl-C) does while tasks are under way. `"terminate"`: they
   * are cancelled, as by {@linkcode Executor.terminate}, so that `finally`
   * blocks and `await using` of the program run; half a second later, or when
   * nothing is left to do, the program ends by the signal. `"ignore"`: nothing.
   *
   * A program that handles the signal through `process.on("SIGINT")` is left
   * alone. One that does so through `Deno.addSignalListener` or `process.once`
   * should say `"ignore"`: such a listener cannot be seen from here, its
   * program would be left without its tasks and hear the signal again. While there are
   * workers a SIGINT waits for the event loop's turn, so a program that blocks
   * its main thread for long may want `"ignore"` too.
   *
   * @default {"terminate"}
   */
  onInterrupt?: "terminate" | "ignore";
  /**
   * What the workers may do: at most what this program may. Threads take
   * `"inherit"` only, the rest is for processes.
   *
   * @default {"inherit"}
   */
  permissions?: Deno.PermissionOptions;
  /**
   * Limits on the memory of each worker.
   *
   * @default {undefined} V8's own
   */
  resourceLimits?: ResourceLimits;
}

/**
 * Limits on the memory of each worker. A worker that is out of memory ends: what
 * it ran fails with a `WorkerCrashedError`, whose `cause` is a `RangeError` that
 * names the limits; another worker takes its place.
 *
 * - **Threads:** V8 ends the thread when its heap is full. It does so where a
 *   function is entered or a loop begins anew, but has no such place in an
 *   optimized loop that calls built-in functions only; and one allocation of
 *   several times the limit ends the program. Processes have neither gap.
 * - **Without limits:** a thread that is out of memory ends the whole program.
 * - **Not counted:** the contents of `ArrayBuffer`s and typed arrays.
 */
export interface ResourceLimits {
  /**
   * The heap's old generation, where everything is that has lived for a while,
   * in MB: from 16 to 1048576.
   */
  maxOldGenerationSizeMb?: number;
  /**
   * The heap's young generation, in MB: from 1 to 1048576. The size of the
   * heap is limited by both together.
   */
  maxYoungGenerationSizeMb?: number;
  /** The stack, in MB: from 0.25 to 6. Processes only. */
  stackSizeMb?: number;
}
