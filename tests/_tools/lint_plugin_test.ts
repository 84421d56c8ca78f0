// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertStringIncludes } from "@std/assert";
import plugin from "../../_tools/lint_plugin.ts";

/** Messages of the plugin for a source at a path of the repository. */
function lint(path: string, source: string): string[] {
  const { pathname } = new URL(`../../${path}`, import.meta.url);
  return Deno.lint.runPlugin(plugin, pathname, source)
    .map(({ message }) => message);
}

/** Use, a place where it is allowed, a place where it is not. */
const USES = [
  ["Atomics.add(a, 0, 1);", "_internal/memory/a.ts", "_internal/wire/a.ts"],
  ["const { add } = Atomics;", "_internal/memory/a.ts", "threading/a.ts"],
  ["new Worker(url);", "_internal/worker/a.ts", "futures/a.ts"],
  ["new globalThis.Worker(url);", "_internal/worker/a.ts", "futures/a.ts"],
  ["new Deno.Command(path);", "_internal/worker/a.ts", "multiprocessing/a.ts"],
  [`import "node:child_process";`, "_internal/worker/a.ts", "futures/a.ts"],
  [`import("node:worker_threads");`, "_internal/worker/a.ts", "futures/a.ts"],
  ["port.postMessage(1);", "_internal/wire/a.ts", "_internal/pool/a.ts"],
  ["postMessage(1);", "_internal/worker/a.ts", "_entry/thread.ts"],
  [
    `new URL("../../_entry/thread.ts", import.meta.url);`,
    "_internal/worker/entry_urls.ts",
    "_internal/worker/a.ts",
  ],
  ["console.log(1);", "tests/a_test.ts", "futures/a.ts"],
] as const;

for (const [source, allowed, forbidden] of USES) {
  Deno.test(`platform confines ${source}`, () => {
    assertEquals(lint(allowed, source), []);
    assertEquals(lint("tests/a_test.ts", source), []);
    const messages = lint(forbidden, source);
    assertEquals(messages.length, 1);
    assertStringIncludes(messages[0]!, "belongs to");
  });
}

Deno.test("platform looks at code, not at comments and strings", () => {
  const source = `
    // Atomics.add() and new Worker() are not for here.
    const text = "Atomics.wait() postMessage() console.log()";
    class Pool { readonly postMessage = text; readonly Command = 1; }
    type A = typeof Atomics;
  `;
  assertEquals(lint("futures/a.ts", source), []);
});
