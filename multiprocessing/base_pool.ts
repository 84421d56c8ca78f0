// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What {@linkcode Pool} and {@linkcode ThreadPool} share, which is nearly
 * everything.
 *
 * @module
 */

import {
  after,
  checkWait,
  type WaitOptions,
  within,
} from "../_internal/base/deadline.ts";
import {
  CancelledError,
  InvalidStateError,
  TimeoutError,
} from "../_internal/base/errors.ts";
import {
  checkObject,
  describe,
  integerOption,
} from "../_internal/base/validation.ts";
import { SLOTS } from "../_internal/memory/slots.ts";
import {
  NO_TRANSFER,
  processBackend,
  threadBackend,
} from "../_internal/pool/backend.ts";
import {
  checkTask,
  createLane,
  type Lane,
  submitCall,
  sumStats,
} from "../_internal/pool/lane.ts";
import { letGo } from "../_internal/pool/job.ts";
import { checkMap } from "../_internal/pool/map_iterator.ts";
import type { MapOptions } from "../_internal/pool/map_options.ts";
import { MapRun, type MapSubject } from "../_internal/pool/map_run.ts";
import type { TimeStats } from "../_internal/pool/histogram.ts";
import type {
  ExecutorStats,
  WorkerStats,
} from "../_internal/pool/scheduler_options.ts";
import {
  type AnyFunction,
  task,
  type TaskOptions,
} from "../_internal/wire/functions/task.ts";
import { CallMode } from "../_internal/wire/messages.ts";
import { checkCallbacks, promised } from "./_pool_callbacks.ts";
import { gather, PoolIterator, snapshot } from "./_pool_maps.ts";
import type { AsyncResult } from "./async_result.ts";
import type {
  ApplyOptions,
  IMapIterator,
  IMapOptions,
  PoolCallbacks,
  PoolMapOptions,
  PoolOptions,
} from "./pool_options.ts";

export type { ExecutorStats, TimeStats, WaitOptions, WorkerStats };

/** Items of a map that may be under way: all results are kept, so nobody has to be slow. */
const MAP_WINDOW = 1024;

/** How long a closed pool waits for somebody who has stopped to take results, in milliseconds. */
const READER_PATIENCE = 5_000;

/**
 * What {@linkcode Pool} and {@linkcode ThreadPool} share, which is nearly
 * everything.
 *
 * @example Leave the choice to the caller
 * ```ts
 * import { type BasePool, ThreadPool } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * async function squares(pool: BasePool, n: number): Promise<number[]> {
 *   return await pool.map((x: number) => x * x, Array(n).keys());
 * }
 *
 * await using pool = new ThreadPool({ processes: 1 });
 *
 * assertEquals(await squares(pool, 4), [0, 1, 4, 9]);
 * ```
 */
export abstract class BasePool implements AsyncDisposable {
  // state       meaning                                      leaves by
  // open        takes calls                                  close() -> closed; terminate() -> terminated
  // closed      takes none; maps and iterations that have    the last of them has ended, or nobody reads it any
  //             begun still submit theirs                    more while join() waits -> draining; terminate()
  // draining    the scheduler finishes what it has           terminate() -> terminated
  // terminated  the scheduler has cancelled what there was   never
  #state: "open" | "closed" | "draining" | "terminated" = "open";
  readonly #lane: Lane;
  /** Maps under way. */
  #maps = 0;
  readonly #readers = new Set<PoolIterator>();
  readonly #drained = Promise.withResolvers<void>();
  /** Takes back the look at the readers. */
  #impatience: (() => void) | undefined;

