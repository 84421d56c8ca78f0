// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SerializationError } from "../../multiprocessing/errors.ts";
import { DICT, LIST } from "../../multiprocessing/_managed.ts";
import { proxyOf } from "../../multiprocessing/_proxies.ts";
import { DictProxy } from "../../multiprocessing/dict_proxy.ts";
import { ListProxy } from "../../multiprocessing/list_proxy.ts";

/** A dict of this thread: its calls copy what goes in and out, as everywhere. */
function dictOf<K, V>(
  entries: [K, V][] = [],
): { map: Map<K, V>; dict: DictProxy<K, V> } {
  const map = new Map(entries);
  return { map, dict: proxyOf<DictProxy<K, V>>(DictProxy, map, DICT) };
}

Deno.test("DictProxy has what a Map has", async () => {
  const { dict } = dictOf<string, number>([["a", 1]]);
  await dict.set("b", 2);
  assertEquals(await dict.get("b"), 2);
  assertEquals(await dict.get("c"), undefined);
  assertEquals(await dict.get("c", "none"), "none");
  assert(await dict.has("a"));
  assertEquals(await dict.size(), 2);
  assertEquals(await dict.keys(), ["a", "b"]);
  assertEquals(await dict.values(), [1, 2]);
  assertEquals(await dict.entries(), [["a", 1], ["b", 2]]);
  assertEquals(await Array.fromAsync(dict), [["a", 1], ["b", 2]]);
  assert(await dict.delete("a"));
  assert(!await dict.delete("a"));
  await dict.clear();
  assertEquals(await dict.copy(), new Map());
});

Deno.test("DictProxy has what a Python dict has besides", async () => {
  const { dict } = dictOf<string, number>([["a", 1]]);
  assertEquals(await dict.setDefault("a", 5), 1);
  assertEquals(await dict.setDefault("b", 5), 5);
  assertEquals(await dict.pop("b"), 5);
  assertEquals(await dict.pop("b"), undefined);
  assertEquals(await dict.pop("b", 7), 7);
  await dict.update({ c: 3, d: 4 });
  await dict.update([["e", 5]]);
  await dict.update(new Map([["f", 6]]));
  assertEquals(await dict.keys(), ["a", "c", "d", "e", "f"]);
  assertEquals(await dict.popItem(), ["f", 6]);
  await dict.clear();
  assertEquals(await dict.popItem(), undefined);
});

Deno.test("DictProxy keeps what is undefined apart from what is missing", async () => {
  const { dict } = dictOf<string, undefined>([["a", undefined]]);
  assertEquals(await dict.get("a", 1), undefined);
  assertEquals(await dict.pop("a", 1), undefined);
  assertEquals(await dict.pop("a", 1), 1);
});

Deno.test("DictProxy gives copies that cannot be changed", async () => {
  const { map, dict } = dictOf([["a", { list: [1], inner: { n: 1 } }]]);
  const value = (await dict.get("a"))!;
  assertThrows(
    () => (value.list as number[]).push(2),
    TypeError,
    "not extensible",
  );
  assertThrows(() => (value.inner as { n: number }).n = 2, TypeError);
  const copy = await dict.copy();
  copy.delete("a");
  assert(Object.isFrozen((await dict.values())[0]!.inner));
  // What the manager has is another object, and not frozen.
  assertEquals(map.get("a"), { list: [1], inner: { n: 1 } });
  assert(!Object.isFrozen(map.get("a")));
});

Deno.test("DictProxy.set() takes a copy of the value", async () => {
  const { map, dict } = dictOf<string, number[]>();
  const mine = [1];
  const setting = dict.set("a", mine);
  mine.push(2);
  await setting;
  assertEquals(map.get("a"), [1]);
});

Deno.test("DictProxy.update() changes a value where it is, in place or by another one", async () => {
  const { dict } = dictOf<string, number[]>([["a", [1]]]);
  const add = (list: number[] | undefined, n: number) => {
    list!.push(n);
    return list!;
  };
  assertEquals(await dict.update("a", add, 2), [1, 2]);
  assertEquals(await dict.update("b", (list = []) => [...list, 3]), [3]);
  assertEquals(await dict.copy(), new Map([["a", [1, 2]], ["b", [3]]]));
});

Deno.test("DictProxy.update() refuses functions that let others in between", async () => {
  const { dict } = dictOf<string, unknown>([["a", 1]]);
  const late = async () => await Promise.resolve(2);
  await assertRejects(() => dict.update("a", late), TypeError, "asynchronous");
  await assertRejects(
    () => dict.update("a", () => Promise.resolve(2)),
    TypeError,
    "must not return a promise",
  );
  await assertRejects(
    // @ts-expect-error a number is no function
    () => dict.update("a", 3),
    TypeError,
    "'fn' must be a function",
  );
  assertEquals(await dict.get("a"), 1);
});

Deno.test("DictProxy refuses keys that nobody could find again", async () => {
  const { map, dict } = dictOf<unknown, number>();
  for (const key of [{ a: 1 }, [1], new Date(), () => {}]) {
    for (
      const call of [
        () => dict.get(key),
        () => dict.set(key, 1),
        () => dict.has(key),
        () => dict.delete(key),
        () => dict.setDefault(key, 1),
        () => dict.pop(key),
        () => dict.update(key, () => 1),
        () => dict.update([[key, 1]]),
      ]
    ) {
      await assertRejects(call, TypeError, "'key' must be a primitive");
    }
  }
  assertEquals(map.size, 0);
});

Deno.test("DictProxy takes a proxy as key and as value, and gives that proxy", async () => {
  const { dict } = dictOf<unknown, unknown>();
  const list = proxyOf<ListProxy<number>>(ListProxy, [1], LIST);
  await dict.set(list, "by proxy");
  await dict.set("list", list);
  assertEquals(await dict.get(list), "by proxy");
  assert(await dict.get("list") === list);
});

Deno.test("DictProxy takes any name as a key, and pollutes nothing", async () => {
  const { dict } = dictOf<string, unknown>();
  for (const key of ["__proto__", "constructor", "toString", "then"]) {
    assert(!await dict.has(key));
    await dict.set(key, { polluted: true });
    assertEquals(await dict.get(key), { polluted: true });
  }
  await dict.update(JSON.parse('{"__proto__": {"polluted": 1}}'));
  assertEquals(await dict.get("__proto__"), { polluted: 1 });
  assert(!("polluted" in {}));
});

Deno.test("DictProxy reports what cannot travel, and stays as it was", async () => {
  const { dict } = dictOf<string, unknown>([["a", 1]]);
  const error = await assertRejects(
    () => dict.set("a", { map: new WeakMap() }),
    SerializationError,
  );
  assertEquals(error.path, "args[1].map");
  assertEquals(await dict.get("a"), 1);
});

Deno.test("DictProxy.update() refuses what holds no entries", async () => {
  const { dict } = dictOf<string, unknown>();
  for (const entries of [1, null, "ab", [1], [["a"]]]) {
    await assertRejects(
      // @ts-expect-error no entries
      () => dict.update(entries),
      TypeError,
      "'entries' must be an object or pairs",
    );
  }
});

Deno.test("DictProxy cannot be made by programs", () => {
  assertThrows(
    () => new DictProxy(),
    TypeError,
    "Cannot create DictProxy: a manager creates it",
  );
});
