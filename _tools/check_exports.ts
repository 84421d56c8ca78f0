// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Checks that the exports of deno.json are the public files of the families:
 * `./futures` for `futures/mod.ts`, `./futures/thread-pool-executor` for
 * `futures/thread_pool_executor.ts`; names with `_` in front are private.
 *
 * Usage: `deno run -A _tools/check_exports.ts [--fix]`
 *
 * @module
 */

import { FAMILIES } from "./layers.ts";

/** Export name to file, both as in deno.json. */
export type Exports = Record<string, string>;

/** Key that a public file is exported under. */
export function exportKey(path: string): string {
  return `./${path}`
    .replace(/(^\.|\/)\/?mod\.ts$/, (_, start) => start === "." ? "." : "")
    .replace(/\.ts$/, "")
    .replaceAll("_", "-");
}

async function* publicFiles(folder: URL, path: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    if (/^[._]/.test(entry.name)) continue;
    const inner = `${path}${entry.name}`;
    if (entry.isDirectory) {
      yield* publicFiles(new URL(`${entry.name}/`, folder), `${inner}/`);
    } else if (/(?<!_test|_bench|\.d)\.ts$/.test(entry.name)) {
      yield inner;
    }
  }
}

/** Exports that the tree under `root`, a folder URL, should have. */
export async function expectedExports(root: URL): Promise<Exports> {
  const exports: Exports = { ".": "./mod.ts" };
  const paths: string[] = [];
  for (const family of FAMILIES) {
    try {
      const folder = new URL(`${family}/`, root);
      for await (const path of publicFiles(folder, `${family}/`)) {
        paths.push(path);
      }
    } catch (error) {
      // A family that is not written yet exports nothing.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  const keyed = paths.map((path) => [exportKey(path), `./${path}`] as const);
  keyed.sort(([a], [b]) => a < b ? -1 : 1);
  return { ...exports, ...Object.fromEntries(keyed) };
}

/** Says how the exports differ, one line each. */
export function compareExports(actual: Exports, expected: Exports): string[] {
  const problems: string[] = [];
  for (const [key, path] of Object.entries(expected)) {
    if (actual[key] === undefined) {
      problems.push(`"${key}": "${path}" is missing`);
    } else if (actual[key] !== path) {
      problems.push(`"${key}" is "${actual[key]}" and should be "${path}"`);
    }
  }
  for (const [key, path] of Object.entries(actual)) {
    if (expected[key] === undefined) {
      problems.push(`"${key}": "${path}" is no public file`);
    }
  }
  return problems;
}

if (import.meta.main) {
  const root = new URL("../", import.meta.url);
  const file = new URL("deno.json", root);
  const text = await Deno.readTextFile(file);
  const config = JSON.parse(text);
  const expected = await expectedExports(root);
  const problems = compareExports(config.exports, expected);
  if (problems.length > 0 && Deno.args.includes("--fix")) {
    config.exports = expected;
    // Written as `deno fmt` would leave it: only the exports change.
    await Deno.writeTextFile(
      file,
      text.replace(
        /"exports": \{[^}]*\}/,
        `"exports": ${JSON.stringify(expected, null, 2)}`
          .replaceAll("\n", "\n  "),
      ),
    );
    console.log(`Wrote ${Object.keys(expected).length} exports`);
  } else {
    for (const problem of problems) console.error(`deno.json: ${problem}`);
    console.log(
      `${Object.keys(expected).length} exports, ${problems.length} problem(s)`,
    );
    if (problems.length > 0) Deno.exit(1);
  }
}
