// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Which storages (AsyncLocalStorage) a function may use that is imported over
// there: those that its module exports or imports by name. The worker has an
// instance of its own of each, by module and name. One that a module keeps to
// itself cannot be reached from outside of it, over there or here.

import type { FunctionDescription } from "./description.ts";
import { inspectFunction, type RuntimeScope } from "./inspector.ts";
import { locate, type LocatedFunction } from "./locate.ts";
import { namespaceAt } from "./origins.ts";
import type { ImportSource } from "./parse.ts";
import {
  mainModule,
  parseModule,
  readBinding,
  requireModule,
  resolveSpecifier,
} from "./references.ts";
import {
  isStorage,
  rememberStorageHome,
  type Storage,
  storagesOf,
  withStorages,
} from "./storages.ts";
import { type AnyFunction, unwrapTask } from "./task.ts";

const NONE: readonly Storage[] = [];

const ofScript = new Map<string, readonly Storage[]>();
const ofUrl = new Map<string, readonly Storage[]>();
const ofImported = new WeakMap<object, readonly Storage[]>();

/** The storages that the module of a function names, by where they can be imported. */
export function storagesInModule(
  { script, scopes }: LocatedFunction,
): readonly Storage[] {
  const known = ofScript.get(script.id);
  if (known !== undefined) return known;
  const scope = scopes.find(isModule);
  const { url, parsed } = script;
  if (
    scope === undefined || parsed === undefined || script.hasSourceUrl ||
    url === mainModule()
  ) return NONE;
  const found = new Set<Storage>();
  for (const name of Object.keys(scope.object)) {
    const value = readBinding(scope.object, name);
    const imported = parsed.imports.get(name);
    const specifier = imported === undefined
      ? url
      : resolveSpecifier(imported.specifier, url);
    if (imported?.exportName === "*") {
      for (const storage of ofNamespace(value, specifier)) found.add(storage);
      continue;
    }
    if (!isPlainStorage(value)) continue;
    const exportName = imported?.exportName ??
      parsed.exports.find(({ localName }) => localName === name)?.exportName;
    if (exportName === undefined) continue;
    rememberStorageHome(value, { url: specifier, name: exportName });
    found.add(value);
  }
  const storages = found.size === 0 ? NONE : [...found];
  ofScript.set(script.id, storages);
  return storages;
}

/**
 * The storages that come with an import: itself, those of a namespace, or those
 * of the module of a function.
 */
export function storagesOfImport(
  specifier: string,
  exportName: string,
  value: unknown,
): readonly Storage[] {
  if (
    value === null || (typeof value !== "object" && typeof value !== "function")
  ) return NONE;
  let found = ofImported.get(value);
  if (found === undefined) {
    if (exportName === "*") found = ofNamespace(value, specifier);
    else if (isPlainStorage(value)) {
      rememberStorageHome(value, { url: specifier, name: exportName });
      found = [value];
    } else {
      found = typeof value === "function" && !specifier.startsWith("node:")
        ? storagesBeside(unwrapTask(value as AnyFunction).fn)
        : NONE;
    }
    ofImported.set(value, found);
  }
  return found;
}

/**
 * The storages that a module exports or imports by name, where V8 cannot be
 * asked: from the module's text and what it and its imports export.
 *
 * @param url A module that is loaded here.
 */
export function storagesByText(url: string): readonly Storage[] {
  const known = ofUrl.get(url);
  if (known !== undefined) return known;
  const namespace = requireModule(url, url);
  // It is just being evaluated, or cannot be looked at.
  if (namespace === undefined) return NONE;
  const found = new Set(ofNamespace(namespace, url));
  for (const { specifier, exportName } of importsOf(url)) {
    const resolved = resolveSpecifier(specifier, url);
    const exports = requireModule(resolved, url);
    if (exports === undefined) continue;
    if (exportName === "*") {
      for (const storage of ofNamespace(exports, resolved)) found.add(storage);
      continue;
    }
    const value = readBinding(exports, exportName);
    if (!isPlainStorage(value)) continue;
    rememberStorageHome(value, { url: resolved, name: exportName });
    found.add(value);
  }
  const storages = found.size === 0 ? NONE : [...found];
  ofUrl.set(url, storages);
  return storages;
}

function importsOf(url: string): Iterable<ImportSource> {
  return parseModule(url)?.imports.values() ?? [];
}

/** The description with the storages of the modules that are loaded for it here. */
export function withLoadedStorages<D extends FunctionDescription>(
  description: D,
): D {
  const urls = description.kind === "reference"
    ? [description.url]
    : description.imports.map(({ specifier }) => specifier);
  const found = new Set<Storage>();
  for (const url of urls) {
    for (const storage of ofNamespace(namespaceAt(url), url)) {
      found.add(storage);
    }
  }
  return withStorages(description, found);
}

/** Parses the module only where V8 sees a storage in its scope: hardly any has one. */
function storagesBeside(fn: AnyFunction): readonly Storage[] {
  const scope = inspectFunction(fn)?.scopes.find(isModule);
  if (scope === undefined) return NONE;
  const hasAny = Object.keys(scope.object).some((name) => {
    const value = readBinding(scope.object, name);
    return isPlainStorage(value) ||
      Object.prototype.toString.call(value) === "[object Module]";
  });
  if (!hasAny) return NONE;
  const place = locate(fn, Function.prototype.toString.call(fn));
  return place === undefined ? NONE : storagesInModule(place);
}

function ofNamespace(value: unknown, specifier: string): readonly Storage[] {
  if (
    typeof value !== "object" || value === null ||
    specifier.startsWith("node:")
  ) return NONE;
  return storagesOf(value as Readonly<Record<string, unknown>>, specifier);
}

/** `isStorage` for anything that a module may hold, a Proxy with traps of its own too. */
function isPlainStorage(value: unknown): value is Storage {
  try {
    return isStorage(value);
  } catch {
    // Whatever it is, it is none.
    return false;
  }
}

function isModule({ description }: RuntimeScope): boolean {
  return description === "Module";
}
