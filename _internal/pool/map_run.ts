// Copyright 2026 the @concurrent/parallel authors. MIT license.

// map and starmap: a window over the input.
//
//   input --pull--> chunk --submit--> scheduler --outcomes--> yield
//          at most `bufferSize` items between pull and yield
//
// The window is refilled after every yield, so an infinite input works and a
// slow consumer stops the pulling. An asynchronous input is pulled beside the
// waiting for results: a slow input does not hold back finished results.

import { Turns } from "../memory/turns.ts";
import { after } from "../base/deadline.ts";
import { CancelledError, TimeoutError } from "../base/errors.ts";
import { describe } from "../base/validation.ts";
import { NONE_FAILED, type Outcomes } from "../wire/outcomes.ts";
import type { AnyFunction, TaskOptions } from "../wire/functions/task.ts";
import { CallMode } from "../wire/messages.ts";
import type { CallerContext, ChunkBuilder } from "./backend.ts";
import type { Definition } from "./definitions.ts";
import { isInterruption } from "./interrupts.ts";
import type { Job, JobObserver, Work } from "./job.ts";
import { type Lane, type Pace, prepareCall, submitWork } from "./lane.ts";
import type { MapOptions } from "./map_options.ts";

/** Run time that an automatic chunk aims at, in milliseconds. */
export const CHUNK_TIME = 8;
/** Calls of such a chunk at most. */
export const MAX_CHUNK = 4096;
/** The same where the whole input is there. */
const MAX_ARRAY_CHUNK = 4 * MAX_CHUNK;
/** Run time below which a chunk is not made smaller for the sake of another worker: about what waking that costs. */
const MIN_CHUNK_TIME = 0.25;
/** Of an input whose length is known a chunk takes so much of each worker's share of the rest. */
const SHARE = 1 / 2;
/** Bytes of arguments after which a chunk is full. */
const MAX_CHUNK_BYTES = 1 << 16;
/** Bytes that the answer to an automatic chunk is meant to have at most. */
const MAX_ANSWER_BYTES = 1 << 20;
/** Chunks in the window for each worker. */
const CHUNKS_PER_WORKER = 3;
/** A part of it: inputs that give their items faster are not looked at after each. */
const LOOK = 0.25;
/** Items between two looks at the clock at most. */
const MAX_UNSEEN = 16;
/** Calls in the window for each worker at most, where each goes alone. */
const MAX_ALONE = 64;
/** Calls at a time for which the window has room, where a lane takes on any number. */
const MAX_PLACES = 256;

/** What is called with what. */
export interface MapSubject {
  readonly lane: Lane;
  readonly fn: AnyFunction;
  readonly options: TaskOptions;
  readonly items: Iterable<unknown> | AsyncIterable<unknown>;
  /** True: each item is a list of arguments, not the only one. */
  readonly isListed: boolean;
  /**
   * Where all results are wanted: how the calls travel. What is known of their
   * run time is in it, so that the first chunk is as long as the others.
   */
  readonly sample?: Work | undefined;
}

/** Items that are encoded and wait for their turn, or that could not be encoded. */
type Batch =
  | { readonly items: number; readonly work: Work }
  | { readonly items: number; readonly error: unknown };

/** A batch under way. An object with methods and not with closures: where each item goes alone there are many. */
class Chunk implements JobObserver {
  /** Of all its items, once they have ended. */
  outcomes: Outcomes | undefined;
  job: Job | undefined;
  readonly #items: number;
  readonly #isChunk: boolean;
  readonly #run: { started(): void; ended(): void };

  constructor(
    items: number,
    isChunk: boolean,
    run: { started(): void; ended(): void },
  ) {
    this.#items = items;
    this.#isChunk = isChunk;
    this.#run = run;
  }

  started(): void {
    this.#run.started();
  }

  progressed(): void {}

  succeeded(value: unknown): void {
    this.#settle(
      this.#isChunk
        ? value as Outcomes
        : { values: [value], failed: NONE_FAILED },
    );
  }

  failed(error: unknown): void {
    const count = this.#items;
    this.#settle({
      values: new Array(count).fill(error),
      failed: new Set(Array(count).keys()),
    });
  }

  cancelled(cause: unknown): void {
    this.failed(
      new CancelledError("Cannot finish the map: it was cancelled", { cause }),
    );
  }

  #settle(outcomes: Outcomes): void {
    this.outcomes = outcomes;
    this.#run.ended();
  }
}

