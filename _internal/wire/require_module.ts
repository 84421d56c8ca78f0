// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { ModuleNamespace } from "./functions/revive.ts";

/** What Deno offers as a global without an import. */
interface NodeGlobals {
  readonly process: {
    getBuiltinModule(name: "node:module"): {
      createRequire(url: string): (url: string) => ModuleNamespace;
    };
  };
}

let require: ((url: string) => ModuleNamespace) | undefined;

/**
 * Imports a module without a turn of the event loop, for whoever is blocked. It
 * is the same module, with the same state, as `import()` gives.
 *
 * @throws Whatever the module throws, and where it has a top-level await.
 */
export function requireModule(url: string): ModuleNamespace {
  // Loaded when it is first needed: importing `node:process` alone would add
  // ten milliseconds to the start of every thread.
  require ??= (globalThis as unknown as NodeGlobals).process
    .getBuiltinModule("node:module").createRequire(import.meta.url);
  return require!(url.startsWith("file:") ? decodePath(url) : url);
}

function decodePath(url: string): string {
  const path = decodeURIComponent(new URL(url).pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}
