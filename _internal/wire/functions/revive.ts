// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The worker's side of functions that travel: a description becomes a function.
// This file is part of every worker's start, so it imports next to nothing.
//
//   1. `modulesOf()` names the modules that the function needs; the caller of
//      this file has them loaded with `loadModules()`, which is asynchronous.
//   2. `prepare()` evaluates the source with the eager bindings, which must be
//      complete by then.
//   3. `bind()` gives the others. Nothing calls the function in between, so that
//      functions which capture each other, or themselves, can be made one after
//      the other and bound when all of them exist.

import { SerializationError } from "../../base/errors.ts";
import { companionModules } from "../shared_classes.ts";
import type {
  FunctionDescription,
  FunctionReference,
  FunctionValue,
} from "./description.ts";
import {
  IMPORT_NAME,
  META_NAME,
  type ModuleMeta,
  PROPERTIES_NAME,
  resolveRelative,
} from "./names.ts";
import { rememberFunction, rememberNamespace } from "./origins.ts";
import type { AnyFunction } from "./task.ts";

/** A loaded module's exports. */
export type ModuleNamespace = Readonly<Record<string, unknown>>;

/** The values of a description's bindings, in the order of the description. Eager ones are ignored. */
export interface LateBindings {
  readonly constants: readonly unknown[];
  readonly cells: readonly { v: unknown }[];
}

/** A function that is not complete before `bind()` was called. */
export interface PreparedFunction {
  readonly fn: AnyFunction;
  /**
   * Gives the bindings that were not eager. Called once.
   *
   * @param values Without it the values of the description itself are used.
   */
  bind(values?: LateBindings): void;
}

type Factory = (
  meta: ModuleMeta,
  importModule: (specifier: unknown, options?: ImportCallOptions) => unknown,
  eager: readonly unknown[],
) => [fn: AnyFunction, bindLate: (values: readonly unknown[]) => void];

// Large enough for every function of a program, small enough that a program
// that makes functions for ever does not keep them.
const MAX_FACTORIES = 1_000;
const factories = new Map<string, Factory>();

/**
 * Names the modules that have to be loaded before a function can be revived.
 *
 * @param description What travelled.
 * @returns The specifiers, each once.
 */
export function modulesOf(description: FunctionDescription): string[] {
  return description.kind === "reference"
    ? [description.url]
    : [...new Set(description.imports.map(({ specifier }) => specifier))];
}

/**
 * Loads modules. An error of a module's own evaluation is passed on as it is.
 *
 * @param urls What {@linkcode modulesOf} gave.
 * @returns The namespaces by specifier.
 */
export async function loadModules(
  urls: Iterable<string>,
): Promise<Map<string, ModuleNamespace>> {
  const modules = new Map<string, ModuleNamespace>();
  await Promise.all(
    Array.from(new Set([...urls, ...companionModules(urls)]), async (url) => {
      const namespace: ModuleNamespace = await import(url);
      rememberNamespace(namespace, url);
      modules.set(url, namespace);
    }),
  );
  return modules;
}

/**
 * Takes a function that travelled by reference out of its module.
 *
 * @param reference What travelled.
 * @param modules The loaded modules.
 * @returns The export.
 * @throws {SerializationError} If the module has no such export, or it is not a function.
 */
export function resolveReference(
  reference: FunctionReference,
  modules: ReadonlyMap<string, ModuleNamespace>,
): AnyFunction {
  const { url, name } = reference;
  const namespace = loaded(url, modules, name);
  if (!(name in namespace)) {
    throw new SerializationError(
      `Cannot find function '${name}': module ${url} has no such export`,
      { path: name, reason: "is not exported" },
    );
  }
  const fn = namespace[name];
  if (typeof fn !== "function") {
    throw new SerializationError(
      `Cannot call export '${name}' of module ${url} as it must be a function: current value is of type ${typeof fn}`,
      { path: name, reason: "is not a function" },
    );
  }
  rememberFunction(fn, reference);
  return fn as AnyFunction;
}

/**
 * Evaluates a function that travelled by value.
 *
 * @param description What travelled. Its eager bindings must be complete.
 * @param modules The loaded modules.
 * @returns The function and the way to complete it.
 * @throws {SerializationError} If a module is missing, or the source cannot be evaluated here.
 */
