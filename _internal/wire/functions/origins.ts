// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What is known of functions and modules that arrived from elsewhere, so that
// they can be sent on without asking V8: it would only see our own wrapping,
// and so that an answer can name them to the isolate that sent them.

import type { FunctionDescription } from "./description.ts";
import type { AnyFunction } from "./task.ts";

/** How an answer names a function or class that the other side has. */
export type Home =
  | {
    readonly kind: "token";
    /** What the sender calls it: see `homes.ts`. */
    readonly token: string;
  }
  | {
    readonly kind: "reference";
    readonly url: string;
    readonly name: string;
    /** True where the sender named it; else the sender may not have loaded its module. */
    readonly sent: boolean;
  };

/** Finds what a {@linkcode Home} names, on the side that has it: `homecoming.ts`. */
export interface Homes {
  /** The function that was sent with this token. */
  byToken(token: string): AnyFunction | undefined;
  /** An export of a module that this side has loaded. */
  byReference(url: string, name: string): AnyFunction | undefined;
}

const functions = new WeakMap<object, FunctionDescription>();
const namespaces = new WeakMap<object, string>();
/** The same by specifier, to look through. Modules are never collected. */
const loaded = new Map<string, object>();
const homes = new WeakMap<object, Home>();

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
  loaded.set(specifier, namespace);
}

/** Tells which specifier gave a module namespace. */
export function namespaceOrigin(namespace: object): string | undefined {
  return namespaces.get(namespace);
}

/** The namespace that a specifier gave here; undefined where it was not imported for a call. */
export function namespaceAt(specifier: string): object | undefined {
  return loaded.get(specifier);
}

/** Remembers by which token the sender knows `fn`. */
export function rememberHome(fn: object, token: string): void {
  homes.set(fn, { kind: "token", token });
}

/**
 * Tells how to name `fn` to the isolate that this one works for: as it came
 * from there, or as an export of a module that calls have named.
 */
export function homeOf(fn: object): Home | undefined {
  let home = homes.get(fn);
  if (home === undefined) {
    home = sentReference(fn) ?? findExport(fn);
    if (home !== undefined) homes.set(fn, home);
  }
  return home;
}

function sentReference(fn: object): Home | undefined {
  const origin = functions.get(fn);
  return origin?.kind === "reference" ? { ...origin, sent: true } : undefined;
}

function findExport(fn: object): Home | undefined {
  for (const [url, namespace] of loaded) {
    for (const name of Object.keys(namespace)) {
      if (Reflect.get(namespace, name) === fn) {
        return { kind: "reference", url, name, sent: false };
      }
    }
  }
  return undefined;
}
