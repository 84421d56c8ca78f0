// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Every test of CPython's list has a counterpart under its name, or a reason in
// docs/python_differences.md why not.

import { assert, assertEquals } from "@std/assert";
import {
  missingTests,
  namesIn,
  reasons,
  repeatedNames,
} from "../_python_names.ts";
import { PYTHON_TESTS as PROCESS_TESTS } from "../multiprocessing/_python_tests.ts";
import { PYTHON_TESTS } from "./_python_tests.ts";

const FOLDER = new URL("./", import.meta.url);

Deno.test("Every test of CPython's concurrent.futures has a counterpart or a reason", async () => {
  assertEquals(repeatedNames(PYTHON_TESTS), []);
  assertEquals(await missingTests(PYTHON_TESTS, FOLDER), []);
  assert(Object.values(PYTHON_TESTS).flat().length > 120);
});

Deno.test("The differences from CPython's tests are of tests that are known, each with a reason", async () => {
  const known = new Set(
    [PYTHON_TESTS, PROCESS_TESTS].flatMap((tests) =>
      Object.values(tests).flat()
    ),
  );
  const excused = await reasons();
  assert(excused.size > 5);
  for (const [name, cells] of excused) {
    assert(known.has(name), `${name} is not on the list`);
    assertEquals(cells.length, 2, name);
    assert(cells.every((cell) => cell.length > 2), `${name}: ${cells}`);
  }
});

Deno.test("Every conformance test of futures is named after one of CPython's", async () => {
  const known = new Set(Object.values(PYTHON_TESTS).flat());
  for (const file of Object.keys(PYTHON_TESTS)) {
    const unknown = [...await namesIn(new URL(file, FOLDER))].filter((name) =>
      // `Future` has some of its own for what is the same in all states.
      !known.has(name) && !name.startsWith("test_done_callback") &&
      name !== "test_set_running_or_notify_cancel"
    );
    assertEquals(unknown, [], file);
  }
});
