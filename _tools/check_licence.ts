// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Checks that every source file starts with the licence line.
 *
 * Usage: `deno run -A _tools/check_licence.ts [--fix]`
 *
 * @module
 */

const LICENCE =
  "// Copyright 2026 the @concurrent/parallel authors. MIT license.";
const ROOT = new URL("../", import.meta.url);
const SKIPPED = new Set(["vendor", "node_modules", "coverage"]);

async function* sources(folder: URL): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.startsWith(".") || SKIPPED.has(entry.name)) continue;
    if (entry.isDirectory) yield* sources(new URL(`${entry.name}/`, folder));
    else if (/\.[mc]?[jt]s$/.test(entry.name)) {
      yield new URL(entry.name, folder);
    }
  }
}

/** Whether a source has the line at its head, after a `#!` line if any. */
export function hasLicence(source: string): boolean {
  return source.replace(/^#!.*\r?\n/, "").startsWith(LICENCE);
}

/** Puts the line at the head of a source, after a `#!` line if any. */
export function addLicence(source: string): string {
  const shebang = /^#!.*\r?\n/.exec(source)?.[0] ?? "";
  return `${shebang}${LICENCE}\n\n${source.slice(shebang.length)}`;
}

if (import.meta.main) {
  let problems = 0;
  for await (const url of sources(ROOT)) {
    const source = await Deno.readTextFile(url);
    if (hasLicence(source)) continue;
    const path = decodeURIComponent(url.href.slice(ROOT.href.length));
    if (Deno.args.includes("--fix")) {
      await Deno.writeTextFile(url, addLicence(source));
      console.log(`${path}: licence line added`);
    } else {
      problems++;
      console.error(`${path}: does not start with the licence line`);
    }
  }
  if (problems > 0) Deno.exit(1);
}
