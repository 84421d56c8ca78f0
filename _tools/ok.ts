// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * The gate: runs every check that must hold before a commit, all of them even
 * if one fails, and sums up. The tests are `deno task test`.
 *
 * Usage: `deno run -A _tools/ok.ts [NAME…]` with names of the checks below.
 *
 * @module
 */

import { FAMILIES } from "./layers.ts";

const ROOT = new URL("../", import.meta.url);

/** Milliseconds for one check: a hang is a failure, not a wait. */
const TIMEOUT = 300_000;

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, ROOT)).then(() => true, () => false);
}

async function existing(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) if (await exists(path)) found.push(path);
  return found;
}

/** Arguments of `deno` for each check, cheapest first. */
async function checks(): Promise<Record<string, string[]>> {
  const config = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  const entries = Object.values(config.exports as Record<string, string>);
  const documented = await existing([
    "mod.ts",
    ...FAMILIES,
    // Public symbols that several families export are documented there.
    "_internal",
    "README.md",
    "docs/architecture.md",
    // What docs/distributed.md shows needs a server: tests/docs/ has one.
    "docs/performance.md",
    "docs/python_differences.md",
  ]);
  // Without a path `deno test` would run the tests too.
  if (documented.length === 0) documented.push("mod.ts");
  return {
    fmt: ["fmt", "--check"],
    lint: ["lint"],
    licence: ["run", "-A", "_tools/check_licence.ts"],
    exports: ["run", "-A", "_tools/check_exports.ts"],
    layers: ["run", "-A", "_tools/check_layers.ts"],
    check: ["check", "."],
    "doc --lint": ["doc", "--lint", ...entries],
    "test --doc": ["test", "-A", "--doc", ...documented],
    "publish --dry-run": ["publish", "--dry-run", "--allow-dirty"],
  };
}

async function run(args: string[]): Promise<boolean> {
  const signal = AbortSignal.timeout(TIMEOUT);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
    signal,
  }).output();
  return success;
}

const names = Deno.args;
const failed: string[] = [];
let count = 0;
for (const [name, args] of Object.entries(await checks())) {
  if (names.length > 0 && !names.includes(name)) continue;
  count++;
  console.log(`\n> deno ${name}`);
  const start = performance.now();
  const isOk = await run(args);
  if (!isOk) failed.push(name);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  // `.ci/run` counts these lines.
  console.log(`gate: ${name}: ${isOk ? "ok" : "FAILED"} (${seconds} s)`);
}
console.log(
  failed.length === 0
    ? `\nAll ${count} checks hold`
    : `\n${failed.length} of ${count} checks failed: ${failed.join(", ")}`,
);
if (failed.length > 0 || count === 0) Deno.exit(1);
