// Copyright 2026 the @concurrent/parallel authors. MIT license.

// map and starmap: a window over the input.
//
//   input --pull--> chunk --submit--> scheduler --outcomes--> yield
//          at most `bufferSize` items between pull and yield
//
// The window is refilled after every yield, so an infinite input works and a
// slow consumer stops the pulling. An asynchronous input is pulled beside the
// waiting for results: a slow input does not hold back finished results.

import { after } from "../_internal/base/deadline.ts";
import {
  CancelledError,
  SerializationError,
  TimeoutError,
} from "../_internal/base/errors.ts";
import {
  checkDuration,
  checkFunction,
  checkSignal,
  describe,
  integerOption,
} from "../_internal/base/validation.ts";
import type { Definition } from "../_internal/pool/definitions.ts";
import type { Job } from "../_internal/pool/job.ts";
import type { Outcome } from "../_internal/pool/remote_worker.ts";
import type {
  AnyFunction,
  TaskOptions,
} from "../_internal/wire/functions/task.ts";
import { CallMode } from "../_internal/wire/messages.ts";
import { type Lane, submitCall } from "./_executor_core.ts";
import type { MapOptions } from "./executor.ts";

/** Run time that an automatic chunk aims at, in milliseconds. */
const CHUNK_TIME = 8;
const MAX_CHUNK = 1024;
/** Chunks in the window for each worker. */
const CHUNKS_PER_WORKER = 3;

/** A chunk under way. */
interface Chunk {
  /** One for each item, once they have ended. */
  outcomes: readonly Outcome[] | undefined;
  job: Job | undefined;
}

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

/** Tells the two kinds of input apart; a string is iterable too. */
export function isAsync<T>(
  items: Iterable<T> | AsyncIterable<T>,
): items is AsyncIterable<T> {
  return typeof (items as AsyncIterable<T>)[Symbol.asyncIterator] ===
    "function";
}

/** The iteration; nothing happens before its first step. */
export async function* mapOver(
  lane: Lane,
  fn: AnyFunction,
  taskOptions: TaskOptions,
  items: Iterable<unknown[]> | AsyncIterable<unknown[]>,
  options: MapOptions,
): AsyncGenerator<unknown> {
  const run = new MapRun(lane, fn, taskOptions, items, options);
  try {
    for (;;) {
      const outcomes = await run.next();
      if (outcomes === undefined) return;
      for (const { ok, value } of outcomes) {
        run.throwIfOver();
        run.yielded();
        if (options.onError === "settle") {
          yield ok
            ? { status: "fulfilled", value }
            : { status: "rejected", reason: value };
        } else if (ok) yield value;
        else throw value;
      }
    }
  } finally {
    await run.end();
  }
}

class MapRun {
  readonly #lane: Lane;
  readonly #fn: AnyFunction;
  readonly #taskOptions: TaskOptions;
  readonly #options: MapOptions;
  readonly #input:
    | Iterator<unknown[]>
    | AsyncIterator<unknown[]>;
  readonly #async: boolean;
  /** What is known of the function, once a chunk was sent. */
  #definition: Definition | undefined;
  #pulling: Promise<void> | undefined;
  #exhausted = false;
  /** Items pulled that belong to no chunk yet. */
  #pulled: unknown[][] = [];
  #chunks: Chunk[] = [];
  /** Items pulled and not yet yielded. */
  #open = 0;
  #done = 0;
  /** The input threw: delivered when everything before it was. */
  #inputError: { error: unknown } | undefined;
  /** Why the iteration must end now: the time is over, or the signal has fired. */
  #limit: { readonly error: unknown } | undefined;
  readonly #unlimit: () => void;
  /** Has `next()` look again. One function for all events: a promise that outlives a step would keep every step. */
  #wake = () => {};

