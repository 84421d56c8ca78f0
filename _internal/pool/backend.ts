// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How each kind of worker takes a call: threads and processes get it encoded
// at the submit, the caller's own event loop gets it as it is.

import { NotSupportedError, SerializationError } from "../base/errors.ts";
import { beginCarrying, endCarrying, type Release } from "../wire/carried.ts";
import type { Reach } from "../wire/codec.ts";
import { StoreSnapshot } from "../wire/contexts.ts";
import type { AnyFunction } from "../wire/functions/task.ts";
import { CallMode } from "../wire/messages.ts";
import {
  type ContextOptions,
  encodeFlatPayload,
  encodePayload,
  ListPayload,
} from "../wire/payload.ts";
import { checkProcessOptions, ProcessHost } from "../worker/process_host.ts";
import type { WorkerKind } from "../worker/host.ts";
import type { ResourceLimits } from "../worker/resource_limits.ts";
import { ThreadHost } from "../worker/thread_host.ts";
import { uplink } from "../worker/uplink.ts";
import { copyArguments } from "./copies.ts";
import { defineFunction, type Definition, describer } from "./definitions.ts";
import { enterCurrentContext, InlineWorker } from "./inline_worker.ts";
import type { EnterContext, RemoteWork, Work } from "./job.ts";
import type { PoolWorker, WorkerEvents } from "./pool_worker.ts";
import { RemoteWorker } from "./remote_worker.ts";

/** Where a scheduler's jobs run. */
export interface Backend {
  readonly kind: WorkerKind;
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
    context?: CallerContext,
  ): Work;
  /**
   * What AsyncLocalStorage holds now, for calls of the function that are
   * prepared later; undefined where it makes no difference to them.
   */
  captureContext(fn: AnyFunction): CallerContext | undefined;
  /**
   * Begins a chunk; undefined where calls are not sent and so gain nothing by it.
   *
   * @throws {SerializationError} If the function cannot travel.
   */
  startChunk(
    fn: AnyFunction,
    context?: CallerContext,
  ): ChunkBuilder | undefined;
  /** Starts a worker. */
  start(
    identity: { readonly id: number; readonly name: string },
    events: WorkerEvents,
  ): PoolWorker;
}

/** What AsyncLocalStorage held at a moment: of those that a function uses, or of all of them in place. */
export type CallerContext = StoreSnapshot | EnterContext | CallerContexts;

/** Both, where it is not known yet which will be of use. */
export class CallerContexts {
  readonly inline: CallerContext | undefined;
  readonly remote: CallerContext | undefined;

  constructor(
    inline: CallerContext | undefined,
    remote: CallerContext | undefined,
  ) {
    this.inline = inline;
    this.remote = remote;
  }
}

/** Calls of one function that travel together. */
export interface ChunkBuilder {
  /** How many there are. */
  readonly calls: number;
  /** How long their arguments are. */
  readonly bytes: number;
  /**
   * Adds a call; its arguments are encoded now. False: it has to go alone.
   *
   * @throws {SerializationError} If an argument cannot travel; the chunk is as it was.
   */
  add(args: readonly unknown[]): boolean;
  /**
   * Adds a call for each number of an array between two places, up to what is
   * none; returns how many. None also where it is of no use.
   */
  addNumbers(items: readonly unknown[], from: number, to: number): number;
  /** The chunk as it is sent. */
  finish(): Work;
}

/** What a call moves instead of copying it. */
export interface Transfer {
  readonly objects: readonly Transferable[];
  /** True: the call may be made more than once, so that buffers are copied to the worker all the same. */
  readonly isRepeatable: boolean;
}

const NO_FUNCTIONS: readonly AnyFunction[] = [];

/** Nothing is moved. */
export const NO_TRANSFER: Transfer = { objects: [], isRepeatable: true };

/** What a backend needs to know to start workers. */
export interface BackendOptions {
  readonly concurrency: number;
  /** The program does not wait for them. */
  readonly daemon?: boolean;
  /** Processes: their number among the children of this one. */
  readonly number?: number | undefined;
  /** Threads: each runs one call, and ends with it. */
  readonly isSingle?: boolean;
  readonly permissions?: Deno.PermissionOptions | undefined;
  /** Checked already. */
  readonly resourceLimits?: ResourceLimits | undefined;
  readonly env?: Record<string, string> | undefined;
  readonly cwd?: string | URL | undefined;
}

/** Worker threads. */
export function threadBackend(options: BackendOptions): Backend {
  checkThreadPermissions(options.permissions);
  const { concurrency, daemon = false, isSingle = false, resourceLimits } =
    options;
  return {
    kind: "thread",
    ...encodingFor("thread"),
    start: (identity, events) =>
      new RemoteWorker(
        new ThreadHost({
          ...identity,
          concurrency,
          daemon,
          isSingle,
          resourceLimits,
        }),
        events,
      ),
  };
}

