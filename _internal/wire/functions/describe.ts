// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The caller's side of functions that travel, by the rule that cloudpickle made
// standard in Python:
//
//   1. an export of a module other than the main one goes by reference;
//   2. anything else goes by value: its source, and what its free variables
//      hold now. The codec takes captured functions through here again;
//   3. where that cannot be done exactly, it is an error, never a guess.
//
// A function without free variables is source and nothing else, and V8 is not
// asked. For the others V8 tells place and values (`inspector.ts`), and the
// script's own source tells what each name means and whether it is ever
// assigned (`scopes.ts`). What cannot change any more is kept by function.

import { noteModule } from "./sync_modules.ts";
import { type CaptureContext, createCaptureContext } from "./cells.ts";
import { captureError, functionError } from "./capture_error.ts";
import { BLIND_REASON, Capture, isPrimitive, valueOf } from "./capture.ts";
import type { FunctionReference, FunctionValue } from "./description.ts";
import { rememberExport } from "./homes.ts";
import { guessPlace } from "./guess.ts";
import { locate, type LocatedFunction } from "./locate.ts";
import {
  storagesByText,
  storagesInModule,
  withLoadedStorages,
} from "./module_storages.ts";
import { withStorages } from "./storages.ts";
import { UNSHADOWED } from "./globals.ts";
import { nameOf, PROPERTIES_NAME } from "./names.ts";
import { functionOrigin } from "./origins.ts";
import { type FunctionSource, isNative, sourceOf } from "./parse.ts";
import { exportFromCallers, exportOf } from "./references.ts";
import {
  type AnyFunction,
  createStub,
  type Description,
  referenceOf,
  type TaskOptions,
  unwrapTask,
} from "./task.ts";

export { captureError } from "./capture_error.ts";
export { type CaptureContext, createCaptureContext } from "./cells.ts";
export { closeInspector } from "./inspector.ts";

// What is known for good: references, and values that capture no cell.
const settled = new WeakMap<object, Description>();

/**
 * Finds out how a function can be had in another isolate.
 *
 * @param fn The function, or a task.
 * @param context What the functions of one message share.
 * @returns The description, with the captured values as they are.
 * @throws {SerializationError} If it cannot travel, or not exactly.
 */
export function describeFunction(
  fn: AnyFunction,
  context: CaptureContext = createCaptureContext(),
): Description {
  const known = settled.get(fn);
  // Properties may have been set on the function since.
  if (
    known !== undefined &&
    (known.kind !== "value" || Object.keys(fn).length === 0)
  ) return known;
  const origin = functionOrigin(fn);
  const elsewhere = origin ?? referenceOf(fn);
  const description = elsewhere === undefined
    ? describe(fn, context)
    : withLoadedStorages(elsewhere);
  if (description.kind === "reference") rememberExport(description, fn);
  if (origin !== undefined) return description;
  if (isSettled(description)) settled.set(fn, description);
  return description;
}

/**
 * Tells whether a description holds for every later message too: nothing that
 * it captured directly can change. What it captured may capture more.
 *
 * @param description The description.
 * @returns True for references, and where only imports and primitives are captured.
 */
export function isStable(description: Description): boolean {
  return description.kind !== "value" ||
    description.cells.length === 0 &&
      description.constants.every(({ value }) => isPrimitive(value));
}

function isSettled(description: Description): boolean {
  // A `var` that is still undefined may only be captured too early; properties
  // of functions come and go.
  return description.kind !== "value" ||
    description.cells.length === 0 &&
      description.constants.every(({ name, value }) =>
        value !== undefined && name !== PROPERTIES_NAME
      );
}

function describe(
  fn: AnyFunction,
  context: CaptureContext,
): Description {
  const task = unwrapTask(fn);
  if (task.fn !== fn) return describeTask(fn, task);
  const text = Function.prototype.toString.call(fn);
  if (isNative(text)) {
    throw functionError(
      nameOf(fn),
      "is a native or bound function, which has no source",
      "wrap it in a function of your own, such as (...args) => f(...args)",
    );
  }
  const source = sourceOf(text, nameOf(fn));
  if (
    source !== undefined && source.free.length === 0 &&
    source.self.length === 0 && !text.startsWith("class") &&
    !usesModule(source) && !usesOuter(source)
  ) return valueOf(fn, source.text);
  const place = locate(fn, text);
  const reference = findExport(fn, place);
  if (reference !== undefined) return reference;
  if (place !== undefined && /^(ext|node):/.test(place.script.url)) {
    throw functionError(
      nameOf(fn),
      "belongs to the runtime",
      "wrap it in a function of your own, such as (...args) => f(...args)",
    );
  }
  assertSource(fn, text, source, place);
  return place === undefined
    ? describeBlindly(fn, text, source, context)
    : new Capture(fn, source, place, context).describe();
}

