// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { WorkerCrashedError } from "../base/errors.ts";
import { isThenable } from "../base/validation.ts";
import { nameOf } from "../wire/functions/names.ts";
import { nodeAsyncHooks } from "../wire/functions/sync_modules.ts";
import { AbortReason, CallMode } from "../wire/messages.ts";
import type { Outcome, Outcomes } from "../wire/outcomes.ts";
import { type CpuMark, CpuShare } from "../worker/cpu_share.ts";
import {
  type CallContext,
  type CallStorage,
  callStorage,
  currentCall,
  stopError,
  type WorkerInfo,
} from "../worker/current.ts";
import { ItemStream } from "../worker/item_stream.ts";
import { report } from "../worker/report.ts";
import {
  copyArguments,
  copyError,
  copyOutcomes,
  copyResult,
} from "./copies.ts";
import { InlineChunk } from "./inline_chunk.ts";
import { watchFaults } from "./inline_faults.ts";
import { isSliceOver, soon, whenFree } from "./inline_slices.ts";
import type { EnterContext, InlineWork, Work } from "./job.ts";
import type { PoolWorker, WorkerEvents } from "./pool_worker.ts";

/** An event loop takes on any number of calls: one that waits for another must not keep it from running. */
export const INLINE_SLOTS = Infinity;

/** Has functions called later find every AsyncLocalStorage as it is now. */
export function enterCurrentContext(): EnterContext {
  return nodeAsyncHooks().AsyncLocalStorage.snapshot();
}

/** One for all of them: they share this thread. */
const cpuShare = new CpuShare();

/**
 * Runs calls on the caller's own event loop: for tasks that wait, not for tasks
 * that compute. A call begins in a microtask of its own, so not before its
 * submit has returned, unless it borrows its arguments, and where the work of this turn has taken a slice, in
 * one of the next turns (`inline_slices.ts`). Until then it can be taken back.
 */
