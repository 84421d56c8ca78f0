// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A generator on the side where it runs: pulled while its consumer wants more.
//
//   pull -> emit -> pull -> emit ... until the window is full -> pause
//   credit(n): the consumer has taken n values -> pull again
//   finish():  nobody wants more values -> the iterator's return(), to its `finally`
//   stopped:   the call was asked to stop -> return() too, then the reason is thrown
//
// The window is counted in values and in bytes, so that a generator of large
// values does not fill the memory. It is never less than one value. It grows
// while the consumer waits for the generator rather than the other way round:
// then what is ahead is taken at once.

import { CancelledError } from "../base/errors.ts";
import { isThenable } from "../base/validation.ts";

/** Values that may be on their way to the consumer, or with it and not taken. */
const WINDOW = 16;
/** As many of them as there may be where the consumer is fast. */
const MAX_WINDOW = 512;
/** Bytes of them. */
const WINDOW_BYTES = 1 << 20;
/** A consumer that takes values within so many milliseconds is fast. */
const FAST = 1;

/** How a generator is connected. */
export interface ItemStreamOptions {
  /** Sends a value; returns its size in bytes. */
  readonly emit: (value: unknown) => number;
  /** Resolves when the value is on its way; undefined where it is already. A generator that computes would keep it back. */
  readonly sent: () => Promise<unknown> | undefined;
  /** It was told that nobody wants more values, and its `finally` runs now. */
  readonly finishing: () => void;
  /** True where the call was asked to stop. */
  readonly isStopped: () => boolean;
  /** Why. */
  readonly reason: () => unknown;
  /** The generator waits for its consumer, or goes on. */
  readonly paused: (isPaused: boolean) => void;
}

/** A generator under way. */
export class ItemStream {
  readonly #options: ItemStreamOptions;
  /** Sizes of the values that were not taken yet, oldest first. */
  readonly #sizes: number[] = [];
  #bytes = 0;
  #window = WINDOW;
  #isFinished = false;
  #isPulling = false;
  #wake = () => {};

  constructor(options: ItemStreamOptions) {
    this.#options = options;
  }

  /** True while a value is being made. */
  get isPulling(): boolean {
    return this.#isPulling;
  }

  /** The consumer has taken values. */
  credit(items: number): void {
    for (const size of this.#sizes.splice(0, items)) this.#bytes -= size;
    this.#wake();
  }

  /** Nobody wants more values. */
  finish(): void {
    this.#isFinished = true;
    this.#wake();
  }

  /** Has `run()` look whether it was asked to stop. */
  look(): void {
    this.#wake();
  }

  /**
   * Pulls until the end.
   *
   * @throws {TypeError} If `source` cannot be iterated over.
   * @throws Whatever the generator throws.
   */
  async run(source: unknown): Promise<void> {
    const { iterator, isAsync } = iteratorOf(source);
    const { emit, sent, isStopped, reason, paused } = this.#options;
    let isOpen = true;
    try {
      for (;;) {
        // First: what stops it then is that nobody wants more values.
        if (this.#isFinished) return;
        if (isStopped()) throw reason();
        if (this.#isFull) {
          const since = performance.now();
          paused(true);
          await new Promise<void>((resolve) => this.#wake = resolve);
          this.#wake = () => {};
          paused(false);
          this.#window = performance.now() - since < FAST
            ? Math.min(this.#window * 2, MAX_WINDOW)
            : WINDOW;
          continue;
        }
        isOpen = false;
        this.#isPulling = true;
        let step = iterator.next() as IteratorResult<unknown>;
        if (isAsync) step = await step;
        isOpen = !step.done;
        if (step.done) return;
        // As `for await` does with a synchronous iterator.
        const value = !isAsync && isThenable(step.value)
          ? await step.value
          : step.value;
        this.#isPulling = false;
        if (this.#isFinished || isStopped()) continue;
        const size = emit(value);
        this.#sizes.push(size);
        this.#bytes += size;
        const sending = sent();
        if (sending !== undefined) await sending;
      }
    } catch (error) {
      // One that was told to stop, since nobody wants more values, and says so.
      if (
        this.#isFinished && isStopped() && error instanceof CancelledError
      ) return;
      throw error;
    } finally {
      this.#isPulling = false;
      if (this.#isFinished) this.#options.finishing();
      // What the generator throws on its way out is the call's error.
      if (isOpen) await iterator.return?.();
    }
  }

  get #isFull(): boolean {
    return this.#sizes.length >= this.#window ||
      (this.#sizes.length > 0 && this.#bytes >= WINDOW_BYTES);
  }
}

function iteratorOf(
  source: unknown,
): {
  iterator: Iterator<unknown> | AsyncIterator<unknown>;
  isAsync: boolean;
} {
  const iterable = source as
    | Partial<AsyncIterable<unknown> & Iterable<unknown>>
    | null
    | undefined;
  const forAsync = iterable?.[Symbol.asyncIterator];
  if (typeof forAsync === "function") {
    return { iterator: forAsync.call(iterable), isAsync: true };
  }
  const forSync = iterable?.[Symbol.iterator];
  if (typeof forSync === "function") {
    return { iterator: forSync.call(iterable), isAsync: false };
  }
  throw new TypeError(
    "Cannot stream as 'fn' must return something to iterate over, as generator functions do",
  );
}
