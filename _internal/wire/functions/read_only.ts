// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Which parameters a function only reads, where they are typed arrays or views:
// each use is one of a few that can neither change the numbers nor hand out
// what holds them. Every other use, an unknown one too, counts against it.

import type { AnyNode } from "./acorn.ts";
import {
  type FunctionNode,
  isFunction,
  isTarget,
  memberName,
  walk,
} from "./ast.ts";
import type { Analysis, Binding, Reference } from "./scopes.ts";

const LENGTHS = new Set([
  "length",
  "byteLength",
  "byteOffset",
  "BYTES_PER_ELEMENT",
]);

// Methods without a callback: what they give holds copies, or numbers.
const PLAIN = new Set(
  ("at indexOf lastIndexOf includes join keys values entries toReversed with slice toString " +
    "getInt8 getUint8 getInt16 getUint16 getInt32 getUint32 getFloat32 getFloat64 getBigInt64 getBigUint64")
    .split(" "),
);

// Methods with a callback, and how many parameters it may have before it would
// get the array itself.
const CALLBACKS = new Map<string, number>([
  ["reduce", 3],
  ["reduceRight", 3],
  ["toSorted", 2],
  ...["every", "some", "find", "findIndex", "findLast", "findLastIndex"].concat(
    ["forEach", "map", "filter"],
  ).map((name) => [name, 2] as [string, number]),
]);

// What can only give a number, or fail.
const ARITHMETIC = new Set(
  ["-", "*", "/", "%", "&", "|", "^", "<<", ">>", ">>>", "**"],
);

/**
 * Tells for each parameter whether the function provably only reads a typed
 * array that it gets there. It may still read it later: after an `await`, or in
 * the next step of a generator.
 *
 * @param root The function.
 * @param analysis What its names mean.
 */
export function readOnlyParameters(
  root: FunctionNode,
  analysis: Analysis,
): readonly boolean[] {
  const { params } = root;
  const bindings = new Map<Binding, boolean>();
  const byStart = new Map<number, Reference>();
  const scopeOf = new Map<number, Binding>();
  for (const reference of analysis.references) {
    byStart.set(reference.start, reference);
    const { binding } = reference;
    if (binding !== undefined) scopeOf.set(binding.start, binding);
  }
  const result = params.map((param) => {
    if (param.type !== "Identifier") return false;
    const binding = scopeOf.get(param.start);
    if (binding !== undefined) bindings.set(binding, !binding.assigned);
    return true;
  });
  if (params.length === 0) return result;
  const numbers = new Numbers(root, byStart, scopeOf);
  let isOpen = false;
  walk(root, (node, parents) => {
    if (node.type !== "Identifier") return true;
    if (node.name === "arguments" || node.name === "eval") isOpen = true;
    const binding = byStart.get(node.start)?.binding;
    if (
      binding !== undefined && bindings.get(binding) === true &&
      !isRead(node, parents, root, (it) => bindings.has(it), byStart, numbers)
    ) bindings.set(binding, false);
    return true;
  });
  return result.map((isPlain, i) =>
    isPlain && !isOpen &&
    (bindings.get(scopeOf.get(params[i]!.start)!) ?? true)
  );
}

function isRead(
  node: AnyNode,
  parents: readonly AnyNode[],
  root: FunctionNode,
  isParameter: (binding: Binding) => boolean,
  byStart: ReadonlyMap<number, Reference>,
  numbers: Numbers,
): boolean {
  // The declaration itself is in the list of parameters.
  if (parents.length === 1 && root.params.includes(node as never)) return true;
  if (!staysInside(parents, root, isParameter, byStart)) return false;
  const parent = parents.at(-1)!;
  switch (parent.type) {
    case "MemberExpression": {
      if (parent.object !== node) return false;
      const above = parents.slice(0, -1);
      if (isTarget(parent, above)) return false;
      const outer = above.at(-1)!;
      const name = memberName(parent);
      if (name === undefined) {
        return parent.computed && numbers.isNumber(parent.property) &&
          !(outer.type === "CallExpression" && outer.callee === parent) &&
          outer.type !== "TaggedTemplateExpression";
      }
      if (LENGTHS.has(name)) return true;
      if (outer.type !== "CallExpression" || outer.callee !== parent) {
        return false;
      }
      if (PLAIN.has(name)) return true;
      const most = CALLBACKS.get(name);
      if (most === undefined) return false;
      const callback = outer.arguments[0];
      if (callback === undefined) return name === "toSorted";
      return isFunction(callback) && callback.params.length <= most &&
        callback.params.every(({ type }) => type === "Identifier");
    }
    case "ForOfStatement":
      return parent.right === node;
    case "SpreadElement":
      // Of an array, or of the arguments of a call: the numbers.
      return parents.at(-2)?.type !== "ObjectExpression";
    case "UnaryExpression":
      return parent.operator === "typeof" || parent.operator === "!";
    case "BinaryExpression":
      return /^[!=]==?$/.test(parent.operator) &&
        isPlainOperand(parent.left === node ? parent.right : parent.left);
    case "IfStatement":
      return parent.test === node;
    case "ConditionalExpression":
      return parent.test === node;
    default:
      return false;
  }
}

