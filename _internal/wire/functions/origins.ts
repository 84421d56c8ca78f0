// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What is known of functions and modules that arrived from elsewhere, so that
// they can be sent on without asking V8: it would only see our own wrapping.

import type { FunctionDescription } from "./description.ts";

const functions = new WeakMap<object, FunctionDescription>();
const namespaces = new WeakMap<object, string>();

/** Remembers how `fn` arrived here. */
export function rememberFunction(
  fn: object,
  description: FunctionDescription,
): void {
  functions.set(fn, description);
}

/** Tells how `fn` arrived here; `undefined` for a function that was made here. */
export function functionOrigin(fn: object): FunctionDescription | undefined {
  return functions.get(fn);
}

/** Remembers which specifier gave a module namespace. */
export function rememberNamespace(namespace: object, specifier: string): void {
  namespaces.set(namespace, specifier);
}

/** Tells which specifier gave a module namespace. */
export function namespaceOrigin(namespace: object): string | undefined {
  return namespaces.get(namespace);
}
