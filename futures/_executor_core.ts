// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What all executors share above their lanes: from a job's end to a future, and
// the end of an executor.

import { within } from "../_internal/base/deadline.ts";
import { NO_TRANSFER } from "../_internal/pool/backend.ts";
import { type Job, type JobObserver, letGo } from "../_internal/pool/job.ts";
import { type Lane, submitCall } from "../_internal/pool/lane.ts";
import { MapIterator } from "../_internal/pool/map_iterator.ts";
import type { MapOptions } from "../_internal/pool/map_options.ts";
import type { TaskScheduler } from "../_internal/pool/task_scheduler.ts";
import type {
  AnyFunction,
  TaskOptions,
} from "../_internal/wire/functions/task.ts";
import { CallMode } from "../_internal/wire/messages.ts";
import {
  attachFuture,
  cancelFuture,
  Future,
  type FutureHooks,
  markStarted,
  reportProgress,
} from "./_future_core.ts";
import type { ShutdownOptions } from "./executor.ts";

/** Submits one call and gives its future. */
export function submitFuture(
  lane: Lane,
  fn: AnyFunction,
  options: TaskOptions,
  args: readonly unknown[],
): Future<unknown> {
  const future = new Future<unknown>();
  const link = new FutureLink(future, lane.scheduler);
  link.job = submitCall(lane, fn, options, args, link);
  attachFuture(future, link);
  return future;
}

/** Maps over a lane; a function that cannot travel is this call's error, not the first step's. */
export function mapOver(
  lane: Lane,
  task: { readonly fn: AnyFunction; readonly options: TaskOptions },
  items: Iterable<unknown> | AsyncIterable<unknown>,
  isListed: boolean,
  options: MapOptions,
): MapIterator {
  lane.scheduler.checkAccepting();
  letGo(lane.backend.prepare(task.fn, [], CallMode.single, NO_TRANSFER));
  return new MapIterator({ lane, ...task, items, isListed }, options);
}

/** Between a future and its job: passes the job's events on to the future, and the future's cancel on to the job. */
class FutureLink implements JobObserver, FutureHooks {
  readonly #future: Future<unknown>;
  readonly #scheduler: TaskScheduler;
  /** Set when it has been submitted. */
  job!: Job;

  constructor(future: Future<unknown>, scheduler: TaskScheduler) {
    this.#future = future;
    this.#scheduler = scheduler;
  }

  cancel(reason: unknown): boolean {
    return this.#scheduler.cancel(this.job, reason);
  }

  started(): void {
    markStarted(this.#future);
  }

  progressed(done: number, total: number | undefined): void {
    reportProgress(this.#future, done, total);
  }

  // Whoever holds a future can settle it; the task's own end comes too late then.
  succeeded(value: unknown): void {
    if (!this.#future.done()) this.#future.setResult(value);
  }

  failed(error: unknown): void {
    if (!this.#future.done()) this.#future.setException(error);
  }

  cancelled(reason: unknown): void {
    cancelFuture(this.#future, reason);
  }
}

/** Shuts lanes down as one. `onClosed` is called when they are closed, whether somebody waits or not. */
export async function shutdownLanes(
  lanes: ReadonlyMap<unknown, Lane>,
  { wait = true, cancelFutures = false, timeout }: ShutdownOptions,
  onClosed: () => void,
): Promise<void> {
  const closed = closeAll(lanes, cancelFutures);
  closed.then(onClosed, () => {});
  if (!wait) return;
  await within("shut down an executor", closed, { timeout });
}

async function closeAll(
  lanes: ReadonlyMap<unknown, Lane>,
  cancelFutures: boolean,
): Promise<void> {
  // Tasks that go on may need one that was not used yet.
  let count: number;
  do {
    count = lanes.size;
    await Promise.all(
      Array.from(
        lanes.values(),
        ({ scheduler }) => scheduler.shutdown(cancelFutures),
      ),
    );
  } while (lanes.size > count);
}
