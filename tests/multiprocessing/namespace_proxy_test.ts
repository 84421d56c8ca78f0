// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { NAMESPACE } from "../../multiprocessing/_managed.ts";
import { proxyOf } from "../../multiprocessing/_proxies.ts";
import { NamespaceProxy } from "../../multiprocessing/namespace_proxy.ts";

function namespaceOf<T extends object>(values: T): NamespaceProxy<T> {
  const map = new Map(Object.entries(values));
  return proxyOf<NamespaceProxy<T>>(NamespaceProxy, map, NAMESPACE);
}

Deno.test("NamespaceProxy reads and sets values by name", async () => {
  const space = namespaceOf<{ name: string; tags: string[]; n?: number }>({
    name: "Bob",
    tags: [],
  });
  assertEquals(await space.get("name"), "Bob");
  await space.set("n", 1);
  assert(await space.has("n"));
  assertEquals(await space.update("n", (n = 0) => n + 1), 2);
  await space.update({ name: "Ada", tags: ["x"] });
  assertEquals(await space.keys(), ["name", "tags", "n"]);
  assertEquals(await space.toObject(), { name: "Ada", tags: ["x"], n: 2 });
  assert(Object.isFrozen(await space.get("tags")));
  assert(await space.delete("n"));
  assert(!await space.delete("n"));
  assertEquals(await space.get("n"), undefined);
});

Deno.test("NamespaceProxy knows the types of its values", async () => {
  const space = namespaceOf({ level: 1 });
  // @ts-expect-error no such name
  assertEquals(await space.get("other"), undefined);
  // @ts-expect-error a level is a number
  await space.set("level", "high");
  const level: number | undefined = await space.get("level");
  assertEquals<unknown>(level, "high");
});

Deno.test("NamespaceProxy takes any name, and pollutes nothing", async () => {
  const space = namespaceOf<Record<string, unknown>>({});
  for (const name of ["__proto__", "constructor", "hasOwnProperty"]) {
    assertEquals(await space.get(name), undefined);
    await space.set(name, { polluted: true });
  }
  const object = await space.toObject();
  assertEquals(Object.keys(object), [
    "__proto__",
    "constructor",
    "hasOwnProperty",
  ]);
  assertEquals(Object.getPrototypeOf(object), Object.prototype);
  assert(!("polluted" in {}));
  // @ts-expect-error a number is no name
  await assertRejects(() => space.get(1), TypeError, "must be a string");
});
