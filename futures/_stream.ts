// Copyright 2026 the @concurrent/parallel authors. MIT license.

// stream: the values of a generator that runs over there, one by one.
//
//   next() -> submit (the first time) -> item, item, ... -> done | failed
//          <- buffer <- at most a window of values ahead of the consumer
//          -> credit for what was taken
//   return() -> finish -> the generator's `finally` -> done
//
// state     meaning                                        leaves by
// idle      nothing was asked for: nothing runs            next() -> running; return() -> ended
// running   the generator runs, or waits for its consumer  its end -> ended; return() -> leaving
// leaving   it was told that nobody wants more values      its end -> ended
// ended     what is in the buffer can still be taken       never

import { CancelledError } from "../_internal/base/errors.ts";
import { isInterruption } from "../_internal/pool/interrupts.ts";
import type { Job, JobObserver, Work } from "../_internal/pool/job.ts";
import type { Outcome } from "../_internal/wire/outcomes.ts";
import type {
  AnyFunction,
  TaskOptions,
} from "../_internal/wire/functions/task.ts";
import { CallMode } from "../_internal/wire/messages.ts";
import { type Lane, prepareCall, submitWork } from "../_internal/pool/lane.ts";

/** Values that are taken before the generator hears of it; less where the buffer is empty. */
const CREDIT_BATCH = 8;
/** Milliseconds after which it is told again that somebody reads. */
const READ_INTERVAL = 100;

/** Nobody can ask any more for the values of an iterator that is gone. */
const abandoned = new FinalizationRegistry<StreamRun>((run) => {
  run.return().catch(() => {});
});

/** The iterator; the call is encoded now, and begins with the first step. */
export function streamOver(
  lane: Lane,
  fn: AnyFunction,
  options: TaskOptions,
  args: readonly unknown[],
): AsyncIterableIterator<unknown> & AsyncDisposable {
  // Values that were taken cannot be taken back: it runs once.
  const once = { ...options, retries: 0 };
  const work = prepareCall(
    lane,
    fn,
    once,
    args,
    CallMode.stream,
    // In place it begins with the first step.
    lane.backend.captureContext(fn),
  );
  const run = new StreamRun(lane, fn, once, work);
  const iterator: AsyncIterableIterator<unknown> & AsyncDisposable = {
    // A step keeps the iterator: nobody else may while it is awaited.
    next: () => run.next(iterator),
    return: async (value?: unknown) => {
      await run.return();
      return { done: true as const, value };
    },
    throw: async (error?: unknown) => {
      await run.return();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await run.return();
    },
  };
  abandoned.register(iterator, run);
  return iterator;
}

/** A step that waits for its value. */
interface Step extends PromiseWithResolvers<IteratorResult<unknown>> {
  /** Lives as long as somebody waits: an iterator that is gone ends the run. */
  readonly iterator: object;
}

class StreamRun implements JobObserver {
  readonly #lane: Lane;
  readonly #fn: AnyFunction;
  readonly #options: TaskOptions;
  #work: Work | undefined;
  #job: Job | undefined;
  #state: "idle" | "running" | "leaving" | "ended" = "idle";
  /** Values, and at its end perhaps an error, that nobody has taken. */
  #buffer: Outcome[] = [];
  /** Steps that were asked for and have no value yet. */
  #steps: Step[] = [];
  /** Values that were taken and the generator has not heard of. */
  #taken = 0;
  /** When the scheduler was last told that a value was read. */
  #readAt = 0;
  /** Listens no more for the end of the executor. */
  #forget = () => {};
  /** Resolves when the generator has ended. */
  readonly #ended = Promise.withResolvers<void>();

  constructor(lane: Lane, fn: AnyFunction, options: TaskOptions, work: Work) {
    this.#lane = lane;
    this.#fn = fn;
    this.#options = options;
    this.#work = work;
    this.#ended.promise.catch(() => {});
  }