export class InlineWorker implements PoolWorker {
  readonly kind = "inline";
  readonly id: number;
  readonly name: string;
  readonly pid = undefined;
  readonly agent = 0;
  readonly slots = INLINE_SLOTS;
  /** Nothing is sent ahead: it has room for any number. */
  readonly revocable = false;
  readonly tellsStart = true;
  readonly stuck = false;
  readonly #events: WorkerEvents;
  readonly #info: WorkerInfo;
  readonly #storage = callStorage(() =>
    new (nodeAsyncHooks().AsyncLocalStorage)() as CallStorage
  );
  /** By slot. */
  readonly #calls: (InlineCall | undefined)[] = [];
  /** Those that are made before their submit returns. */
  readonly #borrowing: InlineCall[] = [];
  #ended = false;

  constructor(
    identity: { readonly id: number; readonly name: string },
    events: WorkerEvents,
  ) {
    this.id = identity.id;
    this.name = identity.name;
    this.#info = { id: this.id, name: this.name, kind: this.kind };
    this.#events = events;
    watchFaults((call) => call instanceof InlineCall);
    queueMicrotask(() => events.ready());
  }

  send(slot: number, work: Work): void {
    if (work.kind !== "inline") {
      throw new TypeError("Cannot run a call in place: it was encoded");
    }
    const call = new InlineCall(slot, work, this.#info, this);
    this.#calls[slot] = call;
    if (work.borrows) this.#borrowing.push(call);
    else soon((now) => this.#begin(call, now));
  }

  wake(): void {
    for (const call of this.#borrowing.splice(0)) {
      this.#begin(call, performance.now());
    }
  }

  load(): Promise<void> {
    return Promise.resolve();
  }

  isAt(slot: number): boolean {
    return this.#calls[slot]?.state === "begun";
  }

  revoke(slot: number): boolean {
    const call = this.#calls[slot];
    if (call?.state !== "waiting") return false;
    call.state = "revoked";
    return true;
  }

  abort(slot: number, reason: AbortReason, cause?: unknown): void {
    this.#calls[slot]?.abort(reason, cause);
  }

  credit(slot: number, items: number): void {
    this.#calls[slot]?.stream?.credit(items);
  }

  giveUp(): void {
    // It submits as the program does: nobody knows what is its own.
  }

  finish(slot: number): void {
    const call = this.#calls[slot];
    if (call?.stream === undefined) return;
    // As on a worker: see `Guest`.
    if (call.stream.isPulling) call.abort(AbortReason.cancelled);
    call.stream.finish();
  }

  release(slot: number): void {
    this.#calls[slot] = undefined;
  }

  stop(): void {
    this.#end();
  }

  terminate(): void {
    for (const call of this.#calls) call?.abort(AbortReason.cancelled);
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

  progressed(call: InlineCall, done: number, total: number | undefined): void {
    if (this.#holds(call)) this.#events.progress(call.slot, done, total);
  }

  /** The call has left an error that nobody catches. */
  faulted(call: InlineCall, error: unknown): void {
    const { slot, work } = call;
    const task = nameOf(work.fn) || "(anonymous)";
    work.meter?.lost(this.kind);
    if (!this.#holds(call)) {
      report(`Uncaught (in ended task "${task}")`, error);
      return;
    }
    this.#events.failed(
      slot,
      new WorkerCrashedError(
        `Cannot finish task '${task}': nobody has caught its error (${
          error instanceof Error ? error.message : String(error)
        })`,
        { worker: this.name, exitCode: undefined, signal: undefined, task },
        { cause: error },
      ),
      performance.now() - call.since,
    );
    this.#events.delivered();
    // What is left of it may end.
    call.abort(AbortReason.cancelled, error);
  }

  /** False where its slot was given up, or given to another call. */
  #holds(call: InlineCall): boolean {
    return !this.#ended && this.#calls[call.slot] === call;
  }

  #begin(call: InlineCall, now: number): void {
    if (!this.#holds(call)) return;
    const { slot } = call;
    if (call.state === "revoked") {
      this.#events.skipped(slot);
      this.#events.delivered();
      return;
    }
    call.state = "begun";
    this.#events.started(slot);
    const { work } = call;
    const isMeasured = work.meter?.isDue ?? false;
    // What was told just now is no part of it.
    call.since = isMeasured ? performance.now() : now;
    let result: unknown;
    let thenable = false;
    try {
      const { enter } = work;
      result = work.isPlain
        ? this.#call(call)
        : enter === undefined
        ? this.#storage.run(call, this.#call, call)
        : enter(() => this.#storage.run(call, this.#call, call));
      thenable = isThenable(result);
    } catch (error) {
      this.#answer(call, isMeasured, false, error);
      return;
    }
    if (!thenable) {
      this.#answer(call, isMeasured, true, result);
      return;
    }
    if (isMeasured) {
      const now = performance.now();
      call.sync = now - call.since;
      call.mark = cpuShare.enter(now);
    }
    // Through a real promise: see `Guest`.
    Promise.resolve(result as PromiseLike<unknown>).then(
      (value) => this.#answer(call, isMeasured, true, value),
      (error) => this.#answer(call, isMeasured, false, error),
    );
  }

  #call = (call: InlineCall): unknown => {
    const { fn, mode, isRepeatable } = call.work;
    // Each attempt gets what was submitted, whatever the one before did to it.
    const args = isRepeatable
      ? copyArguments(call.work.args) ?? call.work.args
      : call.work.args;
    switch (mode) {
      case CallMode.stream:
        return this.#stream(call, args);
      case CallMode.chunk:
        call.chunk = new InlineChunk(fn, args, call);
        return call.chunk.run(call.since);
      default:
        return args.length === 1 ? fn(args[0]) : fn(...args);
    }
  };

  #answer(
    call: InlineCall,
    isMeasured: boolean,
    ok: boolean,
    value: unknown,
  ): void {
    const { slot, since, mark, chunk } = call;
    const now = performance.now();
    const time = now - since - (chunk?.waited ?? 0);
    // Given up or not, until now it was one of those that share the thread.
    const told = mark && cpuShare.leave(mark, now);
    if (!this.#holds(call)) return;
    if (isMeasured) {
      // A chunk that only waits for its turn gives a promise too.
      const isSync = mark === undefined || chunk?.gavePromise === false;
      if (isSync) this.#events.measured(slot, { time, sync: time, cpu: time });
      else {
        const { sync } = call;
        const over = told && told.over + sync;
        this.#events.measured(slot, {
          time,
          sync,
          cpu: told && told.cpu + sync,
          over,
        });
      }
    }
    const answer = call.work.copies ? copyAnswer(call, ok, value) : undefined;
    if (answer?.ok ?? ok) {
      this.#events.done(
        slot,
        answer === undefined ? value : answer.value,
        time,
      );
    } else {
      this.#events.failed(
        slot,
        answer === undefined ? value : answer.value,
        time,
      );
    }
    this.#events.delivered();
  }

  async #stream(call: InlineCall, args: readonly unknown[]): Promise<void> {
    const { fn, copies } = call.work;
    const stream = new ItemStream({
      emit: (value) => {
        const item = copies ? copyResult(fn, value, "item") : value;
        if (this.#holds(call)) {
          this.#events.item(call.slot, { ok: true, value: item });
        }
        return 0;
      },
      // One that computes would keep the event loop from turning.
      sent: () => isSliceOver(performance.now()) ? whenFree() : undefined,
      finishing: () => this.#events.finishing(call.slot),
      isStopped: () => call.isAborted(),
      reason: () => call.abortReason(),
      paused: () => {},
    });
    call.stream = stream;
    await stream.run(await fn(...args));
  }
}

