// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A `Set` that a manager holds: {@linkcode SetProxy}.
 *
 * @module
 */

import { checkFindable, itemsOf } from "./_contents.ts";
import { registerProxyClass } from "./_proxies.ts";
import { ObjectProxy } from "./object_proxy.ts";

/** What a set can be combined with. */
export type SetOperand<T> = Iterable<T> | SetProxy<T>;

/**
 * Stands for a `Set` that a manager holds: Python's `manager.set()`.
 *
 * - **Members** are primitives, or objects that are the same everywhere:
 *   proxies, locks, queues.
 * - **Order:** as in a `Set`, that in which they were added.
 *
 * @example Usage
 * ```ts
 * import { Manager } from "@concurrent/parallel/multiprocessing";
 * import { assert, assertEquals } from "@std/assert";
 *
 * await using manager = await new Manager().start();
 * const seen = await manager.set(["a"]);
 *
 * assert(await seen.add("b"));
 * assert(!await seen.add("b"));
 * assertEquals(await seen.union(["c"]), new Set(["a", "b", "c"]));
 * ```
 *
 * @typeParam T The members.
 */
export class SetProxy<T = unknown> extends ObjectProxy<Set<T>>
  implements AsyncIterable<T> {
  /**
   * Adds a member.
   *
   * @param member The member.
   * @returns True where it is new.
   */
  async add(member: T): Promise<boolean> {
    checkFindable("add a member", "member", member);
    return await this.callMethod("add", member) as boolean;
  }

  /**
   * Tells whether something is a member.
   *
   * @param member What to find.
   * @returns True where it is.
   */
  async has(member: T): Promise<boolean> {
    checkFindable("find a member", "member", member);
    return await this.callMethod("has", member) as boolean;
  }

  /**
   * Removes a member.
   *
   * @param member The member.
   * @returns True where it was one.
   */
  async delete(member: T): Promise<boolean> {
    checkFindable("delete a member", "member", member);
    return await this.callMethod("delete", member) as boolean;
  }

  /**
   * Removes the member that was added first, and returns it.
   *
   * @returns The member; `undefined` where there is none.
   */
  pop(): Promise<T | undefined> {
    return this.callMethod("pop") as Promise<T | undefined>;
  }

  /**
   * Counts the members.
   *
   * @returns How many there are.
   */
  size(): Promise<number> {
    return this.callMethod("size") as Promise<number>;
  }

  /**
   * Removes all members.
   *
   * @returns Resolves when it is empty.
   */
  async clear(): Promise<void> {
    await this.callMethod("clear");
  }

  /**
   * Reads all members.
   *
   * @returns The members in order.
   */
  values(): Promise<T[]> {
    return this.callMethod("values") as Promise<T[]>;
  }

  /**
   * Copies all members into a `Set` of the caller.
   *
   * @returns The set.
   */
  copy(): Promise<Set<T>> {
    return this.callMethod("copy") as Promise<Set<T>>;
  }

  /**
   * Adds many members: Python's `|=`.
   *
   * @param members The members.
   * @returns Resolves when all are added.
   */
  async update(members: SetOperand<T>): Promise<void> {
    await this.callMethod("update", membersOf("update a set", members));
  }

  /**
   * Removes many members: Python's `-=`.
   *
   * @param members The members.
   * @returns Resolves when none of them is left.
   */
  async differenceUpdate(members: SetOperand<T>): Promise<void> {
    await this.callMethod(
      "differenceUpdate",
      membersOf("update a set", members),
    );
  }

  /**
   * Removes all other members: Python's `&=`.
   *
   * @param members The members that stay.
   * @returns Resolves when the others are removed.
   */
  async intersectionUpdate(members: SetOperand<T>): Promise<void> {
    await this.callMethod(
      "intersectionUpdate",
      membersOf("update a set", members),
    );
  }

  /**
   * Adds those that are no members and removes those that are: Python's `^=`.
   *
   * @param members The members.
   * @returns Resolves when it is done.
   */
  async symmetricDifferenceUpdate(members: SetOperand<T>): Promise<void> {
    await this.callMethod(
      "symmetricDifferenceUpdate",
      membersOf("update a set", members),
    );
  }

  /**
   * Puts together what is in one of the two.
   *
   * @param other The other.
   * @returns A set of the caller.
   */
  async union(other: SetOperand<T>): Promise<Set<T>> {
    return await this.#combine("union", other) as Set<T>;
  }

  /**
   * Puts together what is in both.
   *
   * @param other The other.
   * @returns A set of the caller.
   */
  async intersection(other: SetOperand<T>): Promise<Set<T>> {
    return await this.#combine("intersection", other) as Set<T>;
  }

  /**
   * Puts together what is in this one only.
   *
   * @param other The other.
   * @returns A set of the caller.
   */
  async difference(other: SetOperand<T>): Promise<Set<T>> {
    return await this.#combine("difference", other) as Set<T>;
  }

  /**
   * Puts together what is in one of the two only.
   *
   * @param other The other.
   * @returns A set of the caller.
   */
  async symmetricDifference(other: SetOperand<T>): Promise<Set<T>> {
    return await this.#combine("symmetricDifference", other) as Set<T>;
  }

  /**
   * Tells whether all members are in the other.
   *
   * @param other The other.
   * @returns True where they are.
   */
  async isSubsetOf(other: SetOperand<T>): Promise<boolean> {
    return await this.#combine("isSubsetOf", other) as boolean;
  }

  /**
   * Tells whether all of the other are members.
   *
   * @param other The other.
   * @returns True where they are.
   */
  async isSupersetOf(other: SetOperand<T>): Promise<boolean> {
    return await this.#combine("isSupersetOf", other) as boolean;
  }

  /**
   * Tells whether nothing is in both.
   *
   * @param other The other.
   * @returns True where nothing is.
   */
  async isDisjointFrom(other: SetOperand<T>): Promise<boolean> {
    return await this.#combine("isDisjointFrom", other) as boolean;
  }

  /**
   * Iterates over what is in the set now; later changes are not seen.
   *
   * @returns The members in order.
   */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    yield* await this.values();
  }

  async #combine(name: string, other: SetOperand<T>): Promise<unknown> {
    return await this.callMethod(name, membersOf("combine sets", other));
  }
}

registerProxyClass(SetProxy, import.meta.url);

/** What is sent for an operand: another set's proxy stays one. */
function membersOf(verb: string, members: unknown): unknown {
  if (members instanceof SetProxy) return members;
  const items = itemsOf(verb, "members", members);
  for (const item of items) checkFindable(verb, "members", item);
  return items;
}
