// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the names mean that a function uses and does not declare. V8 tells
// whether a scope around the function has the name, and what it holds; where it
// cannot be asked, the text of the modules on the stack tells the half of it.

import type { Meaning, Names } from "./facts.ts";
import { UNSHADOWED } from "./globals.ts";
import { guessPlace } from "./guess.ts";
import { inspectFunction, inspectScript } from "./inspector.ts";
import { locate, type LocatedFunction } from "./locate.ts";
import { META_NAME } from "./names.ts";
import { functionOrigin } from "./origins.ts";
import { ownExportOf } from "./own_exports.ts";
import type { FunctionSource } from "./parse.ts";
import { readBinding } from "./references.ts";
import { shareableOf } from "../shareables.ts";
import { isStorage } from "./storages.ts";
import { isProxy } from "./sync_modules.ts";
import { type AnyFunction, unwrapTask } from "./task.ts";

const CHANGEABLE: Meaning = { kind: "value", isSame: false };
const SAME: Meaning = { kind: "value", isSame: true };

// With and without `node:`.
const BUILTIN =
  /^(?:node:)?((?:assert|buffer|child_process|cluster|crypto|dns|events|fs|http|https|net|os|path|perf_hooks|process|stream|timers|url|util|vm|worker_threads|zlib)(?:\/[a-z]+)?)$/;

/** {@linkcode Names}, and whether all of them are globals. */
export interface FreeNames extends Names {
  readonly areGlobal: boolean;
}

/**
 * Finds out what the free names of a function mean.
 *
 * @param fn The function.
 * @param text Its source.
 * @param source The same, parsed.
 * @param maxScript The length above which a script is not parsed for this.
 */
export function meaningsOf(
  fn: AnyFunction,
  text: string,
  source: FunctionSource,
  maxScript: number,
): FreeNames {
  const names = [...new Set(source.free.map(({ name }) => name))];
  const meanings = new Map<string, Meaning>();
  const namespaces = new Map<string, object>();
  if (functionOrigin(fn) !== undefined) {
    adopt(fn, names, meanings, namespaces, maxScript);
  } else if (names.some((name) => !UNSHADOWED.has(name))) {
    find(fn, text, names, meanings, namespaces, maxScript);
  }
  return {
    areGlobal: meanings.size === 0 && functionOrigin(fn) === undefined,
    of: (name) => meanings.get(name) ?? { kind: "global", path: [name] },
    member(name, member) {
      const namespace = namespaces.get(name);
      return namespace &&
        meaningOf(member, readBinding(namespace, member), namespaces);
    },
  };
}

/** Asks V8, or else the text. Of a global nothing is noted. */
function find(
  fn: AnyFunction,
  text: string,
  names: readonly string[],
  meanings: Map<string, Meaning>,
  namespaces: Map<string, object>,
  maxScript: number,
): void {
  const info = inspectFunction(fn);
  const declared = info &&
    names.filter((name) =>
      info.scopes.some(({ description, object }) =>
        !description.startsWith("Global") && Object.hasOwn(object, name)
      )
    );
  if (declared?.length === 0) return;
  const place = info === undefined
    ? guessPlace(text)
    : isWorthParsing(info.location.scriptId, maxScript)
    ? locate(fn, text, info)
    : undefined;
  for (const name of declared ?? names) {
    const meaning = place?.node === undefined
      ? UNSHADOWED.has(name) && declared === undefined ? undefined : CHANGEABLE
      : meaningAt(name, place, namespaces);
    if (meaning !== undefined) meanings.set(name, meaning);
  }
}

/** The runtime's own scripts are long, and nobody's function is in them. */
function isWorthParsing(scriptId: string, maxScript: number): boolean {
  const script = inspectScript(scriptId);
  return script !== undefined && script.text.length <= maxScript &&
    !/^(ext|node):/.test(script.url);
}

function meaningAt(
  name: string,
  { names, scopes, script }: LocatedFunction,
  namespaces: Map<string, object>,
): Meaning | undefined {
  const scope = scopes.find(({ description, object }) =>
    !description.startsWith("Global") && Object.hasOwn(object, name)
  );
  const binding = names.get(name);
  if (binding === undefined) return scope && CHANGEABLE;
  const value = scope && readBinding(scope.object, name);
  const imported = binding.kind === "import"
    ? script.parsed!.imports.get(name)
    : undefined;
  const specifier = imported?.specifier ??
    (binding.assigned ? undefined : binding.importedFrom);
  if (specifier !== undefined) {
    const exportName = imported?.exportName ?? "*";
    const builtin = BUILTIN.exec(specifier)?.[1];
    if (builtin !== undefined) {
      const path = [`node:${builtin}`];
      if (exportName !== "*") path.push(exportName);
      return { kind: "module", path };
    }
    if (value === undefined) {
      return exportName === "*"
        ? CHANGEABLE
        : exportName === "current"
        ? { kind: "own", path: [exportName] }
        : CHANGEABLE;
    }
    // What is imported may be assigned in its module.
    return typeof value === "object" || typeof value === "function"
      ? meaningOf(name, value, namespaces)
      : CHANGEABLE;
  }
  if (binding.assigned || value === undefined) return CHANGEABLE;
  return meaningOf(name, value, namespaces);
}

