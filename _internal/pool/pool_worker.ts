// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { AbortReason, Lent } from "../wire/messages.ts";
import type { Outcome } from "../wire/outcomes.ts";
import type { HostExit, WorkerKind } from "../worker/host.ts";
import type { JobOrigin, Measurement, Work } from "./job.ts";

/** What a worker tells the scheduler. */
export interface WorkerEvents {
  /** What the worker works for: the options of its scheduler, to tell it from others. */
  readonly owner: object;
  ready(): void;
  done(slot: number, value: unknown, time: number): void;
  failed(slot: number, error: unknown, time: number): void;
  /** What a call has cost that was to be measured: told before it is done or has failed. */
  measured(slot: number, measurement: Measurement): void;
  /** The call begins now. Told by those that `tellsStart` only. */
  started(slot: number): void;
  /** The call was revoked before it began. */
  skipped(slot: number): void;
  progress(slot: number, done: number, total: number | undefined): void;
  /** The call waits for something, or goes on: whom its place is lent to. */
  lends(slot: number, to: Lent): void;
  /** A generator's value, or why it cannot be read. */
  item(slot: number, outcome: Outcome): void;
  /** The answer to `finish()`; the end of the call comes when the generator has ended. */
  finishing(slot: number): void;
  /** The answer to `ping()`. */
  pong(): void;
  /** It was told to end and will, after what its calls have started. */
  lingers(): void;
  /** What came together has been told: now is the time to act on it. */
  delivered(): void;
  /** An error outside of any call; the worker cannot be trusted any more. */
  fault(error: unknown): void;
  /** The worker is gone. Nothing comes afterwards. */
  exited(exit: HostExit): void;
}

/** A worker as the scheduler sees it: slots that take work, whatever runs it. */
export interface PoolWorker {
  readonly kind: WorkerKind;
  readonly id: number;
  readonly name: string;
  readonly pid: number | undefined;
  /** Its place among the threads of the program; 0 for what is not a thread. */
  readonly agent: number;
  /** How many calls it can hold, running and waiting, those whose places are lent not counted. */
  readonly slots: number;
  /** True where a call that has not begun can be taken back, so that calls may be sent ahead. */
  readonly revocable: boolean;
  /** True where a call does not begin as soon as there is a place for it, and the worker tells when it does. */
  readonly tellsStart?: boolean;
  /** True for a terminated thread that runs on. */
  readonly stuck: boolean;
  /**
   * Hands a call over. It may not hear of it before `wake()`.
   *
   * @throws {SerializationError} If an attachment cannot be cloned; nothing was sent then.
   */
  send(slot: number, work: Work, origin?: JobOrigin): void;
  /** Has it look at what was sent. */
  wake(): void;
  /**
   * Has the worker get a function ready for its calls, whatever else it runs.
   * Rejects where it cannot be called there, and where the worker ends.
   */
  load(work: Work): Promise<void>;
  /** A generator's consumer has taken values. */
  credit(slot: number, items: number): void;
  /** Tells a generator that nobody wants more values. */
  finish(slot: number): void;
  /** True where it is known that the turn of the call in the slot has come: it runs, or is made ready. */
  isAt(slot: number): boolean;
  /** True where the call had not begun and never will. */
  revoke(slot: number): boolean;
  /** Asks a running call to stop; `cause` is what the asker gave. */
  abort(slot: number, reason: AbortReason, cause?: unknown): void;
  /** Nobody waits any more for the call in the slot, which goes on: what it has submitted is cancelled. */
  giveUp(slot: number): void;
  /** The call in the slot has been answered. */
  release(slot: number): void;
  /** Ends the worker in order. */
  stop(code?: number): void;
  /** Lets the program end before a worker that was told to. Missing where it does not wait. */
  unref?(): void;
  /** Ends the worker now. */
  terminate(signal?: Deno.Signal): void;
  /** Asks whether its event loop turns. */
  ping(): void;
  /** Delivers at once what it has told; false where that takes a turn of the event loop. */
  poll(): boolean;
  /** Looks whether it still lives. */
  probe(): void;
}

/** The number under which tasks know their worker: of a thread its `ident`. */
export function shownId(
  { id, agent }: Pick<PoolWorker, "id" | "agent">,
): number {
  return agent === 0 ? id : agent;
}
