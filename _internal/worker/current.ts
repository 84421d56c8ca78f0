// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { CancelledError, TaskTimeoutError } from "../base/errors.ts";
import { declareOwnExports } from "../wire/functions/own_exports.ts";
import type { WorkerKind } from "./host.ts";

/** Where a task runs, for {@linkcode Current}. */
export interface WorkerInfo {
  /** The worker's number, unique in the program; 0 outside of any worker. */
  readonly id: number;
  /** The worker's label. */
  readonly name: string;
  /** What runs the task. */
  readonly kind: WorkerKind;
}

/** What a child process knows about itself. */
export interface ProcessInfo {
  readonly name: string;
  /** True: its parent ends without waiting for it. */
  readonly daemon: boolean;
  /** Its number among the children of its parent, behind that of its parent: "1:2". */
  readonly path: string;
  /** What it may do where that is not all of a kind, and what a program cannot find out by itself. */
  readonly grants: Readonly<Record<string, readonly string[]>>;
  /** Who has started it. */
  readonly parent: { readonly pid: number; readonly name: string };
}

/** What a task can ask about itself. */
export interface Current {
  /**
   * Fires when somebody wants the task to stop: a cancel, a timeout, a signal.
   * Its reason is a `CancelledError` with what the caller gave as its `cause`,
   * or a `TaskTimeoutError`.
   */
  readonly signal: AbortSignal;
  /**
   * Throws if the task was asked to stop. Reads one word of shared memory, so it
   * works, and is cheap enough, inside a hot synchronous loop. The error has the
   * caller's reason as its `cause` once the event loop has turned since.
   */
  throwIfAborted(): void;
  /** Where the task runs. */
  readonly worker: WorkerInfo;
  /**
   * Reports progress to the caller's future.
   *
   * @param done How much is done, in a unit of the task's own.
   * @param total How much there is to do, if that is known.
   */
  progress(done: number, total?: number): void;
}

/** One call under way, as {@linkcode current} sees it. */
export interface CallContext {
  readonly worker: WorkerInfo;
  /** Looks at the abort flag. */
  isAborted(): boolean;
  /** Why, once it was aborted. */
  abortReason(): unknown;
  /** The call's signal; made when it is first asked for. */
  signal(): AbortSignal;
  progress(done: number, total: number | undefined): void;
  /** The worker's call that has made this one in place: what this one waits for, that one does. */
  readonly outer?: CallContext | undefined;
}

/** Outside of any task: nothing aborts, nothing listens. */
let worker: WorkerInfo = { id: 0, name: "main", kind: "inline" };
const neverAborted = new AbortController().signal;
let active: CallContext | undefined;
let storage: CallStorage | undefined;

/** Guest: says what this isolate is. Written once before the first call. */
export function setWorker(info: WorkerInfo): void {
  worker = info;
}

/** What this process is; undefined for the program itself. */
let processInfo: ProcessInfo | undefined;

/** How long a call may take to notice that its process was interrupted, in ms. */
export const INTERRUPT_GRACE = 500;
/** What the program's own process is called. */
export const MAIN_PROCESS = "MainProcess";

/** A child process and each of its threads: what they are part of. Written once before the first call. */
export function setProcess(info: ProcessInfo | undefined): void {
  processInfo = info;
}

/** What this process is; undefined for the program itself. */
export function thisProcess(): ProcessInfo | undefined {
  return processInfo;
}

/** Guest: the call that runs from now on. For workers that run one call at a time. */
export function setActiveCall(context: CallContext): void {
  active = context;
}

/** Guest: that call has ended. */
export function leaveActiveCall(context: CallContext): void {
  if (active === context) active = undefined;
}

/** Where calls that run interleaved keep their context. */
export interface CallStorage {
  getStore(): CallContext | undefined;
  enterWith(store: CallContext | undefined): void;
  run<A extends unknown[], R>(
    store: CallContext,
    fn: (...args: A) => R,
    ...args: A
  ): R;
}

/**
 * The storage of this isolate: one for whoever runs calls here, as a guest or in
 * place, so that each call finds itself.
 */
export function callStorage(create: () => CallStorage): CallStorage {
  if (storage === undefined) {
    // The platform loads what it needs, and may run who asks for it too meanwhile.
    const created = create();
    storage ??= created;
  }
  return storage;
}

/** The call that runs. */
export function currentCall(): CallContext | undefined {
  // A call that began before there was a storage is the only one without.
  return storage?.getStore() ?? active;
}

/**
 * Inside a task: what it runs in, and whether it should stop. Outside of a
 * task nothing ever aborts.
 *
 * @example A loop that can be stopped
 * ```ts
 * import { current } from "@concurrent/parallel";
 *
 * function count(n: number): number {
 *   let total = 0;
 *   for (let i = 0; i < n; i++) {
 *     current.throwIfAborted();
 *     total += i;
 *   }
 *   return total;
 * }
 * count(10);
 * ```
 */
export const current: Current = {
  get signal(): AbortSignal {
    return currentCall()?.signal() ?? neverAborted;
  },
  throwIfAborted(): void {
    const context = currentCall();
    if (context?.isAborted()) throw context.abortReason();
  },
  get worker(): WorkerInfo {
    return currentCall()?.worker ?? worker;
  },
  progress(done: number, total?: number): void {
    currentCall()?.progress(done, total);
  },
};

declareOwnExports(import.meta.url, { current });

/** Why the call that runs should stop; undefined where it should not. For waits that block the thread. */
export function abortReason(): unknown {
  const context = currentCall();
  return context?.isAborted() ? context.abortReason() : undefined;
}

/** The error that a task sees when it was asked to stop; `cause` is what the asker gave. */
export function stopError(
  timedOut: boolean,
  cause?: unknown,
): CancelledError | TaskTimeoutError {
  return timedOut
    ? new TaskTimeoutError("Cannot go on: the task's timeout has passed")
    : new CancelledError(
      "Cannot go on: the task was cancelled",
      cause === undefined ? undefined : { cause },
    );
}
