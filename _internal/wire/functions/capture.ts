// Copyright 2026 the @concurrent/parallel authors. MIT license.

// One function that goes by value: its source, written anew where a name means
// something else over there, and what its variables hold.

import type { CaptureContext } from "./cells.ts";
import { captureError, functionError } from "./capture_error.ts";
import type {
  CapturedCell,
  CapturedConstant,
  CapturedImport,
  FunctionValue,
} from "./description.ts";
import { rememberExport } from "./homes.ts";
import type { RuntimeScope } from "./inspector.ts";
import type { LocatedFunction } from "./locate.ts";
import {
  IMPORT_NAME,
  META_NAME,
  type ModuleMeta,
  nameOf,
  PROPERTIES_NAME,
} from "./names.ts";
import { isProxy } from "./sync_modules.ts";
import { storagesByText, storagesOfImport } from "./module_storages.ts";
import { namespaceOrigin } from "./origins.ts";
import { ownExportOf } from "./own_exports.ts";
import type { FunctionSource } from "./parse.ts";
import { resolveSpecifier } from "./references.ts";
import { applyEdits, type Edit, replaceReference } from "./rewrite.ts";
import { type Binding, isInside, type Reference } from "./scopes.ts";
import { type Storage, withStorages } from "./storages.ts";
import type { AnyFunction } from "./task.ts";

/** Why a variable is not captured where V8 cannot be asked. */
export const BLIND_REASON =
  "cannot be read without the permission --allow-sys (grant it, or take one of the ways out)";

/** One function that goes by value. */
export class Capture {
  readonly #fn: AnyFunction;
  readonly #source: FunctionSource;
  readonly #place: LocatedFunction;
  readonly #context: CaptureContext;
  readonly #constants: CapturedConstant[] = [];
  readonly #cells: CapturedCell[] = [];
  readonly #imports: CapturedImport[] = [];
  readonly #storages = new Set<Storage>();
  readonly #namespaces = new Map<string, string>();
  readonly #edits: Edit[] = [];
  #url: string | undefined;
  #nextName = 0;

  constructor(
    fn: AnyFunction,
    source: FunctionSource,
    place: LocatedFunction,
    context: CaptureContext,
  ) {
    this.#fn = fn;
    this.#source = source;
    this.#place = place;
    this.#context = context;
    const { script } = place;
    this.#url = script.isModule && !script.hasSourceUrl && script.url !== ""
      ? script.url
      : undefined;
  }

