// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Names that the caller's side writes into a function's source and the worker's
// side binds around it. A function that was revived may be sent on, so both
// sides know them.

import type { ByteReader, ByteWriter } from "../bytes.ts";

/** Stands for `import.meta`. */
export const META_NAME = "$meta$";
/** Stands for the `import` of a dynamic import. */
export const IMPORT_NAME = "$import$";

/** The name of a constant that is no variable: properties that were set on the function itself. */
export const PROPERTIES_NAME = "%properties";

/** A function's name; empty where it has none, or something else in its place, as a class with a static member `name`. */
export function nameOf(fn: { readonly name: unknown }): string {
  const own = Object.getOwnPropertyDescriptor(fn, "name");
  return typeof own?.value === "string" ? own.value : "";
}

/** Where the package lies here. */
const PACKAGE = new URL("../../../", import.meta.url).href;
/** Stands for that in messages: on another machine the package may lie elsewhere. */
const ANYWHERE = "parallel:";
/** What of that is the package: its users may have put it among their own files. */
const OWN =
  /^(?:_internal|distributed|futures|multiprocessing|threading)\/|^mod\.ts$/;

/** Writes the URL of a module. Those of the package mean those of the receiver's. */
export function writeModuleUrl(w: ByteWriter, url: string): void {
  const own = url.startsWith(PACKAGE) ? url.slice(PACKAGE.length) : "";
  w.string(OWN.test(own) ? ANYWHERE + own : url);
}

/** Reads what `writeModuleUrl()` wrote. */
export function readModuleUrl(r: ByteReader): string {
  const url = r.string();
  return url.startsWith(ANYWHERE) ? PACKAGE + url.slice(ANYWHERE.length) : url;
}

/** Random bytes before the number in a token. */
const TOKEN_BYTES = 9;

/**
 * Makes tokens for what other isolates name to this one: random, since they
 * meet those of all isolates of all machines, and since nobody who was not told
 * one is to guess it; then a number. What is random is drawn at the first use.
 */
export function tokenMaker(): () => string {
  let prefix: string | undefined;
  let counter = 0;
  return () => {
    prefix ??= btoa(
      String.fromCharCode(
        ...crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)),
      ),
    );
    return `${prefix}${(++counter).toString(36)}`;
  };
}

/** What {@linkcode META_NAME} is bound to. */
export interface ModuleMeta {
  readonly url: string | undefined;
  readonly dirname?: string;
  readonly filename?: string;
  readonly main: false;
  resolve(specifier: string): string;
}

/**
 * Resolves a specifier against the module that a function came from.
 *
 * @param specifier What the function wrote.
 * @param base The module's URL; `undefined` for a function without a module.
 * @returns An absolute URL, or the specifier itself where it is not relative.
 */
export function resolveRelative(
  specifier: string,
  base: string | undefined,
): string {
  return base !== undefined && /^\.{0,2}\//.test(specifier)
    ? new URL(specifier, base).href
    : specifier;
}