  constructor(
    lane: Lane,
    fn: AnyFunction,
    taskOptions: TaskOptions,
    items: Iterable<unknown[]> | AsyncIterable<unknown[]>,
    options: MapOptions,
  ) {
    this.#lane = lane;
    this.#fn = fn;
    this.#taskOptions = taskOptions;
    this.#options = options;
    this.#async = isAsync(items);
    this.#input = isAsync(items)
      ? items[Symbol.asyncIterator]()
      : items[Symbol.iterator]();
    const { timeout, signal } = options;
    const end = (error: unknown) => {
      this.#limit ??= { error };
      this.#wake();
    };
    const onAbort = () => end(signal!.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort);
    const cancelTimer = after(
      timeout ?? Infinity,
      () =>
        end(
          new TimeoutError(`Cannot finish the map: ${timeout} ms have passed`),
        ),
    );
    this.#unlimit = () => {
      cancelTimer();
      signal?.removeEventListener("abort", onAbort);
    };
  }

  /** The next outcomes to yield; undefined at the end. */
  async next(): Promise<readonly Outcome[] | undefined> {
    for (;;) {
      this.throwIfOver();
      this.#fill();
      const at = this.#options.ordered === false
        ? this.#chunks.findIndex(({ outcomes }) => outcomes !== undefined)
        : 0;
      const outcomes = this.#chunks[at]?.outcomes;
      if (outcomes !== undefined) {
        this.#chunks.splice(at, 1);
        this.#done += outcomes.length;
        this.#options.onProgress?.(this.#done);
        return outcomes;
      }
      if (this.#chunks.length === 0 && this.#pulling === undefined) {
        if (this.#inputError !== undefined) throw this.#inputError.error;
        return undefined;
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Throws where the time is over or the signal has fired. */
  throwIfOver(): void {
    if (this.#limit !== undefined) throw this.#limit.error;
  }

  /** One item has left the window. */
  yielded(): void {
    this.#open--;
  }

  /** Cancels what has not been yielded and closes the input. */
  async end(): Promise<void> {
    this.#unlimit();
    for (const { job } of this.#chunks) {
      if (job !== undefined) {
        this.#lane.scheduler.cancel(job, "the map was ended");
      }
    }
    this.#chunks = [];
    // An input that is being pulled answers `return` when the pull is over,
    // which may be never: it is asked, and not waited for.
    if (this.#exhausted) return;
    this.#exhausted = true;
    const closed = this.#input.return?.();
    if (this.#pulling === undefined) await closed;
    else Promise.resolve(closed).catch(() => {});
  }

  #fill(): void {
    while (this.#wantsMore()) {
      if (this.#async) {
        this.#pullAsync();
        break;
      }
      try {
        const step = (this.#input as Iterator<unknown[]>).next();
        if (step.done) this.#exhausted = true;
        else this.#take(step.value);
      } catch (error) {
        this.#exhausted = true;
        this.#inputError = { error };
      }
    }
    // What has been pulled is not held back for the sake of a full chunk at the
    // end of the input, nor where a slow input would leave workers without
    // work, nor when the window is full of it: the chunks may have become
    // smaller since, and no result would come that makes room.
    if (
      this.#pulled.length > 0 && (this.#exhausted || this.#hasIdleWorkers()) &&
      this.#hasRoom()
    ) this.#submit();
  }

  #hasIdleWorkers(): boolean {
    if (this.#chunks.length === 0) return true;
    if (!this.#async) return false;
    const { maxWorkers, concurrency } = this.#lane.scheduler.options;
    let running = 0;
    for (const { outcomes } of this.#chunks) {
      if (outcomes === undefined) running++;
    }
    return running < maxWorkers * concurrency;
  }

  #wantsMore(): boolean {
    return !this.#exhausted && this.#pulling === undefined &&
      this.#open < this.#window() && this.#hasRoom();
  }

  /** Whether a chunk can be submitted now; where none is under way, that is tried in any case. */
  #hasRoom(): boolean {
    return this.#chunks.length === 0 || this.#lane.scheduler.hasRoom;
  }

  #pullAsync(): void {
    this.#pulling = Promise.resolve(this.#input.next()).then((step) => {
      if (step.done) this.#exhausted = true;
      else this.#take(step.value);
    }, (error) => {
      this.#exhausted = true;
      this.#inputError = { error };
    }).finally(() => {
      this.#pulling = undefined;
      this.#wake();
    });
  }

  #take(args: unknown[]): void {
    this.#pulled.push(args);
    this.#open++;
    if (this.#pulled.length >= this.#chunkSize() && this.#hasRoom()) {
      this.#submit();
    }
  }

  #submit(): void {
    const items = this.#pulled;
    this.#pulled = [];
    this.#send(items);
  }

  #send(items: readonly unknown[][]): void {
    const chunk: Chunk = { outcomes: undefined, job: undefined };
    const settle = (outcomes: readonly Outcome[]) => {
      chunk.outcomes = outcomes;
      this.#wake();
    };
    const fail = (value: unknown) =>
      settle(items.map(() => ({ ok: false, value })));
    try {
      chunk.job = submitCall(this.#lane, {
        fn: this.#fn,
        options: this.#taskOptions,
        args: items,
        mode: CallMode.chunk,
        observer: {
          started() {},
          progressed() {},
          succeeded: (value) => settle(value as readonly Outcome[]),
          failed: fail,
          cancelled: (cause) =>
            fail(
              new CancelledError("Cannot finish the map: it was cancelled", {
                cause,
              }),
            ),
        },
      });
      const { work } = chunk.job;
      if (work.kind === "remote") this.#definition = work.definition;
    } catch (error) {
      if (error instanceof SerializationError && items.length > 1) {
        // Only the items that cannot travel fail, each in its place.
        for (const args of items) this.#send([args]);
        return;
      }
      fail(error);
    }
    this.#chunks.push(chunk);
  }

  #window(): number {
    const { bufferSize } = this.#options;
    if (bufferSize !== undefined) return bufferSize;
    const { maxWorkers, concurrency } = this.#lane.scheduler.options;
    return maxWorkers * concurrency * CHUNKS_PER_WORKER * this.#chunkSize();
  }

  #chunkSize(): number {
    const { chunkSize = "auto", bufferSize = Infinity } = this.#options;
    if (chunkSize !== "auto") return Math.min(chunkSize, bufferSize);
    // The items of a chunk run one after the other and fail together when
    // their worker dies: chunks are for short calls on workers that run one
    // call at a time, and for tasks whose options do not speak of single runs.
    const { timeout, retries = 0 } = this.#taskOptions;
    if (
      this.#lane.scheduler.options.concurrency > 1 || timeout !== undefined ||
      retries > 0 || this.#definition?.meanTime === undefined
    ) return 1;
    const size = Math.floor(
      CHUNK_TIME / Math.max(this.#definition.meanTime, 0.001),
    );
    return Math.max(1, Math.min(size, MAX_CHUNK, Math.ceil(bufferSize / 2)));
  }
}