  describe(): FunctionValue {
    const heritage = this.#captureHeritage();
    const free = heritage === undefined
      ? this.#source.free
      : this.#source.free.filter((reference) => !isInside(reference, heritage));
    for (
      const [name, references] of Map.groupBy(free, ({ name }) => name)
    ) this.#capture(name, references);
    this.#captureSelf();
    this.#rewriteModule();
    return withStorages({
      ...valueOf(
        this.#fn,
        applyEdits(this.#source.text, this.#edits),
        this.#constants,
      ),
      url: this.#url,
      cells: this.#cells,
      imports: this.#imports,
    }, this.#storages);
  }

  #capture(name: string, references: readonly Reference[]): void {
    const { names, script, node } = this.#place;
    if (name === META_NAME || name === IMPORT_NAME) {
      return this.#adoptModule(name);
    }
    const binding = names.get(name);
    if (binding === undefined) {
      const found = this.#find(name);
      // A name that no scope has is a global, or an error of its own over there.
      if (found === undefined) return;
      // The console of a REPL declares names outside of every script.
      if (found.scope.description === "Script") {
        return this.#addCell(name, references, "script", found);
      }
      throw this.#error(
        name,
        node === undefined
          ? "cannot be resolved, since its script cannot be parsed"
          : "was made by eval()",
      );
    }
    const imported = binding.kind === "import"
      ? script.parsed!.imports.get(name)
      : undefined;
    if (imported !== undefined && !imported.hasAttributes) {
      const value = this.#imported(name);
      const own = value === undefined ? undefined : ownExportOf(value);
      if (own !== undefined) {
        return this.#addImport(own.url, own.name, references);
      }
      const specifier = resolveSpecifier(imported.specifier, this.#url);
      rememberExport({ url: specifier, name: imported.exportName }, value);
      this.#addStorages(specifier, imported.exportName, value);
      return this.#addImport(specifier, imported.exportName, references);
    }
    if (binding.importedFrom !== undefined && !binding.assigned) {
      const specifier = resolveSpecifier(binding.importedFrom, this.#url);
      const namespace = this.#imported(name);
      rememberExport({ url: specifier, name: "*" }, namespace);
      this.#addStorages(specifier, "*", namespace);
      return this.#addImport(specifier, "*", references);
    }
    const found = this.#find(name);
    if (found === undefined) {
      throw this.#invisible(name);
    }
    if (binding.assigned) {
      const key = `${script.id}:${binding.scope.start}:${binding.scope.kind}`;
      return this.#addCell(name, references, key, found);
    }
    const value = this.#read(name, found.scope);
    const specifier = typeof value === "object" && value !== null
      ? namespaceOrigin(value)
      : undefined;
    if (specifier !== undefined) {
      this.#addStorages(specifier, "*", value);
      return this.#addImport(specifier, "*", references);
    }
    const own = ownExportOf(value);
    if (own !== undefined) {
      return this.#addImport(own.url, own.name, references);
    }
    this.#constants.push({ name, value, eager: isEager(references) });
  }

  /**
   * The variables of `extends …` are often seen by no function, so that V8
   * keeps them nowhere; what they gave is the prototype of the class.
   */
  #captureHeritage(): { start: number; end: number } | undefined {
    const heritage = this.#source.heritage;
    if (heritage === undefined) return undefined;
    // Globals and imports are found over there by their name.
    const isLocal = this.#source.free.some((reference) => {
      const binding = isInside(reference, heritage)
        ? this.#place.names.get(reference.name)
        : undefined;
      return binding !== undefined && binding.kind !== "import";
    });
    if (!isLocal) return undefined;
    const name = this.#newName("super");
    this.#constants.push({
      name,
      value: Object.getPrototypeOf(this.#fn),
      eager: true,
    });
    this.#edits.push({ start: heritage.start, end: heritage.end, text: name });
    return heritage;
  }

  /** A function declaration whose name is assigned somewhere does not call itself. */
  #captureSelf(): void {
    const { self } = this.#source;
    const { node, script } = this.#place;
    if (self.length === 0 || node?.type !== "FunctionDeclaration") return;
    const { name } = self[0]!;
    const binding = this.#declared(name);
    if (!binding?.assigned) return;
    const found = this.#find(name);
    if (found === undefined) {
      throw this.#invisible(name);
    }
    const key = `${script.id}:${binding.scope.start}:${binding.scope.kind}`;
    this.#addCell(name, self, key, found);
  }

  /** What an import gave, where V8 shows it. */
  #imported(name: string): unknown {
    const found = this.#find(name);
    if (found === undefined) return undefined;
    try {
      return found.scope.object[name];
    } catch (error) {
      // The module is part of a cycle and has not been evaluated.
      if (error instanceof ReferenceError) return undefined;
      throw error;
    }
  }

  #addStorages(specifier: string, exportName: string, value: unknown): void {
    const storages = this.#place.scopes.length === 0
      ? storagesByText(specifier)
      : storagesOfImport(specifier, exportName, value);
    for (const storage of storages) this.#storages.add(storage);
  }

  #declared(name: string): Binding | undefined {
    return this.#place.names.get(name);
  }

  #addImport(
    specifier: string,
    exportName: string,
    references: readonly Reference[],
  ): void {
    let name = this.#namespaces.get(specifier);
    if (name === undefined) {
      name = this.#newName("module");
      this.#namespaces.set(specifier, name);
      this.#imports.push({ name, specifier, exportName: "*" });
    }
    // Read from the namespace at each use: exports are live bindings.
    if (exportName === "*") {
      for (const { role, start, end, name: written } of references) {
        this.#edits.push({
          start,
          end,
          text: role === "shorthand" ? `${written}: ${name}` : name,
        });
      }
      return;
    }
    const member = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(exportName)
      ? `${name}.${exportName}`
      : `${name}[${JSON.stringify(exportName)}]`;
    this.#replace(references, member);
  }

  #addCell(
    name: string,
    references: readonly Reference[],
    scopeKey: string,
    { scope, index }: { scope: RuntimeScope; index: number },
  ): void {
    const { scopes, script, node } = this.#place;
    const cell = this.#context.cell(
      {
        name,
        scopeKey,
        chain: scopes.slice(index).filter(isPrivateScope),
        functionKey: `${script.id}:${node?.start}`,
      },
      this.#read(name, scope),
      this.#fn,
    );
    const box = this.#newName("box");
    this.#cells.push({ box, name, cell, eager: isEager(references) });
    this.#replace(references, `${box}.v`);
  }

  #replace(references: readonly Reference[], member: string): void {
    for (const reference of references) {
      this.#edits.push(...replaceReference(reference, member));
    }
  }

  /** `import.meta` and `import()` only work in the module that they are written in. */
  #rewriteModule(): void {
    const { metas, dynamicImports } = this.#source.analysis;
    for (const { start, end } of metas) {
      this.#edits.push({ start, end, text: META_NAME });
    }
    for (const { start, source } of dynamicImports) {
      this.#edits.push({
        start,
        end: start + "import".length,
        text: IMPORT_NAME,
      });
      if (source.type === "Literal" && typeof source.value === "string") {
        this.#edits.push({
          start: source.start,
          end: source.end,
          text: JSON.stringify(resolveSpecifier(source.value, this.#url)),
        });
      }
    }
  }

  /** The function was written below one that was revived: its module is that one's. */
  #adoptModule(name: string): void {
    const found = this.#find(name);
    if (found === undefined) return;
    const helper = this.#read(name, found.scope);
    this.#url = name === META_NAME
      ? (helper as ModuleMeta).url
      : (helper as { base: string | undefined }).base;
  }

  #find(name: string): { scope: RuntimeScope; index: number } | undefined {
    const { scopes } = this.#place;
    const index = scopes.findIndex(({ description, object }) =>
      !description.startsWith("Global") && Object.hasOwn(object, name)
    );
    return index < 0 ? undefined : { scope: scopes[index]!, index };
  }

  #read(name: string, { object }: RuntimeScope): unknown {
    let value: unknown;
    try {
      value = object[name];
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      throw this.#error(name, "is not initialized yet", { cause: error });
    }
    // The codec would read it through its traps and send what they show now.
    if (typeof value === "object" && isProxy(value)) {
      throw this.#error(name, "is a Proxy, whose traps belong to its isolate");
    }
    return value;
  }

  #newName(kind: string): string {
    let name: string;
    do {
      name = `$${kind}${this.#nextName++}$`;
    } while (this.#source.text.includes(name));
    return name;
  }

  #invisible(name: string) {
    return this.#error(
      name,
      this.#place.scopes.length === 0
        ? BLIND_REASON
        : "is not visible to the debugger",
    );
  }

  #error(variable: string, reason: string, options?: ErrorOptions) {
    return captureError(nameOf(this.#fn), variable, reason, options);
  }
}

