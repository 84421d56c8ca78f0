// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What executors and pools share: from a function and its arguments to a job in
// a scheduler. Where a task runs is decided by the lane that it is given to.

import { canPark } from "../memory/bell.ts";
import { onAbort } from "../base/abort_listeners.ts";
import {
  checkDuration,
  checkFunction,
  describe,
  integerOption,
} from "../base/validation.ts";
import {
  type AnyFunction,
  NO_OPTIONS,
  type TaskOptions,
  unwrapTask,
} from "../wire/functions/task.ts";
import { nameOf } from "../wire/functions/names.ts";
import { CallMode } from "../wire/messages.ts";
import { releasePayload } from "../wire/payload.ts";
import { type Backend, type CallerContext, NO_TRANSFER } from "./backend.ts";
import type { CoreBudget } from "./core_budget.ts";
import type { DrainGroup } from "./drain_group.ts";
import { Histogram } from "./histogram.ts";
import type { Job, JobObserver, JobOptions, Work } from "./job.ts";
import { Scheduler } from "./scheduler.ts";
import type { WorkerKind } from "../worker/host.ts";
import type {
  BackendStats,
  ExecutorStats,
  SchedulerOptions,
  WorkerStats,
} from "./scheduler_options.ts";
import type { TaskScheduler } from "./task_scheduler.ts";

/** How a lane's scheduler is set up: what {@linkcode createLane} checks. */
export interface LaneSetup {
  readonly maxWorkers?: number | undefined;
  readonly minWorkers?: number | undefined;
  readonly concurrency?: number | undefined;
  readonly name?: string | undefined;
  readonly idleTimeout?: number | undefined;
  readonly cancelGrace?: number | undefined;
  readonly onInterrupt?: "terminate" | "ignore" | undefined;
  readonly initializer?: AnyFunction | undefined;
  readonly initArgs?: unknown[] | undefined;
  readonly maxTasksPerWorker?: number | undefined;
  readonly queueLimit?: number | undefined;
  /** Workers that come up at a time. */
  readonly startsAtOnce?: number | undefined;
  /** The cores that it shares with other lanes. */
  readonly budget?: CoreBudget | undefined;
  /** The lanes that it is shut down with. */
  readonly group?: DrainGroup | undefined;
}

/** A scheduler and the way in. */
export interface Lane {
  readonly backend: Backend;
  readonly scheduler: TaskScheduler;
  /** How a map is cut into chunks, where the function has a say in where it runs. */
  readonly pace?: () => Pace;
  /** Where the next call will go, likewise. */
  readonly target?: () => TaskScheduler;
}

/** How a map is cut into chunks. */
export interface Pace {
  /** Milliseconds of a call; undefined where each goes alone. */
  readonly meanTime: number | undefined;
  /** Calls that run at a time. */
  readonly places: number;
}

/** What streaming is called in errors. */
export const STREAM = "stream a task";
/** What getting a function ready is called in errors. */
export const PREWARM = "prewarm an executor";
/** What asking for a decision is called in errors. */
export const EXPLAIN = "explain a function";
/** The class names that generator functions have. */
const GENERATORS = new Set(["GeneratorFunction", "AsyncGeneratorFunction"]);

/** Checks a function that is to be submitted and takes its options off. */
export function checkTask(
  verb: string,
  fn: unknown,
): { fn: AnyFunction; options: TaskOptions } {
  checkFunction(verb, "fn", fn);
  const task = unwrapTask(fn as AnyFunction);
  if (verb !== STREAM && verb !== EXPLAIN && verb !== PREWARM) {
    checkNoGenerator(verb, "fn", task.fn);
  }
  return task;
}

/** Nobody would take its values, so nothing of it would run. */
function checkNoGenerator(verb: string, name: string, fn: AnyFunction): void {
  if (!GENERATORS.has(fn.constructor?.name)) return;
  throw new TypeError(
    `Cannot ${verb} as '${name}' must not be a generator function, whose values come one by one (use stream()): current value is ${
      nameOf(fn) || "(anonymous)"
    }`,
  );
}

/** A child process takes no more, and a number stands behind it. */
const MAX_NAME = 8000;

function checkName(verb: string, name: unknown): void {
  if (name === undefined) return;
  if (typeof name !== "string") {
    throw new TypeError(
      `Cannot ${verb} as 'name' must be a string: current value is ${
        describe(name)
      }`,
    );
  }
  if (name.length > MAX_NAME) {
    throw new RangeError(
      `Cannot ${verb} as 'name' must be of at most ${MAX_NAME} characters: current value is of ${name.length}`,
    );
  }
}

