// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Named values that a manager holds: {@linkcode NamespaceProxy}.
 *
 * @module
 */

import { checkFunction, describe } from "../_internal/base/validation.ts";
import { entriesOf, frozen } from "./_contents.ts";
import { registerProxyClass } from "./_proxies.ts";
import { ObjectProxy, type Snapshot } from "./object_proxy.ts";

/**
 * Stands for named values that a manager holds, each of its own type: Python's
 * `manager.Namespace()`. It has methods in place of Python's attributes: nobody
 * could wait until `namespace.x = 1` has arrived, or see its error.
 *
 * Against a {@linkcode DictProxy}: the names are known to the compiler.
 *
 * @example Usage
 * ```ts
 * import { Manager } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await new Manager().start();
 * const settings = await manager.namespace({ level: 1, title: "A" });
 *
 * await settings.set("level", 2);
 * assertEquals(await settings.toObject(), { level: 2, title: "A" });
 * ```
 *
 * @typeParam T The names and the types of their values.
 */
export class NamespaceProxy<
  // deno-lint-ignore no-explicit-any -- an interface is no Record of unknown
  T extends object = Record<string, any>,
> extends ObjectProxy<Map<keyof T, T[keyof T]>> {
  /**
   * Reads a value.
   *
   * @param name Its name.
   * @returns The value; `undefined` where there is none.
   */
  async get<K extends keyof T & string>(
    name: K,
  ): Promise<Snapshot<T[K]> | undefined> {
    checkName("get a value", name);
    return frozen(await this.callMethod("get", name)) as
      | Snapshot<T[K]>
      | undefined;
  }

  /**
   * Sets a value.
   *
   * @param name Its name.
   * @param value The value.
   * @returns Resolves when it is set.
   */
  async set<K extends keyof T & string>(name: K, value: T[K]): Promise<void> {
    checkName("set a value", name);
    await this.callMethod("set", name, value);
  }

  /**
   * Tells whether there is a value.
   *
   * @param name Its name.
   * @returns True where there is.
   */
  async has(name: keyof T & string): Promise<boolean> {
    checkName("find a value", name);
    return await this.callMethod("has", name) as boolean;
  }

  /**
   * Removes a value.
   *
   * @param name Its name.
   * @returns True where there was one.
   */
  async delete(name: keyof T & string): Promise<boolean> {
    checkName("delete a value", name);
    return await this.callMethod("delete", name) as boolean;
  }

  /**
   * Reads all names.
   *
   * @returns The names in the order in which they were set first.
   */
  keys(): Promise<(keyof T & string)[]> {
    return this.callMethod("keys") as Promise<(keyof T & string)[]>;
  }

  /**
   * Sets many values.
   *
   * @param values The values by name.
   * @returns Resolves when all are set.
   */
  update(values: Partial<T>): Promise<void>;
  /**
   * Changes a value at the manager: nobody else comes between the read and the write.
   *
   * @param name Its name.
   * @param fn Gets the value, which it may change, or `undefined` where there is none; returns what is set. It travels as a task's function does, and must not be asynchronous.
   * @param args Further arguments for `fn`.
   * @returns What was set.
   */
  update<K extends keyof T & string, A extends unknown[]>(
    name: K,
    fn: (value: T[K] | undefined, ...args: A) => T[K],
    ...args: A
  ): Promise<Snapshot<T[K]>>;
  async update(nameOrValues: unknown, ...args: unknown[]): Promise<unknown> {
    if (args.length === 0) {
      await this.callMethod("setAll", entriesOf(nameOrValues));
      return;
    }
    checkName("update a value", nameOrValues);
    checkFunction("update a value", "fn", args[0]);
    return frozen(await this.callMethod("update", nameOrValues, ...args));
  }

  /**
   * Copies everything into an object of the caller.
   *
   * @returns The values by name; the object may be changed, they may not.
   */
  async toObject(): Promise<{ [K in keyof T]: Snapshot<T[K]> }> {
    const entries = await this.callMethod("entries") as [string, unknown][];
    for (const [, value] of entries) frozen(value);
    // Defines properties, so a name such as `__proto__` is one like any other.
    return Object.fromEntries(entries) as { [K in keyof T]: Snapshot<T[K]> };
  }
}

registerProxyClass(NamespaceProxy, import.meta.url);

function checkName(verb: string, name: unknown): void {
  if (typeof name === "string") return;
  throw new TypeError(
    `Cannot ${verb} as 'name' must be a string: current value is ${
      describe(name)
    }`,
  );
}