/** `==` asks objects what they are: `null`, strings and numbers cannot answer back. */
function isPlainOperand(node: AnyNode | { type: string }): boolean {
  return node.type === "Literal" ||
    (node.type === "Identifier" &&
      (node as AnyNode & { type: "Identifier" }).name === "undefined");
}

/** True where each function between is a callback that is run at once and then forgotten. */
function staysInside(
  parents: readonly AnyNode[],
  root: FunctionNode,
  isParameter: (binding: Binding) => boolean,
  byStart: ReadonlyMap<number, Reference>,
): boolean {
  for (let i = parents.length - 1; parents[i] !== root && i >= 0; i--) {
    const fn = parents[i]!;
    if (fn.type.startsWith("Class")) return false;
    if (!isFunction(fn)) continue;
    const call = parents[i - 1]!;
    if (
      call.type !== "CallExpression" || call.arguments[0] !== fn ||
      fn.async || fn.generator || call.callee.type !== "MemberExpression" ||
      !CALLBACKS.has(memberName(call.callee) ?? "")
    ) return false;
    const { object } = call.callee;
    const binding = object.type === "Identifier"
      ? byStart.get(object.start)?.binding
      : undefined;
    if (binding === undefined || !isParameter(binding)) return false;
  }
  return true;
}

/** Which local variables only ever hold numbers: an index of another kind may name a method, or the buffer. */
class Numbers {
  readonly #definitions = new Map<Binding, AnyNode[] | "other">();
  readonly #byStart: ReadonlyMap<number, Reference>;
  readonly #assumed = new Set<Binding>();

  constructor(
    root: FunctionNode,
    byStart: ReadonlyMap<number, Reference>,
    declared: ReadonlyMap<number, Binding>,
  ) {
    this.#byStart = byStart;
    walk(root, (node, parents) => {
      if (node.type === "VariableDeclarator" && node.id.type === "Identifier") {
        const binding = declared.get(node.id.start);
        const outer = parents.at(-2)?.type;
        if (binding === undefined) return true;
        if (outer === "ForOfStatement" || outer === "ForInStatement") {
          this.#definitions.set(binding, "other");
        } else if (node.init) this.#add(binding, node.init as AnyNode);
      } else if (
        node.type === "Identifier" && isTarget(node, parents)
      ) {
        const binding = byStart.get(node.start)?.binding;
        const outer = parents.at(-1)!;
        if (binding === undefined) return true;
        if (
          outer.type === "AssignmentExpression" &&
          (outer.operator === "=" || outer.operator === "+=")
        ) this.#add(binding, outer.right as AnyNode);
        else if (
          outer.type !== "UpdateExpression" &&
          !(outer.type === "AssignmentExpression" &&
            ARITHMETIC.has(outer.operator.slice(0, -1)))
        ) this.#definitions.set(binding, "other");
      }
      return true;
    });
  }

  #add(binding: Binding, value: AnyNode): void {
    const known = this.#definitions.get(binding);
    if (known === "other") return;
    if (known === undefined) this.#definitions.set(binding, [value]);
    else known.push(value);
  }

  isNumber(node: AnyNode | { type: string }): boolean {
    const it = node as AnyNode;
    switch (it.type) {
      case "Literal":
        return typeof it.value === "number";
      case "UpdateExpression":
        return true;
      case "UnaryExpression":
        return ["-", "+", "~"].includes(it.operator);
      case "BinaryExpression":
        return ARITHMETIC.has(it.operator) ||
          it.operator === "+" && this.isNumber(it.left) &&
            this.isNumber(it.right);
      case "Identifier":
        return this.#isNumeric(this.#byStart.get(it.start)?.binding);
      default:
        return false;
    }
  }

  #isNumeric(binding: Binding | undefined): boolean {
    if (
      binding === undefined || !["const", "let"].includes(binding.kind)
    ) return false;
    if (this.#assumed.has(binding)) return true;
    const definitions = this.#definitions.get(binding);
    if (definitions === undefined || definitions === "other") return false;
    this.#assumed.add(binding);
    const isNumeric = definitions.every((value) => this.isNumber(value));
    this.#assumed.delete(binding);
    return isNumeric;
  }
}
