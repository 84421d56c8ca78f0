// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Every test of CPython's list has a counterpart under its name, or a reason in
// docs/python_differences.md why not.

import { assert, assertEquals } from "@std/assert";
import { PYTHON_TESTS } from "./_python_tests.ts";

const DIFFERENCES = new URL(
  "../../../docs/python_differences.md",
  import.meta.url,
);
/** Tests here have the names of Python's in their own names. */
const NAME = /test_\w+/g;

/** The names of the tests in a file and in the suites that it runs. */
async function namesIn(file: string): Promise<Set<string>> {
  const url = new URL(file, import.meta.url);
  let text = await Deno.readTextFile(url);
  for (const [, suite] of text.matchAll(/from "(\.\.\/\S*_suite\.ts)"/g)) {
    text += await Deno.readTextFile(new URL(suite!, url));
  }
  const titles = text.matchAll(
    /\b(?:Deno\.test|test|program)\(\s*(["'`])(.*?)\1/gs,
  );
  return new Set(
    [...titles].flatMap(([, , title]) => title!.match(NAME) ?? []),
  );
}

/** The names in the table of the document, and what is said of each. */
async function reasons(): Promise<Map<string, string[]>> {
  const text = await Deno.readTextFile(DIFFERENCES);
  const found = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    for (const name of cells[1]?.match(/`test_\w+`/g) ?? []) {
      found.set(name.slice(1, -1), cells.slice(2, -1));
    }
  }
  return found;
}

Deno.test("Every test of CPython's concurrent.futures has a counterpart or a reason", async () => {
  const excused = await reasons();
  const missing: string[] = [];
  let count = 0;
  for (const [file, names] of Object.entries(PYTHON_TESTS)) {
    const here = await namesIn(file);
    assertEquals(names.length, new Set(names).size, `${file} names one twice`);
    for (const name of names) {
      count++;
      if (!here.has(name) && !excused.has(name)) {
        missing.push(`${file} ${name}`);
      }
    }
  }
  assertEquals(missing, []);
  assert(count > 120, `${count} names`);
});

Deno.test("The differences from CPython's tests are of tests that are known, each with a reason", async () => {
  const known = new Set(Object.values(PYTHON_TESTS).flat());
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
    const unknown = [...await namesIn(file)].filter((name) =>
      // `Future` has some of its own for what is the same in all states.
      !known.has(name) && !name.startsWith("test_done_callback") &&
      name !== "test_set_running_or_notify_cancel"
    );
    assertEquals(unknown, [], file);
  }
});
