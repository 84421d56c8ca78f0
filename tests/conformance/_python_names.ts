// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the tests of this folder are named after, and why some of CPython's have no
// counterpart: for those who check that nothing is missing.

/** A file of conformance tests, and the names that its tests have in CPython. */
export type PythonTests = Readonly<Record<string, readonly string[]>>;

const DIFFERENCES = new URL(
  "../../docs/python_differences.md",
  import.meta.url,
);
/** Tests here have the names of Python's in their own names. */
const NAME = /test_\w+/g;

/**
 * The names of the tests in a file and in the suites that it runs.
 *
 * @param file Its URL.
 */
export async function namesIn(file: URL): Promise<Set<string>> {
  let text = await Deno.readTextFile(file);
  for (const [, suite] of text.matchAll(/from "(\.\.\/\S*_suite\.ts)"/g)) {
    text += await Deno.readTextFile(new URL(suite!, file));
  }
  const titles = text.matchAll(
    /(?:\b(?:Deno\.test|test|step|program)\(|\bname:)\s*(["'`])(.*?)\1/gs,
  );
  return new Set(
    [...titles].flatMap(([, , title]) => title!.match(NAME) ?? []),
  );
}

/** The names in the table of the document, and what is said of each. */
export async function reasons(): Promise<Map<string, string[]>> {
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

/** Those of the list that have neither a test in their file nor a reason. */
export async function missingTests(
  tests: PythonTests,
  folder: URL,
): Promise<string[]> {
  const excused = await reasons();
  const missing: string[] = [];
  for (const [file, names] of Object.entries(tests)) {
    const here = await namesIn(new URL(file, folder));
    for (const name of names) {
      if (!here.has(name) && !excused.has(name)) {
        missing.push(`${file} ${name}`);
      }
    }
  }
  return missing;
}

/** Names that a file lists twice. */
export function repeatedNames(tests: PythonTests): string[] {
  return Object.entries(tests)
    .filter(([, names]) => new Set(names).size < names.length)
    .map(([file]) => file);
}
