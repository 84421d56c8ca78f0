// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  BrokenExecutorError,
  BrokenProcessPoolError,
  BrokenThreadPoolError,
  NotSupportedError,
  WorkerCrashedError,
} from "../base/errors.ts";
import type { HostExit, WorkerKind } from "../worker/host.ts";

/** The error of every task of a broken pool; a new object each time, since callers add to errors. */
export function brokenError(
  kind: WorkerKind,
  cause: unknown,
): BrokenExecutorError {
  const message = `Cannot run tasks: the executor is broken (${
    cause instanceof Error ? cause.message : String(cause)
  })`;
  switch (kind) {
    case "thread":
      return new BrokenThreadPoolError(message, { cause });
    case "process":
      return new BrokenProcessPoolError(message, { cause });
    case "inline":
      return new BrokenExecutorError(message, { cause });
  }
}

/** The error of the task that a worker was running when it ended. */
export function crashError(
  worker: string,
  task: string,
  exit: HostExit,
  fault: unknown,
): WorkerCrashedError {
  const cause = fault ?? exit.error;
  return new WorkerCrashedError(
    `Cannot finish task '${task}': worker '${worker}' ended${exitText(exit)}`,
    { worker, exitCode: exit.exitCode, signal: exit.signal, task },
    cause === undefined ? undefined : { cause },
  );
}

/** The error of a worker that ended before it was ready. */
export function startError(worker: string, exit: HostExit): unknown {
  return exit.error ??
    new WorkerCrashedError(
      `Cannot start worker '${worker}': it ended${exitText(exit)}`,
      { worker, exitCode: exit.exitCode, signal: exit.signal },
    );
}

/** True where a second try would fail in the same way. */
export function isHopeless(error: unknown): boolean {
  return error instanceof NotSupportedError ||
    error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotFound;
}

function exitText({ exitCode, signal, error }: HostExit): string {
  if (signal !== undefined) return ` (${signal})`;
  if (exitCode !== undefined) return ` (exit code ${exitCode})`;
  return error === undefined ? "" : ` (${(error as Error)?.message ?? error})`;
}
