// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The caller's side of functions and classes that come home: what was sent is
// known by a token (by value) or by module and name (by reference), and an
// answer that names it gets the caller's own object, not a copy.
//
// A token belongs to one object of one isolate: whoever sends a function on
// gives it a token of its own. Nothing here keeps a function alive; a call does
// that until its answer is here (`pool/job.ts`).

import type { FunctionReference } from "./description.ts";
import { tokenMaker } from "./names.ts";
import type { AnyFunction } from "./task.ts";

const tokens = new WeakMap<object, string>();
const byToken = new Map<string, WeakRef<AnyFunction>>();
const collected = new FinalizationRegistry<string>((token) =>
  byToken.delete(token)
);
// By module, since a module's exports are looked up beside each other. Modules
// are not collected, and neither is what they export.
const byModule = new Map<string, Map<string, WeakRef<object>>>();

const nextToken = tokenMaker();

/** The token under which a function is known in answers. */
export function homeToken(fn: AnyFunction): string {
  let token = tokens.get(fn);
  if (token === undefined) {
    token = nextToken();
    tokens.set(fn, token);
    byToken.set(token, new WeakRef(fn));
    collected.register(fn, token);
  }
  return token;
}

/** The function with this token; `undefined` where it is gone or of another isolate. */
export function functionAt(token: string): AnyFunction | undefined {
  return byToken.get(token)?.deref();
}

/**
 * Remembers what a name of a module means here.
 *
 * @param reference The module's URL as the worker is told it; `"*"` names the namespace.
 * @param value What the name means. Only functions and namespaces are kept.
 */
export function rememberExport(
  { url, name }: Pick<FunctionReference, "url" | "name">,
  value: unknown,
): void {
  const isNamespace = name === "*" && typeof value === "object";
  if (typeof value !== "function" && !(isNamespace && value !== null)) return;
  let names = byModule.get(url);
  if (names === undefined) byModule.set(url, names = new Map());
  if (names.get(name)?.deref() === undefined) {
    names.set(name, new WeakRef(value));
  }
}

/** What is known of a module's exports: the values by name, the namespace as `"*"`. */
export function* exportsOf(
  url: string,
): Generator<[name: string, value: object]> {
  for (const [name, ref] of byModule.get(url) ?? []) {
    const value = ref.deref();
    if (value !== undefined) yield [name, value];
  }
}
