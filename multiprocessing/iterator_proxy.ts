// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * An iterator that a manager holds: {@linkcode IteratorProxy}.
 *
 * @module
 */

import { registerProxyClass } from "./_proxies.ts";
import { ObjectProxy } from "./object_proxy.ts";

/**
 * Stands for an iterator or a generator that a manager holds, sync or async.
 * Several may take from it: each value goes to one of them.
 *
 * @example Usage
 * ```ts
 * import { IteratorProxy, Manager } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * class Numbers {
 *   *upTo(n: number) {
 *     for (let i = 0; i < n; i++) yield i;
 *   }
 * }
 *
 * await using manager = await new Manager().start();
 * await manager.register("Numbers", Numbers, {
 *   methodsToProxies: { upTo: "iterator" },
 * });
 * const numbers = await manager.create("Numbers");
 * const iterator = await numbers.callMethod("upTo", 3) as IteratorProxy<number>;
 *
 * assertEquals(await Array.fromAsync(iterator), [0, 1, 2]);
 * ```
 *
 * @typeParam T The values.
 */
export class IteratorProxy<T = unknown> extends ObjectProxy<Iterator<T>>
  implements AsyncIterableIterator<T, unknown> {
  /**
   * Takes the next value.
   *
   * @param value What the `yield` of a generator gives there.
   * @returns The value, or that there is none.
   */
  next(...value: [] | [unknown]): Promise<IteratorResult<T, unknown>> {
    return this.callMethod("next", ...value) as Promise<
      IteratorResult<T, unknown>
    >;
  }

  /**
   * Ends the iterator.
   *
   * @param value What it ends with.
   * @returns Its end.
   */
  return(value?: unknown): Promise<IteratorResult<T, unknown>> {
    return this.callMethod("return", value) as Promise<
      IteratorResult<T, unknown>
    >;
  }

  /**
   * Throws an error into a generator.
   *
   * @param error The error.
   * @returns What the generator makes of it.
   */
  throw(error: unknown): Promise<IteratorResult<T, unknown>> {
    return this.callMethod("throw", error) as Promise<
      IteratorResult<T, unknown>
    >;
  }

  /**
   * Iterates over the values that are left.
   *
   * @returns The proxy itself.
   */
  [Symbol.asyncIterator](): this {
    return this;
  }
}

registerProxyClass(IteratorProxy, import.meta.url);
