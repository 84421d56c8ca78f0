// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { NotSupportedError } from "../base/errors.ts";
import type { ModuleNamespace } from "./functions/revive.ts";

/** What Deno offers as a global without an import. */
interface NodeGlobals {
  readonly process: {
    getBuiltinModule(name: "node:module"): {
      createRequire(url: string): (url: string) => ModuleNamespace;
    };
  };
}

/** Modules that have said that they are here, by URL. */
const here = new Map<string, ModuleNamespace>();
let require: ((path: string) => ModuleNamespace) | undefined;

/** A module says that it has been loaded: who needs it from then on need not load it. */
export function noteModule(url: string, exports: ModuleNamespace): void {
  here.set(url, exports);
}

/**
 * Imports a module without a turn of the event loop, for whoever is blocked. It
 * is the same module, with the same state, as `import()` gives.
 *
 * @throws {NotSupportedError} If it is not a file: Deno cannot load others so.
 * @throws Whatever the module throws, and where it has a top-level await.
 */
export function requireModule(url: string): ModuleNamespace {
  const known = here.get(url);
  if (known !== undefined) return known;
  if (!url.startsWith("file:")) {
    throw new NotSupportedError(
      `Cannot load a module without the event loop as it must be a file: current value is ${url}`,
    );
  }
  // Loaded when it is first needed: importing `node:process` alone would add
  // ten milliseconds to the start of every thread.
  require ??= (globalThis as unknown as NodeGlobals).process
    .getBuiltinModule("node:module").createRequire(
      import.meta.url.startsWith("file:") ? import.meta.url : "file:///",
    );
  return require!(decodePath(url));
}

function decodePath(url: string): string {
  const path = decodeURIComponent(new URL(url).pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}
