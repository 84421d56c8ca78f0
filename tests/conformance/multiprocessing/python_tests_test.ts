// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Every test of CPython's list has a counterpart under its name, or a reason in
// docs/python_differences.md why not.

import { assert, assertEquals } from "@std/assert";
import { missingTests, repeatedNames } from "../_python_names.ts";
import { PYTHON_TESTS } from "./_python_tests.ts";

Deno.test("Every test of CPython's multiprocessing has a counterpart or a reason", async () => {
  const folder = new URL("./", import.meta.url);
  assertEquals(repeatedNames(PYTHON_TESTS), []);
  assertEquals(await missingTests(PYTHON_TESTS, folder), []);
  assert(Object.values(PYTHON_TESTS).flat().length > 120);
});
