// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a program elsewhere needs: no import map, and not much time.

import { assertEquals } from "@std/assert";

const ROOTS = ["mod.ts", "_entry/thread.ts", "_entry/process.ts"];

interface Info {
  modules: {
    specifier: string;
    error?: string;
    dependencies?: { specifier: string }[];
  }[];
}

/** What a module and all that it imports write between the quotes. */
async function specifiersOf(root: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "info",
      "--no-config",
      "--json",
      new URL(`../../${root}`, import.meta.url).href,
    ],
    stderr: "inherit",
  }).output();
  const { modules }: Info = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(modules.filter(({ error }) => error !== undefined), []);
  return modules
    .filter(({ specifier }) => specifier.startsWith("file:"))
    .flatMap(({ dependencies = [] }) =>
      dependencies.map(({ specifier }) => specifier)
    );
}

for (const root of ROOTS) {
  Deno.test(`${root} needs no import map`, async () => {
    const specifiers = await specifiersOf(root);
    assertEquals(
      specifiers.filter((it) => !/^(\.{1,2}\/|node:|npm:|jsr:)/.test(it)),
      [],
    );
  });
}

Deno.test("the parser is named in one module", async () => {
  const specifiers = await specifiersOf("mod.ts");
  assertEquals(specifiers.filter((it) => it.startsWith("npm:")), [
    "npm:acorn@^8",
  ]);
});

Deno.test("the entries of workers need no package at all", async () => {
  for (const root of ROOTS.slice(1)) {
    const specifiers = await specifiersOf(root);
    assertEquals(
      specifiers.filter((it) => /^(npm|jsr|https?):/.test(it)),
      [],
      root,
    );
  }
});
