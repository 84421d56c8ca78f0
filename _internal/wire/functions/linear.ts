// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Whether what is unbounded in a function takes time in proportion to what it is
// given, or has waited for, and not more.
//
// A *site* is a place whose time depends on its input. Each has to be known as
// linear (sorting counts as that), and what is done for each item, a *repeat*
// (the body of a `for … of` loop, a callback of an array's method), has to be
// short:
//
//   1. no repeat lies in another one, nor in an inner function
//   2. other sites in a repeat work on what is the item's own alone
//   3. a repeat uses what is declared outside of it only where nothing grows by
//      it with each item: to compare with it, to fill a collection of its own
//   4. what a repeat fills is used for nothing else before the last item: a loop
//      over it would have no end
//
// All else counts as worse than linear.

import type { AnyNode } from "./acorn.ts";
import {
  type FunctionNode,
  isFunction,
  isTarget,
  memberName,
  unchain,
  walk,
} from "./ast.ts";
import { WAITING_CALLS } from "./globals.ts";
import type { Binding, Reference } from "./scopes.ts";

/** A node that takes the longer the more there is. */
export interface Site {
  readonly node: AnyNode;
  /** What is around it, the function itself first. */
  readonly parents: readonly AnyNode[];
}

/** What `linear.ts` has to know of the names. */
export interface LinearNames {
  /** The references of the function, by where they start. */
  readonly references: ReadonlyMap<number, Reference>;
  /** What a constant was made of. */
  initOf(binding: Binding): AnyNode | undefined;
  /** The dotted name of a global, `""` for what a method may be called on, `undefined` for all else. */
  pathOf(expression: AnyNode): string | undefined;
}

/** What is done for each item. */
interface Repeat {
  /** Holds its variables. */
  readonly owner: AnyNode;
  readonly body: AnyNode;
  readonly parents: readonly AnyNode[];
  /** Where a callback gets what the one before gave. */
  readonly accumulator: AnyNode | undefined;
}

const FUNCTIONS = new Set(
  ("JSON.parse JSON.stringify Object.keys Object.entries Object.values Object.fromEntries " +
    "structuredClone parseInt parseFloat atob btoa").split(" "),
);
const CLASSES = new Set(["Map", "Set"]);
const METHODS = new Set(
  ("split trim trimStart trimEnd replace replaceAll includes indexOf lastIndexOf slice substring " +
    "toUpperCase toLowerCase match matchAll search test localeCompare join flat concat reverse " +
    "toReversed keys values entries decode encode").split(" "),
);
/** Methods with a callback, and how many parameters it may have before it would get the array itself. */
const CALLBACKS = new Map<string, number>([
  ["reduce", 3],
  ...["every", "some", "find", "findIndex", "findLast", "findLastIndex"].concat(
    ["forEach", "map", "filter", "sort", "toSorted"],
  ).map((name) => [name, 2] as [string, number]),
]);
/** Callbacks that need no look. */
const KNOWN_CALLBACKS = new Set(["Number", "String", "Boolean"]);
const FILLS = new Set(["push", "add", "set"]);
const LOOKS_UP = new Set(["get", "has"]);
const COMPARES = new Set("< > <= >= == != === !==".split(" "));
const KEEPS_SIZE = new Set("= += -= /= %= &= |= ^= >>= >>>=".split(" "));

// A part that is repeated may only be the last one: else a text without a match
// is searched anew from each of its characters.
const PART = String
  .raw`(?:\\[^\dkpPuxc]|\[(?:\\.|[^\]\\])*\]|[^\\^$.|?*+()[\]{}]|\.)`;
const BRANCH = String.raw`\^?(?:${PART}\??)*?(?:${PART}[*+]\??|\$)?`;
const SIMPLE = new RegExp(`^(?:${BRANCH})(?:\\|${BRANCH})*$`);
const MAX_PATTERN = 64;

/**
 * True where a function takes time in proportion to its input.
 *
 * @param root The function.
 * @param sites All that is not bounded in it.
 * @param names What its names mean.
 * @param repeated Gets each name of a function that is called for each item.
 */
