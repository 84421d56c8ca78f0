// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a function's source tells before its first run: how it waits, whether it
// can hold up an event loop, and whether it would show where it runs.
//
//   facts.ts      what one source says, by one walk over it
//   meanings.ts   what the names mean that it does not declare
//   read_only.ts  which typed arrays it only reads
//   linear.ts     what takes time in proportion to its input
//
// Here the facts of a function and of all functions that it captures are put
// together. All of it is conservative: what cannot be told counts as the worse.
//
// Known are functions by object and, where nothing but the source matters, by
// their text: a program often writes its arrow function where it submits. Two
// functions of one text then share what was found for the first one, also where
// a module of the second declares a name anew that the first has from the
// runtime.

import type { AnyNode } from "./acorn.ts";
import { type FunctionNode, isFunction } from "./ast.ts";
import { type Facts, factsOf } from "./facts.ts";
import { meaningsOf } from "./meanings.ts";
import { nameOf } from "./names.ts";
import { isNative, type ParsedScript, sourceOf } from "./parse.ts";
import { readOnlyParameters } from "./read_only.ts";
import { parseModule } from "./references.ts";
import { type AnyFunction, referenceOf } from "./task.ts";

/** What a function's source tells before its first run. */
export interface Sight {
  /** True for async functions and async generators. */
  readonly isAsync: boolean;
  readonly isGenerator: boolean;
  /** The call that blocks its thread, such as `"Deno.readFileSync"`. */
  readonly blocks: string | undefined;
  /** The call that ends its worker, or the program, such as `"Deno.exit"`. */
  readonly ends: string | undefined;
  /** What would show that it runs on the caller's event loop, such as `"self"`. */
  readonly needsWorker: string | undefined;
  /** The captured variable that it would share with the program there, and that a worker has a copy of. */
  readonly shares: string | undefined;
  /** True where its synchronous stretches take a short time whatever it is given. */
  readonly isBounded: boolean;
  /** True where it is bounded and calls nothing: all of it is over when it returns, and it asks nobody where it runs. */
  readonly isPlain: boolean;
  /** True where it waits for the world outside and is bounded besides. */
  readonly waits: boolean;
  /**
   * True for an async function that waits for the world outside, and takes time
   * at most in proportion to what it has waited for and to its arguments.
   */
  readonly isLinear: boolean;
  /**
   * For each parameter whether the function provably only reads a typed array
   * that it gets there. It may do so after an `await`, too.
   */
  readonly readsOnly: readonly boolean[];
}

/** What one source says, and what is found with it. */
interface Seen {
  readonly facts: Facts;
  readonly readsOnly: readonly boolean[];
  readonly isAsync: boolean;
  readonly isGenerator: boolean;
  /** True where a function of the same text says the same. */
  readonly isTextual: boolean;
}

/** A longer source is not looked at: it takes a millisecond for each 16 kB. */
const MAX_LENGTH = 32_768;
/** Functions that a function leads to, itself included. */
const MAX_FUNCTIONS = 64;
const MAX_TEXTS = 256;
/** What a function captures is read only where its script is not longer: it would be parsed for this alone. */
const MAX_SCRIPT = 65_536;

const byFunction = new WeakMap<AnyFunction, Sight>();
const seenByFunction = new WeakMap<AnyFunction, Seen>();
const byText = new Map<string, Sight>();

/**
 * Tells what can be known of a function before it has run. Never throws: of
 * what has no source that can be read, nothing good is known.
 *
 * @param fn The function; of a task what it calls.
 */
export function sightOf(fn: AnyFunction): Sight {
  const known = byFunction.get(fn);
  const hasProperties = Object.keys(fn).length > 0;
  // Properties may have been set since.
  if (known !== undefined && (!hasProperties || known.shares !== undefined)) {
    return known;
  }
  const text = Function.prototype.toString.call(fn);
  let sight = hasProperties ? undefined : byText.get(text);
  if (sight !== undefined) {
    // The least recently used one is the first.
    byText.delete(text);
    byText.set(text, sight);
  } else {
    const seen = see(fn, text, true);
    sight = together(fn, seen);
    if (seen?.isTextual && !hasProperties) {
      byText.set(text, sight);
      if (byText.size > MAX_TEXTS) byText.delete(byText.keys().next().value!);
    }
  }
  byFunction.set(fn, sight);
  return sight;
}

/** The facts of one function; `undefined` where its source cannot be read. */
function see(
  fn: AnyFunction,
  text: string,
  isCalled: boolean,
): Seen | undefined {
  const known = seenByFunction.get(fn);
  if (known !== undefined) return known;
  let seen: Seen | undefined;
  try {
    const reference = referenceOf(fn);
    seen = reference === undefined
      ? read(fn, text, isCalled ? Infinity : MAX_SCRIPT)
      : readExport(reference.url, reference.name);
  } catch {
    // Whatever it is that V8, the parser or a module's file does not give.
  }
  if (seen !== undefined) seenByFunction.set(fn, seen);
  return seen;
}

function read(
  fn: AnyFunction,
  text: string,
  maxScript: number,
): Seen | undefined {
  if (text.length > MAX_LENGTH || isNative(text)) return undefined;
  const source = sourceOf(text, nameOf(fn));
  const root = source?.analysis.functions[0] as FunctionNode | undefined;
  if (source === undefined || root === undefined) return undefined;
  const names = meaningsOf(fn, text, source, maxScript);
  return seenIn(
    root,
    factsOf(root, source, names),
    () => readOnlyParameters(root, source.analysis),
    names.areGlobal,
  );
}

