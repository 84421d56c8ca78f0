// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Release } from "../wire/carried.ts";
import type { Segment } from "../memory/segments.ts";
import {
  type AbortReason,
  CallMode,
  type Measurement,
} from "../wire/messages.ts";
import type { AnyFunction } from "../wire/functions/task.ts";
import type { Outcome } from "../wire/outcomes.ts";
import type { Payload } from "../wire/payload.ts";
import { type CallContext, currentCall } from "../worker/current.ts";
import type { WorkerKind } from "../worker/host.ts";
import type { Definition } from "./definitions.ts";

export type { Measurement };

/** Who waits for a job: a future, a map, a thread. Each job ends with exactly one of the last three. */
export interface JobObserver {
  /** The function runs now. Called again where a job is retried. */
  started(): void;
  /** The task reported progress. */
  progressed(done: number, total: number | undefined): void;
  /** A generator's value, or why it cannot be read. */
  yielded?(outcome: Outcome): void;
  /** Nobody reads a generator for which its scheduler would have to wait. */
  expired?(error: unknown): void;
  /** A generator was told that nobody wants more values. */
  finishing?(): void;
  succeeded(value: unknown): void;
  failed(error: unknown): void;
  /** Stopped because somebody asked for it; `reason` is what they gave. */
  cancelled(reason: unknown): void;
}

/** Who wants to know what the calls of a function cost. */
export interface Meter {
  /** Cores that a call keeps busy while it runs: 1 where it computes all the time. */
  readonly share: number;
  /** True where the next call is to be measured: asked when it is sent. */
  readonly isDue: boolean;
  /** A call has answered; of a chunk, all of them. */
  ran(kind: WorkerKind, work: Work, time: number): void;
  /** What a call has cost that was to be measured; told before `ran()`. */
  measured(kind: WorkerKind, work: Work, measurement: Measurement): void;
  /** A call has lost its worker. */
  lost(kind: WorkerKind): void;
  /** A call has settled, however it did. */
  ended(work: Work): void;
}

/** What the parts have in common that tell about a call beside what it is. */
interface WorkNotes {
  /** Who measures the function. */
  meter?: Meter | undefined;
  /** How large each of its arguments is, as its meter counts. */
  sizes?: readonly number[] | undefined;
  /** The scheduler that it was prepared for, for whoever has several. */
  home?: object | undefined;
}

/** Calls a function in the context of another moment. */
export type EnterContext = <T>(fn: () => T) => T;

/** A call that is sent to a worker. */
export interface RemoteWork extends WorkNotes {
  readonly kind: "remote";
  readonly mode: CallMode;
  readonly definition: Definition;
  readonly payload: Payload;
  /** True where the payload holds the function too, since it shares variables, objects or classes with the arguments, or has captured a signal. */
  readonly whole: boolean;
  /** The functions among the arguments, kept until the answer is here: it may name them. */
  readonly passed: readonly AnyFunction[];
  /** How often the function is called: the items of a chunk. */
  readonly calls: number;
  /** Lets go what the bytes name, once the job has settled. */
  carried: Release | undefined;
  /** True where the answer is for somebody else: it stays as it came (`RawAnswer`). */
  readonly isRelayed?: boolean;
}

/** A call that is made in place. */
export interface InlineWork extends WorkNotes {
  readonly kind: "inline";
  readonly mode: CallMode;
  readonly fn: (...args: unknown[]) => unknown;
  readonly args: readonly unknown[];
  /** How often the function is called: the items of a chunk, whose `args` are lists of arguments. */
  readonly calls: number;
  /** True where what it gives is copied, as it would be on its way from a worker. */
  copies: boolean;
  /** True where nothing that it does can ask for the call that runs. */
  readonly isPlain?: boolean;
  /** True where its arguments are the caller's own, who may change them next: it is made as soon as it was sent. */
  readonly borrows?: boolean;
  /** True where it may be made more than once: each time it gets copies of its own. */
  readonly isRepeatable?: boolean;
  /** Calls it in the context of the submit; undefined where that is the one in which it is sent. */
  enter: EnterContext | undefined;
}

/** What a job is to do. */
export type Work = RemoteWork | InlineWork;