export function isLinearIn(
  root: FunctionNode,
  sites: readonly Site[],
  names: LinearNames,
  repeated: (identifier: AnyNode) => void,
): boolean {
  return new LinearReader(root, sites, names, repeated).read();
}

class LinearReader {
  readonly #root: FunctionNode;
  readonly #sites: readonly Site[];
  readonly #names: LinearNames;
  readonly #repeated: (identifier: AnyNode) => void;
  readonly #repeats: Repeat[] = [];
  /** What repeats fill, and where the last of them ends. */
  readonly #filled = new Map<Binding, number>();

  constructor(
    root: FunctionNode,
    sites: readonly Site[],
    names: LinearNames,
    repeated: (identifier: AnyNode) => void,
  ) {
    this.#root = root;
    this.#sites = sites;
    this.#names = names;
    this.#repeated = repeated;
  }

  read(): boolean {
    return this.#sites.every((site) => this.#isKnown(site)) &&
      this.#sites.every((site) => this.#isPlaced(site)) &&
      this.#repeats.every((repeat) => this.#isShort(repeat)) &&
      this.#isFilledOnly();
  }

  /** Also collects the repeats. */
  #isKnown({ node, parents }: Site): boolean {
    switch (node.type) {
      case "SpreadElement":
      case "RestElement":
        return true;
      case "Literal":
        return "regex" in node && node.regex != null &&
          isSimple(node.regex) && isPattern(node, parents);
      case "NewExpression":
        return node.arguments.length <= 1 &&
          CLASSES.has(this.#names.pathOf(node.callee as AnyNode) ?? "");
      case "ForOfStatement":
        return !node.await && !hasAwait(node.body as AnyNode) &&
          this.#repeat(node, node.body as AnyNode, parents, undefined);
      case "CallExpression":
        return this.#isKnownCall(node, parents);
      default:
        return false;
    }
  }