/** Tells the two kinds of input apart; a string is iterable too. */
function isAsync<T>(
  items: Iterable<T> | AsyncIterable<T>,
): items is AsyncIterable<T> {
  return typeof (items as AsyncIterable<T>)[Symbol.asyncIterator] ===
    "function";
}

/** The iteration that arrays begin with. */
const ARRAY_ITERATION = Array.prototype[Symbol.iterator];

/** An array as an input, of which many numbers can be taken in one go. */
class ArrayInput implements Iterator<unknown> {
  readonly array: readonly unknown[];
  at = 0;

  constructor(array: readonly unknown[]) {
    this.array = array;
  }

  /** Items that were not given out. */
  get left(): number {
    return this.array.length - this.at;
  }

  next(): IteratorResult<unknown> {
    if (this.at >= this.array.length) return { done: true, value: undefined };
    return { done: false, value: this.array[this.at++] };
  }
}

function inputOf(
  items: Iterable<unknown> | AsyncIterable<unknown>,
): Iterator<unknown> | AsyncIterator<unknown> {
  if (isAsync(items)) return items[Symbol.asyncIterator]();
  return Array.isArray(items) && items[Symbol.iterator] === ARRAY_ITERATION
    ? new ArrayInput(items)
    : items[Symbol.iterator]();
}

/** One map under way. */
export class MapRun {
  readonly #context: CallerContext | undefined;
  readonly #lane: Lane;
  readonly #fn: AnyFunction;
  readonly #taskOptions: TaskOptions;
  readonly #options: MapOptions;
  readonly #isListed: boolean;
  readonly #verb: "map" | "starmap";
  readonly #input: Iterator<unknown> | AsyncIterator<unknown>;
  readonly #async: boolean;
  /** What is known of the function. */
  #definition: Definition | undefined;
  #pulling: Promise<void> | undefined;
  #exhausted = false;
  /** The chunk that is being put together. */
  #builder: ChunkBuilder | undefined;
  /** What is encoded and not yet submitted. */
  #batches: Batch[] = [];
  #chunks: Chunk[] = [];
  /** Items of the next chunk and of the window, asked when a chunk begins: not for each item. */
  #size = 1;
  #window = 1;
  /** Bytes of the last call that went alone. */
  #itemSize = 1;
  /** Where all results are wanted, nothing is held back for who takes them. */
  readonly #minWindow: number;
  /** Items pulled and not yet yielded. */
  #open = 0;
  #done = 0;
  /** The input threw: delivered when everything before it was. */
  #inputError: { error: unknown } | undefined;
  /** Why the iteration must end now: the time is over, or the signal has fired. */
  #limit: { readonly error: unknown } | undefined;
  readonly #unlimit: () => void;
  /** The timer of the event loop's turn. */
  #cancelTurn: (() => void) | undefined;
  readonly #turns = new Turns();
  /** Has `next()` look again. One function for all events: a promise that outlives a step would keep every step. */
  #wake = () => {};
  readonly #events = {
    started: () => {
      // Where the queue is short, there is room again.
      if (this.#batches.length > 0 || !this.#exhausted) this.#wake();
    },
    ended: () => this.#wake(),
  };

  constructor(
    context: CallerContext | undefined,
    { lane, fn, options: taskOptions, items, isListed, sample }: MapSubject,
    options: MapOptions,
    minWindow = 0,
  ) {
    this.#context = context;
    if (sample?.kind === "remote") this.#definition = sample.definition;
    this.#minWindow = minWindow;
    this.#lane = lane;
    this.#fn = fn;
    this.#taskOptions = taskOptions;
    this.#isListed = isListed;
    this.#verb = isListed ? "starmap" : "map";
    this.#options = options;
    this.#async = isAsync(items);
    this.#input = inputOf(items);
    if (typeof this.#input?.next !== "function") {
      throw new TypeError(
        `Cannot ${this.#verb} as 'items' must give an iterator with a method next(): current value is ${
          describe(this.#input)
        }`,
      );
    }
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
    // An input that never comes must not outlive the executor, nor a loop that
    // still has results the time that an interrupted program has to unwind.
    const forget = lane.scheduler.onEnd(() => {
      const error = lane.scheduler.endError;
      if (isInterruption(error)) this.#limit ??= { error };
      if (this.#pulling !== undefined) this.#refuseInput();
      this.#wake();
    });
    this.#unlimit = () => {
      forget();
      cancelTimer();
      signal?.removeEventListener("abort", onAbort);
    };
  }

