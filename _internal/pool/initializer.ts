// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { afterUnheld } from "../base/deadline.ts";
import { TaskTimeoutError } from "../base/errors.ts";
import { Job } from "./job.ts";
import type { SchedulerOptions } from "./scheduler_options.ts";
import type { WorkerRecord } from "./worker_record.ts";

/**
 * Sets a worker up before it takes calls. The initializer is a job that nobody
 * has submitted: it is in no queue, and its end is told but not counted.
 *
 * @param joined The worker takes calls: at once, where it has no initializer.
 * @param failed It does not, and no other one would.
 */
export function initialize(
  record: WorkerRecord,
  { initializer, initializerTimeout: timeout }: SchedulerOptions,
  joined: () => void,
  failed: (error: unknown) => void,
): void {
  if (initializer === undefined) {
    joined();
    return;
  }
  const job = new Job(initializer(), {
    name: "initializer",
    priority: 0,
    timeout: undefined,
    retries: 0,
    maySendAhead: false,
  }, {
    started() {},
    progressed() {},
    succeeded: joined,
    failed,
    cancelled() {},
  });
  try {
    record.send(job);
    record.worker.wake();
  } catch (error) {
    failed(error);
    return;
  }
  job.state = "running";
  if (timeout === undefined) return;
  job.disarm = afterUnheld(timeout, () =>
    failed(
      new TaskTimeoutError(
        `Cannot start worker '${record.worker.name}': its initializer has not ended within ${timeout} ms`,
      ),
    ));
}