  #isKnownCall(
    node: AnyNode & { type: "CallExpression" },
    parents: readonly AnyNode[],
  ): boolean {
    const args = node.arguments as AnyNode[];
    const callee = unchain(node.callee);
    const path = this.#names.pathOf(callee);
    if (path === undefined) return false;
    if (path !== "") {
      // A second function would be called for each member.
      return FUNCTIONS.has(path) &&
        args.slice(1).every((it) => it.type === "Literal");
    }
    if (callee.type !== "MemberExpression") return false;
    const name = memberName(callee) ?? "";
    if (METHODS.has(name)) return isPlainCall(name, callee, args);
    const most = CALLBACKS.get(name);
    if (most === undefined) return false;
    const [callback] = args;
    if (callback === undefined) return /sort/i.test(name);
    if (callback.type !== "ArrowFunctionExpression") {
      return KNOWN_CALLBACKS.has(this.#names.pathOf(callback) ?? "");
    }
    const { params } = callback;
    return params.length <= most &&
      params.every(({ type }) => type !== "RestElement") &&
      this.#repeat(
        callback,
        callback,
        [...parents, node],
        name === "reduce" ? params[0] as AnyNode | undefined : undefined,
      );
  }

  #repeat(
    owner: AnyNode,
    body: AnyNode,
    parents: readonly AnyNode[],
    accumulator: AnyNode | undefined,
  ): true {
    this.#repeats.push({ owner, body, parents, accumulator });
    return true;
  }

  #isPlaced({ node, parents }: Site): boolean {
    const repeat = this.#repeats.find(({ body }) => parents.includes(body));
    const inner = parents.filter((it) => it !== this.#root && isFunction(it));
    if (inner.some((it) => it !== repeat?.body)) return false;
    if (repeat === undefined) return true;
    if (
      this.#repeats.some(({ owner, parents }) =>
        owner === node || parents.at(-1) === node
      )
    ) return false;
    let isOwn = true;
    walk(node, (it) => {
      if (this.#isOuter(it, repeat)) isOwn = false;
      // What comes from outside the program is new for each.
      return isOwn && !this.#isWaiting(it);
    });
    return isOwn;
  }

  /** True for the name of what is not the item's own. */
  #isOuter(node: AnyNode, { owner, accumulator }: Repeat): boolean {
    if (node.type !== "Identifier") return false;
    const binding = this.#names.references.get(node.start)?.binding;
    if (binding === undefined) return false;
    if (
      accumulator !== undefined && binding.start >= accumulator.start &&
      binding.start < accumulator.end
    ) return true;
    return binding.start < owner.start || binding.start >= owner.end;
  }

  #isShort(repeat: Repeat): boolean {
    let isShort = true;
    let looksUp = false;
    let carried = 0;
    walk(repeat.body, (node, inner) => {
      if (node.type === "MemberExpression") {
        isShort &&= this.#isSafe(node, inner);
      }
      if (node.type !== "Identifier") return isShort;
      const reference = this.#names.references.get(node.start);
      if (reference === undefined) return true;
      const { binding } = reference;
      if (binding === undefined) {
        this.#repeated(node);
        return true;
      }
      if (!this.#isOuter(node, repeat)) return true;
      if (this.#names.initOf(binding)?.type === "Literal") return true;
      const parents = [...repeat.parents, ...inner];
      const use = this.#useOf(node, parents);
      if (use === "looksUp") looksUp = true;
      else if (use === "fills") {
        const loop = parents.find((it) => isLoop(it)) ?? repeat.owner;
        const end = Math.max(loop.end, repeat.owner.end);
        this.#filled.set(
          binding,
          Math.max(this.#filled.get(binding) ?? 0, end),
        );
      } else if (use === "carries") {
        // Once it is handed on, twice it doubles.
        const isAccumulator = binding.start >= repeat.owner.start &&
          binding.start < repeat.owner.end;
        if (!isAccumulator || ++carried > 1) isShort = false;
      } else if (use !== "compares") isShort = false;
      return isShort;
    });
    return isShort && !(looksUp &&
      this.#sites.some(({ parents }) => parents.includes(repeat.body)));
  }

  /** False where it may make longer what a loop is going through: an item can hold that. */
  #isSafe(
    node: AnyNode & { type: "MemberExpression" },
    parents: readonly AnyNode[],
  ): boolean {
    const outer = parents.at(-1);
    const fills = outer?.type === "CallExpression" && outer.callee === node
      ? FILLS.has(memberName(node) ?? "") || memberName(node) === undefined
      : isTarget(node, parents);
    if (!fills) return true;
    const binding = this.#names.references.get(node.object.start)?.binding;
    return node.object.type === "Identifier" && binding !== undefined &&
      isEmpty(this.#names.initOf(binding));
  }

  /** What is done with something from outside of a repeat. */
  #useOf(
    node: AnyNode,
    parents: readonly AnyNode[],
  ): "compares" | "fills" | "looksUp" | "carries" | undefined {
    const outer = parents.at(-1)!;
    if (outer.type === "MemberExpression" && outer.object === node) {
      const above = parents.at(-2);
      const name = memberName(outer);
      if (above?.type === "CallExpression" && above.callee === outer) {
        if (FILLS.has(name ?? "")) return "fills";
        return LOOKS_UP.has(name ?? "") ? "looksUp" : undefined;
      }
      if (isTarget(outer, parents.slice(0, -1))) return "fills";
      if (name === "length" || name === "size") return "compares";
      return outer.computed && above?.type !== "MemberExpression"
        ? "looksUp"
        : undefined;
    }
    if (isTarget(node, parents)) {
      return outer.type === "UpdateExpression" ||
          outer.type === "AssignmentExpression" &&
            KEEPS_SIZE.has(outer.operator)
        ? "compares"
        : undefined;
    }
    switch (outer.type) {
      case "BinaryExpression":
        if (COMPARES.has(outer.operator)) return "compares";
        if (outer.operator === "*" || outer.operator === "<<") return undefined;
        break;
      case "UnaryExpression":
        if (outer.operator === "!") return "compares";
        break;
      case "IfStatement":
        return "compares";
    }
    // A path, an address: what is read from there is the item's own.
    const isAsked = parents.some((it) =>
      this.#isWaiting(it) && it.callee.end <= node.start
    );
    return isAsked ? "compares" : "carries";
  }

  #isWaiting(node: AnyNode): node is AnyNode & { type: "CallExpression" } {
    return node.type === "CallExpression" &&
      WAITING_CALLS.has(this.#names.pathOf(node.callee as AnyNode) ?? "");
  }

  #isFilledOnly(): boolean {
    let isGood = true;
    walk(this.#root, (node, parents) => {
      if (node.type !== "Identifier") return isGood;
      const binding = this.#names.references.get(node.start)?.binding;
      const end = binding && this.#filled.get(binding);
      if (end === undefined || node.start >= end) return true;
      const [outer, above] = [parents.at(-1), parents.at(-2)];
      if (outer?.type === "VariableDeclarator" && outer.id === node) {
        return true;
      }
      const use = this.#useOf(node, parents);
      if (use === "fills") {
        // It gives the collection itself.
        isGood &&= outer?.type === "MemberExpression" &&
          (above?.type !== "CallExpression" || memberName(outer) === "push" ||
            parents.at(-3)?.type === "ExpressionStatement");
      } else if (use !== "looksUp" && use !== "compares") isGood = false;
      return isGood;
    });
    return isGood;
  }
}

