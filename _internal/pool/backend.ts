// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How each kind of worker takes a call: threads and processes get it encoded
// at the submit, the caller's own event loop gets it as it is.

import { NotSupportedError } from "../base/errors.ts";
import type { AnyFunction } from "../wire/functions/task.ts";
import { CallMode } from "../wire/messages.ts";
import { encodePayload } from "../wire/payload.ts";
import { checkProcessOptions, ProcessHost } from "../worker/process_host.ts";
import { ThreadHost } from "../worker/thread_host.ts";
import { defineFunction, type Definition, describer } from "./definitions.ts";
import { InlineWorker } from "./inline_worker.ts";
import type { Work } from "./job.ts";
import type { PoolWorker, WorkerEvents } from "./pool_worker.ts";
import { RemoteWorker } from "./remote_worker.ts";

/** Where a scheduler's jobs run. */
export interface Backend {
  readonly kind: "thread" | "process" | "inline";
  /**
   * Prepares a call.
   *
   * @throws {SerializationError} If the function or an argument cannot travel.
   */
  prepare(
    fn: AnyFunction,
    args: readonly unknown[],
    mode: CallMode,
    transfer: Transfer,
  ): Work;
  /** Starts a worker. */
  start(
    identity: { readonly id: number; readonly name: string },
    events: WorkerEvents,
  ): PoolWorker;
}

/** What a call moves instead of copying it. */
export interface Transfer {
  readonly objects: readonly Transferable[];
  /** True: the call may be made more than once, so that buffers are copied to the worker all the same. */
  readonly isRepeatable: boolean;
}

/** Nothing is moved. */
export const NO_TRANSFER: Transfer = { objects: [], isRepeatable: true };

/** What a backend needs to know to start workers. */
export interface BackendOptions {
  readonly concurrency: number;
  readonly permissions?: Deno.PermissionOptions | undefined;
  readonly env?: Record<string, string> | undefined;
  readonly cwd?: string | URL | undefined;
}

/** Worker threads. */
export function threadBackend(options: BackendOptions): Backend {
  if (options.permissions !== undefined) {
    throw new NotSupportedError(
      "Cannot start threads with 'permissions': Deno offers them to processes only",
    );
  }
  const { concurrency } = options;
  return {
    kind: "thread",
    prepare: (fn, args, mode, transfer) =>
      prepareRemote(fn, args, mode, transfer, true),
    start: (identity, events) =>
      new RemoteWorker(new ThreadHost({ ...identity, concurrency }), events),
  };
}

/** Child processes. */
export function processBackend(options: BackendOptions): Backend {
  checkProcessOptions(options);
  return {
    kind: "process",
    prepare: (fn, args, mode, transfer) =>
      prepareRemote(fn, args, mode, transfer, false),
    start: (identity, events) =>
      new RemoteWorker(new ProcessHost({ ...identity, ...options }), events),
  };
}

/** The caller's own event loop. */
export function inlineBackend(): Backend {
  return {
    kind: "inline",
    prepare: (fn, args, mode) => ({ kind: "inline", fn, args, mode }),
    start: (identity, events) => new InlineWorker(identity, events),
  };
}

function prepareRemote(
  fn: AnyFunction,
  args: readonly unknown[],
  mode: CallMode,
  transfer: Transfer,
  attachments: boolean,
): Work {
  const definition = defineFunction(fn, attachments);
  const passed: AnyFunction[] = [];
  let whole = false;
  const payload = encodePayload(args, {
    root: mode === CallMode.chunk ? "items" : "args",
    describe: describer(passed),
    attachments,
    transfer: transfer.objects,
    isRepeatable: transfer.isRepeatable,
    instead: (mutable) => {
      whole = passed.length > 0 && isShared(definition, passed, mutable);
      return whole
        ? { value: [fn, args], root: "call", describe: describer() }
        : undefined;
    },
  });
  const calls = mode === CallMode.chunk ? args.length : 1;
  return { kind: "remote", mode, definition, payload, whole, passed, calls };
}

/**
 * True where a function among the arguments may share with the called one what
 * can be told apart: a function or class that both bring along, or variables
 * and objects that both have captured. The two must then travel as one graph.
 */
function isShared(
  { payload, functions }: Definition,
  passed: readonly AnyFunction[],
  mutable: boolean,
): boolean {
  return (mutable && payload.mutable) ||
    passed.some((fn) => functions.includes(fn));
}
