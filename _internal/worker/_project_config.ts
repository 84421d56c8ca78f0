// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { nodeUrl } from "../wire/functions/sync_modules.ts";

// The runtime finds a configuration by walking up from the root module. A
// child's root is this package's entry, so left alone it would find this
// package's configuration or none, and the user's bare imports would fail.

const NAMES = ["deno.json", "deno.jsonc"];

/**
 * Finds the configuration file (with the import map) of the program whose main
 * module this is; `undefined` where there is none, or none that can be seen.
 */
export function findProjectConfig(
  mainModule: string | undefined,
): string | undefined {
  if (mainModule === undefined || !mainModule.startsWith("file:")) return;
  let directory = new URL(".", mainModule);
  while (true) {
    for (const name of NAMES) {
      const file = new URL(name, directory);
      if (isFile(file)) return pathOf(file);
    }
    const parent = new URL("..", directory);
    if (parent.href === directory.href) return;
    directory = parent;
  }
}

/** On POSIX without `node:url`: to load that takes as long as all else that a start costs its caller. */
function pathOf(file: URL): string {
  return Deno.build.os === "windows"
    ? nodeUrl().fileURLToPath(file)
    : decodeURIComponent(file.pathname);
}

function isFile(path: URL): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    // Missing or not readable; the latter is no reason not to look further up.
    return false;
  }
}