  next(iterator: object): Promise<IteratorResult<unknown>> {
    if (this.#state === "idle") {
      try {
        this.#begin();
      } catch (error) {
        this.#end();
        return Promise.reject(error);
      }
    }
    const outcome = this.#buffer.shift();
    if (outcome !== undefined) {
      this.#take();
      this.#read();
      return outcome.ok
        ? Promise.resolve({ done: false, value: outcome.value })
        : Promise.reject(outcome.value);
    }
    if (this.#state === "leaving" || this.#state === "ended") {
      return Promise.resolve({ done: true, value: undefined });
    }
    const step = Promise.withResolvers<IteratorResult<unknown>>();
    this.#steps.push({ ...step, iterator });
    this.#rest();
    return step.promise;
  }

  /** Ends it; resolves when the generator has, with its error where its `finally` throws. */
  async return(): Promise<void> {
    this.#buffer = [];
    if (this.#state === "idle") {
      this.#work = undefined;
      this.#end();
    } else if (this.#state === "running") this.#leave();
    await this.#ended.promise;
  }

  started(): void {}

  progressed(): void {}

  yielded(outcome: Outcome): void {
    if (this.#state !== "running") return;
    if (!outcome.ok) {
      // A value that cannot be read: there is nothing behind it.
      this.expired(outcome.value);
    } else this.#give(outcome);
  }

  expired(error: unknown): void {
    if (this.#state !== "running") return;
    this.#give({ ok: false, value: error });
    this.#leave();
  }

  finishing(): void {
    this.#lane.scheduler.finishing(this.#job!);
  }

  succeeded(): void {
    this.#end();
  }

  failed(error: unknown): void {
    if (this.#state === "leaving") this.#ended.reject(error);
    else this.#give({ ok: false, value: error });
    this.#end();
  }

  cancelled(cause: unknown): void {
    // Whoever has left it has no use for an error.
    if (this.#state === "running") {
      this.#give({
        ok: false,
        value: new CancelledError("Cannot go on: the stream was cancelled", {
          cause,
        }),
      });
    }
    this.#end();
  }

  #begin(): void {
    const work = this.#work!;
    this.#work = undefined;
    this.#state = "running";
    const { scheduler } = this.#lane;
    this.#job = submitWork(this.#lane, this.#fn, this.#options, work, this);
    if (this.#job.state === "settled") return;
    // A loop that has values left would use up the time that an interrupted
    // program has to unwind. And while something listens the executor counts as
    // busy, also where the loop is not waiting for a value just now.
    this.#forget = scheduler.onEnd(() => {
      if (isInterruption(scheduler.endError)) this.#buffer = [];
    });
  }

  /** Tells the generator that nobody wants more values. */
  #leave(): void {
    const { scheduler } = this.#lane;
    // It is waited for from here on.
    scheduler.rest(this.#job!, false);
    this.#state = "leaving";
    scheduler.finish(this.#job!);
  }

  /** Hands an outcome to the first who waits, or keeps it. */
  #give(outcome: Outcome): void {
    const step = this.#steps.shift();
    if (step === undefined) {
      this.#buffer.push(outcome);
      return;
    }
    if (outcome.ok) step.resolve({ done: false, value: outcome.value });
    else step.reject(outcome.value);
    this.#take();
    this.#rest();
  }

  /** A value was taken: the generator may make another one. */
  #take(): void {
    if (this.#state !== "running") return;
    this.#taken++;
    if (this.#taken < CREDIT_BATCH && this.#buffer.length > 0) return;
    // In `#begin()` nothing can have been taken.
    this.#lane.scheduler.credit(this.#job!, this.#taken);
    this.#taken = 0;
  }

  /** Says that it is read, which is so too where nobody has to wait for a value. */
  #read(): void {
    const now = performance.now();
    if (this.#state !== "running" || now < this.#readAt + READ_INTERVAL) return;
    this.#readAt = now;
    this.#lane.scheduler.rest(this.#job!, false);
    this.#rest();
  }

  /** Says whether anybody waits for it. */
  #rest(): void {
    if (this.#state !== "running" || this.#job === undefined) return;
    this.#lane.scheduler.rest(this.#job, this.#steps.length === 0);
  }

  #end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#forget();
    this.#ended.resolve();
    for (const step of this.#steps.splice(0)) {
      step.resolve({ done: true, value: undefined });
    }
  }
}
