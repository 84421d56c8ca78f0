// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { CancelledError, InvalidStateError } from "../_internal/base/errors.ts";
import {
  checkWait,
  type WaitOptions,
  within,
} from "../_internal/base/deadline.ts";
import { checkFunction } from "../_internal/base/validation.ts";
import { report } from "../_internal/worker/report.ts";

/** What a {@linkcode Future} can be in. */
export type FutureState = "pending" | "running" | "cancelled" | "finished";

/** One report of a task's progress. */
export interface Progress {
  /** How much is done, in the task's own unit. */
  readonly done: number;
  /** How much there is to do, where the task knows it. */
  readonly total: number | undefined;
}

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
interface FutureHooks {
  readonly cancel: (reason: unknown) => boolean;
}

/** A future of anything. */
// deno-lint-ignore no-explicit-any -- futures are invariant; the helpers below never look at the value
type AnyFuture = Future<any>;

let attachHooks: (future: AnyFuture, hooks: FutureHooks) => void;
let settleCancelled: (future: AnyFuture, reason: unknown) => void;
let pushProgress: (future: AnyFuture, progress: Progress) => void;
let setObserved: (future: AnyFuture) => void;
let setStarted: (future: AnyFuture) => void;
let failedState: (future: AnyFuture) => boolean;

