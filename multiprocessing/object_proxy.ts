// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What a manager gives out for the objects that it holds:
 * {@linkcode ObjectProxy}.
 *
 * @module
 */

import { InvalidStateError } from "../_internal/base/errors.ts";
import {
  checkFunction,
  describe,
  isThenable,
} from "../_internal/base/validation.ts";
import {
  BATCH,
  type BatchedCall,
  checkSynchronous,
  TRANSACT,
} from "../_internal/objects/exposure.ts";
import { registerProxyClass } from "./_proxies.ts";
import { type ProxyTarget, takeTarget, withTarget } from "./_proxy_target.ts";

/**
 * What reads of a manager's containers give: a copy that cannot be changed, as
 * changing it would change nothing at the manager. Of records and arrays;
 * objects with methods, such as a `Map`, are given as they are.
 *
 * @typeParam T What the container holds.
 */
export type Snapshot<T> = unknown extends T ? T
  : T extends readonly unknown[] ? { readonly [I in keyof T]: Snapshot<T[I]> }
  : T extends object ? object extends T ? T
    : [
      {
        // deno-lint-ignore no-explicit-any -- any method
        [K in keyof T]: T[K] extends (...args: any[]) => unknown ? K : never;
      }[keyof T],
    ] extends [never]
      // deno-lint-ignore no-explicit-any -- any function
      ? T extends (...args: any[]) => unknown ? T
      : { readonly [K in keyof T]: Snapshot<T[K]> }
    : T
  : T;

/**
 * A proxy of an object of a class: each of its methods, returning a promise.
 *
 * @typeParam T The class of the object at the manager.
 */
export type ProxyOf<T> =
  & ObjectProxy<T>
  & {
    readonly [
      // deno-lint-ignore no-explicit-any -- any method
      K in keyof T as T[K] extends (...args: any[]) => unknown ? K : never
    ]:
      // deno-lint-ignore no-explicit-any -- any method
      T[K] extends (...args: any[]) => unknown
        ? (...args: Parameters<T[K]>) => Promise<Awaited<ReturnType<T[K]>>>
        : never;
  };

/** What a batch resolves to: the values of the promises that its function returns, else of all calls. */
export type BatchResults<R> = R extends readonly unknown[]
  ? { -readonly [I in keyof R]: Awaited<R[I]> }
  : unknown[];

/**
 * Stands for an object that a manager holds. Each method is a call to the
 * manager, where one runs after the other, whoever calls.
 *
 * - **Travel:** a proxy can be passed to processes, captured by functions, sent
 *   through queues and put into other objects of managers. It is the same
 *   object everywhere.
 * - **Copies:** arguments and results are copies. What is to change an object
 *   at the manager goes there: {@linkcode ObjectProxy.transact}.
 * - **Life:** the object lives as long as some proxy of it does anywhere, and
 *   the manager.
 * - **Errors:** those of the object arrive as they are thrown; where the manager
 *   is gone, every call rejects with `ConnectionClosedError`.
 *
 * @example Usage
 * ```ts
 * import { Manager } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * class Counter {
 *   #n = 0;
 *   add(n: number) {
 *     return this.#n += n;
 *   }
 * }
 *
 * await using manager = await new Manager().start();
 * await manager.register("Counter", Counter);
 * const counter = await manager.create<Counter>("Counter");
 *
 * assertEquals(await counter.batch((c) => [c.add(1), c.add(2)]), [1, 3]);
 * ```
 *
 * @typeParam T What the manager holds.
 */
export class ObjectProxy<T = unknown> {
  readonly #target: ProxyTarget;

  /**
   * Not for programs: managers make proxies.
   *
   * @throws {TypeError} Always.
   */
  constructor() {
    this.#target = takeTarget(this, new.target.name);
    for (const name of this.#target.methods ?? []) {
      Object.defineProperty(this, name, {
        configurable: true,
        value: (...args: unknown[]) => this.#target.send(name, args),
      });
    }
  }

  /**
   * Calls a method by its name, as Python's `_callmethod` does.
   *
   * @param name The name.
   * @param args The arguments.
   * @returns What it returns there.
   * @throws {NotSupportedError} If the manager does not expose such a method.
   * @throws {SerializationError} If an argument or the result cannot travel.
   * @throws {ConnectionClosedError} If the manager is gone.
   */
  callMethod(name: string, ...args: unknown[]): Promise<unknown> {
    return this.#target.send(name, args);
  }

  /**
   * Sends several calls at once: one message there, one back. Nobody else's
   * calls come in between, unless one of these is of an asynchronous method.
   * The first that fails ends the batch; what was done before stays done.
   *
   * @param fn Gets a proxy whose calls are put together, and makes them at once.
   * @returns The results of the promises that `fn` returns in an array; where it returns none, of all calls in order.
   * @throws {TypeError} If `fn` is asynchronous.
   * @throws The error of the first call that failed.
   */
  async batch<const R>(fn: (proxy: this) => R): Promise<BatchResults<R>> {
    checkFunction("send a batch", "fn", fn);
    checkSynchronous("batch", fn);
    const calls: BatchedCall[] = [];
    const resolvers: ((value: unknown) => void)[] = [];
    let isOpen = true;
    const recorder = this.#like({
      methods: this.#target.methods,
      send(name, args) {
        if (!isOpen) {
          return Promise.reject(
            new InvalidStateError(
              `Cannot call '${name}' in a batch: it was sent already`,
            ),
          );
        }
        calls.push([name, args]);
        // Where the batch fails they never settle: its promise tells.
        return new Promise((resolve) => resolvers.push(resolve));
      },
    });
    let returned: unknown;
    try {
      returned = fn(recorder);
    } finally {
      isOpen = false;
    }
    const wanted = Array.isArray(returned) ? Promise.all(returned) : undefined;
    wanted?.catch(() => {});
    if (isThenable(returned)) {
      throw new TypeError(
        `Cannot send a batch as 'fn' must return nothing or an array: current value is ${
          describe(returned)
        }`,
      );
    }
    const results = calls.length === 0
      ? []
      : await this.#target.send(BATCH, calls) as unknown[];
    resolvers.forEach((resolve, i) => resolve(results[i]));
    return await (wanted ?? results) as BatchResults<R>;
  }

  /**
   * Runs a function at the manager, with the object itself: Python has no such
   * thing, and loses updates where two read, change and write. Nobody else's
   * calls come in between.
   *
   * @param fn Gets the object (a `Map` for a dict or a namespace, an array for a list, a `Set` for a set) and the arguments. It travels as a task's function does, and must not be asynchronous.
   * @param args The arguments.
   * @returns What it returns.
   * @throws {TypeError} If `fn` is asynchronous.
   * @throws {NotSupportedError} If the class was registered with a list of what is exposed.
   * @throws {SerializationError} If the function, an argument or the result cannot travel.
   * @throws {ConnectionClosedError} If the manager is gone.
   * @throws Whatever `fn` throws.
   */
  async transact<A extends unknown[], R>(
    fn: (object: T, ...args: A) => R,
    ...args: A
  ): Promise<R> {
    checkFunction("change an object of a manager", "fn", fn);
    checkSynchronous("object of a manager", fn);
    return await this.#target.send(TRANSACT, [fn, ...args]) as R;
  }

  /** A proxy of this class for something else. */
  #like(target: ProxyTarget): this {
    const { constructor } = Object.getPrototypeOf(this);
    return withTarget(target, () => new constructor());
  }
}

registerProxyClass(ObjectProxy, import.meta.url);
