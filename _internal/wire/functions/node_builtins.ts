// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Node's modules, loaded when they are needed and synchronously. Importing
// `node:process` alone takes 20 ms, which a program that only sends exports and
// pure functions should not pay.

import type process from "node:process";

type Process = typeof process;

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

/** Loads the built-in module of that name, if there is one. */
export function nodeBuiltin(specifier: string): object | undefined {
  return nodeProcess().getBuiltinModule(specifier);
}

/** Tells a proxy from what it stands for; the language itself cannot. */
export function isProxy(value: unknown): boolean {
  return nodeProcess().getBuiltinModule("node:util/types").isProxy(value);
}