/**
 * The result of a task that may not have run yet. A future is a promise:
 * `await` it, or use the methods that Python's futures have.
 *
 * - **States:** `pending` → `running` → `finished`, or `cancelled` from either
 *   of the first two. Settled futures never change.
 * - **Errors:** a failure that nobody looks at surfaces as an unhandled
 *   rejection, like that of any promise. A cancel does not.
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
export class Future<T> implements Promise<T> {
  /** The text that `Object.prototype.toString` shows. */
  readonly [Symbol.toStringTag] = "Future";

  #state: FutureState = "pending";
  #failed = false;
  #value: unknown;
  /** Made when somebody first wants a promise: most futures of a burst never need one before they settle. */
  #waiting: PromiseWithResolvers<unknown> | undefined;
  #observed = false;
  // Of any future: a `Future<number>` is to be a `Future<unknown>` too.
  #callbacks: ((future: AnyFuture) => unknown)[] | undefined;
  #hooks: FutureHooks | undefined;
  #progress: Progress | undefined;
  #progressWaiters: (() => void)[] | undefined;

  static {
    attachHooks = (future, hooks) => future.#hooks = hooks;
    settleCancelled = (future, reason) => future.#cancelWith(reason);
    pushProgress = (future, progress) => future.#push(progress);
    setObserved = (future) => future.#observed = true;
    failedState = (future) => future.#state === "finished" && future.#failed;
    setStarted = (future) => {
      if (future.#state === "pending") future.#state = "running";
    };
  }

  /**
   * Where the future stands.
   *
   * @returns The state.
   */
  get state(): FutureState {
    return this.#state;
  }

  /**
   * Attaches callbacks, as on any promise.
   *
   * @typeParam A What `onFulfilled` returns.
   * @typeParam B What `onRejected` returns.
   * @param onFulfilled Called with the result.
   * @param onRejected Called with the error.
   * @returns A promise for what the callback returns.
   */
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise().then(onFulfilled, onRejected);
  }

  /**
   * Attaches an error callback, as on any promise.
   *
   * @typeParam B What `onRejected` returns.
   * @param onRejected Called with the error.
   * @returns A promise for the result, or for what the callback returns.
   */
  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<T | B> {
    return this.#promise().catch(onRejected);
  }

  /**
   * Attaches a callback for the end, as on any promise.
   *
   * @param onFinally Called without arguments.
   * @returns A promise for the result.
   */
  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.#promise().finally(onFinally);
  }

  /**
   * Waits for the result.
   *
   * @param options How long to wait.
   * @returns The result; rejects with the task's error.
   * @throws {TimeoutError} If the timeout passes first; the task goes on.
   * @throws {CancelledError} If the future was cancelled.
   */
  async result(options: FutureWaitOptions = {}): Promise<T> {
    checkWait("wait for a future", options as WaitOptions);
    return await this.#within(options);
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
    try {
      await this.#within(options);
      return undefined;
    } catch (error) {
      if (
        this.#state === "finished" && this.#failed &&
        Object.is(error, this.#value)
      ) return error;
      throw error;
    }
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
      case "finished":
        return false;
      default:
        if (this.#hooks !== undefined) return this.#hooks.cancel(reason);
        if (this.#state === "running") return false;
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
    return this.#state === "running";
  }

  /**
   * Tells whether the future has settled.
   *
   * @returns True where it is finished or cancelled.
   */
  done(): boolean {
    return this.#state === "finished" || this.#state === "cancelled";
  }

  /**
   * Calls a function when the future settles, in the order of adding; at once
   * where it has. What the function throws is reported on the console and
   * changes nothing.
   *
   * @param fn Called with the future.
   */
  addDoneCallback(fn: (future: Future<T>) => unknown): void {
    checkFunction("add a callback", "fn", fn);
    this.#observed = true;
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
    return { [Symbol.asyncIterator]: () => this.#reports() };
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
          `Cannot run a future: it is ${this.#state}`,
        );
    }
  }

  /**
   * For executor authors: the task has returned.
   *
   * @param value The result.
   * @throws {InvalidStateError} If the future has settled already.
   */
  setResult(value: T): void {
    this.#checkUnsettled("set the result");
    this.#value = value;
    this.#state = "finished";
    this.#waiting?.resolve(value);
    this.#settled();
  }

  /**
   * For executor authors: the task has thrown.
   *
   * @param error What it threw.
   * @throws {InvalidStateError} If the future has settled already.
   */
  setException(error: unknown): void {
    this.#checkUnsettled("set the exception");
    this.#value = error;
    this.#failed = true;
    this.#state = "finished";
    if (this.#waiting !== undefined) {
      this.#waiting.reject(error);
      if (this.#observed) this.#waiting.promise.catch(() => {});
    } else if (!this.#observed && this.#callbacks === undefined) {
      // Nobody looks yet. If nobody does before the event loop turns, the
      // rejection surfaces as unhandled.
      this.#promise();
    }
    this.#settled();
  }

  #within(options: FutureWaitOptions): Promise<T> {
    return within("wait for a future", this.#promise(), options as WaitOptions);
  }

  #promise(): Promise<T> {
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers();
      if (this.done()) {
        if (this.#failed) this.#waiting.reject(this.#value);
        else this.#waiting.resolve(this.#value);
        if (this.#state === "cancelled" || this.#observed) {
          this.#waiting.promise.catch(() => {});
        }
      }
    }
    return this.#waiting.promise as Promise<T>;
  }

  #cancelWith(reason: unknown): void {
    if (this.done()) return;
    this.#value = reason instanceof CancelledError
      ? reason
      : new CancelledError(
        "Cannot get the result: the future was cancelled",
        reason === undefined ? undefined : { cause: reason },
      );
    this.#failed = true;
    this.#state = "cancelled";
    if (this.#waiting !== undefined) {
      this.#waiting.reject(this.#value);
      // Whoever cancels does not have to look at the result as well.
      this.#waiting.promise.catch(() => {});
    }
    this.#settled();
  }

  #checkUnsettled(verb: string): void {
    if (this.done()) {
      throw new InvalidStateError(
        `Cannot ${verb} of a future: it is ${this.#state}`,
      );
    }
  }

  #settled(): void {
    this.#hooks = undefined;
    this.#wakeProgress();
    const callbacks = this.#callbacks;
    this.#callbacks = undefined;
    if (callbacks === undefined) return;
    for (const fn of callbacks) this.#call(fn);
  }

  #call(fn: (future: Future<T>) => unknown): void {
    try {
      fn(this);
    } catch (error) {
      // As in Python: shown, and never thrown at whoever settles the future.
      report("Exception in a callback of a future:", error);
    }
  }

  #push(progress: Progress): void {
    if (this.done()) return;
    this.#progress = progress;
    this.#wakeProgress();
  }

  #wakeProgress(): void {
    const waiters = this.#progressWaiters;
    this.#progressWaiters = undefined;
    if (waiters !== undefined) { for (const wake of waiters) wake(); }
  }

  async *#reports(): AsyncGenerator<Progress> {
    let last: Progress | undefined;
    for (;;) {
      const latest = this.#progress;
      if (latest !== undefined && latest !== last) {
        last = latest;
        yield latest;
        continue;
      }
      if (this.done()) return;
      await new Promise<void>((wake) => {
        (this.#progressWaiters ??= []).push(wake);
      });
    }
  }
}

/** Makes `cancel()` reach the executor. */
export function attachFuture(
  future: AnyFuture,
  cancel: (reason: unknown) => boolean,
): void {
  attachHooks(future, { cancel });
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

/** Somebody looks after the outcome by other means than the promise. */
export function markObserved(future: AnyFuture): void {
  setObserved(future);
}

/** The task runs, perhaps not for the first time. */
export function markStarted(future: AnyFuture): void {
  setStarted(future);
}

/** The task threw. A cancelled future has not failed. */
export function hasFailed(future: AnyFuture): boolean {
  return failedState(future);
}
