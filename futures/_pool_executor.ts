// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  type AutoExtras,
  autoPolicy,
  type AutoRules,
  laneOptions,
} from "../_internal/auto/auto_options.ts";
import { AutoRouter } from "../_internal/auto/auto_router.ts";
import type {
  Decision,
  RunnerUp,
  TaskMeasurements,
} from "../_internal/auto/decision.ts";
import { BACKEND_OF, type Place, PLACE_OF } from "../_internal/auto/places.ts";
import {
  inlineBackend,
  NO_TRANSFER,
  processBackend,
  relayBackend,
  threadBackend,
} from "../_internal/pool/backend.ts";
import {
  nextExecutorId,
  offerExecutor,
  withdrawExecutor,
} from "../_internal/pool/executor_services.ts";
import {
  checkTask,
  createLane,
  EXPLAIN,
  type Lane,
  PREWARM,
  STREAM,
  sumStats,
} from "../_internal/pool/lane.ts";
import { checkMap } from "../_internal/pool/map_iterator.ts";
import { CoreBudget } from "../_internal/pool/core_budget.ts";
import { DrainGroup } from "../_internal/pool/drain_group.ts";
import { RelayScheduler } from "../_internal/pool/relay_scheduler.ts";
import { INLINE_SLOTS } from "../_internal/pool/inline_worker.ts";
import { checkDuration, checkObject } from "../_internal/base/validation.ts";
import { checkResourceLimits } from "../_internal/worker/resource_limits.ts";
import type { Work } from "../_internal/pool/job.ts";
import { SLOTS } from "../_internal/memory/slots.ts";
import type { TaskScheduler } from "../_internal/pool/task_scheduler.ts";
import type {
  AnyFunction,
  TaskOptions,
} from "../_internal/wire/functions/task.ts";
import { CallMode } from "../_internal/wire/messages.ts";
import type { Future } from "./_future_core.ts";
import { mapOver, shutdownLanes, submitFuture } from "./_executor_core.ts";
import { type Handle, rememberExecutor, takeHandle } from "./_handles.ts";
import { streamOver } from "./_stream.ts";
import type {
  Executor,
  ExecutorStats,
  MapOptions,
  PoolOptions,
  ShutdownOptions,
  TaskFunction,
} from "./executor.ts";

/** What an executor is in a worker that it is sent to. */
export let handleOf: (executor: PoolExecutor) => Handle;

export type { Decision, RunnerUp, TaskMeasurements };

/** Where the tasks of a {@linkcode PoolExecutor} run. */
export type PoolKind = "thread" | "process" | "auto";

/**
 * What {@linkcode ThreadPoolExecutor}, {@linkcode ProcessPoolExecutor} and
 * {@linkcode AutoExecutor} share, which is nearly everything.
 *
 * @example Leave the choice to the caller
 * ```ts
 * import { type PoolExecutor, ThreadPoolExecutor } from "@concurrent/parallel/futures";
 * import { assertEquals } from "@std/assert";
 *
 * async function squares(pool: PoolExecutor, n: number): Promise<number[]> {
 *   const numbers = Array(n).keys();
 *   return await Array.fromAsync(pool.map((x: number) => x * x, numbers));
 * }
 *
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
 *
 * assertEquals(await squares(pool, 4), [0, 1, 4, 9]);
 * ```
 */
export abstract class PoolExecutor implements Executor {
  readonly #kind: PoolKind;
  readonly #options: PoolOptions & AutoExtras;
  readonly #className: string;
  /** By place; one that was not used yet is missing. */
  readonly #lanes = new Map<Place, Lane>();
  /** Where there is always one. */
  readonly #home: Place;
  /** Decides for each function; undefined where all run in one place. */
  readonly #router: AutoRouter | undefined;
  /** What it decides by; undefined where all run in one place. */
  readonly #rules: AutoRules | undefined;
  /** The lanes: none is closed before nothing runs in any of them. */
  readonly #group = new DrainGroup();
  /** What all its workers together may compute on; undefined where all are in one place. */
  readonly #budget: CoreBudget | undefined;
  #state: "open" | "shut" | "terminated" = "open";
  /** What it is elsewhere, once it was sent somewhere. */
  #handle: Handle | undefined;
  /** True in a worker: the executor itself is above. */
  readonly #isRelay: boolean;

  static {
    handleOf = (executor) => executor.#offer();
  }

