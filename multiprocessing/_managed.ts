// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the containers of a manager are there: plain maps, arrays and sets, each
// with the table of what proxies may call.

import { isThenable } from "../_internal/base/validation.ts";
import {
  checkSynchronous,
  type Exposure,
  exposureOf,
} from "../_internal/objects/exposure.ts";
import { itemsOf } from "./_contents.ts";
import { targetOf } from "./_proxy_target.ts";

type AnyMap = Map<unknown, unknown>;
type AnySet = Set<unknown>;
// deno-lint-ignore no-explicit-any -- whatever it is called with
type Change = (value: unknown, ...args: any[]) => unknown;

/** Sets what `fn` makes of the value that is there. */
function change(
  kind: string,
  value: unknown,
  fn: Change,
  args: unknown[],
): unknown {
  checkSynchronous(kind, fn);
  const changed = fn(value, ...args);
  if (!isThenable(changed)) return changed;
  throw new TypeError(
    `Cannot change a ${kind} as 'fn' must not return a promise`,
  );
}

function updateEntry(
  kind: string,
): (map: AnyMap, key: unknown, fn: Change, ...args: unknown[]) => unknown {
  return (map, key, fn, ...args) => {
    const value = change(kind, map.get(key), fn, args);
    map.set(key, value);
    return value;
  };
}

function setAll(map: AnyMap, entries: [unknown, unknown][]): void {
  for (const [key, value] of entries) map.set(key, value);
}

function take(map: AnyMap, key: unknown, fallback: unknown): unknown {
  if (!map.has(key)) return fallback;
  const value = map.get(key);
  map.delete(key);
  return value;
}

/** A `Map`. */
export const DICT: Exposure = exposureOf("dict", {
  get: (map: AnyMap, key, fallback) => map.has(key) ? map.get(key) : fallback,
  set: (map: AnyMap, key, value) => void map.set(key, value),
  has: (map: AnyMap, key) => map.has(key),
  delete: (map: AnyMap, key) => map.delete(key),
  size: (map: AnyMap) => map.size,
  clear: (map: AnyMap) => map.clear(),
  keys: (map: AnyMap) => [...map.keys()],
  values: (map: AnyMap) => [...map.values()],
  copy: (map: AnyMap) => map,
  setDefault(map: AnyMap, key, value) {
    if (!map.has(key)) map.set(key, value);
    return map.get(key);
  },
  pop: take,
  popItem(map: AnyMap) {
    const item = [...map].at(-1);
    if (item !== undefined) map.delete(item[0]);
    return item;
  },
  setAll,
  update: updateEntry("dict"),
  getValue: (map: AnyMap) => map,
});

/** A `Map` whose keys are names. */
export const NAMESPACE: Exposure = exposureOf("namespace", {
  get: (map: AnyMap, name) => map.get(name),
  set: (map: AnyMap, name, value) => void map.set(name, value),
  has: (map: AnyMap, name) => map.has(name),
  delete: (map: AnyMap, name) => map.delete(name),
  keys: (map: AnyMap) => [...map.keys()],
  entries: (map: AnyMap) => [...map],
  setAll,
  update: updateEntry("namespace"),
  getValue: (map: AnyMap) => Object.fromEntries(map),
});

/** Where an item is, counted from the end where the index is negative. */
function placeIn(list: unknown[], index: unknown): number | undefined {
  const number = Math.trunc(Number(index));
  const place = number < 0 ? number + list.length : number;
  return place >= 0 && place < list.length ? place : undefined;
}

/**
 * As {@linkcode placeIn}, of an item that is there.
 *
 * @throws {RangeError} If it is not.
 */
function indexIn(list: unknown[], index: unknown): number {
  const place = placeIn(list, index);
  if (place !== undefined) return place;
  throw new RangeError(
    `Cannot set an item of a list as 'index' must be that of one of ${list.length} items: current value is ${index}`,
  );
}

