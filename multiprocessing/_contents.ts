// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What goes into a manager's containers and what comes out of them.

import { describe } from "../_internal/base/validation.ts";
import { shareableOf } from "../_internal/wire/shareables.ts";

/** Makes a value that was read one that cannot be changed: records and arrays, however deep. */
export function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || !isPlain(value)) {
    return value;
  }
  // Not by recursion: lists may be chained a million times.
  const open: object[] = [Object.freeze(value)];
  for (let object = open.pop(); object !== undefined; object = open.pop()) {
    for (const key of Reflect.ownKeys(object)) {
      const part: unknown = Reflect.get(object, key);
      if (
        typeof part === "object" && part !== null && !Object.isFrozen(part) &&
        isPlain(part)
      ) {
        open.push(Object.freeze(part));
      }
    }
  }
  return value;
}

/** As {@linkcode frozen}, of the members of an array that is the reader's own. */
export function frozenMembers<T>(members: T[]): T[] {
  members.forEach(frozen);
  return members;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype ||
    prototype === null;
}

/**
 * Checks what a manager has to find again: the copy of an object is not that
 * object.
 *
 * @throws {TypeError} If it is an object other than one that is the same everywhere.
 */
export function checkFindable(verb: string, name: string, value: unknown) {
  if (typeof value !== "function") {
    if (typeof value !== "object" || value === null) return;
    if (shareableOf(Object.getPrototypeOf(value)) !== undefined) return;
  }
  throw new TypeError(
    `Cannot ${verb} as '${name}' must be a primitive or a shared object, since a copy is never equal: current value is ${
      describe(value)
    }`,
  );
}

/**
 * The entries of a map, of pairs, or of an object's own properties.
 *
 * @throws {TypeError} If it is none of them.
 */
export function entriesOf<K, V>(value: unknown): [K, V][] {
  if (typeof value === "object" && value !== null) {
    const pairs = Symbol.iterator in value
      ? [...value as Iterable<unknown>]
      : Object.entries(value);
    if (pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
      return pairs as [K, V][];
    }
  }
  throw new TypeError(
    `Cannot set items as 'entries' must be an object or pairs of keys and values: current value is ${
      describe(value)
    }`,
  );
}

/**
 * The items of anything that can be iterated over.
 *
 * @throws {TypeError} If it cannot.
 */
export function itemsOf<T>(verb: string, name: string, value: unknown): T[] {
  if (
    value !== null && value !== undefined && typeof value !== "string" &&
    typeof (value as Iterable<T>)[Symbol.iterator] === "function"
  ) {
    return [...value as Iterable<T>];
  }
  throw new TypeError(
    `Cannot ${verb} as '${name}' must be iterable: current value is ${
      describe(value)
    }`,
  );
}
