// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { AsyncLocalStorage } from "node:async_hooks";
import { nodeAsyncHooks } from "../wire/functions/sync_modules.ts";
import { AbortReason, CallMode } from "../wire/messages.ts";
import {
  type CallContext,
  setCallStorage,
  stopError,
  type WorkerInfo,
} from "../worker/current.ts";
import { ItemStream } from "../worker/item_stream.ts";
import type { EnterContext, Work } from "./job.ts";
import type { PoolWorker, WorkerEvents } from "./pool_worker.ts";

/** An event loop takes on any number of calls: one that waits for another must not keep it from running. */
export const INLINE_SLOTS = Infinity;

let storage: AsyncLocalStorage<CallContext> | undefined;

/** One for all inline workers; made for the first of them. */
function callStorage(): AsyncLocalStorage<CallContext> {
  return storage ??= new (nodeAsyncHooks().AsyncLocalStorage)<CallContext>();
}

/** Has functions called later find every AsyncLocalStorage as it is now. */
export function enterCurrentContext(): EnterContext {
  return nodeAsyncHooks().AsyncLocalStorage.snapshot();
}

const enterThisContext: EnterContext = (fn) => fn();

/** Runs calls on the caller's own event loop: for tasks that wait, not for tasks that compute. */
export class InlineWorker implements PoolWorker {
  readonly kind = "inline";
  readonly id: number;
  readonly name: string;
  readonly pid = undefined;
  readonly agent = 0;
  readonly slots = INLINE_SLOTS;
  readonly revocable = false;
  readonly stuck = false;
  readonly #events: WorkerEvents;
  readonly #calls = new Map<number, InlineCall>();
  #ended = false;

  constructor(
    identity: { readonly id: number; readonly name: string },
    events: WorkerEvents,
  ) {
    this.id = identity.id;
    this.name = identity.name;
    this.#events = events;
    setCallStorage(callStorage());
    queueMicrotask(() => events.ready());
  }

  send(slot: number, work: Work): void {
    if (work.kind !== "inline") {
      throw new TypeError("Cannot run a call in place: it was encoded");
    }
    const call = new InlineCall(this, (done, total) => {
      if (this.#calls.get(slot) === call) {
        this.#events.progress(slot, done, total);
      }
    });
    this.#calls.set(slot, call);
    // Not before the submit has returned: its future exists first.
    queueMicrotask(() => this.#run(slot, call, work));
  }

  wake(): void {}

  load(): Promise<void> {
    return Promise.resolve();
  }

  revoke(_slot: number): boolean {
    return false;
  }

  abort(slot: number, reason: AbortReason, cause?: unknown): void {
    this.#calls.get(slot)?.abort(reason, cause);
  }

  credit(slot: number, items: number): void {
    this.#calls.get(slot)?.stream?.credit(items);
  }

  giveUp(): void {
    // It submits as the program does: nobody knows what is its own.
  }

  finish(slot: number): void {
    const call = this.#calls.get(slot);
    if (call?.stream === undefined) return;
    // As on a worker: see `Guest`.
    if (call.stream.isPulling) call.abort(AbortReason.cancelled);
    call.stream.finish();
  }

  release(slot: number): void {
    this.#calls.delete(slot);
  }

  stop(): void {
    this.#end();
  }

  terminate(): void {
    for (const call of this.#calls.values()) call.abort(AbortReason.cancelled);
    this.#end();
  }

  ping(): void {
    // Who asks runs on the event loop that is asked for.
    this.#events.pong();
  }

  poll(): boolean {
    return true;
  }

  probe(): void {}

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    queueMicrotask(() => this.#events.exited({ exitCode: 0 }));
  }

  async #run(
    slot: number,
    call: InlineCall,
    work: Work & { kind: "inline" },
  ): Promise<void> {
    const { fn, args, enter = enterThisContext } = work;
    const since = performance.now();
    let ok = true;
    let value: unknown;
    try {
      const run = () =>
        work.mode === CallMode.stream
          ? this.#stream(slot, call, work)
          : fn(...args);
      value = await enter(() => callStorage().run(call, run));
    } catch (error) {
      ok = false;
      value = error;
    }
    // An answer for a slot that was given up, or given to another call.
    if (this.#ended || this.#calls.get(slot) !== call) return;
    const time = performance.now() - since;
    if (ok) this.#events.done(slot, value, time);
    else this.#events.failed(slot, value, time);
    this.#events.delivered();
  }

  async #stream(
    slot: number,
    call: InlineCall,
    { fn, args }: Work & { kind: "inline" },
  ): Promise<void> {
    const stream = new ItemStream({
      emit: (value) => {
        this.#events.item(slot, { ok: true, value });
        return 0;
      },
      sent: () => undefined,
      finishing: () => this.#events.finishing(slot),
      isStopped: () => call.isAborted(),
      reason: () => call.abortReason(),
      paused: () => {},
    });
    call.stream = stream;
    await stream.run(await fn(...args));
  }
}

/** A call on this event loop. */
class InlineCall implements CallContext {
  readonly worker: WorkerInfo;
  readonly #report: (done: number, total: number | undefined) => void;
  readonly #controller = new AbortController();
  /** Its generator, where it is one. */
  stream: ItemStream | undefined;

  constructor(
    worker: WorkerInfo,
    report: (done: number, total: number | undefined) => void,
  ) {
    this.worker = { id: worker.id, name: worker.name, kind: "inline" };
    this.#report = report;
  }

  isAborted(): boolean {
    return this.#controller.signal.aborted;
  }

  abortReason(): unknown {
    return this.#controller.signal.reason;
  }

  signal(): AbortSignal {
    return this.#controller.signal;
  }

  progress(done: number, total: number | undefined): void {
    this.#report(done, total);
  }

  abort(reason: AbortReason, cause?: unknown): void {
    this.#controller.abort(stopError(reason === AbortReason.timeout, cause));
    this.stream?.look();
  }
}
