// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Finds the place of a function in the program: its script, its node in that
// script, and what its names mean there.

import type { Class, Function as FunctionNode } from "./acorn.ts";
import {
  type FunctionInfo,
  inspectFunction,
  inspectScript,
  type RuntimeScope,
  type ScriptInfo,
} from "./inspector.ts";
import { type ParsedScript, parseScript } from "./parse.ts";
import { type Binding, isInside } from "./scopes.ts";

/** A script with what its source says; parsed once. */
export interface KnownScript extends ScriptInfo {
  readonly id: string;
  readonly parsed: ParsedScript | undefined;
}

/** Where a function is, and what it sees. */
export interface LocatedFunction {
  readonly script: KnownScript;
  /** Innermost first. */
  readonly scopes: readonly RuntimeScope[];
  /** `undefined` where the script cannot be parsed. */
  readonly node: FunctionNode | Class | undefined;
  /** What the names mean that the function uses and does not declare. */
  readonly names: ReadonlyMap<string, Binding | undefined>;
}

interface KnownNode {
  readonly node: FunctionNode | Class;
  readonly names: ReadonlyMap<string, Binding | undefined>;
}

const scripts = new Map<string, KnownScript>();
const lineStarts = new WeakMap<KnownScript, readonly number[]>();
// By script and position: closures of one place are looked up once.
const nodes = new Map<string, KnownNode>();

/**
 * Asks V8 where a function comes from.
 *
 * @param fn The function.
 * @param source What its `toString()` gives.
 * @param info What V8 knows of it.
 * @returns Its place, or `undefined` where V8 cannot be asked.
 */
export function locate(
  fn: (...args: never[]) => unknown,
  source: string,
  info: FunctionInfo | undefined = inspectFunction(fn),
): LocatedFunction | undefined {
  if (info === undefined) return undefined;
  const script = scriptOf(info.location.scriptId);
  if (script === undefined) return undefined;
  const { location: { line, column }, scopes } = info;
  const key = `${script.id}:${line}:${column}`;
  let known = nodes.get(key);
  if (known === undefined && script.parsed !== undefined) {
    const position = (lineStarts.get(script)![line] ?? 0) + column;
    const node = findNode(script.parsed, source, position);
    if (node !== undefined) {
      known = { node, names: namesOf(script.parsed, node) };
      nodes.set(key, known);
    }
  }
  return {
    script,
    scopes,
    node: known?.node,
    names: known?.names ?? new Map(),
  };
}

function scriptOf(id: string): KnownScript | undefined {
  const known = scripts.get(id);
  if (known !== undefined) return known;
  const info = inspectScript(id);
  if (info === undefined) return undefined;
  const script: KnownScript = {
    ...info,
    id,
    parsed: parseScript(info.text),
  };
  lineStarts.set(script, lineStartsOf(info.text));
  scripts.set(id, script);
  return script;
}

/**
 * V8 gives a position in the head of the function, not where it starts; its
 * source gives the rest: it lies around that position in one way only.
 */
function findNode(
  { text, analysis }: ParsedScript,
  source: string,
  position: number,
): FunctionNode | Class | undefined {
  for (
    let start = text.lastIndexOf(source, position);
    start >= 0 && start + source.length > position;
    start = start === 0 ? -1 : text.lastIndexOf(source, start - 1)
  ) {
    const end = start + source.length;
    // Outermost first, so `() => () => 1` is not taken for what it returns. A
    // method's node starts after its key.
    const node = analysis.functions.find((candidate) =>
      candidate.start >= start && candidate.end === end
    );
    if (node !== undefined) return node;
  }
  return undefined;
}

/** Tells what the names mean that a function uses and does not declare. */
export function namesOf(
  { analysis }: ParsedScript,
  node: FunctionNode | Class,
): Map<string, Binding | undefined> {
  const names = new Map<string, Binding | undefined>();
  for (const reference of analysis.references) {
    if (!isInside(reference, node)) continue;
    const { name, binding } = reference;
    if (binding !== undefined && isInside(binding.scope, node)) continue;
    names.set(name, binding);
  }
  return names;
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (
    const { index, 0: terminator } of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)
  ) {
    starts.push(index + terminator.length);
  }
  return starts;
}