/** Work that nobody will submit: lets go what it carries. */
export function letGo(work: Work): void {
  if (work.kind === "remote") work.carried?.();
}

/** How a job wants to be treated. */
export interface JobOptions {
  /** The task's label. */
  readonly name: string;
  readonly priority: number;
  /** Milliseconds that the function may run. */
  readonly timeout: number | undefined;
  readonly retries: number;
  /** What kind of work it was declared to be. */
  readonly kind?: "io" | "cpu" | undefined;
  /** False: it must not wait at a worker, since a signal that stops it may stop the call before it too, and must not come second. */
  readonly maySendAhead: boolean;
  /** Where it comes from, where that is another isolate. */
  readonly origin?: JobOrigin;
  /** True where a task of this scheduler submits it: what was accepted is finished, with what it takes. */
  readonly isContinuation?: boolean;
}

/** The task that submits a job. */
export interface JobOrigin {
  /** How many tasks the job is nested in. */
  readonly depth: number;
  /** The call that submits it, where this isolate runs it. */
  readonly parent: CallContext | undefined;
}

/** Where a job is held: a node of the list of a worker's jobs. */
export interface Place {
  /** The list. */
  readonly jobs: object;
  readonly slot: number;
  readonly job: Job;
  before: Place | undefined;
  behind: Place | undefined;
}

/**
 * One task on its way through the scheduler. Only the scheduler and its parts
 * write it; whoever submits it may set `detach`.
 *
 * ```text
 * state    meaning                                   leaves by
 * queued   with the scheduler                        sent to a worker -> sent; cancel -> settled
 * sent     waits at a worker behind another call     its turn -> running; revoked -> queued or settled
 * running  the function runs                         answer -> settled; retry -> queued; crash; grace over
 * settled  the observer knows                        never
 * ```
 */
export class Job {
  readonly work: Work;
  readonly options: JobOptions;
  readonly observer: JobObserver;
  /** Where it comes from, where a task submits it. */
  readonly origin: JobOrigin | undefined;
  state: "queued" | "sent" | "running" | "settled" = "queued";
  /** Where it is held, while a worker holds it. */
  place: Place | undefined;
  /** What it takes of a core, in parts (`CoreBudget`), while a worker holds it. */
  parts = 0;
  /** Runs that have ended without a value. */
  attempts = 0;
  /** Workers that ended after they got it and before it began. */
  losses = 0;
  /** When it was sent to wait behind a call, by `performance.now()`. */
  sentAt = 0;
  /** Why it was asked to stop, once it was. */
  stopReason: AbortReason | undefined;
  /** What the asker gave. */
  stopCause: unknown;
  /** Cancels the timer of the timeout or of the grace period. */
  disarm: (() => void) | undefined;
  /** True for a generator that waits for a consumer who is not waiting: nobody has to keep the program alive for it. */
  isResting = false;
  /** True for a generator that knows that nobody wants more values. */
  isFinishing = false;
  /** What its bytes lie in, held until it settles. */
  segment: Segment | undefined;
  /** Called once when the job settles: detaches what listens for it. */
  detach: (() => void) | undefined;
  /** How many tasks it stands for. */
  get calls(): number {
    return this.work.calls;
  }

  /** True where its answer is a list of outcomes that can be read here. */
  get isChunk(): boolean {
    return this.work.mode === CallMode.chunk &&
      !(this.work.kind === "remote" && this.work.isRelayed);
  }

  /** How many tasks it is nested in. */
  get depth(): number {
    return this.origin?.depth ?? 0;
  }

  /** When it was queued, by `performance.now()`. */
  readonly queuedAt: number;

  /** False where sending it takes away what it consists of: transferred ports, streams and buffers. */
  get canBeSentAgain(): boolean {
    return this.work.kind === "inline" ||
      this.work.payload.transfer.length === 0;
  }

  constructor(work: Work, options: JobOptions, observer: JobObserver) {
    this.work = work;
    this.options = options;
    this.observer = observer;
    const parent = options.origin === undefined ? currentCall() : undefined;
    this.origin = parent === undefined ? options.origin : { depth: 0, parent };
    this.queuedAt = performance.now();
  }
}
