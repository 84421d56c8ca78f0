// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Modules without a turn of the event loop: Node's own, and files. They are
// loaded when they are needed: importing `node:process` alone takes 20 ms, which
// a program that only sends exports and pure functions should not pay.

import { NotSupportedError } from "../../base/errors.ts";
import type process from "node:process";

type Process = typeof process;
type ModuleNamespace = Readonly<Record<string, unknown>>;

/** Modules that have said that they are here, by URL. */
const here = new Map<string, ModuleNamespace>();
let require: ((path: string) => ModuleNamespace) | undefined;

/** Node's `process`; created by the first access. */
export function nodeProcess(): Process {
  return (globalThis as unknown as { process: Process }).process;
}

/** Loads `node:inspector`. */
export function nodeInspector(): typeof import("node:inspector") {
  return nodeProcess().getBuiltinModule("node:inspector");
}

/** Loads `node:path`. */
export function nodePath(): typeof import("node:path") {
  return nodeProcess().getBuiltinModule("node:path");
}

/** Loads `node:url`. */
export function nodeUrl(): typeof import("node:url") {
  return nodeProcess().getBuiltinModule("node:url");
}

/** Loads `node:async_hooks`. */
export function nodeAsyncHooks(): typeof import("node:async_hooks") {
  return nodeProcess().getBuiltinModule("node:async_hooks");
}

/** Loads `node:module`. */
export function nodeModule(): typeof import("node:module") {
  return nodeProcess().getBuiltinModule("node:module");
}

/** Loads `node:v8`. */
export function nodeV8(): typeof import("node:v8") {
  return nodeProcess().getBuiltinModule("node:v8");
}

/** Loads the built-in module of that name, if there is one. */
export function nodeBuiltin(specifier: string): object | undefined {
  return nodeProcess().getBuiltinModule(specifier);
}

/** Tells a proxy from what it stands for; the language itself cannot. */
export function isProxy(value: unknown): boolean {
  return nodeProcess().getBuiltinModule("node:util/types").isProxy(value);
}

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
  require ??= nodeModule().createRequire(
    import.meta.url.startsWith("file:") ? import.meta.url : "file:///",
  );
  return require!(decodePath(url));
}

function decodePath(url: string): string {
  const path = decodeURIComponent(new URL(url).pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}