/** Reads a function that is not loaded here in the text of its module. */
function readExport(url: string, name: string): Seen | undefined {
  const module = parseModule(url);
  const root = module && exportedFunction(module, name);
  if (root === undefined) return undefined;
  const { analysis } = module!;
  const self = analysis.references.filter(({ binding, start }) =>
    root.id && binding?.start === root.id.start && start > root.start &&
    start < root.end
  );
  const facts = factsOf(
    root,
    { text: module!.text, analysis, free: [], self, heritage: undefined },
    {
      of: (name) => ({ kind: "global", path: [name] }),
      member() {
        return undefined;
      },
    },
  );
  // To run it here its module would have to be loaded here.
  facts.needsWorker = "fromModule()";
  return seenIn(root, facts, () => readOnlyParameters(root, analysis), false);
}

function exportedFunction(
  { text, exports, analysis }: ParsedScript,
  name: string,
): FunctionNode | undefined {
  const found = exports.find(({ exportName }) => exportName === name);
  if (found === undefined) return undefined;
  return analysis.functions.filter(isFunction).find((node) =>
    node.type === "FunctionDeclaration" && node.id?.name === found.localName ||
    node.start === found.start ||
    node.start > found.end &&
      /^\s*=\s*$/.test(text.slice(found.end, node.start))
  );
}

function seenIn(
  root: AnyNode,
  facts: Facts,
  readsOnly: () => readonly boolean[],
  isTextual: boolean,
): Seen {
  const isCallable = isFunction(root);
  return {
    facts,
    readsOnly: isCallable ? readsOnly() : [],
    isAsync: isCallable && root.async === true,
    isGenerator: isCallable && root.generator === true,
    isTextual,
  };
}

/** Adds what the captured functions say, and those that they capture. */
function together(fn: AnyFunction, seen: Seen | undefined): Sight {
  if (seen === undefined) return unknown(fn);
  const { facts } = seen;
  let { blocks, ends, needsWorker, shares } = facts;
  const reached = reach(fn);
  let isBounded = reached.isComplete && !reached.isCyclic;
  let isLinear = isBounded && seen.isAsync && !seen.isGenerator;
  for (const [other, its] of reached.functions) {
    if (its === undefined) {
      needsWorker ??= nameOf(other) || "a function without source";
      isBounded = isLinear = false;
      continue;
    }
    blocks ??= its.facts.blocks;
    ends ??= its.facts.ends;
    needsWorker ??= its.facts.needsWorker;
    shares ??= its.facts.shares ?? Object.keys(other)[0];
    isBounded &&= its.facts.isBounded && its.facts.blocks === undefined;
    isLinear &&= its.facts.isLinear && its.facts.blocks === undefined;
    for (const awaited of its.facts.mustWait) {
      if (!gives(awaited, reached.functions)) isBounded = isLinear = false;
    }
    for (const repeated of its.facts.repeated) {
      isLinear &&= isShort(repeated, reached.functions);
    }
  }
  const isGiving = gives(fn, reached.functions);
  if (!reached.isComplete) needsWorker ??= "too many functions";
  return {
    isAsync: seen.isAsync,
    isGenerator: seen.isGenerator,
    blocks,
    ends,
    needsWorker,
    shares,
    isBounded,
    isPlain: isBounded && !facts.acts && !seen.isAsync && !seen.isGenerator,
    waits: isBounded && (facts.awaits && seen.isAsync || isGiving),
    isLinear: isLinear && isGiving,
    readsOnly: seen.readsOnly,
  };
}

interface Reached {
  /** Each function that it leads to, itself first. */
  readonly functions: ReadonlyMap<AnyFunction, Seen | undefined>;
  /** False where there are too many. */
  readonly isComplete: boolean;
  /** True where one leads back to itself. */
  readonly isCyclic: boolean;
}

function reach(fn: AnyFunction): Reached {
  const functions = new Map<AnyFunction, Seen | undefined>();
  const open = new Set<AnyFunction>();
  let isComplete = true;
  let isCyclic = false;
  const visit = (it: AnyFunction): void => {
    if (open.has(it)) isCyclic = true;
    if (functions.has(it)) return;
    if (functions.size >= MAX_FUNCTIONS) {
      isComplete = false;
      return;
    }
    const seen = see(it, Function.prototype.toString.call(it), it === fn);
    functions.set(it, seen);
    open.add(it);
    for (const other of seen?.facts.calls ?? []) visit(other);
    open.delete(it);
  };
  visit(fn);
  return { functions, isComplete, isCyclic };
}

/** True where the promise that it gives waits for the world outside. */
function gives(
  fn: AnyFunction,
  functions: Reached["functions"],
  open: Set<AnyFunction> = new Set(),
): boolean {
  const facts = functions.get(fn)?.facts;
  if (facts === undefined || open.has(fn)) return false;
  open.add(fn);
  return facts.gives ||
    [...facts.givers].some((giver) => gives(giver, functions, open));
}

/** True where neither it nor what it calls takes longer with more input. */
function isShort(
  fn: AnyFunction,
  functions: Reached["functions"],
): boolean {
  const facts = functions.get(fn)?.facts;
  return facts !== undefined && facts.isBounded &&
    [...facts.calls].every((called) => isShort(called, functions));
}

function unknown(fn: AnyFunction): Sight {
  const kind = Object.prototype.toString.call(fn);
  return {
    isAsync: kind.startsWith("[object Async"),
    isGenerator: kind.endsWith("GeneratorFunction]"),
    blocks: undefined,
    ends: undefined,
    needsWorker: referenceOf(fn) === undefined
      ? "its source cannot be read"
      : "fromModule()",
    shares: undefined,
    isBounded: false,
    isPlain: false,
    waits: false,
    isLinear: false,
    readsOnly: [],
  };
}
