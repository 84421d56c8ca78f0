// Copyright 2026 the @concurrent/parallel authors. MIT license.

// map and starmap as an iteration over the outcomes of a run (`map_run.ts`).

import {
  checkDuration,
  checkFunction,
  checkObject,
  checkSignal,
  describe,
  integerOption,
} from "../base/validation.ts";
import { NONE_FAILED, type Outcomes } from "../wire/outcomes.ts";
import type { MapOptions } from "./map_options.ts";
import { MapRun, type MapSubject } from "./map_run.ts";

/** There is nothing to give out. */
const NOTHING: Outcomes = { values: [], failed: NONE_FAILED };

/** Checks everything that can be checked before the first step. */
export function checkMap(
  verb: string,
  items: unknown,
  options: MapOptions,
): void {
  const iterable = items as
    | Partial<Iterable<unknown> & AsyncIterable<unknown>>
    | null
    | undefined;
  if (
    typeof iterable?.[Symbol.iterator] !== "function" &&
    typeof iterable?.[Symbol.asyncIterator] !== "function"
  ) {
    throw new TypeError(
      `Cannot ${verb} as 'items' must be iterable: current value is ${
        describe(items)
      }`,
    );
  }
  checkObject(verb, "options", options);
  const { chunkSize, onError } = options;
  if (chunkSize !== "auto") integerOption(verb, "chunkSize", chunkSize, 1, 1);
  integerOption(verb, "bufferSize", options.bufferSize, 1, 1);
  checkDuration(verb, "timeout", options.timeout);
  checkSignal(verb, options.signal);
  if (onError !== undefined && onError !== "throw" && onError !== "settle") {
    throw new TypeError(
      `Cannot ${verb} as 'onError' must be "throw" or "settle": current value is ${
        describe(onError)
      }`,
    );
  }
  if (options.onProgress !== undefined) {
    checkFunction(verb, "onProgress", options.onProgress);
  }
}

/**
 * The iteration; nothing happens before its first step, or `begin()`.
 *
 * An async generator in all that can be seen of it. A generator allocates half
 * a kilobyte for each item: here an item that is there already takes a promise
 * and no more.
 *
 * ```text
 * state    meaning                             leaves by
 * new      no step was taken                   begin(), next() -> running; return(), throw() -> ended
 * running  a window over the input is open     the last item, an error, return(), throw() -> ended
 * ended    nothing is held any more            never
 * ```
 */
export class MapIterator
  implements AsyncIterableIterator<unknown>, AsyncDisposable {
  readonly #start: () => MapRun;
  readonly #settles: boolean;
  #state: "new" | "running" | "ended" = "new";
  #run: MapRun | undefined;
  /** The input has no iterator. */
  #refusal: { readonly error: unknown } | undefined;
  /** What was fetched and not yet given out, from `#at` on. */
  #outcomes: Outcomes = NOTHING;
  #at = 0;
  /** Calls that wait for their turn or have it, and the end of the last one. */
  #calls = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(subject: MapSubject, options: MapOptions) {
    // The context is that of the call, not of the first step.
    const context = subject.lane.backend.captureContext(subject.fn);
    this.#start = () => new MapRun(context, subject, options);
    this.#settles = options.onError === "settle";
  }

  /** Pulls and submits what the window has room for, ahead of the first step. */
  begin(): void {
    this.#open();
    const run = this.#run;
    if (run !== undefined && !run.isOver) run.fill();
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#calls === 0) {
      const step = this.#take();
      if (step !== undefined) return Promise.resolve(step);
    }
    return this.#inTurn(() => this.#advance());
  }

  return(value?: unknown): Promise<IteratorResult<unknown>> {
    return this.#inTurn(async () => {
      await this.#end();
      return { done: true, value: await value };
    });
  }

  throw(error?: unknown): Promise<IteratorResult<unknown>> {
    return this.#inTurn(async () => {
      await this.#end().catch(() => {});
      throw error;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #open(): void {
    if (this.#state !== "new") return;
    this.#state = "running";
    try {
      this.#run = this.#start();
    } catch (error) {
      this.#refusal = { error };
    }
  }

  /** Calls take their turns in the order in which they were made. */
  #inTurn<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#calls++ === 0 ? call() : this.#last.then(call);
    this.#last = result.then(() => this.#calls--, () => this.#calls--);
    return result;
  }

  /** The next item, where it can be given out at once. */
  #take(): IteratorResult<unknown> | undefined {
    const { values, failed } = this.#outcomes;
    const at = this.#at;
    if (at === values.length || this.#run!.isOver) return;
    const ok = failed.size === 0 || !failed.has(at);
    if (!ok && !this.#settles) return;
    const value = values[at];
    if (++this.#at === values.length) this.#drop();
    this.#run!.yielded();
    if (!this.#settles) return { done: false, value };
    return {
      done: false,
      value: ok
        ? { status: "fulfilled", value }
        : { status: "rejected", reason: value },
    };
  }

  async #advance(): Promise<IteratorResult<unknown>> {
    try {
      this.#open();
      const refusal = this.#refusal;
      this.#refusal = undefined;
      if (refusal !== undefined) throw refusal.error;
      while (this.#state === "running") {
        this.#run!.throwIfOver();
        const step = this.#take();
        if (step !== undefined) return step;
        // Not given out, so it is to be thrown.
        const { values } = this.#outcomes;
        if (this.#at < values.length) throw values[this.#at];
        const outcomes = await this.#run!.next();
        if (outcomes === undefined) break;
        this.#outcomes = outcomes;
        this.#at = 0;
      }
    } catch (error) {
      // As where a loop is left by an error: what closing the input throws
      // does not hide it.
      await this.#end().catch(() => {});
      throw error;
    }
    await this.#end();
    return { done: true, value: undefined };
  }

  async #end(): Promise<void> {
    const run = this.#run;
    this.#state = "ended";
    this.#run = undefined;
    this.#drop();
    await run?.end();
  }

  #drop(): void {
    this.#outcomes = NOTHING;
    this.#at = 0;
  }
}
