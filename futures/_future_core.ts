// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { CancelledError, InvalidStateError } from "../_internal/base/errors.ts";
import {
  checkWait,
  heard,
  type WaitOptions,
} from "../_internal/base/deadline.ts";
import { checkFunction } from "../_internal/base/validation.ts";
import { report } from "../_internal/worker/report.ts";
import { type Progress, ProgressFeed } from "./_progress.ts";

/** What a {@linkcode Future} can be in. */
export type FutureState = "pending" | "running" | "cancelled" | "finished";

/** How to wait for a future. */
export interface FutureWaitOptions {
  /**
   * How long to wait, in milliseconds; `0` polls. The task goes on.
   *
   * @default {undefined} waits for ever
   */
  timeout?: number;
  /** Ends the wait; the promise rejects with `signal.reason`. The task goes on. */
  signal?: AbortSignal;
}

/** What an executor keeps of a future that it made. */
export interface FutureHooks {
  readonly cancel: (reason: unknown) => boolean;
}

/** A future of anything. */
// deno-lint-ignore no-explicit-any -- futures are invariant; the helpers below never look at the value
type AnyFuture = Future<any>;

let attachHooks: (future: AnyFuture, hooks: FutureHooks) => void;
let settleCancelled: (future: AnyFuture, reason: unknown) => void;
let pushProgress: (future: AnyFuture, progress: Progress) => void;
let watch: (future: AnyFuture, fn: () => void) => () => void;
let setStarted: (future: AnyFuture) => void;
let failedState: (future: AnyFuture) => boolean;

/** `returned` and `raised` are what `finished` is to the outside, `adopting` is `running`. */
type InnerState =
  | "pending"
  | "running"
  | "adopting"
  | "cancelled"
  | "returned"
  | "raised";

/** The names under which Deno and Node look for an object's own text. */
const INSPECT = ["Deno.customInspect", "nodejs.util.inspect.custom"];

/**
 * The result of a task that may not have run yet. A future is a promise:
 * `await` it, or use the methods that Python's futures have.
 *
 * - **States:** `pending` → `running` → `finished`, or `cancelled` from either
 *   of the first two. Settled futures never change.
 * - **Errors:** a failure that nobody looks at surfaces as an unhandled
 *   rejection, once, like that of any promise. Looking is: handling the
 *   promise, `exception()`, a callback, {@linkcode wait} and
 *   {@linkcode asCompleted}, and a wait with a timeout or a signal, even where
 *   it ended early. A cancel never surfaces by itself.
 *
 * `console.log(future)` shows what Python's `repr` does:
 * `<Future state=finished returned Number>`.
 *
 * @example Usage
 * ```ts
 * import { Future } from "@concurrent/parallel/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const future = new Future<number>();
 * future.setResult(42);
 *
 * assertEquals(await future, 42);
 * assertEquals(future.state, "finished");
 * ```
 *
 * @typeParam T The result.
 */
export class Future<T> extends Promise<T> {
  // state      meaning                                  leaves by
  // pending    nobody runs the task yet                 setRunningOrNotifyCancel(), the executor starts it -> running;
  //                                                     cancel() -> cancelled; setResult(), setException()
  // running    the task runs                            setResult(promise) -> adopting; setResult() -> returned;
  //                                                     setException() -> raised; the executor gives it up -> cancelled
  // adopting   the result is a promise: its end counts  that settles -> returned, raised; given up -> cancelled
  // cancelled  `#value` is the CancelledError           never
  // returned   `#value` is the result                   never
  // raised     `#value` is what was thrown              never
  #state: InnerState = "pending";
  #value: unknown;
  // Of any future, too: see `#callbacks`.
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  /** Somebody looks after the outcome by other means than the promise. */
  #isLookedAt = false;
  /** Waits of the library, which may give up before the future settles. */
  #watchers: Set<() => void> | undefined;
  // Of any future: a `Future<number>` is to be a `Future<unknown>` too.
  #callbacks: ((future: AnyFuture) => unknown)[] | undefined;
  #hooks: FutureHooks | undefined;
  #feed: ProgressFeed | undefined;

