// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { isThenable } from "../base/validation.ts";
import type { Outcomes } from "../wire/outcomes.ts";
import type { CallContext } from "../worker/current.ts";
import { isSliceOver, whenFree } from "./inline_slices.ts";

/** Calls after which the clock is asked, which takes as long as ten of them, where they are short. */
const STRIDE = 8;
/** Milliseconds that so many short calls take at most. */
const SHORT = 0.5;

/**
 * The calls of a chunk, one after the other, as `Guest` runs them: synchronous
 * up to the first promise or the end of the slice. Between any two calls it can
 * be stopped.
 */
export class InlineChunk {
  readonly #fn: (...args: unknown[]) => unknown;
  readonly #items: readonly unknown[];
  readonly #call: CallContext;
  readonly #values: unknown[];
  readonly #failed = new Set<number>();
  /** Milliseconds for which it has waited for turns of the event loop. */
  waited = 0;
  /** True where a call has given a promise. */
  gavePromise = false;
  #at = 0;
  /** When the clock was last asked. */
  #looked = 0;
  #stride = 1;

  /** @param items Lists of arguments; a number is a list of itself. */
  constructor(
    fn: (...args: unknown[]) => unknown,
    items: readonly unknown[],
    call: CallContext,
  ) {
    this.#fn = fn;
    this.#items = items;
    this.#call = call;
    this.#values = new Array(items.length);
  }

  /**
   * Runs it; `now` is by `performance.now()`.
   *
   * @throws Why it was stopped.
   */
  run(now: number): Outcomes | Promise<Outcomes> {
    this.#looked = now;
    const pause = this.#advance();
    return pause === undefined ? this.#outcomes : this.#runOn(pause);
  }

  async #runOn(first: Promise<void>): Promise<Outcomes> {
    let pause: Promise<void> | undefined = first;
    while (pause !== undefined) {
      await pause;
      pause = this.#advance();
    }
    return this.#outcomes;
  }

  get #outcomes(): Outcomes {
    return { values: this.#values, failed: this.#failed };
  }

  /** Goes on until there is something to wait for, which never rejects; undefined at the end. */
  #advance(): Promise<void> | undefined {
    const fn = this.#fn;
    const items = this.#items;
    const values = this.#values;
    const call = this.#call;
    let left = this.#stride;
    for (let at = this.#at; at < items.length; at++) {
      if (left-- === 0) {
        this.#at = at;
        if (this.#isOver()) return this.#waitForTurn();
        left = this.#stride - 1;
      }
      if (call.isAborted()) throw call.abortReason();
      try {
        const args = items[at];
        const result = typeof args === "number"
          ? fn(args)
          : fn(...args as readonly unknown[]);
        // A number is not asked: see `Guest`.
        if (typeof result !== "number" && isThenable(result)) {
          this.#at = at + 1;
          this.gavePromise = true;
          return this.#settle(at, result);
        }
        values[at] = result;
      } catch (error) {
        this.#failed.add(at);
        values[at] = error;
      }
    }
    this.#at = items.length;
    return undefined;
  }

  /** A call has given a promise. The next one may follow without a turn: the clock is asked before it. */
  async #settle(at: number, result: PromiseLike<unknown>): Promise<void> {
    try {
      this.#values[at] = await result;
    } catch (error) {
      this.#failed.add(at);
      this.#values[at] = error;
    }
    if (this.#isOver()) await this.#waitForTurn();
  }

  async #waitForTurn(): Promise<void> {
    const now = await whenFree();
    this.waited += now - this.#looked;
    this.#looked = now;
  }

  #isOver(): boolean {
    const now = performance.now();
    this.#stride = now - this.#looked > SHORT ? 1 : STRIDE;
    this.#looked = now;
    return isSliceOver(now);
  }
}
