// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A `Map` that a manager holds: {@linkcode DictProxy}.
 *
 * @module
 */

import { checkFunction } from "../_internal/base/validation.ts";
import { checkFindable, entriesOf, frozen } from "./_contents.ts";
import { registerProxyClass } from "./_proxies.ts";
import { ObjectProxy, type Snapshot } from "./object_proxy.ts";

/** What can be put into a dict at once. */
export type DictEntries<K, V> =
  | Iterable<readonly [K, V]>
  | (K extends string ? { readonly [key: string]: V } : never);

/**
 * Stands for a `Map` that a manager holds: Python's `manager.dict()`.
 *
 * - **Keys** are primitives, or objects that are the same everywhere: proxies, locks, queues.
 * - **Reads** give copies that cannot be changed. {@linkcode DictProxy.update}
 *   changes a value at the manager.
 * - **Order:** as in a `Map`, that in which the keys were set first.
 *
 * @example Usage
 * ```ts
 * import { Manager } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await new Manager().start();
 * const scores = await manager.dict<string, number>({ ada: 1 });
 *
 * await scores.update("ada", (score = 0) => score + 1);
 * assertEquals(await scores.get("ada"), 2);
 * ```
 *
 * @typeParam K The keys.
 * @typeParam V The values.
 */
export class DictProxy<K = unknown, V = unknown> extends ObjectProxy<Map<K, V>>
  implements AsyncIterable<[K, Snapshot<V>]> {
  /**
   * Reads a value.
   *
   * @param key Its key.
   * @returns The value; `undefined` where there is none.
   */
  get(key: K): Promise<Snapshot<V> | undefined>;
  /**
   * Reads a value.
   *
   * @param key Its key.
   * @param fallback What is given where there is none.
   * @returns The value, or `fallback`.
   */
  get<F>(key: K, fallback: F): Promise<Snapshot<V> | F>;
  async get(key: K, ...fallback: unknown[]): Promise<unknown> {
    checkKey("get an item", key);
    return frozen(await this.callMethod("get", key, ...fallback));
  }

  /**
   * Sets a value.
   *
   * @param key Its key.
   * @param value The value.
   * @returns Resolves when it is set.
   */
  async set(key: K, value: V): Promise<void> {
    checkKey("set an item", key);
    await this.callMethod("set", key, value);
  }

  /**
   * Tells whether there is a value.
   *
   * @param key Its key.
   * @returns True where there is.
   */
  async has(key: K): Promise<boolean> {
    checkKey("find an item", key);
    return await this.callMethod("has", key) as boolean;
  }

  /**
   * Removes a value.
   *
   * @param key Its key.
   * @returns True where there was one.
   */
  async delete(key: K): Promise<boolean> {
    checkKey("delete an item", key);
    return await this.callMethod("delete", key) as boolean;
  }

  /**
   * Counts the values.
   *
   * @returns How many there are.
   */
  size(): Promise<number> {
    return this.callMethod("size") as Promise<number>;
  }

  /**
   * Removes all values.
   *
   * @returns Resolves when it is empty.
   */
  async clear(): Promise<void> {
    await this.callMethod("clear");
  }

  /**
   * Reads all keys.
   *
   * @returns The keys in order.
   */
  keys(): Promise<K[]> {
    return this.callMethod("keys") as Promise<K[]>;
  }

  /**
   * Reads all values.
   *
   * @returns The values in order.
   */
  async values(): Promise<Snapshot<V>[]> {
    const values = await this.callMethod("values") as Snapshot<V>[];
    values.forEach(frozen);
    return values;
  }

  /**
   * Reads everything.
   *
   * @returns The keys and values in order.
   */
  async entries(): Promise<[K, Snapshot<V>][]> {
    return [...await this.copy()];
  }

  /**
   * Copies everything into a `Map` of the caller.
   *
   * @returns The map; it may be changed, its values may not.
   */
  async copy(): Promise<Map<K, Snapshot<V>>> {
    const map = await this.callMethod("copy") as Map<K, Snapshot<V>>;
    map.forEach(frozen);
    return map;
  }

  /**
   * Reads a value, and sets it first where there is none.
   *
   * @param key Its key.
   * @param value What is set.
   * @returns The value that is there now.
   */
  async setDefault(key: K, value: V): Promise<Snapshot<V>> {
    checkKey("set an item", key);
    return frozen(
      await this.callMethod("setDefault", key, value),
    ) as Snapshot<V>;
  }

  /**
   * Reads a value and removes it.
   *
   * @param key Its key.
   * @returns The value; `undefined` where there was none.
   */
  pop(key: K): Promise<Snapshot<V> | undefined>;
  /**
   * Reads a value and removes it.
   *
   * @param key Its key.
   * @param fallback What is given where there was none.
   * @returns The value, or `fallback`.
   */
  pop<F>(key: K, fallback: F): Promise<Snapshot<V> | F>;
  async pop(key: K, ...fallback: unknown[]): Promise<unknown> {
    checkKey("pop an item", key);
    return frozen(await this.callMethod("pop", key, ...fallback));
  }

  /**
   * Removes what was set last.
   *
   * @returns The key and the value; `undefined` where the dict is empty.
   */
  async popItem(): Promise<[K, Snapshot<V>] | undefined> {
    const item = await this.callMethod("popItem") as
      | [K, Snapshot<V>]
      | undefined;
    if (item !== undefined) frozen(item[1]);
    return item;
  }

  /**
   * Sets many values.
   *
   * @param entries The keys and values.
   * @returns Resolves when all are set.
   */
  update(entries: DictEntries<K, V>): Promise<void>;
  /**
   * Changes a value at the manager: nobody else comes between the read and the write.
   *
   * @param key Its key.
   * @param fn Gets the value, which it may change, or `undefined` where there is none; returns what is set. It travels as a task's function does, and must not be asynchronous.
   * @param args Further arguments for `fn`.
   * @returns What was set.
   */
  update<A extends unknown[]>(
    key: K,
    fn: (value: V | undefined, ...args: A) => V,
    ...args: A
  ): Promise<Snapshot<V>>;
  async update(keyOrEntries: unknown, ...args: unknown[]): Promise<unknown> {
    if (args.length === 0) {
      const entries = [...entriesOf<K, V>(keyOrEntries)];
      for (const [key] of entries) checkKey("set an item", key);
      await this.callMethod("setAll", entries);
      return;
    }
    checkKey("update an item", keyOrEntries);
    checkFunction("update an item", "fn", args[0]);
    return frozen(await this.callMethod("update", keyOrEntries, ...args));
  }

  /**
   * Iterates over what is in the dict now; later changes are not seen.
   *
   * @returns The keys and values in order.
   */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<[K, Snapshot<V>]> {
    yield* await this.entries();
  }
}

registerProxyClass(DictProxy, import.meta.url);

function checkKey(verb: string, key: unknown): void {
  checkFindable(verb, "key", key);
}
