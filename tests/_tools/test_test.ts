// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { secondGroup } from "../../_tools/test.ts";

Deno.test("secondGroup() has every folder of tests but those of the first group", () => {
  const group = secondGroup();
  for (const folder of ["tests/_internal", "tests/threading", "tests/docs"]) {
    assert(group.includes(folder), folder);
  }
  assert(group.includes("tests/conformance/multiprocessing"));
  assertFalse(group.includes("tests/conformance"));
  assertFalse(group.includes("tests/futures"));
  assertEquals(new Set(group).size, group.length);
});