function isPlainCall(
  name: string,
  callee: AnyNode & { type: "MemberExpression" },
  args: readonly AnyNode[],
): boolean {
  const [first, second] = args;
  switch (name) {
    case "split":
      return first === undefined || isText(first) || isRegExp(first);
    case "replace":
    case "replaceAll":
      return first !== undefined && (isText(first) || isRegExp(first)) &&
        second?.type === "Literal" && typeof second.value === "string" &&
        !second.value.includes("$");
    case "match":
    case "matchAll":
    case "search":
      return first !== undefined && isRegExp(first);
    case "test":
      return isRegExp(callee.object as AnyNode);
    case "flat":
      return args.length === 0;
    default:
      return true;
  }
}

/** True where a regular expression is used by one of the methods that are looked at. */
function isPattern(node: AnyNode, parents: readonly AnyNode[]): boolean {
  const outer = parents.at(-1);
  if (outer?.type === "CallExpression" && outer.arguments[0] === node) {
    const callee = unchain(outer.callee);
    return callee.type === "MemberExpression" &&
      /^(split|replace|replaceAll|match|matchAll|search)$/.test(
        memberName(callee) ?? "",
      );
  }
  return outer?.type === "MemberExpression" && memberName(outer) === "test" &&
    parents.at(-2)?.type === "CallExpression";
}

function isSimple({ pattern, flags }: { pattern: string; flags: string }) {
  return pattern.length <= MAX_PATTERN && !flags.includes("v") &&
    pattern.split("?").length <= 3 && SIMPLE.test(pattern);
}

function isRegExp(node: AnyNode): boolean {
  return node.type === "Literal" && "regex" in node && node.regex != null;
}

function isText(node: AnyNode): boolean {
  return node.type === "Literal" && typeof node.value === "string";
}

function isLoop(node: AnyNode): boolean {
  return /^(For|ForIn|ForOf|While|DoWhile)Statement$/.test(node.type);
}

/** `[]`, `{}`, `new Map()`. */
function isEmpty(init: AnyNode | undefined): boolean {
  switch (init?.type) {
    case "ArrayExpression":
      return init.elements.length === 0;
    case "ObjectExpression":
      return init.properties.length === 0;
    case "NewExpression":
      return init.arguments.length === 0 && init.callee.type === "Identifier" &&
        CLASSES.has(init.callee.name);
    default:
      return false;
  }
}

function hasAwait(root: AnyNode): boolean {
  let found = false;
  walk(root, (node) => {
    if (/^(Await|Yield)Expression$/.test(node.type)) found = true;
    return !found;
  });
  return found;
}
