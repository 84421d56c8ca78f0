// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SerializationError } from "../../../../_internal/base/errors.ts";
import type { FunctionValue } from "../../../../_internal/wire/functions/description.ts";
import {
  loadModules,
  type ModuleNamespace,
  modulesOf,
  prepare,
  resolveReference,
} from "../../../../_internal/wire/functions/revive.ts";

const VALUES_URL = import.meta.resolve("./fixtures/values.ts");
const NO_MODULES: ReadonlyMap<string, ModuleNamespace> = new Map();

function value(parts: Partial<FunctionValue>): FunctionValue {
  return {
    kind: "value",
    name: "fn",
    source: "() => 1",
    url: undefined,
    constants: [],
    cells: [],
    imports: [],
    ...parts,
  };
}

Deno.test("prepare() binds a function to itself", () => {
  const { fn, bind } = prepare(
    value({
      source: "(n) => n < 2 ? 1 : n * fact(n - 1)",
      constants: [{ name: "fact", value: undefined, eager: false }],
    }),
    NO_MODULES,
  );
  bind({ constants: [fn], cells: [] });

  assertEquals(fn(5), 120);
});

Deno.test("prepare() uses eager values at once and the description's own values by default", () => {
  class Base {
    kind = "base";
  }
  const { fn, bind } = prepare(
    value({
      name: "Derived",
      source: "(class extends Base { two = one + one })",
      constants: [
        { name: "Base", value: Base, eager: true },
        { name: "one", value: 1, eager: false },
      ],
    }),
    NO_MODULES,
  );
  bind();
  const Derived = fn as unknown as new () => Base & { two: number };

  assertEquals([Derived.name, new Derived().two], ["Derived", 2]);
  assert(new Derived() instanceof Base);
});

Deno.test("prepare() shares a box between functions", () => {
  const cell = { v: 1 };
  const cells = [{ box: "$b$", name: "n", cell, eager: false }];
  const inc = prepare(value({ source: "() => ++$b$.v", cells }), NO_MODULES);
  const get = prepare(value({ source: "() => $b$.v", cells }), NO_MODULES);
  inc.bind();
  get.bind();
  inc.fn();

  assertEquals(get.fn(), 2);
});

Deno.test("prepare() names the module in stack traces", () => {
  const { fn, bind } = prepare(
    value({
      name: "fails",
      source: "() => { throw new Error('x') }",
      url: VALUES_URL,
    }),
    NO_MODULES,
  );
  bind();
  const error = assertThrows(() => fn(), Error, "x");

  assert(error.stack?.includes("values.ts#fails"), error.stack);
});

Deno.test("prepare() refuses a source that is not strict", () => {
  assertThrows(
    () => prepare(value({ source: "() => { with ({}) {} }" }), NO_MODULES),
    SerializationError,
    "strict",
  );
});

Deno.test("prepare() refuses a module that is not loaded", () => {
  const imports = [{ name: "m", specifier: VALUES_URL, exportName: "*" }];

  assertThrows(
    () => prepare(value({ imports }), NO_MODULES),
    SerializationError,
    "is not loaded",
  );
});

Deno.test("modulesOf() names each module once", () => {
  const imports = ["a", "b", "a"].map((specifier) => ({
    name: specifier,
    specifier,
    exportName: "*",
  }));

  assertEquals(modulesOf(value({ imports })), ["a", "b"]);
  assertEquals(
    modulesOf({ kind: "reference", url: VALUES_URL, name: "x" }),
    [VALUES_URL],
  );
});

Deno.test("loadModules() passes on the error of a module's evaluation", async () => {
  const url = import.meta.resolve("./fixtures/broken.ts");

  await assertRejects(
    () => loadModules([url]),
    RangeError,
    "broken on purpose",
  );
});

Deno.test("resolveReference() takes functions only", async () => {
  const modules = await loadModules([VALUES_URL]);
  const resolve = (name: string) =>
    resolveReference({ kind: "reference", url: VALUES_URL, name }, modules);

  assertEquals(resolve("default")(2), 6);
  assertThrows(() => resolve("missing"), SerializationError, "no such export");
  assertThrows(() => resolve("answer"), SerializationError, "be a function");
});
