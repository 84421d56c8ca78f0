// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The executors that have been given to workers, by the number under which
// their tasks ask for them.
//
// A number means one executor wherever it is read: each isolate counts its own
// under a prefix of its own. A worker that is asked for an executor that is not
// its own asks its host in turn.

import type { WorkerKind } from "../worker/host.ts";
import type { TaskScheduler } from "./task_scheduler.ts";

/** What an executor does for tasks elsewhere. */
export interface ExecutorService {
  /**
   * Its scheduler for this kind of worker.
   *
   * @throws {InvalidStateError} If it was shut down before it had one.
   */
  scheduler(kind: WorkerKind): TaskScheduler;
  /** True where a scheduler with these options is one of its own. */
  owns(owner: object): boolean;
  ready(): Promise<void>;
  /** Takes no more tasks; resolves when the workers are gone. */
  shutdown(cancelFutures: boolean): Promise<void>;
  terminate(): Promise<void>;
}

const services = new Map<string, ExecutorService>();
let prefix: string | undefined;
let counter = 0;

/** A number that no other executor has, in any isolate. */
export function nextExecutorId(): string {
  prefix ??= crypto.randomUUID().slice(0, 13);
  return `${prefix}/${++counter}`;
}

/** Makes an executor available to the workers that it is sent to. */
export function offerExecutor(id: string, service: ExecutorService): void {
  services.set(id, service);
}

/** It has ended: nobody asks for it any more in vain. */
export function withdrawExecutor(id: string): void {
  services.delete(id);
}

/** True where it was made in this isolate: one that is not offered has ended. */
export function isOwnExecutor(id: string): boolean {
  return prefix !== undefined && id.startsWith(`${prefix}/`);
}

/** The executor with this number, where it is one of this isolate. */
export function offeredExecutor(id: string): ExecutorService | undefined {
  return services.get(id);
}
