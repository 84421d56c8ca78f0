// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The two ways in which a pool takes the outcomes of a map: all of them
// (map, starmap), and one by one (imap, imapUnordered).

import {
  checkWait,
  type WaitOptions,
  within,
} from "../_internal/base/deadline.ts";
import { MapIterator } from "../_internal/pool/map_iterator.ts";
import type { MapOptions } from "../_internal/pool/map_options.ts";
import type { MapRun, MapSubject } from "../_internal/pool/map_run.ts";

/**
 * All results, in the order of the items. Every call runs; then the first error
 * in that order is thrown, of the input too, whose error comes behind its items.
 *
 * @param failFast True: the first error that arrives cancels the rest.
 */
export async function gather(
  run: MapRun,
  failFast: boolean,
): Promise<unknown[]> {
  const parts: ArrayLike<unknown>[] = [];
  let first: { readonly error: unknown } | undefined;
  try {
    for (;;) {
      const outcomes = run.take() ?? await run.next();
      if (outcomes === undefined) break;
      const { values, failed } = outcomes;
      run.yielded(values.length);
      if (failed.size > 0 && first === undefined) {
        const [index] = failed;
        first = { error: values[index!] };
        if (failFast) break;
      }
      // Nobody gets them any more.
      if (first === undefined) parts.push(values);
    }
  } catch (error) {
    if (run.isOver) throw error;
    first ??= { error };
  } finally {
    await run.end().catch((error: unknown) => first ??= { error });
  }
  if (first !== undefined) throw first.error;
  return joined(parts);
}

function joined(parts: readonly ArrayLike<unknown>[]): unknown[] {
  let length = 0;
  for (const part of parts) length += part.length;
  const values: unknown[] = new Array(length);
  let at = 0;
  for (const part of parts) {
    copyInto(values, at, part);
    at += part.length;
  }
  return values;
}

function copyInto(
  values: unknown[],
  at: number,
  part: ArrayLike<unknown>,
): void {
  const { length } = part;
  for (let i = 0; i < length; i++) values[at + i] = part[i];
}

/** What iterates over an array, and over whatever is like it: it ends, and no code of anybody runs. */
const ArrayIterator: object = Object.getPrototypeOf([][Symbol.iterator]());

/**
 * What there is in an array or its like now: what is done to it later does not
 * matter, and it is known how much it is. Other inputs are left as they are.
 */
export function snapshot(
  items: Iterable<unknown> | AsyncIterable<unknown>,
): Iterable<unknown> | AsyncIterable<unknown> {
  if (items === null || typeof items !== "object") return items;
  const isLikeArray = Object.getPrototypeOf(items) === ArrayIterator &&
      Object.keys(items).length === 0 ||
    Array.isArray(items) &&
      items[Symbol.iterator] === Array.prototype[Symbol.iterator];
  return isLikeArray ? [...items as Iterable<unknown>] : items;
}

/**
 * The results one by one. Unlike an iteration over an executor's map it goes on
 * behind an item that has failed, and a step can be given up without its item
 * being lost.
 */
export class PoolIterator
  implements AsyncIterableIterator<unknown>, AsyncDisposable {
  readonly #results: MapIterator;
  readonly #ended: () => void;
  /** Steps whose callers have given up, for those who come next. */
  readonly #left: Promise<IteratorResult<unknown>>[] = [];
  #waits = 0;
  #lastRead = performance.now();

  /** @param ended Called when nothing is left to take; more than once perhaps. */
  constructor(subject: MapSubject, options: MapOptions, ended: () => void) {
    this.#results = new MapIterator(subject, { ...options, onError: "settle" });
    this.#ended = ended;
    this.#results.begin();
  }

  /**
   * When somebody asked for a result last, by `performance.now()`; Infinity while
   * somebody waits for one. A loop that an error has ended does not say so: after
   * an error nobody is expected to go on.
   */
  get lastRead(): number {
    return this.#waits > 0 ? Infinity : this.#lastRead;
  }

  async next(options: WaitOptions = {}): Promise<IteratorResult<unknown>> {
    const verb = "take a result";
    checkWait(verb, options);
    const step = this.#left.shift() ?? this.#step();
    let isTaken = false;
    this.#waits++;
    try {
      // What it comes to is not this wait's own error.
      const taken = step.then(() => isTaken = true, () => isTaken = true);
      await within(verb, taken, options);
      const result = await step;
      this.#lastRead = performance.now();
      return result;
    } catch (error) {
      this.#lastRead = isTaken ? -Infinity : performance.now();
      throw error;
    } finally {
      this.#waits--;
      if (!isTaken) this.#left.push(step);
    }
  }

  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    this.#left.length = 0;
    try {
      return await this.#results.return(value);
    } finally {
      this.#ended();
    }
  }

  async throw(error?: unknown): Promise<IteratorResult<unknown>> {
    await this.return();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #step(): Promise<IteratorResult<unknown>> {
    let step: IteratorResult<unknown>;
    try {
      step = await this.#results.next();
    } catch (error) {
      // Of the input or of the whole iteration: nothing comes behind it.
      this.#ended();
      throw error;
    }
    if (step.done) {
      this.#ended();
      return step;
    }
    const outcome = step.value as PromiseSettledResult<unknown>;
    if (outcome.status === "rejected") throw outcome.reason;
    return { done: false, value: outcome.value };
  }
}