/**
 * Deno narrows the permissions of a thread only with an unstable flag. Whoever
 * asks without it is not refused but ended, with the whole program; and nothing
 * that a program can see tells whether the flag is there.
 */
function checkThreadPermissions(permissions: unknown): void {
  if (permissions === undefined || permissions === "inherit") return;
  throw new NotSupportedError(
    "Cannot start threads with 'permissions': Deno has them for threads only behind a flag that a program cannot look for; use ProcessPoolExecutor or Process",
  );
}

/** Child processes. */
export function processBackend(options: BackendOptions): Backend {
  checkProcessOptions(options);
  return {
    kind: "process",
    ...encodingFor("process"),
    start: (identity, events) =>
      new RemoteWorker(new ProcessHost({ ...identity, ...options }), events),
  };
}

/** The caller's own event loop. */
export function inlineBackend(): Backend {
  return {
    kind: "inline",
    prepare: (fn, args, mode, _transfer, context) => ({
      kind: "inline",
      mode,
      fn,
      args,
      calls: 1,
      copies: false,
      enter: typeof context === "function" ? context : undefined,
    }),
    captureContext: () => enterCurrentContext(),
    startChunk: () => undefined,
    start: (identity, events) => new InlineWorker(identity, events),
  };
}

/**
 * Begins a chunk of calls that are made in place, one after the other.
 *
 * @param copies True where arguments and results are copied, as on their way to a worker and back.
 */
export function startInlineChunk(
  fn: AnyFunction,
  copies: boolean,
  context?: CallerContext,
): ChunkBuilder {
  return new LocalChunk(
    fn,
    copies,
    typeof context === "function" ? context : undefined,
  );
}

/** Workers of an executor above this one; it starts them itself. */
export function relayBackend(kind: WorkerKind): Backend {
  const isShared = kind === "thread" &&
    (uplink()?.carriesAttachments ?? false);
  return {
    kind,
    ...encodingFor(isShared ? "thread" : "process"),
    start: refuseToStart,
  };
}

/** Workers of other machines; those start them themselves. */
export function networkBackend(): Backend {
  return {
    kind: "process",
    ...encodingFor("machine"),
    start: refuseToStart,
  };
}

function refuseToStart(): never {
  throw new NotSupportedError(
    "Cannot start a worker of an executor that is elsewhere",
  );
}

/** How calls are encoded for workers that are so far away. */
function encodingFor(
  reach: Reach,
): Pick<Backend, "prepare" | "captureContext" | "startChunk"> {
  return {
    prepare: (...call) => prepareRemote(reach, ...call),
    captureContext: (fn) => captureStores(fn, reach),
    startChunk: (fn, context) => new RemoteChunk(reach, fn, context),
  };
}

function prepareRemote(
  reach: Reach,
  fn: AnyFunction,
  args: readonly unknown[],
  mode: CallMode,
  transfer: Transfer,
  context?: CallerContext,
): Work {
  const outer = beginCarrying();
  let work: RemoteWork | undefined;
  try {
    work = encodeCall(reach, fn, args, mode, transfer, context);
    return work;
  } finally {
    const carried = endCarrying(outer);
    if (work === undefined) carried?.();
    else work.carried = carried;
  }
}

function encodeCall(
  reach: Reach,
  fn: AnyFunction,
  args: readonly unknown[],
  mode: CallMode,
  transfer: Transfer,
  context: CallerContext | undefined,
): RemoteWork {
  const definition = defineFunction(fn, reach);
  const { signals, storages } = definition.payload;
  if (
    signals.length === 0 && storages.length === 0 &&
    transfer.objects.length === 0
  ) {
    const payload = encodeFlatPayload(args);
    if (payload !== undefined) {
      return {
        kind: "remote",
        mode,
        definition,
        payload,
        whole: false,
        passed: NO_FUNCTIONS,
        calls: 1,
        carried: undefined,
      };
    }
  }
  const passed: AnyFunction[] = [];
  let whole = false;
  const payload = encodePayload(args, {
    root: "args",
    describe: describer(passed),
    reach,
    isShared: true,
    signals: true,
    contexts: contextOptions(definition, context),
    transfer: transfer.objects,
    isRepeatable: transfer.isRepeatable,
    instead: (mutable) => {
      whole = hasSignals(definition) ||
        (passed.length > 0 && isShared(definition, passed, mutable));
      return whole
        ? { value: [fn, args], root: "call", describe: describer() }
        : undefined;
    },
  });
  return {
    kind: "remote",
    mode,
    definition,
    payload,
    whole,
    passed,
    calls: 1,
    carried: undefined,
  };
}

