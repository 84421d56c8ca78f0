// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Where an error of a task comes from. The error stays what the task threw: no
// wrapper, no property, and `cause` is the user's. What is known of it is kept
// beside it, and its stack, which ends with the task's frames, gets one more
// line. An error that crosses several workers gets one of each.

import type { WorkerKind } from "../worker/host.ts";
import type { Outcomes } from "../wire/outcomes.ts";
import { RawAnswer } from "./answers.ts";
import { type PoolWorker, shownId } from "./pool_worker.ts";

/** Where a task ran that failed. */
export interface ErrorOrigin {
  /** The task's label: its `name`, or that of its function. */
  readonly task: string;
  /** The worker that ran it. */
  readonly worker: {
    /** Its number: `current.worker.id` over there. */
    readonly id: number;
    /** Its label, such as `"ThreadPoolExecutor-1_0"`. */
    readonly name: string;
    /** What it is. */
    readonly kind: WorkerKind;
  };
}

type OriginWorker = Pick<PoolWorker, "id" | "agent" | "name" | "kind">;

const origins = new WeakMap<Error, ErrorOrigin>();

/** Notes where an error comes from. Never throws. */
export function noteOrigin(
  error: unknown,
  task: string,
  worker: OriginWorker,
): void {
  const { name, kind } = worker;
  const place = { id: shownId(worker), name, kind };
  // Whoever submitted the task reads it, and knows the task.
  if (error instanceof RawAnswer) error.worker = place;
  // Of what else was thrown, primitives above all, nothing can be noted.
  if (!(error instanceof Error)) return;
  origins.set(error, { task, worker: place });
  // In place it is the very object that the task threw, with its whole stack.
  if (kind === "inline") return;
  try {
    const { stack } = error;
    if (typeof stack !== "string") return;
    Reflect.defineProperty(error, "stack", {
      value: `${stack}\n    at task '${task}' (${name})`,
      writable: true,
      configurable: true,
      enumerable: false,
    });
  } catch {
    // The class has a getter that throws: then there is no stack to add to.
  }
}

/** The same for all that failed in a chunk. */
export function noteOrigins(
  { values, failed }: Outcomes,
  task: string,
  worker: OriginWorker,
): void {
  for (const at of failed) noteOrigin(values[at], task, worker);
}

/** Where an error comes from; undefined where no task threw it. */
export function originOf(error: unknown): ErrorOrigin | undefined {
  return error instanceof Error ? origins.get(error) : undefined;
}