  /**
   * Sets the pool up. No worker is started yet.
   *
   * @param kind Where the tasks run.
   * @param options How the pool is set up.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If an option is out of its range.
   */
  constructor(kind: PoolKind, options: PoolOptions & AutoExtras) {
    this.#kind = kind;
    this.#options = options;
    this.#className = new.target.name;
    checkObject(`create ${this.#className}`, "options", options);
    this.#handle = takeHandle();
    this.#isRelay = this.#handle !== undefined;
    if (kind !== "auto") {
      this.#home = kind === "thread" ? "compute" : "process";
      // Checks the options now.
      this.#lane(this.#home);
      return;
    }
    // What it may do elsewhere it may do there.
    const rules = this.#handle?.rules ??
      autoPolicy(`create ${this.#className}`, options);
    this.#rules = rules;
    const { backends, needsProcess } = rules;
    this.#home = backends.has("thread") && needsProcess === undefined
      ? "compute"
      : backends.has("process")
      ? "process"
      : "inline";
    if (!this.#isRelay) this.#budget = new CoreBudget(rules.cores);
    this.#router = new AutoRouter({
      ...rules,
      main: this.#lane(this.#home),
      createLane: (place) => this.#lane(place),
      trace: options.trace,
    });
  }

  submit<A extends unknown[], R>(
    fn: (...args: A) => R,
    ...args: A
  ): Future<Awaited<R>> {
    const task = checkTask("submit a task", fn);
    const lane = this.#route(task);
    return submitFuture(lane, task.fn, task.options, args) as Future<
      Awaited<R>
    >;
  }

  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions & { onError: "settle" },
  ): AsyncIterableIterator<PromiseSettledResult<Awaited<R>>> & AsyncDisposable;
  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<Awaited<R>> & AsyncDisposable;
  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions = {},
  ): AsyncIterableIterator<unknown> & AsyncDisposable {
    checkMap("map", items, options);
    return this.#map("map", fn, items, options);
  }

  starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<A> | AsyncIterable<A>,
    options: MapOptions = {},
  ): AsyncIterableIterator<Awaited<R>> & AsyncDisposable {
    checkMap("starmap", items, options);
    return this.#map("starmap", fn, items, options) as
      & AsyncIterableIterator<Awaited<R>>
      & AsyncDisposable;
  }

  stream<A extends unknown[], Y>(
    fn: (...args: A) => Iterable<Y> | AsyncIterable<Y>,
    ...args: A
  ): AsyncIterableIterator<Y> & AsyncDisposable {
    const task = checkTask(STREAM, fn);
    const lane = this.#route(task);
    lane.scheduler.checkAccepting();
    return streamOver(
      lane,
      task.fn,
      task.options,
      args,
    ) as AsyncIterableIterator<Y> & AsyncDisposable;
  }

  shutdown(options: ShutdownOptions = {}): Promise<void> {
    try {
      checkObject("shut down an executor", "options", options);
      checkDuration("shut down an executor", "timeout", options.timeout);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#state === "open") this.#state = "shut";
    return shutdownLanes(this.#lanes, options, () => this.#withdraw());
  }

  async terminate(): Promise<void> {
    this.#state = "terminated";
    const lanes = [...this.#lanes.values()];
    await Promise.all(
      lanes.map(({ scheduler }) =>
        scheduler.terminate("the executor was terminated")
      ),
    );
    this.#withdraw();
  }

  stats(): ExecutorStats {
    return sumStats([...this.#lanes.values()]);
  }

  async ready(): Promise<void> {
    const lane = this.#lane(this.#home);
    const { minWorkers, maxWorkers } = lane.scheduler.options;
    await lane.scheduler.ready(minWorkers > 0 ? minWorkers : maxWorkers);
  }

  async prewarm(...fns: TaskFunction[]): Promise<void> {
    const works = new Map<TaskScheduler, Work[]>();
    // Where nothing is named the workers are all there is to warm.
    if (fns.length === 0) works.set(this.#lane(this.#home).scheduler, []);
    for (const fn of fns) {
      const task = checkTask(PREWARM, fn);
      const lane = this.#route(task);
      lane.scheduler.checkAccepting(PREWARM);
      const work = lane.backend.prepare(
        task.fn,
        [],
        CallMode.single,
        NO_TRANSFER,
      );
      const others = works.get(lane.scheduler);
      if (others === undefined) works.set(lane.scheduler, [work]);
      else others.push(work);
    }
    await Promise.all(
      Array.from(works, ([scheduler, some]) => {
        const { minWorkers, maxWorkers } = scheduler.options;
        return scheduler.prewarm(
          minWorkers > 0 ? minWorkers : maxWorkers,
          some,
        );
      }),
    );
  }

  /**
   * Finishes what was accepted, then stops the workers.
   *
   * @returns Resolves when the workers are gone.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /**
   * Says where a function would run now. The pools have one place only.
   *
   * @param fn The function, or a task.
   * @returns The backend and the reason.
   */
  protected decide(fn: TaskFunction): Decision {
    const task = checkTask(EXPLAIN, fn);
    return this.#router?.explain(task.fn, task.options) ?? {
      backend: BACKEND_OF[this.#home],
      reason: `every task of this executor runs in a ${BACKEND_OF[this.#home]}`,
    };
  }

  /** Makes it available to the workers that it is sent to. */
  #offer(): Handle {
    if (this.#handle === undefined) {
      const id = nextExecutorId();
      const lane = this.#lane(this.#home);
      const { maxWorkers, minWorkers, concurrency } = lane.scheduler.options;
      const rules = this.#rules;
      this.#handle = { id, maxWorkers, minWorkers, concurrency, rules };
      rememberExecutor(id, this);
      offerExecutor(id, {
        scheduler: (kind) => this.#lane(PLACE_OF[kind]).scheduler,
        owns: (owner) =>
          [...this.#lanes.values()].some(({ scheduler }) =>
            scheduler.options === owner
          ),
        ready: () => this.ready(),
        shutdown: (cancelFutures) => this.shutdown({ cancelFutures }),
        terminate: () => this.terminate(),
      });
    }
    return this.#handle;
  }

  /** It has ended. */
  #withdraw(): void {
    if (this.#handle !== undefined && !this.#isRelay) {
      withdrawExecutor(this.#handle.id);
    }
  }

  #map(
    verb: "map" | "starmap",
    fn: unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: MapOptions,
  ): AsyncIterableIterator<unknown> & AsyncDisposable {
    const task = checkTask(verb, fn);
    return mapOver(
      this.#route(task),
      task,
      items,
      verb === "starmap",
      options,
    );
  }

  #route({ fn, options }: { fn: AnyFunction; options: TaskOptions }): Lane {
    return this.#router?.laneFor(fn, options) ?? this.#lane(this.#home);
  }

  #lane(place: Place): Lane {
    // What is above this worker has one kind of threads for it.
    const key = this.#isRelay ? PLACE_OF[BACKEND_OF[place]] : place;
    let lane = this.#lanes.get(key);
    if (lane !== undefined) return lane;
    // A lane that was never used is closed like the ones that were.
    if (this.#state === "terminated") {
      for (const other of this.#lanes.values()) {
        other.scheduler.checkAccepting();
      }
    }
    lane = this.#createLane(key);
    this.#lanes.set(key, lane);
    // It takes what a task submits that still runs.
    if (this.#state === "shut") void lane.scheduler.shutdown(false);
    return lane;
  }

  #createLane(place: Place): Lane {
    const backend = BACKEND_OF[place];
    if (backend === "inline") {
      return createLane(
        this.#className,
        { ...inlineOptions(this.#options), group: this.#group },
        inlineBackend,
        INLINE_SLOTS,
      );
    }
    if (this.#isRelay) {
      const handle = this.#handle!;
      return {
        backend: relayBackend(backend),
        scheduler: new RelayScheduler(handle.id, backend, handle),
      };
    }
    const { permissions, resourceLimits } = this.#options;
    const create = (concurrency: number) => {
      const verb = `create ${this.#className}`;
      checkResourceLimits(verb, resourceLimits, backend);
      const options = { concurrency, permissions, resourceLimits };
      return backend === "thread"
        ? threadBackend(options)
        : processBackend(options);
    };
    return createLane(
      this.#className,
      {
        budget: this.#budget,
        group: this.#group,
        ...laneOptions(place, this.#options),
      },
      create,
      SLOTS,
    );
  }
}

/** Tasks that wait on this event loop: many at a time, and there is one loop. */
function inlineOptions(
  { name, queueLimit, cancelGrace, onInterrupt }: PoolOptions,
): PoolOptions {
  return {
    maxWorkers: 1,
    ...(name === undefined ? {} : { name }),
    ...(queueLimit === undefined ? {} : { queueLimit }),
    ...(cancelGrace === undefined ? {} : { cancelGrace }),
    ...(onInterrupt === undefined ? {} : { onInterrupt }),
  };
}