/** A function that came from elsewhere brings what it captured. */
function adopt(
  fn: AnyFunction,
  names: readonly string[],
  meanings: Map<string, Meaning>,
  namespaces: Map<string, object>,
  maxScript: number,
): void {
  const origin = functionOrigin(fn)!;
  if (origin.kind === "reference") {
    return find(
      fn,
      Function.prototype.toString.call(fn),
      names,
      meanings,
      namespaces,
      maxScript,
    );
  }
  for (const { name, value } of origin.constants) {
    meanings.set(name, meaningOf(name, value, namespaces));
  }
  for (const { box } of origin.cells) meanings.set(box, CHANGEABLE);
  for (const { name, specifier, exportName } of origin.imports) {
    const builtin = BUILTIN.exec(specifier)?.[1];
    meanings.set(
      name,
      builtin !== undefined && exportName === "*"
        ? { kind: "module", path: [`node:${builtin}`] }
        : CHANGEABLE,
    );
  }
  if (names.includes(META_NAME)) meanings.set(META_NAME, CHANGEABLE);
}

function meaningOf(
  name: string,
  value: unknown,
  namespaces: Map<string, object>,
): Meaning {
  if (typeof value !== "object" && typeof value !== "function") return SAME;
  if (value === null) return SAME;
  const path = wellKnown().get(value);
  if (path !== undefined) return { kind: "global", path };
  if (isProxy(value)) return CHANGEABLE;
  const own = ownExportOf(value);
  if (own !== undefined) return { kind: "own", path: [own.name] };
  if (typeof value === "function") {
    return { kind: "function", fn: unwrapTask(value as AnyFunction).fn };
  }
  if (Object.prototype.toString.call(value) === "[object Module]") {
    namespaces.set(name, value);
    return SAME;
  }
  return isSame(value, 0) ? SAME : CHANGEABLE;
}

/** True for what is here and in a worker the same for good. */
function isSame(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) {
    return typeof value !== "function";
  }
  if (isProxy(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && shareableOf(prototype) !== undefined) return true;
  if (value instanceof SharedArrayBuffer || isStorage(value)) return true;
  if (ArrayBuffer.isView(value)) {
    return value.buffer instanceof SharedArrayBuffer;
  }
  // `lastIndex` of the others moves.
  if (value instanceof RegExp) return !value.global && !value.sticky;
  if (depth > 2 || !Object.isFrozen(value)) return false;
  if (
    prototype !== null && prototype !== Object.prototype &&
    prototype !== Array.prototype
  ) return false;
  const properties = Object.values(Object.getOwnPropertyDescriptors(value));
  return properties.length <= 64 &&
    properties.every((property) =>
      "value" in property && isSame(property.value, depth + 1)
    );
}

let known: Map<unknown, readonly string[]> | undefined;

/** What programs give names of their own: `const exit = Deno.exit`. */
function wellKnown(): ReadonlyMap<unknown, readonly string[]> {
  if (known !== undefined) return known;
  known = new Map();
  const scope = globalThis as unknown as Record<string, unknown>;
  // The last one counts: `Deno` is nearer than what it holds.
  for (const name of ["process", "Atomics", "Math", "Promise", "Deno"]) {
    addMembers(known, name, scope[name]);
  }
  for (const name of Object.getOwnPropertyNames(scope)) {
    const property = Object.getOwnPropertyDescriptor(scope, name)!;
    const { value } = property;
    if (typeof value === "function") known.set(value, [name]);
  }
  for (
    const name of [
      "process",
      "Atomics",
      "Math",
      "console",
      "crypto",
      "performance",
      "Deno",
      "globalThis",
    ]
  ) {
    const value = scope[name];
    if (value !== undefined) known.set(value, [name]);
  }
  return known;
}

function addMembers(
  to: Map<unknown, readonly string[]>,
  name: string,
  object: unknown,
): void {
  if (object === undefined) return;
  for (const member of Object.getOwnPropertyNames(object)) {
    const property = Object.getOwnPropertyDescriptor(object, member)!;
    if (typeof property.value === "function" && member !== "constructor") {
      to.set(property.value, [name, member]);
    }
  }
  if (name === "Deno") {
    const { env } = object as typeof Deno;
    to.set(env, ["Deno", "env"]);
    addMembers(to, "Deno.env", env);
  }
}