/**
 * Describes a task: an export is a task of its module over there too, and every
 * other one is made anew.
 */
function describeTask(
  task: AnyFunction,
  { fn, options }: { fn: AnyFunction; options: Readonly<TaskOptions> },
): Description {
  const description = { kind: "task", fn, options } as const;
  // V8 would only see our own wrapping.
  if (functionOrigin(fn) !== undefined || referenceOf(fn) !== undefined) {
    return description;
  }
  const text = Function.prototype.toString.call(fn);
  return isNative(text)
    ? description
    : findExport(task, locate(fn, text)) ?? description;
}

const stubs = new WeakMap<AnyFunction, AnyFunction>();

/**
 * What stands for a function by the name of its export, for those who take no
 * code: an export that uses nothing but its arguments would go as source.
 *
 * @param fn The function, or a task.
 * @returns The function without its task's options; as it is where it is no export, or names one already.
 */
export function byExportName(fn: AnyFunction): AnyFunction {
  const { fn: inner } = unwrapTask(fn);
  if (functionOrigin(inner) !== undefined || referenceOf(inner) !== undefined) {
    return inner;
  }
  const known = stubs.get(fn);
  if (known !== undefined) return known;
  const text = Function.prototype.toString.call(inner);
  if (isNative(text)) return inner;
  const place = locate(inner, text);
  // The task may be the export, or what it was made of.
  const reference = findExport(fn, place) ?? findExport(inner, place);
  if (reference === undefined) return inner;
  const stub = createStub(reference);
  stubs.set(fn, stub);
  return stub;
}

/** Looks for a function or task among the exports of where it was defined. */
function findExport(
  value: AnyFunction,
  place: LocatedFunction | undefined,
): FunctionReference | undefined {
  const reference = place === undefined
    ? exportFromCallers(value)
    : exportOf(value, place);
  return reference && withStorages(
    reference,
    place === undefined
      ? storagesByText(reference.url)
      : storagesInModule(place),
  );
}

/** Describes a function where V8 cannot be asked: only what cannot be wrong. */
function describeBlindly(
  fn: AnyFunction,
  text: string,
  source: FunctionSource,
  context: CaptureContext,
): FunctionValue {
  const place = guessPlace(text);
  if (place !== undefined) {
    return new Capture(fn, source, place, context).describe();
  }
  const unknown = source.free.find(({ name }) => !UNSHADOWED.has(name));
  if (unknown !== undefined) {
    throw captureError(nameOf(fn), unknown.name, BLIND_REASON);
  }
  if (usesModule(source)) {
    throw functionError(
      nameOf(fn),
      "uses import.meta or import(), and its module cannot be told without the permission --allow-sys",
      "grant --allow-sys, export the function from a module other than the main one, or use fromModule()",
    );
  }
  return valueOf(fn, source.text);
}

function assertSource(
  fn: AnyFunction,
  text: string,
  source: FunctionSource | undefined,
  place: LocatedFunction | undefined,
): asserts source is FunctionSource {
  // The parser refuses `new.target` outside of a function.
  if (source === undefined && /\bnew\s*\.\s*target\b/.test(text)) {
    throw functionError(nameOf(fn), "captures new.target of another function");
  }
  if (source === undefined) {
    throw functionError(
      nameOf(fn),
      "is a private method, or its source is not strict-mode JavaScript",
    );
  }
  const { unbound } = source.analysis;
  if (unbound.privateName !== undefined) {
    throw functionError(
      nameOf(fn),
      `uses the private member #${unbound.privateName} of its class`,
    );
  }
  if (unbound.super) throw functionError(nameOf(fn), "uses super of its class");
  if (unbound.arguments) {
    throw functionError(nameOf(fn), "captures arguments of another function");
  }
  if (unbound.eval) {
    throw functionError(
      nameOf(fn),
      "calls eval(), whose variables cannot be known",
    );
  }
  if (unbound.this && !isTopLevel(place)) {
    throw functionError(nameOf(fn), "captures this of another function");
  }
}

/** True where no function or class is around it, so that its `this` is undefined. */
function isTopLevel(place: LocatedFunction | undefined): boolean {
  const { node, script } = place ?? {};
  return node !== undefined && script!.isModule &&
    !script!.parsed!.analysis.functions.some((outer) =>
      outer !== node && outer.start <= node.start && outer.end >= node.end &&
      outer.type !== "ArrowFunctionExpression"
    );
}

function usesModule({ analysis }: FunctionSource): boolean {
  return analysis.metas.length > 0 || analysis.dynamicImports.length > 0;
}

function usesOuter({ analysis: { unbound } }: FunctionSource): boolean {
  return unbound.this || unbound.super ||
    unbound.arguments || unbound.eval || unbound.privateName !== undefined;
}

// A blocked thread finds it here, where it is loaded.
noteModule(import.meta.url, { createCaptureContext, describeFunction });
