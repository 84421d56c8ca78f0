// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { LIST } from "../../multiprocessing/_managed.ts";
import { proxyOf } from "../../multiprocessing/_proxies.ts";
import { ListProxy } from "../../multiprocessing/list_proxy.ts";

function listOf<T>(array: T[]): ListProxy<T> {
  return proxyOf<ListProxy<T>>(ListProxy, array, LIST);
}

Deno.test("ListProxy reads as an array does", async () => {
  const list = listOf(["a", "b", "c", "b"]);
  assertEquals(await list.length(), 4);
  assertEquals(await list.at(0), "a");
  assertEquals(await list.at(-1), "b");
  assertEquals(await list.at(9), undefined);
  assertEquals(await list.slice(), ["a", "b", "c", "b"]);
  assertEquals(await list.slice(1, -1), ["b", "c"]);
  assertEquals(await list.indexOf("b"), 1);
  assertEquals(await list.indexOf("b", 2), 3);
  assertEquals(await list.indexOf("z"), -1);
  assert(await list.includes("c"));
  assertEquals(await list.count("b"), 2);
  assertEquals(await Array.fromAsync(list), ["a", "b", "c", "b"]);
});

Deno.test("ListProxy changes as an array does", async () => {
  const list = listOf([3]);
  assertEquals(await list.push(4, 5), 3);
  assertEquals(await list.unshift(1, 2), 5);
  assertEquals(await list.pop(), 5);
  assertEquals(await list.shift(), 1);
  assertEquals(await list.splice(0, 1, 7, 8), [2]);
  assertEquals(await list.slice(), [7, 8, 3, 4]);
  assertEquals(await list.splice(2), [3, 4]);
  await list.reverse();
  assertEquals(await list.slice(), [8, 7]);
  await list.clear();
  assertEquals(await list.pop(), undefined);
  assertEquals(await list.shift(), undefined);
});

Deno.test("ListProxy changes as a Python list does", async () => {
  const list = listOf([1, 2, 3]);
  await list.extend([4, 5]);
  await list.insert(0, 0);
  await list.insert(-1, 9);
  assertEquals(await list.slice(), [0, 1, 2, 3, 4, 9, 5]);
  assert(await list.remove(9));
  assert(!await list.remove(9));
  assertEquals(await list.pop(-2), 4);
  assertEquals(await list.pop(1), 1);
  assertEquals(await list.pop(-9), undefined);
  assertEquals(await list.pop(9), undefined);
  await list.set(-1, 6);
  assertEquals(await list.slice(), [0, 2, 3, 6]);
  await list.repeat(2);
  assertEquals(await list.length(), 8);
  await list.repeat(0);
  assertEquals(await list.length(), 0);
  await assertRejects(() => list.repeat(-1), RangeError, "'times'");
});

Deno.test("ListProxy.set() and update() need an item at the index", async () => {
  const list = listOf(["a"]);
  for (const index of [1, -2, NaN]) {
    for (
      const call of [
        () => list.set(index, "b"),
        () => list.update(index, () => "b"),
      ]
    ) {
      await assertRejects(call, RangeError, "that of one of 1 items");
    }
  }
  assertEquals(await list.update(-1, (item, more) => item + more, "c"), "ac");
  assertEquals(await list.slice(), ["ac"]);
});

Deno.test("ListProxy.sort() takes a function that captured something", async () => {
  const list = listOf([10, 9, 1]);
  await list.sort();
  assertEquals(await list.slice(), [1, 10, 9]);
  const sign = -1;
  await list.sort((a, b) => sign * (a - b));
  assertEquals(await list.slice(), [10, 9, 1]);
});

Deno.test("ListProxy finds NaN, and nothing that is a copy", async () => {
  const list = listOf<unknown>([NaN, { a: 1 }]);
  assertEquals(await list.count(NaN), 1);
  assert(await list.remove(NaN));
  for (
    const call of [
      () => list.indexOf({ a: 1 }),
      () => list.includes({ a: 1 }),
      () => list.remove({ a: 1 }),
      () => list.count({ a: 1 }),
    ]
  ) {
    await assertRejects(call, TypeError, "a copy is never equal");
  }
});

Deno.test("ListProxy gives items that cannot be changed, in arrays that can", async () => {
  const list = listOf([{ n: 1 }, { n: 2 }]);
  const items = await list.slice();
  items.push({ n: 3 });
  assert(Object.isFrozen(items[0]));
  assert(Object.isFrozen(await list.at(0)));
  assert(Object.isFrozen((await list.splice(0, 1))[0]));
  assertEquals(await list.length(), 1);
});

Deno.test("ListProxy takes more items than a call takes arguments", async () => {
  const list = listOf<number>([]);
  const many = Array.from({ length: 200_000 }, (_, i) => i);
  await list.extend(many);
  await list.repeat(2);
  assertEquals(await list.length(), 400_000);
  // @ts-expect-error a string is no list of items
  await assertRejects(() => list.extend("ab"), TypeError, "iterable");
});
