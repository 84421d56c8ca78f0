// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Many objects with the same properties take short cuts on both sides.

import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import { copy, encode } from "./_codec_helpers.ts";

/** More than any of the short cuts needs. */
const MANY = 300;

interface Node {
  id: number;
  self?: Node;
  parent: Node | undefined;
  at: { x: number; y: number };
  tags: string[];
}

function nodes(): Node[] {
  const list: Node[] = [];
  for (let id = 0; id < MANY; id++) {
    const parent = list[id >> 1];
    list.push({ id, parent, at: { x: id, y: 0.5 }, tags: [`n${id}`, "b"] });
  }
  return list;
}

Deno.test("encodeValue() keeps the identity of objects with the same properties", () => {
  const list = nodes();
  for (const node of list) node.self = node;
  list.push(list[7]!, list[MANY - 1]!);
  list[MANY - 3]!.at = list[5]!.at;
  list[MANY - 4]!.tags = list[6]!.tags;
  const found = copy(list);
  assertEquals(found.length, MANY + 2);
  for (let id = 0; id < MANY; id++) {
    const node = found[id]!;
    assertEquals(Object.keys(node), ["id", "parent", "at", "tags", "self"]);
    assertEquals([node.id, node.at.y, node.tags.at(-1)], [id, 0.5, "b"]);
    assertStrictEquals(node.self, node);
    assertStrictEquals(node.parent, id === 0 ? undefined : found[id >> 1]);
  }
  assertStrictEquals(found[MANY], found[7]);
  assertStrictEquals(found[MANY + 1], found[MANY - 1]);
  assertStrictEquals(found[MANY - 3]!.at, found[5]!.at);
  assertStrictEquals(found[MANY - 4]!.tags, found[6]!.tags);
});

Deno.test("encodeValue() keeps properties that look alike apart", () => {
  const symbol = Symbol.for("codec_shapes");
  const list: object[] = [];
  for (let i = 0; i < MANY; i++) {
    list.push(
      { a: i, b: 1 },
      { b: 1, a: i },
      { a: i, b: 1, c: 2 },
      { a: i },
      { a: i, b: 1, [symbol]: i },
      { 1: "one", a: i },
      { "": i, 'quo"te\n\u2028${}`': 1, constructor: 2, toString: 3 },
      Object.assign(Object.create(null), { a: i, b: 1 }),
      {},
    );
  }
  const found = copy(list);
  for (const [i, object] of list.entries()) {
    assertEquals(Reflect.ownKeys(found[i]!), Reflect.ownKeys(object));
    assertEquals(found[i], object);
    assertStrictEquals(
      Object.getPrototypeOf(found[i]),
      Object.getPrototypeOf(object),
    );
  }
});

Deno.test("encodeValue() keeps an own '__proto__' a property", () => {
  const list = Array.from(
    { length: MANY },
    (_, i) => JSON.parse(`{"a": ${i}, "__proto__": {"b": 1}}`),
  );
  for (const [i, object] of copy(list).entries()) {
    assertEquals(Reflect.ownKeys(object), ["a", "__proto__"]);
    assertStrictEquals(Object.getPrototypeOf(object), Object.prototype);
    assertEquals(object.a, i);
  }
});

Deno.test("encodeValue() writes what was there when a getter changes the object", () => {
  const list: Record<string, unknown>[] = [];
  for (let i = 0; i < MANY; i++) list.push({ a: 1, b: 2, c: 3 });
  list[MANY - 1] = {
    get a() {
      delete this["b"];
      this["d"] = 4;
      return 1;
    },
    b: 2,
    c: 3,
  } as Record<string, unknown>;
  const found = copy(list);
  assertEquals(found[MANY - 2], { a: 1, b: 2, c: 3 });
  assertEquals(found[MANY - 1], { a: 1, b: undefined, c: 3 });
});

Deno.test("encodeValue() does not take what objects inherit for their own", () => {
  const prototype = Object.prototype as unknown as Record<string, unknown>;
  const list = Array.from({ length: MANY }, (_, i) => ({ a: i, b: i }));
  prototype.inherited = 1;
  try {
    for (const object of copy(list)) {
      assertEquals(Object.keys(object), ["a", "b"]);
    }
  } finally {
    delete prototype.inherited;
  }
});

Deno.test("encodeValue() names the path of what cannot travel, of the last of many objects too", () => {
  const list = Array.from(
    { length: MANY },
    (): { a: { b: unknown } } => ({ a: { b: 1 } }),
  );
  list[MANY - 1]!.a.b = new WeakMap();
  const error = assertThrows(() => encode(list), SerializationError);
  assert(error.path.endsWith(`[${MANY - 1}].a.b`), error.path);
});

Deno.test("encodeValue() keeps what an error that cannot travel whole shares with others", () => {
  const shared = { a: 1 };
  const list: unknown[] = nodes();
  list.push(
    shared,
    Object.assign(new Error("one"), { inner: [{ a: 2 }, new WeakMap()] }),
    { a: 3 },
    shared,
  );
  const found = copy(list) as [...Node[], { a: number }];
  const [first, , third, last] = found.slice(-4) as { a: number }[];
  assertEquals([first, third], [{ a: 1 }, { a: 3 }]);
  assertStrictEquals(last, first);
});
