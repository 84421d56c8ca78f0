// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * The result of a call that a pool has accepted.
 *
 * @module
 */

import {
  checkWait,
  heard,
  type WaitOptions,
} from "../_internal/base/deadline.ts";
import { InvalidStateError, TimeoutError } from "../_internal/base/errors.ts";
import { isThenable } from "../_internal/base/validation.ts";

/** Of any result: a result of numbers is to be one of anything, too. */
// deno-lint-ignore no-explicit-any -- as above
type AnyValue = any;

function ignore(): void {}

/**
 * The result of a call that a pool has accepted. It is a promise: `await` it,
 * or use the methods that Python's results have.
 *
 * - **Errors:** a failure that nobody looks at surfaces as an unhandled
 *   rejection, like that of any promise. Looking is: handling the promise, a
 *   callback, `get()` and `wait()`. The end of the pool by `terminate()`, and a
 *   call whose signal has fired, never surface by themselves.
 *
 * @example Usage
 * ```ts
 * import { ThreadPool } from "@concurrent/parallel/multiprocessing";
 * import { assert, assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPool({ processes: 1 });
 * const result = pool.applyAsync((n: number) => 2 * n, [21]);
 *
 * assertEquals(await result.get(), 42);
 * assert(result.ready());
 * assert(result.successful());
 * ```
 *
 * @typeParam T The result.
 */
export class AsyncResult<T> extends Promise<T> {
  // state      meaning                        leaves by
  // pending    the call has not ended         its end
  // succeeded  it has returned                never
  // failed     it has thrown, or was stopped  never
  #state: "pending" | "succeeded" | "failed" = "pending";
  #isLookedAt = false;
  /** Waits that may give up before it has settled. */
  #watchers: Set<() => void> | undefined;

  static {
    // `await` takes a promise as it is where its constructor is Promise.
    Object.defineProperty(this.prototype, "constructor", {
      value: Promise,
      writable: true,
      configurable: true,
    });
  }

  /**
   * What `then()`, `catch()` and `finally()` give: plain promises.
   *
   * @returns The class.
   */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /**
   * Makes a result; pools do.
   *
   * @param executor Called at once with what settles it.
   */
  constructor(
    executor: (
      resolve: (value: T | PromiseLike<T>) => void,
      reject: (reason: unknown) => void,
    ) => void,
  ) {
    let resolve!: (value: AnyValue) => void;
    let reject!: (reason: unknown) => void;
    super((onResolve, onReject) => {
      resolve = onResolve;
      reject = onReject;
    });
    const succeed = (value: AnyValue) => {
      if (this.#end("succeeded")) resolve(value);
    };
    const fail = (reason: unknown) => {
      if (this.#end("failed")) reject(reason);
    };
    try {
      executor((value) => {
        // The result is what it comes to.
        if (isThenable(value)) {
          new Promise((adopt) => adopt(value)).then(succeed, fail);
        } else succeed(value);
      }, fail);
    } catch (error) {
      fail(error);
    }
  }

  /**
   * The text that `Object.prototype.toString` shows.
   *
   * @returns `"AsyncResult"`.
   */
  override get [Symbol.toStringTag](): string {
    return "AsyncResult";
  }

  /**
   * Waits for the result.
   *
   * @param options How long to wait; the call goes on in any case.
   * @returns The result; rejects with the call's error.
   * @throws {TimeoutError} If the timeout passes first.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If the timeout is negative.
   */
  async get(options: WaitOptions = {}): Promise<T> {
    checkWait("get a result", options);
    await this.#settled("get a result", options);
    return await this;
  }

  /**
   * Waits for the end of the call, whatever comes of it.
   *
   * @param options How long to wait; the call goes on in any case.
   * @returns True where it has ended, false where the timeout has passed.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If the timeout is negative.
   */
  async wait(options: WaitOptions = {}): Promise<boolean> {
    checkWait("wait for a result", options);
    try {
      await this.#settled("wait for a result", options);
      return true;
    } catch (error) {
      if (error instanceof TimeoutError && error !== options.signal?.reason) {
        return false;
      }
      throw error;
    }
  }

  /**
   * Tells whether the call has ended.
   *
   * @returns True where it has.
   */
  ready(): boolean {
    return this.#state !== "pending";
  }

  /**
   * Tells whether the call has ended without an error.
   *
   * @returns True where it has.
   * @throws {InvalidStateError} If it has not ended.
   */
  successful(): boolean {
    if (this.#state === "pending") {
      throw new InvalidStateError(
        "Cannot tell whether a call was successful: it has not ended",
      );
    }
    return this.#state === "succeeded";
  }

  #settled(verb: string, options: WaitOptions): Promise<void> {
    return heard(verb, (fn) => this.#watch(fn), options);
  }

  #watch(fn: () => void): () => void {
    if (!this.#isLookedAt) {
      this.#isLookedAt = true;
      super.catch(ignore);
    }
    if (this.ready()) {
      fn();
      return ignore;
    }
    const watchers = this.#watchers ??= new Set();
    watchers.add(fn);
    return () => watchers.delete(fn);
  }

  /** False where it has ended before. */
  #end(state: "succeeded" | "failed"): boolean {
    if (this.#state !== "pending") return false;
    this.#state = state;
    const watchers = this.#watchers;
    this.#watchers = undefined;
    if (watchers !== undefined) { for (const fn of watchers) fn(); }
    return true;
  }
}