/** Encodes one call. What it moves is not taken away where it will never run. */
export function prepareCall(
  { backend }: Lane,
  fn: AnyFunction,
  { transfer, retries = 0, signal }: TaskOptions,
  args: readonly unknown[],
  mode: CallMode = CallMode.single,
  context?: CallerContext,
): Work {
  if (transfer === undefined) {
    return backend.prepare(fn, args, mode, NO_TRANSFER, context);
  }
  const moved = typeof transfer === "function" ? transfer(...args) : transfer;
  // The list itself was checked when the task was made.
  if (!Array.isArray(moved)) {
    throw new TypeError(
      `Cannot submit a task as 'transfer' must return an array: current value is ${
        describe(moved)
      }`,
    );
  }
  return backend.prepare(
    fn,
    args,
    mode,
    signal?.aborted
      ? NO_TRANSFER
      : { objects: moved, isRepeatable: retries > 0 },
    context,
  );
}

/** Hands encoded work to a lane's scheduler, once. */
export function submitWork(
  { scheduler }: Lane,
  fn: AnyFunction,
  options: TaskOptions,
  work: Work,
  observer: JobObserver,
): Job {
  const { signal } = options;
  const jobOptions = jobOptionsOf(fn, options);
  let job: Job;
  try {
    if (signal?.aborted) {
      return scheduler.refuse(work, jobOptions, observer, signal.reason);
    }
    job = scheduler.submit(work, jobOptions, observer);
  } finally {
    if (work.kind === "remote") releasePayload(work.payload);
  }
  if (signal !== undefined && job.state !== "settled") {
    job.detach = onAbort(signal, () => scheduler.cancel(job, signal.reason));
  }
  return job;
}

/** Submits one call; where it is the first one a worker starts meanwhile. */
export function submitCall(
  lane: Lane,
  fn: AnyFunction,
  options: TaskOptions,
  args: readonly unknown[],
  observer: JobObserver,
): Job {
  const { scheduler } = lane;
  // Before anything is encoded: a closed executor is the clearer error.
  scheduler.checkAccepting();
  const target = lane.target?.() ?? scheduler;
  const isFirst = !options.signal?.aborted && target.expect();
  try {
    const work = prepareCall(lane, fn, options, args);
    return submitWork(lane, fn, options, work, observer);
  } catch (error) {
    if (isFirst) target.disappoint();
    throw error;
  }
}

/** Those of functions that were not made tasks: the same at each submit. */
const plainOptions = new WeakMap<AnyFunction, JobOptions>();

function jobOptionsOf(fn: AnyFunction, options: TaskOptions): JobOptions {
  if (options !== NO_OPTIONS) return createJobOptions(fn, options);
  let known = plainOptions.get(fn);
  if (known === undefined) {
    plainOptions.set(fn, known = createJobOptions(fn, options));
  }
  return known;
}

function createJobOptions(fn: AnyFunction, options: TaskOptions): JobOptions {
  return {
    name: options.name || nameOf(fn) || "(anonymous)",
    priority: options.priority ?? 0,
    timeout: options.timeout,
    retries: options.retries ?? 0,
    kind: options.kind,
    maySendAhead: options.signal === undefined,
  };
}

const counters = new Map<string, number>();

/**
 * Checks a pool's options and makes its scheduler.
 *
 * @param className What its workers are called where it was given no name.
 * @param verb What its maker is about to do, for errors.
 *
 * @throws {TypeError} If an option is of the wrong type.
 * @throws {RangeError} If an option is out of its range.
 * @throws {NotSupportedError} If the backend does not have the option.
 */
