// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join, toFileUrl } from "@std/path";
import {
  checkGraph,
  findCycles,
  type Graph,
  reach,
  readGraph,
  type Report,
} from "../../_tools/check_layers.ts";
import { ENTRY_BUDGETS, importProblem } from "../../_tools/layers.ts";

/** Writes a tree of files, reads its graph and checks it. */
async function check(tree: Record<string, string>): Promise<Report> {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, source] of Object.entries(tree)) {
      await Deno.mkdir(join(root, dirname(path)), { recursive: true });
      await Deno.writeTextFile(join(root, path), source);
    }
    return checkGraph(await readGraph(new URL(`${toFileUrl(root).href}/`)));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Graph with an edge for each import of each file. */
function graph(imports: Record<string, string[]>): Graph {
  return new Map(
    Object.entries(imports).map(([path, targets]) => [path, {
      size: 1,
      edges: targets.map((to) => ({ to, line: 1, isStaticValue: true })),
    }]),
  );
}

Deno.test("checkGraph() accepts imports that go down or stay in the folder", async () => {
  const { problems } = await check({
    "_internal/base/errors.ts": "export class E {}",
    "_internal/wire/codec.ts":
      `import { E } from "../base/errors.ts"; export const e = E;`,
    "_internal/wire/functions/x.ts":
      `export { e } from "../codec.ts"; export const y = 1;`,
    "futures/_core.ts":
      `import type { E } from "../_internal/base/errors.ts"; export type C = E;`,
    "futures/future.ts": `export type { C } from "./_core.ts";`,
    "futures/mod.ts": `export * from "./future.ts";`,
    "mod.ts": `export * as futures from "./futures/mod.ts";`,
  });
  assertEquals(problems, []);
});

Deno.test("checkGraph() refuses an upward import with its place", async () => {
  const { problems } = await check({
    "_internal/base/a.ts": `\nimport "../wire/b.ts";`,
    "_internal/wire/b.ts": "export {};",
  });
  assertEquals(problems.length, 1);
  assertStringIncludes(
    problems[0]!,
    "_internal/base/a.ts:2: imports _internal/wire/b.ts",
  );
});

Deno.test("checkGraph() refuses upward types and dynamic imports too", async () => {
  const { problems } = await check({
    "_internal/base/a.ts":
      `import type { B } from "../wire/b.ts"; export type A = B;`,
    "_internal/base/c.ts": `export const c = () => import("../wire/b.ts");`,
    "_internal/wire/b.ts": "export type B = 1;",
  });
  assertEquals(problems.length, 2);
});

Deno.test("checkGraph() refuses another family's private files", async () => {
  const { problems } = await check({
    "futures/a.ts": `import "../threading/_b.ts";`,
    "threading/_b.ts": "export {};",
  });
  assertEquals(problems.length, 1);
  assertStringIncludes(problems[0]!, "private files of threading/");
});

Deno.test("checkGraph() refuses an import of tests and tools", async () => {
  const { problems } = await check({
    "futures/a.ts": `import "../_tools/b.ts";`,
    "_tools/b.ts": "export {};",
  });
  assertEquals(problems.length, 1);
});

Deno.test("checkGraph() refuses a file that is in no layer", async () => {
  const { problems } = await check({ "_internal/misc/a.ts": "export {};" });
  assertEquals(problems.length, 1);
  assertStringIncludes(problems[0]!, "is in no layer");
});

Deno.test("checkGraph() refuses an import cycle, of types too", async () => {
  const { problems } = await check({
    "futures/a.ts": `import "./b.ts"; export type A = 1;`,
    "futures/b.ts": `import type { A } from "./a.ts"; export type B = A;`,
  });
  assertEquals(problems, [
    "futures/a.ts: import cycle: futures/a.ts -> futures/b.ts -> futures/a.ts",
  ]);
});

Deno.test("checkGraph() weighs an entry by its static value imports", async () => {
  const { problems, entries } = await check({
    "_entry/thread.ts":
      `import "../_internal/base/a.ts"; import type { B } from "../_internal/base/b.ts"; export type X = B; export const c = () => import("../_internal/base/c.ts");`,
    "_internal/base/a.ts": "export {};",
    "_internal/base/b.ts": "export type B = 1;",
    "_internal/base/c.ts": "export {};",
  });
  assertEquals(problems, []);
  assertEquals(entries.length, 1);
  assertStringIncludes(entries[0]!, "_entry/thread.ts: 2 of ");
});

Deno.test("checkGraph() refuses an entry that is over its budget", () => {
  const { modules } = ENTRY_BUDGETS["_entry/thread.ts"]!;
  const paths = Array.from(
    { length: modules },
    (_, index) => `_internal/base/${index}.ts`,
  );
  const { problems } = checkGraph(graph({
    "_entry/thread.ts": paths,
    ...Object.fromEntries(paths.map((path) => [path, []])),
  }));
  assertEquals(problems.length, 1);
  assertStringIncludes(problems[0]!, "over its budget");
});

Deno.test("findCycles() finds a cycle that the first file is not in", () => {
  const cycles = findCycles(graph({ a: ["b"], b: ["c"], c: ["b"] }));
  assertEquals(cycles, [["b", "c", "b"]]);
});

Deno.test("findCycles() finds two cycles and the shortest way around", () => {
  const cycles = findCycles(
    graph({ a: ["b", "c"], b: ["d"], c: ["a"], d: ["e"], e: ["d"] }),
  );
  assertEquals(cycles, [["a", "c", "a"], ["d", "e", "d"]]);
});

Deno.test("reach() ends where there is nothing new", () => {
  assertEquals(reach(graph({ a: ["b"], b: ["a"] }), "a"), ["a", "b"]);
});

Deno.test("importProblem() lets tests import anything and the root everything below", () => {
  assertEquals(
    importProblem("tests/a_test.ts", "_internal/base/a.ts"),
    undefined,
  );
  assertEquals(importProblem("tests/a_test.ts", "futures/_a.ts"), undefined);
  assertEquals(importProblem("mod.ts", "threading/mod.ts"), undefined);
  assert(importProblem("mod.ts", "distributed/mod.ts"));
  assert(importProblem("distributed/a.ts", "threading/_core.ts"));
  assert(importProblem("multiprocessing/a.ts", "futures/_core.ts"));
  // They are made of the same parts.
  assertEquals(
    importProblem("distributed/a.ts", "futures/_core.ts"),
    undefined,
  );
  assertEquals(
    importProblem("distributed/a.ts", "futures/future.ts"),
    undefined,
  );
});
