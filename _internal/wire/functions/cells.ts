// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Boxes for captured variables that are assigned. Functions that share a
// variable must share its box within one message, or `inc()` and `get()` would
// each count for themselves.
//
// V8 shows what a scope holds, not which scope it is. So a variable of a module
// is told by its script. A variable of any other scope is told by the place of
// that scope in its script, and by what that scope and the ones around it hold.
// Two closures of one and the same place that see equal scopes may share the
// variable or have one each: nothing tells, so that is refused.

import { captureError } from "./capture_error.ts";
import type { RuntimeScope } from "./inspector.ts";
import { nameOf } from "./names.ts";

/** The box of one variable. */
export interface Cell {
  v: unknown;
}

/** Where a captured variable lives. */
export interface CellPlace {
  readonly name: string;
  /** Tells the declaring scope among all scopes of the program. */
  readonly scopeKey: string;
  /** The declaring scope and the ones around it, without those of module and globals. */
  readonly chain: readonly RuntimeScope[];
  /** Tells the capturing function's place among all functions. */
  readonly functionKey: string;
}

interface ScopeInstance {
  readonly chain: readonly RuntimeScope[];
  readonly cells: Map<string, Cell>;
  /** By place, who has captured from here. */
  readonly owners: Map<string, object>;
}

/** What the functions of one message share: see {@linkcode createCaptureContext}. */
export class CaptureContext {
  readonly #instances = new Map<string, ScopeInstance[]>();

  /**
   * Gives the box of a variable.
   *
   * @param place Where the variable lives.
   * @param value What it holds now.
   * @param fn The capturing function.
   * @returns The same box for the same variable.
   * @throws {SerializationError} If it cannot be told whether this is a variable that was seen before.
   */
  cell(
    place: CellPlace,
    value: unknown,
    fn: (...args: never[]) => unknown,
  ): Cell {
    let instances = this.#instances.get(place.scopeKey);
    if (instances === undefined) {
      instances = [];
      this.#instances.set(place.scopeKey, instances);
    }
    let instance = instances.find(({ chain }) =>
      isSameChain(chain, place.chain)
    );
    if (instance === undefined) {
      instance = { chain: place.chain, cells: new Map(), owners: new Map() };
      instances.push(instance);
    }
    if (place.chain.length > 0) {
      const owner = instance.owners.get(place.functionKey);
      if (owner !== undefined && owner !== fn) {
        throw captureError(
          nameOf(fn),
          place.name,
          "is assigned, and another function from the same place in the source is sent with it: whether both share the variable cannot be told",
        );
      }
      instance.owners.set(place.functionKey, fn);
    }
    let cell = instance.cells.get(place.name);
    if (cell === undefined) {
      cell = { v: value };
      instance.cells.set(place.name, cell);
    }
    return cell;
  }
}

/**
 * Creates what the functions of one message share. To be used for all of them,
 * at once: values are taken when the first of them is described.
 *
 * @returns The context.
 */
export function createCaptureContext(): CaptureContext {
  return new CaptureContext();
}

function isSameChain(
  a: readonly RuntimeScope[],
  b: readonly RuntimeScope[],
): boolean {
  return a.length === b.length &&
    a.every((scope, i) => isSameScope(scope.object, b[i]!.object));
}

function isSameScope(
  a: RuntimeScope["object"],
  b: RuntimeScope["object"],
): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length &&
    names.every((name) =>
      Object.hasOwn(b, name) && Object.is(read(a, name), read(b, name))
    );
}

// Stands for a variable that is not initialised yet.
const UNINITIALIZED = Symbol("uninitialized");

function read(object: RuntimeScope["object"], name: string): unknown {
  try {
    return object[name];
  } catch (error) {
    if (error instanceof ReferenceError) return UNINITIALIZED;
    throw error;
  }
}