  /**
   * Sets the pool up. No worker is started yet.
   *
   * @param kind Where the calls run.
   * @param options How the pool is set up.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If an option is out of its range.
   */
  constructor(kind: "thread" | "process", options: PoolOptions) {
    const { name } = new.target;
    const verb = `create ${name}`;
    checkObject(verb, "options", options);
    const { processes, maxTasksPerChild, permissions, ...rest } = options;
    const setup = {
      ...rest,
      maxWorkers: integerOption(
        verb,
        "processes",
        processes,
        navigator.hardwareConcurrency,
        1,
      ),
      maxTasksPerWorker: integerOption(
        verb,
        "maxTasksPerChild",
        maxTasksPerChild,
        Infinity,
        1,
      ),
      // Not of pools; other words for the two above.
      minWorkers: undefined,
      concurrency: undefined,
      idleTimeout: undefined,
      queueLimit: undefined,
    };
    this.#lane = createLane(name, setup, (concurrency) => {
      const backend = { concurrency, permissions };
      return kind === "thread"
        ? threadBackend(backend)
        : processBackend(backend);
    }, SLOTS);
  }

  /**
   * Calls a function with arguments.
   *
   * @typeParam A The arguments.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param args Its arguments; encoded now, so later changes do not matter.
   * @param options How the call wants to run.
   * @returns The result; rejects with the function's error.
   * @throws {SerializationError} If the function or an argument cannot travel.
   * @throws {InvalidStateError} If the pool was closed.
   * @throws {WorkerCrashedError} If the worker dies.
   */
  async apply<A extends unknown[], R>(
    fn: (...args: A) => R,
    args?: NoInfer<A>,
    options?: TaskOptions,
  ): Promise<Awaited<R>> {
    return await this.applyAsync(fn, args, options);
  }

  /**
   * Calls a function with arguments; gives the result at once, as an object to wait for.
   *
   * @typeParam A The arguments.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param args Its arguments; encoded now, so later changes do not matter.
   * @param options How the call wants to run, and who is told of its end.
   * @returns What stands for the result.
   * @throws {SerializationError} If the function or an argument cannot travel.
   * @throws {InvalidStateError} If the pool was closed.
   */
  applyAsync<A extends unknown[], R>(
    fn: (...args: A) => R,
    args?: NoInfer<A>,
    options: ApplyOptions<Awaited<R>> = {},
  ): AsyncResult<Awaited<R>> {
    const verb = "apply a function";
    const call = checkTask(verb, fn);
    const callArgs: unknown = args ?? [];
    if (!Array.isArray(callArgs)) {
      throw new TypeError(
        `Cannot ${verb} as 'args' must be an array: current value is ${
          describe(callArgs)
        }`,
      );
    }
    checkCallbacks(verb, options);
    const { callback, errorCallback, ...taskOptions } = options;
    // Adds to the task's own, and checks them.
    const { fn: target, options: how } = Object.keys(taskOptions).length === 0
      ? call
      : checkTask(verb, task(fn as AnyFunction, taskOptions));
    this.#checkOpen(verb);
    return promised<Awaited<R>>({ callback, errorCallback }, (end) => {
      submitCall(this.#lane, target, how, callArgs, {
        started() {},
        progressed() {},
        succeeded: end.succeed as (value: unknown) => void,
        failed: end.fail,
        cancelled: (cause) =>
          end.fail(
            new CancelledError(
              "Cannot get the result: the call was cancelled",
              {
                cause,
              },
            ),
            true,
          ),
      });
    });
  }

  /**
   * Calls a function with each item of an input.
   *
   * - **Errors:** every call runs; then the first error, in the order of the
   *   items, is thrown. With `failFast` the first that arrives is, at once.
   * - **Chunks:** short calls travel together, by their measured run time.
   *
   * @typeParam T The items.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param items The input.
   * @param options Chunks, errors, limits.
   * @returns All results, in the order of the items.
   * @throws {SerializationError} If the function or an item cannot travel.
   * @throws {InvalidStateError} If the pool was closed.
   */
  async map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options?: PoolMapOptions,
  ): Promise<Awaited<R>[]> {
    return await this.mapAsync(fn, items, options);
  }

  /**
   * As {@linkcode BasePool.map}; gives the results at once, as an object to wait for.
   *
   * @typeParam T The items.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param items The input.
   * @param options Chunks, errors, limits, and who is told of the end.
   * @returns What stands for all results.
   * @throws {SerializationError} If the function cannot travel.
   * @throws {InvalidStateError} If the pool was closed.
   */
  mapAsync<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options: PoolMapOptions & PoolCallbacks<Awaited<R>[]> = {},
  ): AsyncResult<Awaited<R>[]> {
    return this.#mapAll("map", fn, items, options);
  }

  /**
   * As {@linkcode BasePool.map}, with a list of arguments for each call.
   *
   * @typeParam A The arguments.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param items The lists of arguments.
   * @param options Chunks, errors, limits.
   * @returns All results, in the order of the items.
   * @throws {SerializationError} If the function or an argument cannot travel.
   * @throws {InvalidStateError} If the pool was closed.
   */
  async starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<A> | AsyncIterable<A>,
    options?: PoolMapOptions,
  ): Promise<Awaited<R>[]> {
    return await this.starmapAsync(fn, items, options);
  }

  /**
   * As {@linkcode BasePool.starmap}; gives the results at once, as an object to wait for.
   *
   * @typeParam A The arguments.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param items The lists of arguments.
   * @param options Chunks, errors, limits, and who is told of the end.
   * @returns What stands for all results.
   * @throws {SerializationError} If the function cannot travel.
   * @throws {InvalidStateError} If the pool was closed.
   */
  starmapAsync<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<A> | AsyncIterable<A>,
    options: PoolMapOptions & PoolCallbacks<Awaited<R>[]> = {},
  ): AsyncResult<Awaited<R>[]> {
    return this.#mapAll("starmap", fn, items, options);
  }

  /**
   * Calls a function with each item of an input, and gives the results one by
   * one in the order of the items.
   *
   * - **Input:** of any length; pulled at most some items ahead of who takes
   *   the results, from the call on. Its error comes behind its items.
   * - **Errors:** where an item has failed that step throws, and the iterator
   *   goes on. A loop ends with the throw, as loops do.
   *
   * @typeParam T The items.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param items The input.
   * @param options Chunks, the size of the window, limits.
   * @returns The results. Leaving the loop, or disposing, cancels the rest.
   * @throws {SerializationError} If the function cannot travel.
   * @throws {InvalidStateError} If the pool was closed.
   */
  imap<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options: IMapOptions = {},
  ): IMapIterator<Awaited<R>> {
    return this.#iterate(fn, items, options, true) as IMapIterator<Awaited<R>>;
  }

  /**
   * As {@linkcode BasePool.imap}, in the order in which the calls end.
   *
   * @typeParam T The items.
   * @typeParam R What the function returns.
   * @param fn The function, or a task.
   * @param items The input.
   * @param options Chunks, the size of the window, limits.
   * @returns The results. Leaving the loop, or disposing, cancels the rest.
   * @throws {SerializationError} If the function cannot travel.
   * @throws {InvalidStateError} If the pool was closed.
   */
  imapUnordered<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options: IMapOptions = {},
  ): IMapIterator<Awaited<R>> {
    return this.#iterate(fn, items, options, false) as IMapIterator<Awaited<R>>;
  }

  /**
   * Takes no more calls. What was accepted is finished: calls, whole maps, and
   * what is still taken from iterators. Then the workers end.
   */
  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closed";
    this.#checkDrained();
  }

  /**
   * Stops the workers now; what has not ended fails with a `CancelledError`.
   *
   * @returns Resolves when the workers are gone.
   */
  async terminate(): Promise<void> {
    this.#state = "terminated";
    this.#calm();
    this.#readers.clear();
    const gone = this.#lane.scheduler.terminate("the pool was terminated");
    this.#drained.resolve(gone);
    await gone;
  }

  /**
   * Waits for the end of a pool that was closed or terminated. An iterator from
   * which nobody has taken a result for five seconds is not waited for: it gives
   * what is there, and then throws an `InvalidStateError`.
   *
   * @param options How long to wait.
   * @returns True where the workers are gone, false where the timeout has passed.
   * @throws {InvalidStateError} If the pool is open.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If the timeout is negative.
   */
  async join(options: WaitOptions = {}): Promise<boolean> {
    const verb = "join a pool";
    checkWait(verb, options);
    if (this.#state === "open") {
      throw new InvalidStateError(
        `Cannot ${verb}: it is still open, close() or terminate() comes first`,
      );
    }
    this.#losePatience();
    try {
      await within(verb, this.#drained.promise, options);
      return true;
    } catch (error) {
      if (error instanceof TimeoutError && error !== options.signal?.reason) {
        return false;
      }
      throw error;
    }
  }

  /**
   * Starts the workers ahead of the first call.
   *
   * @returns Resolves when they take calls.
   * @throws {InvalidStateError} If the pool was closed.
   * @throws {BrokenExecutorError} If they cannot start, or the initializer fails.
   */
  async ready(): Promise<void> {
    this.#checkOpen("get ready");
    const { scheduler } = this.#lane;
    await scheduler.ready(scheduler.options.maxWorkers);
  }

  /**
   * Tells what the pool has done so far.
   *
   * @returns The counts and times.
   */
  stats(): ExecutorStats {
    return sumStats([this.#lane]);
  }

  /**
   * Finishes what was accepted, then stops the workers.
   *
   * @returns Resolves when the workers are gone.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.join();
  }

  #checkOpen(verb: string): void {
    if (this.#state !== "open") {
      throw new InvalidStateError(
        `Cannot ${verb}: the pool was ${
          this.#state === "terminated" ? "terminated" : "closed"
        }`,
      );
    }
    this.#lane.scheduler.checkAccepting(verb);
  }

  #subject(
    verb: "map" | "starmap",
    fn: unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: PoolMapOptions,
  ): MapSubject {
    checkMap(verb, items, options);
    const call = checkTask(verb, fn);
    this.#checkOpen(verb);
    const lane = this.#lane;
    // A function that cannot travel is this call's error.
    const sample = lane.backend.prepare(
      call.fn,
      [],
      CallMode.single,
      NO_TRANSFER,
    );
    letGo(sample);
    return { lane, ...call, items, isListed: verb === "starmap", sample };
  }

  #mapAll<R>(
    verb: "map" | "starmap",
    fn: unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: PoolMapOptions & PoolCallbacks<R[]>,
  ): AsyncResult<R[]> {
    const subject = this.#subject(verb, fn, snapshot(items), options);
    checkCallbacks(verb, options);
    const { callback, errorCallback, failFast = false, ...mapOptions } =
      options;
    const { lane } = subject;
    return promised<R[]>({ callback, errorCallback }, (end) => {
      let run: MapRun;
      try {
        const context = lane.backend.captureContext(subject.fn);
        run = new MapRun(context, subject, mapOptions, MAP_WINDOW);
      } catch (error) {
        return end.fail(error);
      }
      this.#maps++;
      gather(run, failFast).finally(() => {
        this.#maps--;
        this.#checkDrained();
      }).then(
        end.succeed as (values: unknown[]) => void,
        (error) => end.fail(error, this.#state === "terminated"),
      );
    });
  }

  #iterate(
    fn: unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: IMapOptions,
    ordered: boolean,
  ): PoolIterator {
    const subject = this.#subject("map", fn, items, options);
    const iterator: PoolIterator = new PoolIterator(
      { ...subject, sample: undefined },
      { ...options, ordered } as MapOptions,
      () => {
        this.#readers.delete(iterator);
        this.#checkDrained();
      },
    );
    this.#readers.add(iterator);
    return iterator;
  }

  /** Nobody submits any more: the scheduler finishes what it has. */
  #checkDrained(): void {
    if (this.#state !== "closed" || this.#maps > 0) return;
    // Of a broken one nobody gets anything.
    if (
      this.#readers.size === 0 || this.#lane.scheduler.endError !== undefined
    ) this.#drain();
  }

  #drain(): void {
    this.#state = "draining";
    this.#calm();
    this.#drained.resolve(this.#lane.scheduler.shutdown(false));
  }

  /** Somebody waits for the end: those who have stopped to read must not hold it up. */
  #losePatience(): void {
    if (this.#state !== "closed" || this.#impatience !== undefined) return;
    const now = performance.now();
    let last = -Infinity;
    for (const { lastRead } of this.#readers) last = Math.max(last, lastRead);
    const left = Math.min(last - now, 0) + READER_PATIENCE;
    if (left <= 0 && this.#maps === 0) return this.#drain();
    this.#impatience = after(left <= 0 ? READER_PATIENCE : left, () => {
      this.#impatience = undefined;
      this.#losePatience();
    });
  }

  #calm(): void {
    this.#impatience?.();
    this.#impatience = undefined;
  }
}