/** What the caller would get from a worker. */
function copyAnswer(
  { work: { fn, mode } }: InlineCall,
  ok: boolean,
  value: unknown,
): Outcome {
  if (!ok) return { ok, value: copyError(fn, value) };
  try {
    switch (mode) {
      case CallMode.chunk:
        return { ok, value: copyOutcomes(fn, value as Outcomes) };
      case CallMode.quiet:
      case CallMode.stream:
        return { ok, value: undefined };
      default:
        return { ok, value: copyResult(fn, value, "result") };
    }
  } catch (error) {
    return { ok: false, value: error };
  }
}

/** A call on this event loop. */
class InlineCall implements CallContext {
  readonly slot: number;
  readonly work: InlineWork;
  readonly worker: WorkerInfo;
  state: "waiting" | "revoked" | "begun" = "waiting";
  /** When it has begun. */
  since = 0;
  /** How long it ran before it gave a promise, where it is measured. */
  sync = 0;
  /** Its share of the thread after that; undefined where it gave none. */
  mark: CpuMark | undefined;
  /** Its calls, where it is a chunk. */
  chunk: InlineChunk | undefined;
  /** Its generator, where it is one. */
  stream: ItemStream | undefined;
  /** Not the call in place that has submitted it, which may have ended long ago. */
  readonly outer: CallContext | undefined;
  readonly #owner: InlineWorker;
  #controller: AbortController | undefined;
  #stopError: Error | undefined;

  constructor(
    slot: number,
    work: InlineWork,
    worker: WorkerInfo,
    owner: InlineWorker,
  ) {
    this.slot = slot;
    this.work = work;
    this.worker = worker;
    this.#owner = owner;
    const outer = currentCall();
    this.outer = outer instanceof InlineCall ? outer.outer : outer;
  }

  isAborted(): boolean {
    return this.#stopError !== undefined;
  }

  abortReason(): unknown {
    return this.#stopError;
  }

  signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#stopError !== undefined) {
        this.#controller.abort(this.#stopError);
      }
    }
    return this.#controller.signal;
  }

  progress(done: number, total: number | undefined): void {
    this.#owner.progressed(this, done, total);
  }

  fault(error: unknown): void {
    this.#owner.faulted(this, error);
  }

  abort(reason: AbortReason, cause?: unknown): void {
    if (this.#stopError !== undefined) return;
    this.#stopError = stopError(reason === AbortReason.timeout, cause);
    this.#controller?.abort(this.#stopError);
    this.stream?.look();
  }
}