/**
 * Describes a function without free variables.
 *
 * @param fn The function.
 * @param source Its source as an expression.
 * @param constants What it captures.
 * @returns The description.
 */
export function valueOf(
  fn: AnyFunction,
  source: string,
  constants: readonly CapturedConstant[] = [],
): FunctionValue {
  assertComplete(fn);
  const properties = propertiesOf(fn);
  return {
    kind: "value",
    name: nameOf(fn),
    source,
    url: undefined,
    constants: properties === undefined ? constants : [...constants, {
      name: PROPERTIES_NAME,
      value: properties,
      eager: false,
    }],
    cells: [],
    imports: [],
  };
}

/**
 * What a program has set on a function, such as a cache. The static fields of a
 * class are made by its source, but numbers and the like may have changed since.
 */
function propertiesOf(fn: AnyFunction): object | undefined {
  const names = Object.keys(fn);
  if (names.length === 0) return undefined;
  const isClass =
    Object.getOwnPropertyDescriptor(fn, "prototype")?.writable === false;
  if (!isClass) return { ...fn };
  const fields = names.flatMap((name) => {
    const property = Object.getOwnPropertyDescriptor(fn, name)!;
    return property.writable && isPrimitive(property.value)
      ? [[name, property.value]]
      : [];
  });
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

/** True for what cannot change. */
export function isPrimitive(value: unknown): boolean {
  return value === null ||
    (typeof value !== "object" && typeof value !== "function");
}

/** Refuses what would be lost on the way without a word. */
function assertComplete(fn: AnyFunction): void {
  const prototype = Object.getOwnPropertyDescriptor(fn, "prototype");
  // The members that a class itself declares are not enumerable.
  if (Object.keys(prototype?.value ?? {}).length > 0) {
    throw functionError(
      nameOf(fn),
      "has members on its prototype that its source does not have (write them in a class)",
    );
  }
}

function isEager(references: readonly Reference[]): boolean {
  return references.some(({ eager }) => eager);
}

function isPrivateScope({ description }: RuntimeScope): boolean {
  return !/^(Module|Script|Global)/.test(description);
}
