// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Functions that another isolate can import: exports of modules, told by
// identity and never by name alone.

import type { FunctionReference } from "./description.ts";
import { rememberExport } from "./homes.ts";
import { locate, type LocatedFunction } from "./locate.ts";
import { resolveRelative } from "./names.ts";
import { nodeBuiltin, nodeModule } from "./sync_modules.ts";
import { type ParsedScript, parseScript } from "./parse.ts";
import { type AnyFunction, unwrapTask } from "./task.ts";

const parsedModules = new Map<string, ParsedScript | undefined>();

/**
 * Looks for a function among the exports of the module that it was defined in.
 *
 * @param value The function, or the task made from it.
 * @param place Where the function was defined.
 * @returns The reference, or `undefined` where it is not exported, or only by the main module.
 */
export function exportOf(
  value: unknown,
  { script, scopes, node }: LocatedFunction,
): FunctionReference | undefined {
  const { url, parsed } = script;
  if (/^(node|ext):/.test(url)) return runtimeExportOf(value, url);
  if (
    !script.isModule || script.hasSourceUrl || parsed === undefined ||
    !URL.canParse(url) || url === mainModule()
  ) return undefined;
  const module = scopes.find(({ description }) => description === "Module");
  for (const { exportName, localName, start, end } of parsed.exports) {
    // A default export without a name is in no scope. It is evaluated once, so
    // its place tells it.
    const isSame = localName === undefined
      ? node?.start === start && node.end === end
      : module !== undefined && readBinding(module.object, localName) === value;
    if (isSame) return { kind: "reference", url, name: exportName };
  }
  return undefined;
}

/**
 * Reads another export of the module that a function is an export of, where V8
 * can be asked.
 *
 * @param fn The function, or the task made from it.
 * @param url The module.
 * @param name The other export.
 * @returns Its value; `undefined` where there is none, or the function is of another module.
 */
export function exportBeside(
  fn: AnyFunction,
  url: string,
  name: string,
): unknown {
  const inner = unwrapTask(fn).fn;
  const place = locate(inner, Function.prototype.toString.call(inner));
  if (place?.script.url !== url || place.script.hasSourceUrl) return undefined;
  const module = place.scopes.find(({ description }) =>
    description === "Module"
  );
  const localName = place.script.parsed?.exports.find(({ exportName }) =>
    exportName === name
  )?.localName;
  return module === undefined || localName === undefined
    ? undefined
    : readBinding(module.object, localName);
}

/**
 * Looks for a function among what the calling modules export and import. This
 * needs no inspector; it sees less.
 *
 * @param value The function.
 * @returns The reference, or `undefined` where none is found.
 */
export function exportFromCallers(
  value: unknown,
): FunctionReference | undefined {
  const main = mainModule();
  for (const url of callerUrls()) {
    const candidates = url === main ? [] : [url];
    for (const { specifier } of parseModule(url)?.imports.values() ?? []) {
      const resolved = resolveSpecifier(specifier, url);
      if (resolved !== main) candidates.push(resolved);
    }
    for (const candidate of new Set(candidates)) {
      const namespace = requireModule(candidate, url);
      for (const [name, member] of Object.entries(namespace ?? {})) {
        if (member === value) {
          // V8 cannot be asked for the exports beside it when one comes back.
          rememberExport({ url: candidate, name: "*" }, namespace);
          return { kind: "reference", url: candidate, name };
        }
      }
    }
  }
  return undefined;
}

/**
 * Resolves what a module imports, as far as it can be done outside of it.
 *
 * @param specifier What the module wrote.
 * @param base The module's URL.
 * @returns An absolute URL or specifier, or the specifier itself where nothing resolves it.
 */
export function resolveSpecifier(
  specifier: string,
  base: string | undefined,
): string {
  const resolved = resolveRelative(specifier, base);
  if (URL.canParse(resolved)) return resolved;
  // Import maps are the program's. The dependencies of a package in
  // node_modules are its own.
  if (base?.includes("/node_modules/")) {
    const file = attempt(() =>
      nodeModule().createRequire(base).resolve(specifier)
    );
    if (file !== undefined) {
      return file.startsWith("node:") || !file.includes("/")
        ? file
        : new URL(`file://${file}`).href;
    }
  }
  return attempt(() => import.meta.resolve(specifier)) ?? specifier;
}

/**
 * Reads a binding of a scope or of a namespace.
 *
 * @param object The scope's object, or the namespace.
 * @param name The binding.
 * @returns The value; `undefined` also where it is not initialised.
 */
export function readBinding(object: object, name: string): unknown {
  return Object.hasOwn(object, name)
    ? attempt(() => Reflect.get(object, name))
    : undefined;
}

/** The program's entry; `undefined` inside a worker. */
export function mainModule(): string | undefined {
  // Reading it may need a permission.
  return attempt(() => Deno.mainModule);
}

function runtimeExportOf(
  value: unknown,
  url: string,
): FunctionReference | undefined {
  if (!url.startsWith("node:")) return undefined;
  const namespace = nodeBuiltin(url);
  for (const [name, member] of Object.entries(namespace ?? {})) {
    if (member === value) return { kind: "reference", url, name };
  }
  return undefined;
}

/** The modules on the stack, nearest first, without this library's inner ones. */
export function callerUrls(): string[] {
  const own = new URL("../../", import.meta.url).href;
  const stack = stackOf();
  const urls = stack.matchAll(/\b((?:file|https?):\/\/[^\s)]+?):\d+:\d+/g);
  return [...new Set(Array.from(urls, ([, url]) => url!))]
    .filter((url) => !url.startsWith(own));
}

function stackOf(): string {
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 50;
    return new Error().stack ?? "";
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Parses a module from its file; `undefined` where it cannot be read or is not understood. */
export function parseModule(url: string): ParsedScript | undefined {
  if (!url.startsWith("file:")) return undefined;
  if (!parsedModules.has(url)) parsedModules.set(url, readModule(url));
  return parsedModules.get(url);
}

function readModule(url: string): ParsedScript | undefined {
  const path = new URL(url);
  // Asked first, since reading would prompt the user.
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") {
    return undefined;
  }
  const text = attempt(() => Deno.readTextFileSync(path));
  if (text === undefined) return undefined;
  if (!/\.[cm]?tsx?$/.test(path.pathname)) return parseScript(text);
  const stripped = attempt(() => nodeModule().stripTypeScriptTypes(text));
  return stripped === undefined ? undefined : parseScript(stripped);
}

/** Gives the exports of a module that is loaded already. */
export function requireModule(url: string, from: string): object | undefined {
  if (url.startsWith("node:")) return nodeBuiltin(url);
  if (!url.startsWith("file:")) return undefined;
  const path = new URL(url);
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") {
    return undefined;
  }
  // Fails for modules with a top-level await, and for those that are just being
  // evaluated.
  const namespace = attempt(() =>
    nodeModule().createRequire(from)(path.pathname)
  );
  return typeof namespace === "object" && namespace !== null
    ? namespace
    : undefined;
}

/** Runs what is allowed to fail: the caller goes on with less knowledge. */
function attempt<T>(operation: () => T): T | undefined {
  try {
    return operation();
  } catch {
    return undefined;
  }
}