/** An array. */
export const LIST: Exposure = exposureOf("list", {
  at: (list: unknown[], index) => list.at(index),
  set(list: unknown[], index, value) {
    list[indexIn(list, index)] = value;
  },
  length: (list: unknown[]) => list.length,
  push: (list: unknown[], ...items) => append(list, items),
  pop(list: unknown[], index: number) {
    const place = placeIn(list, index);
    return place === undefined ? undefined : list.splice(place, 1)[0];
  },
  unshift: (list: unknown[], ...items) => list.unshift(...items),
  slice: (list: unknown[], start, end) => list.slice(start, end),
  splice: (list: unknown[], start, count, ...items) =>
    list.splice(start, count, ...items),
  insert: (list: unknown[], index, item) => void list.splice(index, 0, item),
  extend: (list: unknown[], items: unknown[]) => void append(list, items),
  indexOf: (list: unknown[], item, from) => list.indexOf(item, from),
  includes: (list: unknown[], item) => list.includes(item),
  count: (list: unknown[], item) =>
    list.filter((other) => isSame(item, other)).length,
  remove(list: unknown[], item) {
    const index = list.findIndex((other) => isSame(item, other));
    if (index >= 0) list.splice(index, 1);
    return index >= 0;
  },
  reverse: (list: unknown[]) => void list.reverse(),
  sort: (list: unknown[], compare) => void list.sort(compare),
  repeat(list: unknown[], times) {
    const items = list.slice();
    list.length = 0;
    for (let i = 0; i < times; i++) append(list, items);
  },
  clear(list: unknown[]) {
    list.length = 0;
  },
  update(list: unknown[], index, fn: Change, ...args: unknown[]) {
    const place = indexIn(list, index);
    return list[place] = change("list", list[place], fn, args);
  },
  getValue: (list: unknown[]) => list,
});

/** As `push()`, of however many. */
function append(list: unknown[], items: readonly unknown[]): number {
  for (const item of items) list.push(item);
  return list.length;
}

/** As `includes()` compares. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || Object.is(a, b);
}

type Combined = (set: AnySet, other: AnySet) => unknown;

/** Another set, or the members of one: of a proxy of this manager at once, of another one's when they are here. */
function withSet(combine: Combined): (set: AnySet, other: unknown) => unknown {
  return (set, other) => {
    const target = targetOf(other);
    if (target === undefined) {
      return combine(set, new Set(itemsOf("combine sets", "members", other)));
    }
    if (target.local instanceof Set) return combine(set, target.local);
    return target.send("values", [])
      .then((members) => combine(set, new Set(members as unknown[])));
  };
}

/** Makes a set what the combination gives. */
function become(combine: (set: AnySet, other: AnySet) => AnySet) {
  return withSet((set, other) => {
    const members = combine(set, other);
    set.clear();
    for (const member of members) set.add(member);
  });
}

/** A `Set`. */
export const SET: Exposure = exposureOf("set", {
  add(set: AnySet, member) {
    const { size } = set;
    return set.add(member).size > size;
  },
  has: (set: AnySet, member) => set.has(member),
  delete: (set: AnySet, member) => set.delete(member),
  pop(set: AnySet) {
    const [member] = set;
    set.delete(member);
    return member;
  },
  size: (set: AnySet) => set.size,
  clear: (set: AnySet) => set.clear(),
  values: (set: AnySet) => [...set],
  copy: (set: AnySet) => set,
  update: become((set, other) => set.union(other)),
  differenceUpdate: become((set, other) => set.difference(other)),
  intersectionUpdate: become((set, other) => set.intersection(other)),
  symmetricDifferenceUpdate: become((set, other) =>
    set.symmetricDifference(other)
  ),
  union: withSet((set, other) => set.union(other)),
  intersection: withSet((set, other) => set.intersection(other)),
  difference: withSet((set, other) => set.difference(other)),
  symmetricDifference: withSet((set, other) => set.symmetricDifference(other)),
  isSubsetOf: withSet((set, other) => set.isSubsetOf(other)),
  isSupersetOf: withSet((set, other) => set.isSupersetOf(other)),
  isDisjointFrom: withSet((set, other) => set.isDisjointFrom(other)),
  getValue: (set: AnySet) => set,
});

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/** An iterator or a generator. */
export const ITERATOR: Exposure = exposureOf("iterator", {
  next: (iterator: AnyIterator, ...value: [] | [unknown]) =>
    iterator.next(...value),
  return: (iterator: AnyIterator, value) =>
    iterator.return?.(value) ?? { done: true, value },
  throw(iterator: AnyIterator, error) {
    if (iterator.throw === undefined) throw error;
    return iterator.throw(error);
  },
});
