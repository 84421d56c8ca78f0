// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { nodePath, nodeUrl } from "../wire/functions/sync_modules.ts";

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
  const { dirname, join } = nodePath();
  let directory = dirname(nodeUrl().fileURLToPath(mainModule));
  while (true) {
    for (const name of NAMES) {
      const path = join(directory, name);
      if (isFile(path)) return path;
    }
    const parent = dirname(directory);
    if (parent === directory) return;
    directory = parent;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    // Missing or not readable; the latter is no reason not to look further up.
    return false;
  }
}