  /** The next outcomes to yield, where they have come already. Nothing is pulled for it. */
  take(): Outcomes | undefined {
    const chunks = this.#chunks;
    const at = this.#options.ordered === false
      ? chunks.findIndex(({ outcomes }) => outcomes !== undefined)
      : 0;
    const outcomes = chunks[at]?.outcomes;
    if (outcomes === undefined) return;
    if (at === 0) chunks.shift();
    else chunks.splice(at, 1);
    this.#done += outcomes.values.length;
    this.#options.onProgress?.(this.#done);
    return outcomes;
  }

  /** The next outcomes to yield; undefined at the end. */
  async next(): Promise<Outcomes | undefined> {
    for (;;) {
      this.throwIfOver();
      this.fill();
      const outcomes = this.take();
      if (outcomes !== undefined) return outcomes;
      if (this.#chunks.length === 0) {
        if (this.#inputError !== undefined) throw this.#inputError.error;
        if (this.#pulling === undefined) return undefined;
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** True where the time is over or the signal has fired. */
  get isOver(): boolean {
    return this.#limit !== undefined;
  }

  /** Throws where it is over. */
  throwIfOver(): void {
    if (this.#limit !== undefined) throw this.#limit.error;
  }

  /** So many items have left the window. */
  yielded(count = 1): void {
    this.#open -= count;
  }

  /** Cancels what has not been yielded and closes the input. */
  async end(): Promise<void> {
    this.#unlimit();
    this.#cancelTurn?.();
    for (const { job } of this.#chunks) {
      if (job !== undefined) {
        this.#lane.scheduler.cancel(job, "the map was ended");
      }
    }
    this.#chunks = [];
    this.#batches = [];
    this.#builder = undefined;
    // An input that is being pulled answers `return` when the pull is over,
    // which may be never: it is asked, and not waited for.
    if (this.#exhausted) return;
    this.#exhausted = true;
    const closed = this.#input.return?.();
    if (this.#pulling === undefined) await closed;
    else Promise.resolve(closed).catch(() => {});
  }

  /** Pulls and submits what the window has room for. */
  fill(): void {
    let looked = performance.now();
    // The clock costs as much as an item: an input that is fast is asked less
    // and less often. One that becomes slow is noticed so many items later.
    let unseen = 0;
    let interval = 1;
    this.#measure();
    // An input that never ends must not outlive the executor.
    if (this.#wantsMore() && this.#lane.scheduler.endError !== undefined) {
      this.#refuseInput();
    }
    while (this.#wantsMore()) {
      if (this.#async) {
        this.#pullAsync();
        break;
      }
      try {
        if (!this.#takeNumbers()) {
          this.#step((this.#input as Iterator<unknown>).next());
        }
      } catch (error) {
        this.#exhausted = true;
        this.#inputError = { error };
      }
      // After an item, never before the first: with nothing pulled there would
      // be nothing to wait for, as at the end of the input. A busy machine may
      // take the processor away for that long between any two lines.
      if (++unseen < interval) continue;
      const now = performance.now();
      if (this.#turns.isDue(now)) {
        // A slow input: the event loop has a turn, then it goes on.
        this.#wakeInNextTurn();
        break;
      }
      interval = now - looked > LOOK ? 1 : Math.min(interval * 2, MAX_UNSEEN);
      unseen = 0;
      looked = now;
    }
    // What has been pulled is not held back for the sake of a full chunk at the
    // end of the input, nor where a slow input would leave workers without
    // work, nor when the window is full of it: the chunks may have become
    // smaller since, and no result would come that makes room.
    if (this.#exhausted || this.#hasIdleWorkers()) this.#seal();
    this.#submit();
  }

  /** The executor has ended: what was pulled is delivered, nothing more is pulled. */
  #refuseInput(): void {
    this.#inputError ??= { error: this.#lane.scheduler.endError };
  }

  #hasIdleWorkers(): boolean {
    if (this.#chunks.length === 0) return true;
    if (!this.#async) return false;
    const { places } = this.#pace();
    let running = 0;
    for (const { outcomes } of this.#chunks) {
      if (outcomes === undefined) running++;
    }
    return running < places;
  }

  #wantsMore(): boolean {
    return !this.#exhausted && this.#inputError === undefined &&
      this.#pulling === undefined &&
      this.#open < this.#window && this.#hasRoom();
  }

  /** Whether a chunk can be submitted now; where none is under way, that is tried in any case. */
  #hasRoom(): boolean {
    return this.#chunks.length === 0 || this.#lane.scheduler.hasRoom;
  }

  #pullAsync(): void {
    this.#pulling = Promise.resolve(this.#input.next()).then((step) =>
      this.#step(step)
    ).catch((error) => {
      this.#exhausted = true;
      this.#inputError = { error };
    }).finally(() => {
      this.#pulling = undefined;
      // An input whose items are there at once goes on in promises: nothing else ran.
      const isDue = !this.#exhausted && this.#turns.isDue(performance.now());
      if (isDue) this.#wakeInNextTurn();
      else this.#wake();
    });
  }

  #wakeInNextTurn(): void {
    this.#cancelTurn ??= after(0, () => {
      this.#cancelTurn = undefined;
      this.#wake();
    });
  }

  /** What the input gave: an item, or its end. */
  #step(step: IteratorResult<unknown>): void {
    // As a loop does. Without it an input that is none would never end.
    if (Object(step) !== step) {
      throw new TypeError(
        `Cannot ${this.#verb} as 'items' must give objects with 'done' and 'value' at next(): current value is ${
          describe(step)
        }`,
      );
    }
    if (step.done) this.#exhausted = true;
    else this.#take(step.value);
  }

  /** Puts the numbers that come next into the chunk that has been begun; false where there are none. */
  #takeNumbers(): boolean {
    const input = this.#input;
    const builder = this.#builder;
    if (builder === undefined || !(input instanceof ArrayInput)) return false;
    if (this.#isListed) return false;
    const { at, left } = input;
    const room = Math.min(
      this.#size - builder.calls,
      this.#window - this.#open,
    );
    const taken = builder.addNumbers(
      input.array,
      at,
      at + Math.min(room, left),
    );
    input.at += taken;
    this.#open += taken;
    if (taken > 0) this.#sealFull(builder);
    return taken > 0;
  }

  #sealFull({ calls, bytes }: ChunkBuilder): void {
    if (calls < this.#size && bytes < MAX_CHUNK_BYTES) return;
    this.#seal();
    this.#submit();
  }

  /** Encodes an item at once: what its owner does to it afterwards does not matter. */
  #take(item: unknown): void {
    this.#open++;
    if (this.#builder === undefined) this.#measure();
    const size = this.#size;
    try {
      const args = this.#isListed ? this.#listed(item) : [item];
      if (size > 1) {
        this.#builder ??= this.#lane.backend.startChunk(
          this.#fn,
          this.#context,
        );
        if (this.#builder?.add(args)) return this.#sealFull(this.#builder);
      }
      this.#seal();
      const work = prepareCall(
        this.#lane,
        this.#fn,
        this.#taskOptions,
        args,
        CallMode.single,
        this.#context,
      );
      if (work.kind === "remote") {
        this.#itemSize = Math.max(1, work.payload.bytes.length);
      }
      this.#batches.push({ items: 1, work });
      this.#submit();
    } catch (error) {
      // Only this item fails, in its place.
      this.#seal();
      this.#batches.push({ items: 1, error });
    }
  }

  /** The arguments of one call, from whatever can be spread. */
  #listed(item: unknown): unknown[] {
    if (Array.isArray(item)) return item;
    if (
      typeof (item as Partial<Iterable<unknown>> | null | undefined)
        ?.[Symbol.iterator] !== "function"
    ) {
      throw new TypeError(
        `Cannot ${this.#verb} as 'items' must hold arrays of arguments: current value is ${
          describe(item)
        }`,
      );
    }
    return [...item as Iterable<unknown>];
  }

