// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { SET } from "../../multiprocessing/_managed.ts";
import { proxyOf } from "../../multiprocessing/_proxies.ts";
import { SetProxy } from "../../multiprocessing/set_proxy.ts";

function setOf<T>(...members: T[]): SetProxy<T> {
  return proxyOf<SetProxy<T>>(SetProxy, new Set(members), SET);
}

Deno.test("SetProxy has what a Set has", async () => {
  const set = setOf(1, 2);
  assert(await set.add(3));
  assert(!await set.add(3));
  assert(await set.has(1));
  assert(await set.delete(1));
  assert(!await set.delete(1));
  assertEquals(await set.size(), 2);
  assertEquals(await set.values(), [2, 3]);
  assertEquals(await set.copy(), new Set([2, 3]));
  assertEquals(await Array.fromAsync(set), [2, 3]);
  assertEquals(await set.pop(), 2);
  await set.clear();
  assertEquals(await set.pop(), undefined);
});

Deno.test("SetProxy combines with members and with other proxies", async () => {
  const set = setOf(1, 2, 3);
  for (const other of [[2, 3, 4], new Set([2, 3, 4]), setOf(2, 3, 4)]) {
    assertEquals(await set.union(other), new Set([1, 2, 3, 4]));
    assertEquals(await set.intersection(other), new Set([2, 3]));
    assertEquals(await set.difference(other), new Set([1]));
    assertEquals(await set.symmetricDifference(other), new Set([1, 4]));
    assert(!await set.isSubsetOf(other));
    assert(!await set.isSupersetOf(other));
    assert(!await set.isDisjointFrom(other));
  }
  assert(await set.isSubsetOf([1, 2, 3, 4]));
  assert(await set.isSupersetOf(setOf(1)));
  assert(await set.isDisjointFrom([7]));
});

Deno.test("SetProxy is changed by what it is combined with", async () => {
  const set = setOf(1, 2, 3);
  await set.update([4, 5]);
  await set.differenceUpdate(setOf(1));
  assertEquals(await set.values(), [2, 3, 4, 5]);
  await set.intersectionUpdate([2, 3, 4, 9]);
  await set.symmetricDifferenceUpdate([4, 7]);
  assertEquals(await set.copy(), new Set([2, 3, 7]));
  await set.update(set);
  assertEquals(await set.size(), 3);
});

Deno.test("SetProxy refuses members that are copies, and operands that are no sets", async () => {
  const set = setOf<unknown>(1);
  for (
    const call of [
      () => set.add({}),
      () => set.has([]),
      () => set.delete({}),
      () => set.union([{}]),
      () => set.update([[]]),
    ]
  ) {
    await assertRejects(call, TypeError, "a copy is never equal");
  }
  for (const operand of [1, "ab", undefined]) {
    await assertRejects(
      // @ts-expect-error no members
      () => set.union(operand),
      TypeError,
      "'members' must be iterable",
    );
  }
  // Whoever calls by name is checked there.
  await assertRejects(() => set.callMethod("union", 5), TypeError);
  assertEquals(await set.values(), [1]);
});
