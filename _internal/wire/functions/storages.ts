// Copyright 2026 the @concurrent/parallel authors. MIT license.

// AsyncLocalStorage, as far as it crosses isolates: an instance is known on both
// sides by a token, or by the module that exports it, in which case the other
// side's own instance of that export is meant.
//
// `node:async_hooks` is never loaded for a program that does not use it: an
// instance is told by the name of its class first.

import type { AsyncLocalStorage } from "node:async_hooks";
import { tokenMaker } from "./names.ts";
import { nodeAsyncHooks } from "./sync_modules.ts";

/** An instance; what it stores is anybody's business. */
export type Storage = AsyncLocalStorage<unknown>;

/** Where a storage is exported. */
export interface StorageExport {
  /** The module as the other side imports it. */
  readonly url: string;
  readonly name: string;
}

const CLASS_NAME = "AsyncLocalStorage";

const prototypes = new WeakMap<object, "itself" | "derived" | "other">();
const tokens = new WeakMap<object, string>();
const byToken = new Map<string, WeakRef<Storage>>();
const collected = new FinalizationRegistry<string>((token) => {
  // Another instance may have come under it since.
  if (byToken.get(token)?.deref() === undefined) byToken.delete(token);
});
const homes = new WeakMap<object, StorageExport>();
const ofNamespace = new WeakMap<object, readonly Storage[]>();
const nextToken = tokenMaker();

/** Tells whether instances with this prototype are storages, or of a class that extends them. */
export function storageKind(
  prototype: object,
): "itself" | "derived" | "other" {
  let kind = prototypes.get(prototype);
  if (kind === undefined) {
    kind = findKind(prototype);
    prototypes.set(prototype, kind);
  }
  return kind;
}

function findKind(prototype: object): "itself" | "derived" | "other" {
  let link: object | null = prototype;
  while (link !== null) {
    const constructor: unknown = Object.getOwnPropertyDescriptor(
      link,
      "constructor",
    )?.value;
    if (
      typeof constructor === "function" && constructor.name === CLASS_NAME &&
      nodeAsyncHooks().AsyncLocalStorage === constructor
    ) return link === prototype ? "itself" : "derived";
    link = Object.getPrototypeOf(link);
  }
  return "other";
}

/** True for a storage, also of a class that extends it. */
export function isStorage(value: unknown): value is Storage {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype !== null && storageKind(prototype) !== "other";
}

/** The token under which other isolates know a storage. */
export function storageToken(storage: Storage): string {
  let token = tokens.get(storage);
  if (token === undefined) {
    token = nextToken();
    rememberStorageToken(storage, token);
  }
  return token;
}

function rememberStorageToken(storage: Storage, token: string): void {
  tokens.set(storage, token);
  byToken.set(token, new WeakRef(storage));
  collected.register(storage, token);
}

/**
 * The one storage that a token means here.
 *
 * @param token What the sender calls it.
 * @param own The instance that this side's module exports, where it has a home.
 */
export function storageAt(token: string, own?: Storage): Storage {
  const known = byToken.get(token)?.deref();
  const storage = own ?? known ??
    new (nodeAsyncHooks().AsyncLocalStorage)<unknown>();
  if (storage !== known) rememberStorageToken(storage, token);
  return storage;
}

/** Remembers where a storage can be imported; the first place is kept. */
export function rememberStorageHome(
  storage: Storage,
  home: StorageExport,
): void {
  if (!homes.has(storage)) homes.set(storage, home);
}

/** Where a storage can be imported; undefined where no place is known. */
export function storageHome(storage: Storage): StorageExport | undefined {
  return homes.get(storage);
}

/** The storages among a module's exports. */
export function storagesOf(
  namespace: Readonly<Record<string, unknown>>,
  url: string,
): readonly Storage[] {
  let found = ofNamespace.get(namespace);
  if (found === undefined) {
    const storages: Storage[] = [];
    for (const name of Object.keys(namespace)) {
      let value: unknown;
      try {
        value = namespace[name];
      } catch (error) {
        // The module is part of a cycle and has not been evaluated.
        if (error instanceof ReferenceError) continue;
        throw error;
      }
      if (!isStorage(value)) continue;
      rememberStorageHome(value, { url, name });
      storages.push(value);
    }
    found = storages.length === 0 ? NONE : storages;
    ofNamespace.set(namespace, found);
  }
  return found;
}

/** The description of a function with the storages that it is known to use. */
export function withStorages<
  D extends { readonly storages?: readonly Storage[] | undefined },
>(
  description: D,
  storages: Iterable<Storage>,
): D {
  const found = [...storages];
  return found.length === 0 ? description : { ...description, storages: found };
}

const NONE: readonly Storage[] = [];