  /**
   * What `then()`, `catch()` and `finally()` give: plain promises.
   *
   * @returns The class.
   */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  static {
    // `await` and `Promise.all` take a promise as it is where its constructor is
    // Promise; of any other they make another one, which costs them more than
    // all the rest. What `then()` gives is a plain promise, too.
    Object.defineProperty(this.prototype, "constructor", {
      value: Promise,
      writable: true,
      configurable: true,
    });
    attachHooks = (future, hooks) => future.#hooks = hooks;
    settleCancelled = (future, reason) => future.#cancelWith(reason);
    pushProgress = (future, progress) => {
      if (!future.done()) (future.#feed ??= new ProgressFeed()).push(progress);
    };
    watch = (future, fn) => future.#watch(fn);
    failedState = (future) => future.#state === "raised";
    setStarted = (future) => {
      if (future.#state === "pending") future.#state = "running";
    };
    for (const name of INSPECT) {
      Object.defineProperty(this.prototype, Symbol.for(name), {
        value: function (this: object): string {
          return #state in this ? (this as AnyFuture).#text() : "Future {}";
        },
        writable: true,
        configurable: true,
      });
    }
  }

  /**
   * Makes a future that is pending.
   *
   * @param executor As that of a promise: what the functions inherited from
   * `Promise` give. By default whoever holds the future settles it.
   */
  constructor(
    executor?: (
      resolve: (value: T | PromiseLike<T>) => void,
      reject: (reason: unknown) => void,
    ) => void,
  ) {
    let resolve!: (value: unknown) => void;
    let reject!: (reason: unknown) => void;
    super((onResolve, onReject) => {
      resolve = onResolve as (value: unknown) => void;
      reject = onReject;
    });
    this.#resolve = resolve;
    this.#reject = reject;
    if (executor !== undefined) execute(this, executor);
  }

  /**
   * Where the future stands.
   *
   * @returns The state.
   */
  get state(): FutureState {
    const state = this.#state;
    if (state === "adopting") return "running";
    return state === "returned" || state === "raised" ? "finished" : state;
  }

  /**
   * The text that `Object.prototype.toString` shows.
   *
   * @returns `"Future"`.
   */
  override get [Symbol.toStringTag](): string {
    return "Future";
  }

  /**
   * Waits for the result.
   *
   * @param options How long to wait.
   * @returns The result; rejects with the task's error.
   * @throws {TimeoutError} If the timeout passes first; the task goes on.
   * @throws {CancelledError} If the future was cancelled.
   */
  result(options: FutureWaitOptions = {}): Promise<T> {
    try {
      checkWait("wait for a future", options as WaitOptions);
    } catch (error) {
      return Promise.reject(error);
    }
    if (options.timeout === undefined && options.signal === undefined) {
      return this;
    }
    return this.#settledWithin(options).then(() => this);
  }

  /**
   * Waits for the end and returns the error.
   *
   * @param options How long to wait.
   * @returns What the task threw, or `undefined` where it returned.
   * @throws {TimeoutError} If the timeout passes first; the task goes on.
   * @throws {CancelledError} If the future was cancelled.
   */
  async exception(options: FutureWaitOptions = {}): Promise<unknown> {
    checkWait("wait for a future", options as WaitOptions);
    await this.#settledWithin(options);
    if (this.#state === "cancelled") throw this.#value;
    return this.#state === "raised" ? this.#value : undefined;
  }

  /**
   * Cancels the task. One that is pending never runs. One that runs is asked
   * to stop (`current.signal`); where it does not within the executor's grace
   * period, the future is cancelled and the worker is replaced.
   *
   * @param reason Becomes the `cause` of the {@linkcode CancelledError}.
   * @returns True where the task never runs: it was pending, or is cancelled already.
   */
  cancel(reason?: unknown): boolean {
    switch (this.#state) {
      case "cancelled":
        return true;
      case "returned":
      case "raised":
        return false;
      default:
        if (this.#hooks !== undefined) return this.#hooks.cancel(reason);
        if (this.#state !== "pending") return false;
        this.#cancelWith(reason);
        return true;
    }
  }

  /**
   * Tells whether the future was cancelled.
   *
   * @returns True where it was.
   */
  cancelled(): boolean {
    return this.#state === "cancelled";
  }

  /**
   * Tells whether the task runs now.
   *
   * @returns True where it does.
   */
  running(): boolean {
    return this.state === "running";
  }

  /**
   * Tells whether the future has settled.
   *
   * @returns True where it is finished or cancelled.
   */
  done(): boolean {
    switch (this.#state) {
      case "cancelled":
      case "returned":
      case "raised":
        return true;
      default:
        return false;
    }
  }

  /**
   * Calls a function when the future settles, in the order of adding; at once
   * where it has. What the function throws, or its promise rejects with, is
   * reported on the console and changes nothing.
   *
   * @param fn Called with the future.
   */
  addDoneCallback(fn: (future: Future<T>) => unknown): void {
    checkFunction("add a callback", "fn", fn);
    this.#look();
    if (this.done()) this.#call(fn);
    else (this.#callbacks ??= []).push(fn);
  }

  /**
   * What the task reports through `current.progress`, from now on. A consumer
   * that is slower than the task sees the latest report only. Ends when the
   * future settles.
   *
   * @returns The reports.
   */
  get progress(): AsyncIterable<Progress> {
    return {
      [Symbol.asyncIterator]: () => {
        const feed = this.#feed ??= new ProgressFeed();
        if (this.done()) feed.end();
        return feed.read();
      },
    };
  }

  /**
   * For executor authors: call it before the task is run.
   *
   * @returns False where the future was cancelled and the task must not run.
   * @throws {InvalidStateError} If it runs, or has finished, already.
   */
  setRunningOrNotifyCancel(): boolean {
    switch (this.#state) {
      case "cancelled":
        return false;
      case "pending":
        this.#state = "running";
        return true;
      default:
        throw new InvalidStateError(
          `Cannot run a future: it is ${this.state}`,
        );
    }
  }

  /**
   * For executor authors: the task has returned. A promise is waited for: the
   * future settles as it does, and can be settled by nobody else meanwhile.
   *
   * @param value The result.
   * @throws {InvalidStateError} If the future has settled already.
   * @throws {TypeError} If the value is the future itself.
   */
  setResult(value: T | PromiseLike<T>): void {
    this.#checkUnsettled("set the result");
    if (Object.is(value, this)) {
      throw new TypeError(
        "Cannot set the result of a future as 'value' must not be the future itself",
      );
    }
    try {
      if (!isThenable(value)) return this.#settle("returned", value);
    } catch (error) {
      // Its `then` cannot be read: nobody could ever await it.
      return this.#settle("raised", error);
    }
    this.#state = "adopting";
    // Through a promise of our own: what is foreign may call back twice.
    new Promise((resolve) => resolve(value)).then(
      (result) => this.#settle("returned", result),
      (error) => this.#settle("raised", error),
    );
  }

  /**
   * For executor authors: the task has thrown.
   *
   * @param error What it threw.
   * @throws {InvalidStateError} If the future has settled already.
   */
  setException(error: unknown): void {
    this.#checkUnsettled("set the exception");
    this.#settle("raised", error);
  }

  /** From now on a failure is nobody's unhandled rejection; one of this turn neither. */
  #look(): void {
    if (this.#isLookedAt) return;
    this.#isLookedAt = true;
    if (this.#state === "raised") this.catch(ignore);
  }

  #watch(fn: () => void): () => void {
    this.#look();
    if (this.done()) {
      fn();
      return ignore;
    }
    const watchers = this.#watchers ??= new Set();
    watchers.add(fn);
    return () => watchers.delete(fn);
  }

  /** Resolves when it settles, whatever comes of it. */
  #settledWithin(options: FutureWaitOptions): Promise<void> {
    return heard(
      "wait for a future",
      (fn) => this.#watch(fn),
      options as WaitOptions,
    );
  }

  #cancelWith(reason: unknown): void {
    if (this.done()) return;
    this.#settle(
      "cancelled",
      reason instanceof CancelledError ? reason : new CancelledError(
        "Cannot get the result: the future was cancelled",
        reason === undefined ? undefined : { cause: reason },
      ),
    );
  }

  #checkUnsettled(verb: string): void {
    if (this.#state === "pending" || this.#state === "running") return;
    throw new InvalidStateError(
      `Cannot ${verb} of a future: it ${
        this.#state === "adopting"
          ? "waits for a promise already"
          : `is ${this.state}`
      }`,
    );
  }

  /** The only way into the last three states; the first one to come counts. */
  #settle(state: "cancelled" | "returned" | "raised", value: unknown): void {
    if (this.done()) return;
    this.#state = state;
    this.#value = value;
    this.#hooks = undefined;
    if (state === "returned") this.#resolve(value);
    else {
      // Where nobody looks before the event loop turns, it surfaces as unhandled.
      this.#reject(value);
      // Whoever cancels does not have to look at the result as well.
      if (state === "cancelled" || this.#isLookedAt) super.catch(ignore);
    }
    this.#feed?.end();
    const watchers = this.#watchers;
    const callbacks = this.#callbacks;
    this.#watchers = undefined;
    this.#callbacks = undefined;
    if (watchers !== undefined) { for (const fn of watchers) fn(); }
    if (callbacks !== undefined) { for (const fn of callbacks) this.#call(fn); }
  }

  #call(fn: (future: Future<T>) => unknown): void {
    // As in Python: shown, and never thrown at whoever settles the future.
    const show = (error: unknown) =>
      report("Exception in a callback of a future:", error);
    try {
      const returned = fn(this);
      if (returned instanceof Promise) returned.catch(show);
    } catch (error) {
      show(error);
    }
  }

  #text(): string {
    let text = `<${nameOfClass(this)} state=${this.state}`;
    if (this.#state === "returned") text += ` returned ${kindOf(this.#value)}`;
    if (this.#state === "raised") text += ` raised ${kindOf(this.#value)}`;
    return `${text}>`;
  }
}

function ignore(): void {}

/** What is settled first counts, as for any promise. */
function execute<T>(
  future: Future<T>,
  executor: (
    resolve: (value: T | PromiseLike<T>) => void,
    reject: (reason: unknown) => void,
  ) => void,
): void {
  let isOpen = true;
  const once = <A>(settle: (outcome: A) => void) => (outcome: A) => {
    if (isOpen) settle(outcome);
    isOpen = false;
  };
  const reject = once((error: unknown) => future.setException(error));
  try {
    executor(once((value) => future.setResult(value)), reject);
  } catch (error) {
    reject(error);
  }
}

/** Whether `await` would wait for it. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (typeof value === "object" && value !== null ||
    typeof value === "function") &&
    typeof Reflect.get(value, "then") === "function";
}

/** What a value is, in one word; errors that came from afar have their class in their name. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  try {
    if (value instanceof Error && typeof value.name === "string") {
      return value.name;
    }
    return nameOfClass(Object(value));
  } catch {
    // A proxy that refuses to be looked at.
    return "Object";
  }
}

function nameOfClass(value: object): string {
  if (Object.getPrototypeOf(value) === Future.prototype) return "Future";
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "Object";
}

/** Makes `cancel()` reach the executor. */
export function attachFuture(
  future: AnyFuture,
  hooks: FutureHooks,
): void {
  attachHooks(future, hooks);
}

/** The executor gave the task up. */
export function cancelFuture(future: AnyFuture, reason: unknown): void {
  settleCancelled(future, reason);
}

/** The task reported progress. */
export function reportProgress(
  future: AnyFuture,
  done: number,
  total: number | undefined,
): void {
  pushProgress(future, { done, total });
}

/** Calls `fn` when the future settles, at once where it has. Returns what takes that back. */
export function watchFuture(future: AnyFuture, fn: () => void): () => void {
  return watch(future, fn);
}

/** The task runs, perhaps not for the first time. */
export function markStarted(future: AnyFuture): void {
  setStarted(future);
}

/** The task threw. A cancelled future has not failed. */
export function hasFailed(future: AnyFuture): boolean {
  return failedState(future);
}
