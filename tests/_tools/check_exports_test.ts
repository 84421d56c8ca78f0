// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import {
  compareExports,
  expectedExports,
  exportKey,
} from "../../_tools/check_exports.ts";

Deno.test("exportKey() is kebab-case and names a mod.ts by its folder", () => {
  assertEquals(exportKey("mod.ts"), ".");
  assertEquals(exportKey("futures/mod.ts"), "./futures");
  assertEquals(
    exportKey("futures/thread_pool_executor.ts"),
    "./futures/thread-pool-executor",
  );
});

Deno.test("expectedExports() has the public files of the families only", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(root, "futures"));
    await Deno.mkdir(join(root, "_internal"));
    for (
      const path of [
        "mod.ts",
        "futures/mod.ts",
        "futures/as_completed.ts",
        "futures/_core.ts",
        "futures/future_test.ts",
        "futures/notes.md",
        "_internal/a.ts",
      ]
    ) await Deno.writeTextFile(join(root, path), "");
    assertEquals(
      await expectedExports(new URL(`${toFileUrl(root).href}/`)),
      {
        ".": "./mod.ts",
        "./futures": "./futures/mod.ts",
        "./futures/as-completed": "./futures/as_completed.ts",
      },
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("compareExports() names what is missing, wrong and too much", () => {
  assertEquals(
    compareExports(
      { ".": "./mod.ts", "./a": "./x.ts", "./old": "./old.ts" },
      { ".": "./mod.ts", "./a": "./a.ts", "./b": "./b.ts" },
    ),
    [
      `"./a" is "./x.ts" and should be "./a.ts"`,
      `"./b": "./b.ts" is missing`,
      `"./old": "./old.ts" is no public file`,
    ],
  );
});