  /** Ends the chunk that is being put together. */
  #seal(): void {
    const builder = this.#builder;
    this.#builder = undefined;
    if (builder === undefined || builder.calls === 0) return;
    const items = builder.calls;
    try {
      this.#batches.push({ items, work: builder.finish() });
    } catch (error) {
      this.#batches.push({ items, error });
    }
  }

  #submit(): void {
    while (this.#batches.length > 0 && this.#hasRoom()) {
      this.#send(this.#batches.shift()!);
    }
  }

  #send(batch: Batch): void {
    const work = "work" in batch ? batch.work : undefined;
    const isChunk = work?.mode === CallMode.chunk;
    const chunk = new Chunk(batch.items, isChunk, this.#events);
    this.#chunks.push(chunk);
    if (!("work" in batch)) return chunk.failed(batch.error);
    if (work?.kind === "remote") this.#definition = work.definition;
    try {
      chunk.job = submitWork(
        this.#lane,
        this.#fn,
        this.#taskOptions,
        batch.work,
        chunk,
      );
    } catch (error) {
      chunk.failed(this.#lane.scheduler.endError ?? error);
    }
  }

  /** How much is pulled: chunks follow the run time of the calls before. */
  #measure(): void {
    const pace = this.#pace();
    this.#size = this.#chunkSize(pace);
    const { bufferSize } = this.#options;
    const places = Math.min(pace.places, MAX_PLACES);
    this.#window = bufferSize ?? Math.max(
      places * CHUNKS_PER_WORKER * this.#size,
      places * this.#aheadSize(pace),
      this.#minWindow,
    );
  }

  #pace(): Pace {
    const { pace, scheduler } = this.#lane;
    if (pace !== undefined) return pace();
    const { maxWorkers, concurrency } = scheduler.options;
    return {
      // Chunks are for short calls on workers that run one call at a time.
      meanTime: concurrency > 1 ? undefined : this.#definition?.meanTime,
      places: maxWorkers * concurrency,
    };
  }

  /**
   * The items of a chunk run one after the other and fail together when their
   * worker dies. Not for tasks whose options speak of single runs.
   */
  get #goesAlone(): boolean {
    const { timeout, retries = 0, transfer } = this.#taskOptions;
    return timeout !== undefined || retries > 0 || transfer !== undefined;
  }

  /**
   * Calls for each worker that are under way where each goes alone: for as much
   * time as a chunk takes, or a worker that is far away had nothing to do while
   * the next ones are on their way to it.
   */
  #aheadSize({ meanTime }: Pace): number {
    // What is transferred may be large, and is not counted.
    if (
      !this.#goesAlone || this.#taskOptions.transfer !== undefined ||
      meanTime === undefined
    ) return 1;
    const { answerSize = 0 } = this.#definition ?? {};
    return Math.floor(Math.min(
      CHUNK_TIME / meanTime,
      MAX_ALONE,
      MAX_CHUNK_BYTES / this.#itemSize,
      MAX_ANSWER_BYTES / Math.max(answerSize, 1),
    ));
  }

  #chunkSize({ meanTime, places }: Pace): number {
    const { chunkSize = "auto", bufferSize = Infinity } = this.#options;
    if (this.#goesAlone) return 1;
    if (chunkSize !== "auto") return Math.min(chunkSize, bufferSize);
    if (meanTime === undefined) return 1;
    let size = Math.floor(CHUNK_TIME / meanTime);
    let most = MAX_CHUNK;
    if (this.#input instanceof ArrayInput) {
      const share = this.#input.left / places * SHARE;
      size = Math.min(size, Math.max(share, MIN_CHUNK_TIME / meanTime));
      most = MAX_ARRAY_CHUNK;
    }
    const { answerSize = 0 } = this.#definition ?? {};
    if (answerSize > 0) size = Math.min(size, MAX_ANSWER_BYTES / answerSize);
    size = Math.min(Math.ceil(size), most, Math.ceil(bufferSize / 2));
    return Math.max(1, size);
  }
}
