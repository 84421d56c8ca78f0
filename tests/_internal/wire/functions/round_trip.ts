// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  type CaptureContext,
  createCaptureContext,
  describeFunction,
} from "../../../../_internal/wire/functions/describe.ts";
import type { FunctionDescription } from "../../../../_internal/wire/functions/description.ts";
import {
  loadModules,
  modulesOf,
  prepare,
  resolveReference,
} from "../../../../_internal/wire/functions/revive.ts";
import type { AnyFunction } from "../../../../_internal/wire/functions/task.ts";

/**
 * Sends functions through description and revival in this isolate, with a codec
 * that copies functions, arrays, plain objects and boxes, and nothing else.
 */
export async function roundTrip<T>(
  value: T,
  context: CaptureContext = createCaptureContext(),
): Promise<T> {
  const descriptions = new Map<AnyFunction, FunctionDescription>();
  collect(value, descriptions, context, new Set());
  const modules = await loadModules(
    [...descriptions.values()].flatMap(modulesOf),
  );
  const copies = new Map<unknown, unknown>();
  const binds: (() => void)[] = [];
  const copy = (source: unknown): unknown => {
    if (copies.has(source)) return copies.get(source);
    if (typeof source === "function") {
      const description = descriptions.get(source as AnyFunction)!;
      if (description.kind === "reference") {
        return resolveReference(description, modules);
      }
      const { fn, bind } = prepare({
        ...description,
        constants: description.constants.map((constant) =>
          constant.eager
            ? { ...constant, value: copy(constant.value) }
            : { ...constant, value: undefined }
        ),
        cells: description.cells.map((cell) =>
          cell.eager
            ? { ...cell, cell: copy(cell.cell) as { v: unknown } }
            : cell
        ),
      }, modules);
      copies.set(source, fn);
      binds.push(() =>
        bind({
          constants: description.constants.map(({ value }) => copy(value)),
          cells: description.cells.map(({ cell }) =>
            copy(cell) as { v: unknown }
          ),
        })
      );
      return fn;
    }
    if (!isPlain(source)) return source;
    const target: Record<string, unknown> | unknown[] = Array.isArray(source)
      ? []
      : {};
    copies.set(source, target);
    for (const [key, member] of Object.entries(source)) {
      (target as Record<string, unknown>)[key] = copy(member);
    }
    return target;
  };
  const result = copy(value);
  for (let bind = binds.shift(); bind !== undefined; bind = binds.shift()) {
    bind();
  }
  return result as T;
}

function collect(
  value: unknown,
  descriptions: Map<AnyFunction, FunctionDescription>,
  context: CaptureContext,
  seen: Set<unknown>,
): void {
  if (seen.has(value)) return;
  seen.add(value);
  if (typeof value === "function") {
    const description = describeFunction(value as AnyFunction, context);
    if (description.kind === "task") {
      throw new TypeError("Cannot copy a task: this codec has none");
    }
    descriptions.set(value as AnyFunction, description);
    if (description.kind === "reference") return;
    for (const constant of description.constants) {
      collect(constant.value, descriptions, context, seen);
    }
    for (const { cell } of description.cells) {
      collect(cell, descriptions, context, seen);
    }
  } else if (isPlain(value)) {
    for (const member of Object.values(value)) {
      collect(member, descriptions, context, seen);
    }
  }
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype;
}