class RemoteChunk implements ChunkBuilder {
  readonly #definition: Definition;
  readonly #list: ListPayload;
  readonly #passed: AnyFunction[] = [];
  readonly #carried: Release[] = [];
  readonly #whole: boolean;
  /** The functions of the last call, and what describes them: made for the first. */
  #functions: AnyFunction[] = [];
  #inner: ReturnType<typeof describer> | undefined;
  readonly #describe: ReturnType<typeof describer> = (fn) => {
    this.#inner ??= describer(this.#functions);
    return this.#inner(fn);
  };

  constructor(
    reach: Reach,
    fn: AnyFunction,
    context: CallerContext | undefined,
  ) {
    this.#definition = this.#carrying(() => defineFunction(fn, reach));
    this.#list = new ListPayload({
      root: "args",
      describe: describer(),
      reach,
      isShared: true,
      signals: true,
      contexts: contextOptions(this.#definition, context),
    });
    this.#whole = hasSignals(this.#definition);
    if (this.#whole) {
      this.#carrying(() => this.#list.addHead(fn, describer()));
    }
  }

  get calls(): number {
    return this.#list.length;
  }

  get bytes(): number {
    return this.#list.size;
  }

  add(args: readonly unknown[]): boolean {
    if (args.length === 1 && this.addNumbers(args, 0, 1) === 1) return true;
    if (this.#inner !== undefined) {
      this.#inner = undefined;
      this.#functions = [];
    }
    this.#carrying(() => this.#list.add(args, this.#describe));
    const passed = this.#functions;
    if (passed.length === 0) return true;
    if (isShared(this.#definition, passed, this.#list.mutable)) {
      this.#list.undo();
      return false;
    }
    this.#passed.push(...passed);
    return true;
  }

  addNumbers(items: readonly unknown[], from: number, to: number): number {
    return this.#list.addNumbers(items, from, to);
  }

  finish(): Work {
    return {
      kind: "remote",
      mode: CallMode.chunk,
      definition: this.#definition,
      payload: this.#list.finish(),
      whole: this.#whole,
      passed: this.#passed,
      calls: this.#list.length,
      carried: this.#carried.length === 0 ? undefined : () => {
        for (const release of this.#carried) release();
      },
    };
  }

  #carrying<T>(encode: () => T): T {
    const outer = beginCarrying();
    try {
      return encode();
    } finally {
      const carried = endCarrying(outer);
      if (carried !== undefined) this.#carried.push(carried);
    }
  }
}

/** Bytes for which an argument counts whose size is not known. */
const SOME_BYTES = 64;

class LocalChunk implements ChunkBuilder {
  readonly #fn: AnyFunction;
  readonly #copies: boolean;
  readonly #enter: EnterContext | undefined;
  readonly #items: unknown[] = [];
  #bytes = 0;

  constructor(
    fn: AnyFunction,
    copies: boolean,
    enter: EnterContext | undefined,
  ) {
    this.#fn = fn;
    this.#copies = copies;
    this.#enter = enter;
  }

  get calls(): number {
    return this.#items.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(args: readonly unknown[]): boolean {
    const copy = this.#copies ? copyArguments(args) : args;
    if (copy === undefined) return false;
    this.#items.push(
      copy.length === 1 && typeof copy[0] === "number" ? copy[0] : copy,
    );
    for (const value of copy) {
      this.#bytes += typeof value === "string"
        ? value.length
        : ArrayBuffer.isView(value)
        ? value.byteLength
        : SOME_BYTES;
    }
    return true;
  }

  addNumbers(items: readonly unknown[], from: number, to: number): number {
    let at = from;
    while (at < to && typeof items[at] === "number") {
      this.#items.push(items[at++]);
    }
    this.#bytes += (at - from) * 8;
    return at - from;
  }

  finish(): Work {
    return {
      kind: "inline",
      mode: CallMode.chunk,
      fn: this.#fn,
      args: this.#items,
      calls: this.#items.length,
      copies: this.#copies,
      enter: this.#enter,
    };
  }
}

/** What the storages hold that the function is known to use; undefined where it uses none. */
function captureStores(
  fn: AnyFunction,
  reach: Reach,
): StoreSnapshot | undefined {
  let definition: Definition;
  const outer = beginCarrying();
  try {
    definition = defineFunction(fn, reach);
  } catch (error) {
    // Told by the call that would send it.
    if (error instanceof SerializationError) return undefined;
    throw error;
  } finally {
    // Those calls encode it for themselves.
    endCarrying(outer)?.();
  }
  const { storages } = definition.payload;
  return storages.length === 0 ? undefined : new StoreSnapshot(storages);
}

function contextOptions(
  { payload: { storages } }: Definition,
  context: CallerContext | undefined,
): ContextOptions {
  return {
    storages,
    stores: context instanceof StoreSnapshot ? context : undefined,
  };
}

/** True where signals are captured: they belong to a call, so each call brings the function along. */
function hasSignals({ payload }: Definition): boolean {
  return payload.signals.length > 0;
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
