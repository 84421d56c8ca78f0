// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { CallSlots } from "../memory/slots.ts";
import { AbortReason, Lent } from "../wire/messages.ts";
import type { CallGauge } from "./call_gauge.ts";
import { type CallContext, stopError, type WorkerInfo } from "./current.ts";
import type { ItemStream } from "./item_stream.ts";

/** What those hear whose process was interrupted. */
const INTERRUPTED = "the process was interrupted (SIGINT)";

/** Calls of a chunk for each look that cannot be optimized away. */
const SURE_LOOK = 64;

/** Why a call was asked to stop, and what the asker gave. */
export interface StopRequest {
  readonly reason: AbortReason;
  /** Undefined also where it could not travel. */
  readonly cause: unknown;
}

/** What has come for a call beside the call itself, from its arrival to its answer. */
export class HeldCall {
  stop: StopRequest | undefined;
  /** The signals among its arguments, and those that have fired. */
  #signals: Map<number, AbortController> | undefined;
  #fired = 0;
  #waiting: { readonly count: number; readonly go: () => void } | undefined;

  /** The task's end of a signal of the caller. */
  signal(index: number): AbortSignal {
    return this.#controller(index).signal;
  }

  /** The caller's signal has fired. */
  fire(index: number, reason: unknown): void {
    this.#controller(index).abort(reason);
    this.#fired++;
    if (this.#fired === this.#waiting?.count) this.#waiting.go();
  }

  /** Resolves when it is known of `count` signals that they have fired. Called once. */
  whenFired(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#fired >= count) resolve();
      else this.#waiting = { count, go: resolve };
    });
  }

  #controller(index: number): AbortController {
    const signals = this.#signals ??= new Map();
    let controller = signals.get(index);
    if (controller === undefined) {
      signals.set(index, controller = new AbortController());
    }
    return controller;
  }
}

/** A call whose function has been entered. */
export class RunningCall implements CallContext {
  readonly slot: number;
  readonly worker: WorkerInfo;
  readonly #slots: CallSlots;
  readonly #report: (
    slot: number,
    done: number,
    total: number | undefined,
  ) => void;
  #controller: AbortController | undefined;
  #stop: StopRequest | undefined;
  readonly since = performance.now();
  /** True once its function has asked for the signal, or was told that it should stop: what it makes of that is its own matter. */
  hasHeard = false;
  /** True once the call has answered: a late `progress()` goes nowhere. */
  ended = false;
  /** What it has submitted and waits for. */
  waits = 0;
  /** Its generator, where it is one. */
  stream: ItemStream | undefined;
  /** What measures it, where somebody wants to know. */
  gauge: CallGauge | undefined;
  /** True while the generator waits for its consumer. */
  isPaused = false;
  /** Whom its place is lent to, as the host knows. */
  lent: Lent = Lent.no;

  constructor(
    slot: number,
    options: { readonly worker: WorkerInfo; readonly slots: CallSlots },
    report: (slot: number, done: number, total: number | undefined) => void,
  ) {
    this.slot = slot;
    this.worker = options.worker;
    this.#slots = options.slots;
    this.#report = report;
  }

  isAborted(): boolean {
    return this.#stop !== undefined ||
      (!this.ended && this.#slots.aborted(this.slot));
  }

  /** The same for the calls of a chunk, of which this is the `n`th. */
  isAbortedAt(n: number): boolean {
    if (n % SURE_LOOK === 0) return this.isAborted();
    return this.#stop !== undefined || this.#slots.looksAborted(this.slot);
  }

  abortReason(): unknown {
    this.hasHeard = true;
    if (this.#controller?.signal.aborted) return this.#controller.signal.reason;
    // The flag comes before the message that tells the reason too.
    return this.#stop === undefined
      ? stopError(this.#slots.timedOut(this.slot))
      : errorOf(this.#stop);
  }

  signal(): AbortSignal {
    this.hasHeard = true;
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // Where only the flag is up its message has yet to come, which tells why.
      if (this.#stop !== undefined) this.#controller.abort(errorOf(this.#stop));
    }
    return this.#controller.signal;
  }

  progress(done: number, total: number | undefined): void {
    if (!this.ended) this.#report(this.slot, done, total);
  }

  /** The host's message; the flag in shared memory came before it. */
  abort(request: StopRequest): void {
    if (this.#stop !== undefined) return;
    this.#stop = request;
    this.#controller?.abort(errorOf(request));
    this.stream?.look();
  }
}

function errorOf({ reason, cause }: StopRequest): Error {
  return stopError(
    reason === AbortReason.timeout,
    reason === AbortReason.interrupted ? INTERRUPTED : cause,
  );
}
