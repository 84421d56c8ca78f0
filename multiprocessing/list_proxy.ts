// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * An array that a manager holds: {@linkcode ListProxy}.
 *
 * @module
 */

import { checkFunction, integerOption } from "../_internal/base/validation.ts";
import { checkFindable, frozen, frozenMembers, itemsOf } from "./_contents.ts";
import { registerProxyClass } from "./_proxies.ts";
import { ObjectProxy, type Snapshot } from "./object_proxy.ts";

/**
 * Stands for an array that a manager holds: Python's `manager.list()`.
 *
 * - **Reads** give copies that cannot be changed. {@linkcode ListProxy.update}
 *   changes an item at the manager.
 * - **Indices** may be negative: they count from the end.
 * - **Searches** compare as arrays do, so what is looked for is a primitive or
 *   an object that is the same everywhere: a proxy, a lock, a queue.
 *
 * @example Usage
 * ```ts
 * import { Manager } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await new Manager().start();
 * const list = await manager.list(["a", "b"]);
 *
 * assertEquals(await list.push("c"), 3);
 * assertEquals(await list.slice(-2), ["b", "c"]);
 * ```
 *
 * @typeParam T The items.
 */
export class ListProxy<T = unknown> extends ObjectProxy<T[]>
  implements AsyncIterable<Snapshot<T>> {
  /**
   * Reads an item.
   *
   * @param index Where it is.
   * @returns The item; `undefined` where there is none.
   */
  async at(index: number): Promise<Snapshot<T> | undefined> {
    return frozen(await this.callMethod("at", index)) as
      | Snapshot<T>
      | undefined;
  }

  /**
   * Replaces an item.
   *
   * @param index Where it is.
   * @param value The new one.
   * @returns Resolves when it is replaced.
   * @throws {RangeError} If there is no item at the index.
   */
  async set(index: number, value: T): Promise<void> {
    await this.callMethod("set", index, value);
  }

  /**
   * Counts the items.
   *
   * @returns How many there are.
   */
  length(): Promise<number> {
    return this.callMethod("length") as Promise<number>;
  }

  /**
   * Adds items at the end.
   *
   * @param items The items.
   * @returns How many there are now.
   */
  push(...items: T[]): Promise<number> {
    return this.callMethod("push", ...items) as Promise<number>;
  }

  /**
   * Removes an item and returns it.
   *
   * @param index Where it is.
   * @returns The item; `undefined` where there is none.
   */
  async pop(index = -1): Promise<Snapshot<T> | undefined> {
    return frozen(await this.callMethod("pop", index)) as
      | Snapshot<T>
      | undefined;
  }

  /**
   * Removes the first item and returns it.
   *
   * @returns The item; `undefined` where there is none.
   */
  shift(): Promise<Snapshot<T> | undefined> {
    return this.pop(0);
  }

  /**
   * Adds items before the first one.
   *
   * @param items The items.
   * @returns How many there are now.
   */
  unshift(...items: T[]): Promise<number> {
    return this.callMethod("unshift", ...items) as Promise<number>;
  }

  /**
   * Copies a part, or all of it, into an array of the caller.
   *
   * @param start Where it begins.
   * @param end Where it ends; that item is not part of it.
   * @returns The copy; it may be changed, its items may not.
   */
  async slice(start?: number, end?: number): Promise<Snapshot<T>[]> {
    return frozenMembers(
      await this.callMethod("slice", start, end) as Snapshot<T>[],
    );
  }

  /**
   * Removes items and puts others in their place.
   *
   * @param start Where they begin.
   * @param count How many are removed.
   * @param items What is put there.
   * @returns The items that were removed.
   */
  async splice(
    start: number,
    count = Infinity,
    ...items: T[]
  ): Promise<Snapshot<T>[]> {
    return frozenMembers(
      await this.callMethod("splice", start, count, ...items) as Snapshot<T>[],
    );
  }

  /**
   * Puts an item before another one.
   *
   * @param index Where that one is; the end where there is none.
   * @param item The item.
   * @returns Resolves when it is there.
   */
  async insert(index: number, item: T): Promise<void> {
    await this.callMethod("insert", index, item);
  }

  /**
   * Adds many items at the end: Python's `+=`.
   *
   * @param items The items.
   * @returns Resolves when all are there.
   */
  async extend(items: Iterable<T>): Promise<void> {
    await this.callMethod("extend", itemsOf("extend a list", "items", items));
  }

  /**
   * Finds an item.
   *
   * @param item What to find.
   * @param from Where the search begins.
   * @returns Its index, or -1.
   */
  async indexOf(item: T, from = 0): Promise<number> {
    checkFindable("find an item", "item", item);
    return await this.callMethod("indexOf", item, from) as number;
  }

  /**
   * Tells whether there is such an item.
   *
   * @param item What to find.
   * @returns True where there is.
   */
  async includes(item: T): Promise<boolean> {
    checkFindable("find an item", "item", item);
    return await this.callMethod("includes", item) as boolean;
  }

  /**
   * Counts such items.
   *
   * @param item What to find.
   * @returns How many there are.
   */
  async count(item: T): Promise<number> {
    checkFindable("count items", "item", item);
    return await this.callMethod("count", item) as number;
  }

  /**
   * Removes the first such item.
   *
   * @param item What to find.
   * @returns True where there was one.
   */
  async remove(item: T): Promise<boolean> {
    checkFindable("remove an item", "item", item);
    return await this.callMethod("remove", item) as boolean;
  }

  /**
   * Turns the order around.
   *
   * @returns Resolves when it is.
   */
  async reverse(): Promise<void> {
    await this.callMethod("reverse");
  }

  /**
   * Sorts the items as an array does: as strings where there is no `compare`.
   *
   * @param compare Says which of two comes first; it travels as a task's function does.
   * @returns Resolves when they are sorted.
   */
  async sort(compare?: (a: T, b: T) => number): Promise<void> {
    if (compare !== undefined) checkFunction("sort", "compare", compare);
    await this.callMethod("sort", compare);
  }

  /**
   * Repeats the items: Python's `*=`.
   *
   * @param times How often they are there afterwards.
   * @returns Resolves when they are.
   */
  async repeat(times: number): Promise<void> {
    integerOption("repeat a list", "times", times, 1, 0);
    await this.callMethod("repeat", times);
  }

  /**
   * Removes all items.
   *
   * @returns Resolves when it is empty.
   */
  async clear(): Promise<void> {
    await this.callMethod("clear");
  }

  /**
   * Changes an item at the manager: nobody else comes between the read and the write.
   *
   * @param index Where it is.
   * @param fn Gets the item, which it may change, and returns what is set. It travels as a task's function does, and must not be asynchronous.
   * @param args Further arguments for `fn`.
   * @returns What was set.
   * @throws {RangeError} If there is no item at the index.
   */
  async update<A extends unknown[]>(
    index: number,
    fn: (item: T, ...args: A) => T,
    ...args: A
  ): Promise<Snapshot<T>> {
    checkFunction("update an item", "fn", fn);
    return frozen(
      await this.callMethod("update", index, fn, ...args),
    ) as Snapshot<T>;
  }

  /**
   * Iterates over what is in the list now; later changes are not seen.
   *
   * @returns The items in order.
   */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Snapshot<T>> {
    yield* await this.slice();
  }
}

registerProxyClass(ListProxy, import.meta.url);
