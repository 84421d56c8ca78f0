// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What an answer may name, for the decoder of the caller's side.

import { exportsOf, functionAt, rememberExport } from "./homes.ts";
import { nodeBuiltin } from "./sync_modules.ts";
import type { Homes } from "./origins.ts";
import { exportBeside } from "./references.ts";
import type { AnyFunction } from "./task.ts";

/** The homes of this isolate. */
export const homes: Homes = {
  byToken: functionAt,
  byReference(url, name) {
    const known = new Map(exportsOf(url));
    const exact = known.get(name);
    if (exact !== undefined) return asFunction(exact);
    const namespace = known.get("*") ??
      (url.startsWith("node:") ? nodeBuiltin(url) : undefined);
    if (namespace !== undefined) {
      return asFunction(Reflect.get(namespace, name));
    }
    // Nothing is imported because a worker says so: the module is looked at
    // through one of its functions, which this side has.
    for (const fn of known.values()) {
      const found = asFunction(exportBeside(fn as AnyFunction, url, name));
      if (found === undefined) continue;
      rememberExport({ url, name }, found);
      return found;
    }
    return undefined;
  },
};

function asFunction(value: unknown): AnyFunction | undefined {
  return typeof value === "function" ? value as AnyFunction : undefined;
}
