// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The library's own things that tasks use: `current`, errors, `task()`. The modules
// that define them are small, and a worker has most of them already. It would
// take it 40 ms to import the public one that a program names, which brings
// executors and a parser.

import * as errors from "../../base/errors.ts";

/** A module that is small, and what it calls the value. */
export interface OwnExport {
  readonly url: string;
  readonly name: string;
}

const known = new WeakMap<object, OwnExport>();

/**
 * Says where to import the library's own things from.
 *
 * @param url The module that defines them.
 * @param exports Its exports, or some of them.
 */
export function declareOwnExports(url: string, exports: object): void {
  for (const [name, value] of Object.entries(exports)) {
    known.set(value, { url, name });
  }
}

/** Tells where to import a value from; `undefined` for everything that is not the library's. */
export function ownExportOf(value: unknown): OwnExport | undefined {
  return known.get(value as object);
}

declareOwnExports(import.meta.resolve("../../base/errors.ts"), errors);