export function createLane(
  className: string,
  options: LaneSetup,
  createBackend: (concurrency: number) => Backend,
  maxConcurrency: number,
  verb = `create ${className}`,
): Lane {
  const maxWorkers = integerOption(
    verb,
    "maxWorkers",
    options.maxWorkers,
    navigator.hardwareConcurrency,
    1,
  );
  const minWorkers = integerOption(
    verb,
    "minWorkers",
    options.minWorkers,
    0,
    0,
  );
  if (minWorkers > maxWorkers) {
    throw new RangeError(
      `Cannot ${verb} as 'minWorkers' must not be greater than 'maxWorkers' (${maxWorkers}): current value is ${minWorkers}`,
    );
  }
  // Where any number of calls fits there is nothing to choose.
  const concurrency = maxConcurrency === Infinity ? Infinity : integerOption(
    verb,
    "concurrency",
    options.concurrency,
    1,
    1,
    maxConcurrency,
  );
  checkName(verb, options.name);
  checkDuration(verb, "idleTimeout", options.idleTimeout);
  checkDuration(verb, "cancelGrace", options.cancelGrace);
  const { onInterrupt = "terminate" } = options;
  if (onInterrupt !== "terminate" && onInterrupt !== "ignore") {
    throw new TypeError(
      `Cannot ${verb} as 'onInterrupt' must be "terminate" or "ignore": current value is ${
        describe(onInterrupt)
      }`,
    );
  }
  const { initializer, initArgs = [] } = options;
  if (initializer !== undefined) {
    checkFunction(verb, "initializer", initializer);
    checkNoGenerator(verb, "initializer", unwrapTask(initializer).fn);
  }
  if (!Array.isArray(initArgs)) {
    throw new TypeError(
      `Cannot ${verb} as 'initArgs' must be an array: current value is ${
        describe(initArgs)
      }`,
    );
  }
  const number = (counters.get(className) ?? 0) + 1;
  counters.set(className, number);
  const backend = createBackend(concurrency);
  // Prepared now: a function that cannot travel is the caller's error, here.
  const initial = initializer === undefined ? undefined : backend.prepare(
    unwrapTask(initializer).fn,
    initArgs,
    CallMode.quiet,
    NO_TRANSFER,
  );
  const maxTasksPerWorker = integerOption(
    verb,
    "maxTasksPerWorker",
    options.maxTasksPerWorker,
    Infinity,
    1,
  );
  const schedulerOptions: SchedulerOptions = {
    kind: backend.kind,
    name: options.name ?? `${className}-${number}`,
    maxWorkers,
    minWorkers,
    concurrency,
    queueLimit: integerOption(
      verb,
      "queueLimit",
      options.queueLimit,
      Infinity,
      1,
    ),
    maxTasksPerWorker,
    idleTimeout: options.idleTimeout ?? Infinity,
    cancelGrace: options.cancelGrace ?? 100,
    isInterruptible: onInterrupt === "terminate",
    // Each worker is sent it: what it carries is let go at the end.
    initializer: initial === undefined
      ? undefined
      : () =>
        initial.kind === "remote"
          ? { ...initial, carried: undefined }
          : initial,
    budget: options.budget,
    group: options.group,
    startsAtOnce: options.startsAtOnce,
    initializerTimeout: initializer === undefined
      ? undefined
      : unwrapTask(initializer).options.timeout,
    // A program may block its thread right after a submit, to wait for the task
    // with an event or a queue. In place there is nothing to wait for: what has
    // piled up would be sent at once, and nothing else would happen meanwhile.
    sendsEarly: (backend.kind === "inline" ||
        (backend.kind === "thread" && canPark)) &&
        initial === undefined && maxTasksPerWorker === Infinity
      ? "repeatable"
      : undefined,
    startWorker: (identity, events) => backend.start(identity, events),
  };
  const scheduler = new Scheduler(schedulerOptions);
  if (initial?.kind === "remote" && initial.carried !== undefined) {
    void scheduler.closed.then(initial.carried);
  }
  return { backend, scheduler };
}

/** Adds up what lanes have done. */
export function sumStats(lanes: readonly Lane[]): ExecutorStats {
  const sum = {
    workers: 0,
    idle: 0,
    queued: 0,
    running: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    crashes: 0,
    restarts: 0,
    stuck: 0,
  };
  const runTime = new Histogram();
  const waitTime = new Histogram();
  const perWorker: WorkerStats[] = [];
  const perBackend: Partial<Record<WorkerKind, BackendStats>> = {};
  let busyTime = 0;
  let upTime = 0;
  for (const { scheduler, backend } of lanes) {
    const stats = scheduler.stats();
    const { kind } = backend;
    perBackend[kind] = addUp(perBackend[kind] ?? NOTHING_DONE, stats);
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) {
      sum[key] += stats[key];
    }
    runTime.merge(stats.runTime);
    waitTime.merge(stats.waitTime);
    perWorker.push(...stats.perWorker);
    busyTime += stats.busyTime;
    upTime += stats.upTime;
  }
  return {
    ...sum,
    runTime: runTime.stats(),
    waitTime: waitTime.stats(),
    utilization: upTime === 0 ? 0 : Math.min(busyTime / upTime, 1),
    perBackend,
    perWorker,
  };
}

const NOTHING_DONE: BackendStats = {
  workers: 0,
  queued: 0,
  running: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
};

function addUp(a: BackendStats, b: BackendStats): BackendStats {
  return {
    workers: a.workers + b.workers,
    queued: a.queued + b.queued,
    running: a.running + b.running,
    completed: a.completed + b.completed,
    failed: a.failed + b.failed,
    cancelled: a.cancelled + b.cancelled,
  };
}