export function prepare(
  description: FunctionValue,
  modules: ReadonlyMap<string, ModuleNamespace>,
): PreparedFunction {
  const { name, url, constants, cells, imports } = description;
  const eager: unknown[] = [];
  for (const { specifier, exportName } of imports) {
    const namespace = loaded(specifier, modules, name);
    eager.push(exportName === "*" ? namespace : namespace[exportName]);
  }
  for (const constant of constants) {
    if (constant.eager) eager.push(constant.value);
  }
  for (const cell of cells) if (cell.eager) eager.push(cell.cell);
  const [fn, bindLate] = factoryOf(description)(
    metaOf(url),
    importerOf(url),
    eager,
  );
  nameFunction(fn, name);
  return {
    fn,
    bind(values) {
      const bound = values === undefined ? description : {
        ...description,
        constants: constants.map((constant, i) =>
          constant.eager
            ? constant
            : { ...constant, value: values.constants[i] }
        ),
        cells: cells.map((cell, i) =>
          cell.eager ? cell : { ...cell, cell: values.cells[i]! }
        ),
      };
      const late: unknown[] = [];
      for (const constant of bound.constants) {
        if (constant.eager) continue;
        if (constant.name === PROPERTIES_NAME) {
          Object.assign(fn, constant.value);
        } else late.push(constant.value);
      }
      for (const { cell, eager } of bound.cells) if (!eager) late.push(cell);
      bindLate(late);
      rememberFunction(fn, bound);
    },
  };
}

function factoryOf(description: FunctionValue): Factory {
  const { source, url, constants, cells, imports } = description;
  const eager = imports.map(({ name }) => name);
  const late: string[] = [];
  for (const constant of constants) {
    if (constant.name === PROPERTIES_NAME) continue;
    (constant.eager ? eager : late).push(constant.name);
  }
  for (const cell of cells) (cell.eager ? eager : late).push(cell.box);
  const label = labelOf(description.name, url);
  const key = `${label}\n${eager}\n${late}\n${source}`;
  const known = factories.get(key);
  if (known !== undefined) return known;
  const lines = [
    '"use strict";',
    ...eager.map((name, i) => `const ${name} = $eager$[${i}];`),
    ...(late.length > 0 ? [`let ${late.join(", ")};`] : []),
    "return [",
    source,
    // The parameter's name cannot shadow a binding: it is in none of the names.
    ", ($late$) => {",
    ...late.map((name, i) => `${name} = $late$[${i}];`),
    "}];",
    `//# sourceURL=${label}`,
  ];
  let factory: Factory;
  try {
    factory = new Function(
      META_NAME,
      IMPORT_NAME,
      "$eager$",
      lines.join("\n"),
    ) as Factory;
  } catch (error) {
    throw new SerializationError(
      `Cannot revive function '${description.name}': its source is not valid strict-mode JavaScript`,
      { cause: error, reason: "is not valid in strict mode" },
    );
  }
  if (factories.size >= MAX_FACTORIES) {
    factories.delete(factories.keys().next().value!);
  }
  factories.set(key, factory);
  return factory;
}

function labelOf(name: string, url: string | undefined): string {
  // V8 ends the URL at white space, and does not accept quotes.
  const label = `${url ?? "parallel:"}#${name || "anonymous"}`;
  return label.replace(/[\s"']+/g, "_");
}

function loaded(
  specifier: string,
  modules: ReadonlyMap<string, ModuleNamespace>,
  functionName: string,
): ModuleNamespace {
  const namespace = modules.get(specifier);
  if (namespace === undefined) {
    throw new SerializationError(
      `Cannot revive function '${functionName}': module ${specifier} is not loaded`,
      { reason: "needs a module that is not loaded" },
    );
  }
  return namespace;
}

function metaOf(url: string | undefined): ModuleMeta {
  const resolve = (specifier: string) => {
    const resolved = resolveRelative(specifier, url);
    return resolved === specifier ? import.meta.resolve(specifier) : resolved;
  };
  if (!url?.startsWith("file:")) return { url, main: false, resolve };
  const filename = pathOf(url);
  const end = filename.lastIndexOf(Deno.build.os === "windows" ? "\\" : "/");
  return {
    url,
    filename,
    dirname: filename.slice(0, Math.max(end, 1)),
    main: false,
    resolve,
  };
}

function pathOf(url: string): string {
  const path = decodeURIComponent(new URL(url).pathname);
  return Deno.build.os === "windows"
    ? path.slice(1).replaceAll("/", "\\")
    : path;
}

function importerOf(base: string | undefined) {
  // Asynchronous as `import()` is: a bad specifier rejects.
  const importModule = async (
    specifier: unknown,
    options?: ImportCallOptions,
  ) => {
    const resolved = resolveRelative(String(specifier), base);
    const namespace = await import(resolved, options);
    if (options === undefined) rememberNamespace(namespace, resolved);
    return namespace;
  };
  // Read where a function below the revived one is sent on.
  return Object.assign(importModule, { base });
}

function nameFunction(fn: AnyFunction, name: string): void {
  // A class may have a static member called `name`, which is not a string then
  // or not configurable, and stays.
  const own = Object.getOwnPropertyDescriptor(fn, "name");
  if ((own !== undefined && !("value" in own)) || fn.name === name) return;
  if (
    own === undefined || (own.configurable && typeof own.value === "string")
  ) {
    Object.defineProperty(fn, "name", { value: name, configurable: true });
  }
}
