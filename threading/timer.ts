// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A function that runs later.
 *
 * @module
 */

import {
  after,
  afterUnheld,
  checkWait,
  MAX_DELAY,
  type WaitOptions,
  within,
} from "../_internal/base/deadline.ts";
import { InvalidStateError, TimeoutError } from "../_internal/base/errors.ts";
import {
  checkDuration,
  checkFunction,
  checkSignal,
  describe,
} from "../_internal/base/validation.ts";
import { excepthook } from "./excepthook.ts";

/** How a {@linkcode Timer} runs its function. */
export interface TimerOptions<A extends unknown[] = unknown[]> {
  /**
   * The function's arguments.
   *
   * @default {[]}
   */
  args?: A;
  /**
   * True: again and again, until it is cancelled or the function throws.
   *
   * @default {false}
   */
  repeat?: boolean;
  /** Cancels it. */
  signal?: AbortSignal;
  /**
   * True: the program ends without waiting for it.
   *
   * @default {false}
   */
  daemon?: boolean;
}

let count = 0;

/**
 * A function that runs later, once or again and again: Python's
 * `threading.Timer`.
 *
 * - **Thread:** the function runs on the thread that called `start()`, by its event loop. In Python each timer is a thread of its own. It is late where that thread is busy; for work that takes long, submit it to an executor from there.
 * - **Repeat:** the next interval begins when the function has ended, and where it returns a promise, when that has settled: it never runs beside itself.
 * - **Errors:** what the function throws goes to {@linkcode excepthook}, as what a thread throws, and ends the timer.
 * - **Program:** it does not end while the timer is pending, unless the timer is a daemon. A thread does end with its target: wait there with {@linkcode Timer.join}.
 * - **Travel:** it belongs to its thread, and cannot be sent.
 *
 * ```
 * new --start()--> pending --interval--> running --> ended
 *  |                  |  ^------repeat------'          ^
 *  `------------------`-------- cancel() --------------'
 * ```
 *
 * @example Usage
 * ```ts
 * import { Timer } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const greetings: string[] = [];
 * const timer = new Timer(1, (name: string) => greetings.push(name), {
 *   args: ["Ada"],
 * });
 * timer.start();
 *
 * assertEquals(greetings, []);
 * await timer.join();
 * assertEquals(greetings, ["Ada"]);
 * ```
 *
 * @example Again and again, until the end of the block
 * ```ts
 * import { Timer } from "@concurrent/parallel/threading";
 *
 * const { promise, resolve } = Promise.withResolvers<void>();
 * let beats = 0;
 * const beat = () => {
 *   if (++beats === 3) resolve();
 * };
 * {
 *   using _ = new Timer(1, beat, { repeat: true }).start();
 *   await promise;
 * }
 * ```
 *
 * @typeParam A The arguments of the function.
 */
export class Timer<A extends unknown[] = []> implements Disposable {
  /** Milliseconds before the function runs. */
  readonly interval: number;
  /** The label: "Timer-" and a number. */
  readonly name: string;
  readonly #call: () => unknown;
  readonly #repeat: boolean;
  readonly #daemon: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #over = Promise.withResolvers<boolean>();
  /** See the class. */
  #state: "new" | "pending" | "running" | "ended" = "new";
  /** Whether `start()` was called; it may have been cancelled before. */
  #isStarted = false;
  /** Written while it is running: no run after this one. */
  #isLast = false;
  #disarm = () => {};

  /**
   * Sets the timer up; `start()` starts it.
   *
   * @param interval Milliseconds before the function runs, and between two runs. `Infinity` means never.
   * @param fn What it runs.
   * @param options How it runs it.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {RangeError} If the interval is negative or NaN.
   */
  constructor(
    interval: number,
    fn: (...args: A) => unknown,
    options: TimerOptions<A> = {},
  ) {
    const verb = "create a timer";
    const { args = [], repeat = false, signal, daemon = false } = options;
    if (typeof interval !== "number") {
      throw new TypeError(
        `Cannot ${verb} as 'interval' must be a number of milliseconds: current value is ${
          describe(interval)
        }`,
      );
    }
    checkDuration(verb, "interval", interval);
    checkFunction(verb, "fn", fn);
    checkSignal(verb, signal);
    if (!Array.isArray(args)) {
      throw new TypeError(
        `Cannot ${verb} as 'args' must be an array: current value is ${
          describe(args)
        }`,
      );
    }
    this.interval = interval;
    this.name = `Timer-${++count}`;
    this.#call = () => fn(...args as A);
    this.#repeat = repeat;
    this.#daemon = daemon;
    this.#signal = signal;
  }

  /**
   * Starts it: the interval begins now. A timer that was cancelled before never
   * runs.
   *
   * @returns This object.
   * @throws {InvalidStateError} If it was started before.
   */
  start(): this {
    if (this.#isStarted) {
      throw new InvalidStateError(
        "Cannot start a timer: it was started before",
      );
    }
    this.#isStarted = true;
    if (this.#signal?.aborted) this.cancel();
    if (this.#state !== "new") return this;
    this.#signal?.addEventListener("abort", this.#onAbort);
    this.#wait(this.interval);
    return this;
  }

  /**
   * Stops it: the function does not run any more. A run that has begun goes on
   * to its end.
   *
   * @returns True where this call has prevented a run; false where the timer has ended, was cancelled before, or is in its last run.
   */
  cancel(): boolean {
    switch (this.#state) {
      case "new":
      case "pending":
        this.#end();
        return true;
      case "running": {
        const isNews = !this.#isLast;
        this.#isLast = true;
        return isNews;
      }
      case "ended":
        return false;
    }
  }

  /**
   * Waits until it is over: the function has run, and what it returned has
   * settled; or it was cancelled, or has thrown.
   *
   * @param options How long to wait.
   * @returns True: it is over. False: the timeout has passed.
   * @throws {InvalidStateError} If it was not started.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  async join(options: WaitOptions = {}): Promise<boolean> {
    checkWait("join a timer", options);
    if (!this.#isStarted) {
      throw new InvalidStateError("Cannot join a timer: it was not started");
    }
    try {
      return await within("join a timer", this.#over.promise, options);
    } catch (error) {
      if (error instanceof TimeoutError) return false;
      throw error;
    }
  }

  /**
   * Tells whether it was started and is not over.
   *
   * @returns True while it is pending or running.
   */
  isAlive(): boolean {
    return this.#state === "pending" || this.#state === "running";
  }

  /** Cancels it: `using timer = new Timer(…).start()`. */
  [Symbol.dispose](): void {
    this.cancel();
  }

  #wait(delay: number): void {
    this.#state = "pending";
    // A longer delay is cut into pieces.
    const part = Math.min(delay, MAX_DELAY);
    const arm = this.#daemon ? afterUnheld : after;
    this.#disarm = arm(part, () => {
      if (delay > MAX_DELAY) this.#wait(delay - part);
      else this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#state = "running";
    this.#isLast = !this.#repeat;
    try {
      await this.#call();
    } catch (error) {
      this.#isLast = true;
      excepthook({ error, thread: this });
    }
    if (this.#isLast) this.#end();
    else this.#wait(this.interval);
  }

  #end(): void {
    this.#state = "ended";
    this.#disarm();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#over.resolve(true);
  }

  #onAbort = (): void => {
    this.cancel();
  };
}
