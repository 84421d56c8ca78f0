// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the source of one function says about itself, without what it calls:
// `sight.ts` adds that. One walk over the function; whatever is not understood
// counts as the worse.
//
// Only values are followed that cannot have changed: a name is a global, an
// import, a captured constant, or a local constant that stands for one of them
// (`const { exit } = Deno`).

import type { AnyNode } from "./acorn.ts";
import {
  childrenOf,
  type FunctionNode,
  isFunction,
  isTarget,
  memberName,
  unchain,
  walk,
} from "./ast.ts";
import {
  BLOCKS,
  CHEAP_CALLS,
  CHEAP_CLASSES,
  CHEAP_EMPTY_CLASSES,
  CHEAP_METHODS,
  CHEAP_MODULES,
  CHEAP_NAMESPACES,
  CURRENT_MEMBERS,
  ENDS,
  NAMESPACES,
  SAME_EVERYWHERE,
  SAME_MEMBERS,
  WAITING_CALLS,
  WAITING_METHODS,
  WAITING_MODULES,
  WORKER_MODULES,
  WORKER_NAMES,
  WRITES_STATE,
} from "./globals.ts";
import { isLinearIn, type Site } from "./linear.ts";
import type { FunctionSource } from "./parse.ts";
import type { Binding, Reference } from "./scopes.ts";
import type { AnyFunction } from "./task.ts";

/** What a name means that the function does not declare itself. */
export type Meaning =
  /** A global, or a part of one. */
  | { readonly kind: "global"; readonly path: readonly string[] }
  /** A module of the runtime, or a part of one. */
  | { readonly kind: "module"; readonly path: readonly string[] }
  /** This library's own. */
  | { readonly kind: "own"; readonly path: readonly string[] }
  | { readonly kind: "function"; readonly fn: AnyFunction }
  /** A value: `isSame` where it is here and in every worker the same for good. */
  | { readonly kind: "value"; readonly isSame: boolean };

/** Gives the meaning of a free name, and of a member of what it means. */
export interface Names {
  of(name: string): Meaning;
  /** Members of captured namespaces. */
  member(name: string, member: string): Meaning | undefined;
}

/** What the source of a function says, without what it calls. */
export interface Facts {
  blocks: string | undefined;
  ends: string | undefined;
  needsWorker: string | undefined;
  shares: string | undefined;
  isBounded: boolean;
  /** True where it calls something, or makes or awaits it. */
  acts: boolean;
  /** True where it is bounded, or else takes time in proportion to its input. */
  isLinear: boolean;
  /** True where it awaits. */
  awaits: boolean;
  /** True where its promise waits for the world outside. */
  gives: boolean;
  /** Captured functions, of which one that waits makes `gives` true. */
  readonly givers: Set<AnyFunction>;
  /** Captured functions that have to wait, or a loop is not bounded. */
  readonly mustWait: Set<AnyFunction>;
  /** All captured functions. */
  readonly calls: Set<AnyFunction>;
  /** Those that are called for each of many items. */
  readonly repeated: Set<AnyFunction>;
}

/** What an expression stands for. */
type Thing =
  | Meaning & { readonly name: string; readonly rest: readonly string[] }
  | {
    readonly kind: "local";
    readonly binding: Binding | undefined;
    readonly name: string;
    readonly rest: readonly string[];
  };

interface Alias {
  readonly init: AnyNode;
  readonly keys: readonly string[];
}

const UNKNOWN_MEMBER = "*";

/** What runs code that is not in the source, or later. */
const ACTS = new Set([
  "AwaitExpression",
  "CallExpression",
  "ImportExpression",
  "NewExpression",
  "TaggedTemplateExpression",
  "YieldExpression",
]);

// What calls the functions that it is given, and how many of its arguments may be one.
const CALLERS = new Map<string | undefined, number>([
  ["then", 2],
  ...["catch", "finally", "try", "queueMicrotask", "nextTick"].concat(
    ["setTimeout", "setImmediate"],
  ).map((name) => [name, 1] as [string, number]),
]);

const TIMERS = new Set(["setTimeout", "setInterval", "setImmediate"]);

/** Reads the facts off a function's source. */
export function factsOf(
  root: FunctionNode,
  source: FunctionSource,
  names: Names,
): Facts {
  return new FactReader(root, source, names).read();
}

class FactReader {
  readonly #root: FunctionNode;
  readonly #names: Names;
  readonly #source: FunctionSource;
  readonly #references = new Map<number, Reference>();
  readonly #bindings = new Map<number, Binding>();
  readonly #aliases = new Map<Binding, Alias>();
  readonly #aliased = new Set<AnyNode>();
  readonly #functions = new Map<Binding, FunctionNode>();
  readonly #declared = new Set<string>();
  readonly #settlers = new Set<Binding>();
  readonly #uses = new Map<FunctionNode, Set<FunctionNode>>();
  #hasBigInt = false;
  #multiplies = false;
  readonly #facts: Facts = {
    blocks: undefined,
    ends: undefined,
    needsWorker: undefined,
    shares: undefined,
    isBounded: true,
    acts: false,
    isLinear: true,
    awaits: false,
    gives: false,
    givers: new Set(),
    mustWait: new Set(),
    calls: new Set(),
    repeated: new Set(),
  };
  /** What takes the longer the more it is given. */
  readonly #sites: Site[] = [];

  constructor(root: FunctionNode, source: FunctionSource, names: Names) {
    this.#root = root;
    this.#names = names;
    this.#source = source;
  }

  read(): Facts {
    const { analysis, self } = this.#source;
    for (const reference of analysis.references) {
      this.#references.set(reference.start, reference);
      const { binding } = reference;
      if (binding !== undefined) this.#bindings.set(binding.start, binding);
    }
    walk(this.#root, (node) => this.#declare(node));
    walk(this.#root, (node, parents) => this.#visit(node, parents));
    const { unbound } = analysis;
    if (unbound.this || unbound.super || unbound.arguments || unbound.eval) {
      this.#needs("its surroundings");
    }
    if (
      self.length > 0 || this.#isRecursive() ||
      this.#hasBigInt && this.#multiplies
    ) this.#unbounded();
    if (this.#sites.length > 0) {
      this.#facts.isBounded = false;
      this.#facts.isLinear &&= this.#isLinear();
    }
    return this.#facts;
  }

  #unbounded(): void {
    this.#facts.isBounded = false;
    this.#facts.isLinear = false;
  }

  #growing(node: AnyNode, parents: readonly AnyNode[]): void {
    this.#sites.push({ node, parents: [...parents] });
  }

  #isLinear(): boolean {
    return isLinearIn(this.#root, this.#sites, {
      references: this.#references,
      initOf: (binding) => {
        const alias = this.#aliases.get(binding);
        return alias?.keys.length === 0 ? alias.init : undefined;
      },
      pathOf: (expression) => {
        const thing = this.#resolve(expression);
        if (thing === undefined || thing.kind === "local") return "";
        return thing.kind === "global" ? thing.path.join(".") : undefined;
      },
    }, (identifier) => {
      const thing = this.#resolve(identifier);
      if (thing?.kind === "function") this.#facts.repeated.add(thing.fn);
    });
  }

  #needs(what: string): void {
    this.#facts.needsWorker ??= what;
  }

  /** Notes which local constants stand for something. */
  #declare(node: AnyNode): boolean {
    if (node.type === "FunctionDeclaration" && node.id) {
      const binding = this.#bindings.get(node.id.start);
      // Declared twice: which one is called is not told apart.
      if (this.#declared.has(node.id.name)) this.#unbounded();
      this.#declared.add(node.id.name);
      if (binding !== undefined && !binding.assigned) {
        this.#functions.set(binding, node as FunctionNode);
      }
    } else if (
      node.type === "NewExpression" && node.callee.type === "Identifier" &&
      node.callee.name === "Promise" && isFunction(node.arguments[0] as AnyNode)
    ) {
      for (const param of (node.arguments[0] as FunctionNode).params) {
        const binding = this.#bindings.get(param.start);
        if (binding !== undefined) this.#settlers.add(binding);
      }
    } else if (node.type === "VariableDeclaration" && node.kind !== "var") {
      for (const { id, init } of node.declarations) {
        if (init) this.#alias(id as AnyNode, init as AnyNode, []);
      }
    }
    return true;
  }

  #alias(id: AnyNode, init: AnyNode, keys: readonly string[]): boolean {
    if (id.type === "Identifier") {
      const binding = this.#bindings.get(id.start);
      if (binding === undefined) return true;
      if (binding.assigned) return false;
      if (isFunction(init) && keys.length === 0) {
        this.#functions.set(binding, init);
        return true;
      }
      this.#aliases.set(binding, { init, keys });
      if (this.#stands(init)) {
        this.#aliased.add(init);
        return true;
      }
      return false;
    }
    if (id.type !== "ObjectPattern") return false;
    let isWhole = true;
    for (const property of id.properties) {
      if (
        property.type !== "Property" || property.computed ||
        property.key.type !== "Identifier" ||
        !this.#alias(property.value as AnyNode, init, [
          ...keys,
          property.key.name,
        ])
      ) isWhole = false;
    }
    if (!isWhole) this.#aliased.delete(init);
    return isWhole;
  }

  /** True for a chain of names: what stands for it is looked at where it is used. */
  #stands(init: AnyNode): boolean {
    let node = unchain(init);
    while (node.type === "MemberExpression") {
      if (memberName(node) === undefined) return false;
      node = unchain(node.object);
    }
    return node.type === "Identifier";
  }

  /** What a name or a chain of members stands for; `undefined` for all else. */
  #resolve(expression: AnyNode, depth = 0): Thing | undefined {
    const node = unchain(expression);
    if (node.type === "MemberExpression") {
      const object = node.object.type === "Super"
        ? undefined
        : this.#resolve(node.object as AnyNode, depth);
      if (object === undefined) return undefined;
      return this.#member(object, memberName(node) ?? UNKNOWN_MEMBER);
    }
    if (node.type !== "Identifier") return undefined;
    const reference = this.#references.get(node.start);
    if (reference === undefined) return undefined;
    const { name, binding } = reference;
    if (binding === undefined) {
      return this.#complete({ ...this.#names.of(name), name, rest: [] });
    }
    const alias = this.#aliases.get(binding);
    if (alias !== undefined && depth < 8) {
      let thing = this.#resolve(alias.init, depth + 1);
      for (const key of alias.keys) {
        if (thing !== undefined) thing = this.#member(thing, key);
      }
      if (thing !== undefined) return thing;
    }
    return { kind: "local", binding, name, rest: [] };
  }

  #member(object: Thing, member: string): Thing {
    if (object.kind === "value" && object.rest.length === 0) {
      const meaning = this.#names.member(object.name, member);
      if (meaning !== undefined) {
        return this.#complete({ ...meaning, name: member, rest: [] });
      }
    }
    if (
      object.kind === "global" || object.kind === "module" ||
      object.kind === "own"
    ) {
      return this.#complete({ ...object, path: [...object.path, member] });
    }
    return { ...object, rest: [...object.rest, member] };
  }

  /** `globalThis.Deno` is `Deno`, and `process` is one thing however it is had. */
  #complete(thing: Thing): Thing {
    if (thing.kind === "global" && thing.path.length > 1) {
      const [first, second = ""] = thing.path;
      if (
        (first === "globalThis" || first === "window") &&
        (SAME_EVERYWHERE.has(second) || ENDS.has(second) || second === "self")
      ) return { ...thing, path: thing.path.slice(1) };
    }
    if (thing.kind === "module" && thing.path[0] === "node:process") {
      const path = thing.path.slice(thing.path[1] === "default" ? 2 : 1);
      return { ...thing, kind: "global", path: ["process", ...path] };
    }
    if (thing.kind === "module" && thing.path[1] === "default") {
      return { ...thing, path: [thing.path[0]!, ...thing.path.slice(2)] };
    }
    return thing;
  }

  #visit(node: AnyNode, parents: readonly AnyNode[]): boolean {
    if (ACTS.has(node.type)) this.#facts.acts = true;
    switch (node.type) {
      case "MemberExpression":
        this.#mention(node, parents);
        this.#visitBelow(node, parents);
        return false;
      case "Identifier":
        if (this.#references.has(node.start)) this.#mention(node, parents);
        return true;
      case "CallExpression":
        if (!this.#isCheapCall(node)) this.#growing(node, parents);
        return true;
      case "NewExpression":
        if (!this.#isCheapClass(node)) this.#growing(node, parents);
        return true;
      case "TaggedTemplateExpression":
      case "ClassExpression":
      case "ClassDeclaration":
      case "RestElement":
      case "SpreadElement":
        // The rest of the arguments was there before.
        if (
          node.type !== "RestElement" || !isFunction(parents.at(-1))
        ) this.#growing(node, parents);
        return true;
      case "ImportExpression":
        this.#unbounded();
        this.#needs("import()");
        return true;
      case "MetaProperty":
        this.#meta(node, parents);
        return true;
      case "Literal":
        if ("regex" in node && node.regex) this.#growing(node, parents);
        if ("bigint" in node && node.bigint) this.#hasBigInt = true;
        return true;
      case "BinaryExpression":
        this.#operator(node.operator, node.left, node.right);
        return true;
      case "AssignmentExpression":
        this.#operator(node.operator.slice(0, -1), node.left, node.right);
        return true;
      case "AwaitExpression":
        if (isOwn(parents, this.#root)) {
          this.#facts.awaits = true;
          this.#giving(node.argument as AnyNode);
        }
        return true;
      case "ReturnStatement":
        if (node.argument && isOwn(parents, this.#root)) {
          this.#giving(node.argument as AnyNode);
        }
        return true;
      case "PropertyDefinition":
      case "StaticBlock":
        // Of the class itself.
        if (
          parents.length === 2 && (node.type === "StaticBlock" || node.static)
        ) this.#facts.shares ??= "static";
        return true;
      case "YieldExpression":
        if (node.delegate) this.#unbounded();
        return true;
      case "ForStatement":
      case "WhileStatement":
      case "DoWhileStatement":
      case "ForInStatement":
      case "ForOfStatement":
        this.#loop(node, parents);
        return true;
      case "ArrowFunctionExpression":
        if (node === this.#root && node.expression) {
          this.#giving(node.body as AnyNode);
        }
        return true;
      default:
        return true;
    }
  }

  /** The members of a chain are one mention; what is computed in it is looked at. */
  #visitBelow(
    node: AnyNode & { type: "MemberExpression" },
    parents: readonly AnyNode[],
  ): void {
    const inner = [...parents, node];
    if (node.computed) {
      walk(node.property, (it, at) => this.#visit(it, at), inner);
    }
    const object = unchain(node.object);
    if (object.type === "MemberExpression") {
      this.#visitBelow(object, inner);
    } else if (object.type !== "Identifier") {
      walk(node.object, (it, at) => this.#visit(it, at), inner);
    }
  }

  #operator(operator: string, left: AnyNode, right: AnyNode): void {
    if (operator === "**") {
      // Numbers and BigInts do not mix.
      if (!isSmall(left) && !isSmall(right)) this.#unbounded();
    } else if (["*", "/", "%", "<<"].includes(operator)) {
      this.#multiplies = true;
    }
  }

  #meta(
    node: AnyNode & { type: "MetaProperty" },
    parents: readonly AnyNode[],
  ): void {
    if (node.meta.name !== "import") return;
    const outer = parents.at(-1)!;
    const member = outer.type === "MemberExpression"
      ? memberName(outer)
      : undefined;
    if (
      member === undefined || !["url", "filename", "dirname"].includes(member)
    ) this.#needs("import.meta");
  }

  #mention(node: AnyNode, parents: readonly AnyNode[]): void {
    // A constant that stands for it is looked at where it is used.
    if (this.#aliased.has(node)) return;
    const thing = this.#resolve(node);
    const last = unchain(node).type === "MemberExpression"
      ? memberName(unchain(node) as AnyNode & { type: "MemberExpression" })
      : undefined;
    if (thing === undefined) return this.#sync(node, last, last, parents);
    switch (thing.kind) {
      case "global":
        return this.#global(thing.path, node, parents);
      case "module": {
        const path = thing.path.join(".");
        if (
          WORKER_MODULES.has(thing.path[0]!) || thing.path.length > 1 &&
            WORKER_NAMES.has(thing.path[1]!) ||
          isTarget(node, parents)
        ) this.#needs(path);
        if (/Sync$/.test(path)) this.#facts.blocks ??= path;
        return;
      }
      case "own": {
        const [name = "", member = ""] = thing.path;
        if (
          name === "current" ? !CURRENT_MEMBERS.has(member) : WORKER_NAMES.has(
            name === "*" || !WORKER_NAMES.has(member) ? name : member,
          )
        ) this.#needs(thing.path.slice(0, 2).join("."));
        return this.#sync(
          node,
          thing.path.at(-1),
          thing.path.join("."),
          parents,
        );
      }
      case "function":
        this.#facts.calls.add(thing.fn);
        if (isTarget(node, parents)) this.#facts.shares ??= thing.name;
        else if (thing.rest.length > 0 && !isCallMethod(thing.rest)) {
          this.#facts.shares ??= thing.name;
        }
        return this.#sync(
          node,
          thing.rest.at(-1),
          thing.rest.join("."),
          parents,
        );
      case "value":
        if (WORKER_NAMES.has(thing.name) || WORKER_NAMES.has(thing.rest[0]!)) {
          this.#needs(thing.name);
        }
        if (!thing.isSame) {
          this.#facts.shares ??= thing.name;
          // It may be one that was only given another name.
          if (SAME_EVERYWHERE.has(thing.name) || ENDS.has(thing.name)) {
            this.#global([thing.name, ...thing.rest], node, parents);
          }
        }
        return this.#sync(
          node,
          thing.rest.at(-1) ?? thing.name,
          [thing.name, ...thing.rest].join("."),
          parents,
        );
      case "local": {
        const fn = thing.binding && this.#functions.get(thing.binding);
        if (fn !== undefined) this.#use(fn, parents);
        if (WORKER_NAMES.has(last ?? "")) this.#needs(last!);
        return this.#sync(
          node,
          thing.rest.at(-1),
          [thing.name, ...thing.rest].join("."),
          parents,
        );
      }
    }
  }

  #global(
    path: readonly string[],
    node: AnyNode,
    parents: readonly AnyNode[],
  ): void {
    const facts = this.#facts;
    const [name = "", member] = path;
    const text = path.join(".");
    if (ENDS.has(text)) facts.ends ??= text;
    else if (
      path.length === 1 ? BLOCKS.has(text) : (
        BLOCKS.has(path.slice(0, 2).join(".")) ||
        path.some((part) => /.Sync$/.test(part))
      )
    ) facts.blocks ??= text;
    if (name === "$meta$" || name === "$import$") return this.#needs(name);
    if (
      !SAME_EVERYWHERE.has(name) || isTarget(node, parents) ||
      WRITES_STATE.has(path.slice(0, 3).join(".")) || isChanged(node, parents)
    ) return this.#needs(text);
    const members = SAME_MEMBERS[name];
    // Passed on as a whole, anything may be done with it.
    if (
      members !== undefined &&
      (member === undefined
        ? parents.at(-1)?.type !== "UnaryExpression"
        : !members.has(member) && !/Sync$/.test(member))
    ) this.#needs(text);
    // As a whole it may be changed by another name.
    if (
      members === undefined && path.length === 1 && NAMESPACES.has(name) &&
      !isOperand(node, parents)
    ) this.#needs(name);
    if (name === "BigInt" || name.startsWith("Big")) this.#hasBigInt = true;
  }

  #sync(
    node: AnyNode,
    last: string | undefined,
    text: string | undefined,
    parents: readonly AnyNode[],
  ): void {
    if (last === undefined || !/.Sync$/.test(last)) return;
    const [outer, above] = [parents.at(-1), parents.at(-2)];
    if (outer?.type !== "CallExpression" || outer.callee !== node) return;
    if (above?.type !== "AwaitExpression") this.#facts.blocks ??= text;
  }

  /** Every function around it uses `fn`, if only to hand it on. */
  #use(fn: FunctionNode, parents: readonly AnyNode[]): void {
    for (const outer of parents) {
      if (!isFunction(outer)) continue;
      let uses = this.#uses.get(outer);
      if (uses === undefined) this.#uses.set(outer, uses = new Set());
      uses.add(fn);
    }
  }

  #isRecursive(): boolean {
    const ended = new Set<FunctionNode>();
    const open = new Set<FunctionNode>();
    const leadsBack = (fn: FunctionNode): boolean => {
      if (open.has(fn)) return true;
      if (ended.has(fn)) return false;
      open.add(fn);
      for (const used of this.#uses.get(fn) ?? []) {
        if (leadsBack(used)) return true;
      }
      open.delete(fn);
      ended.add(fn);
      return false;
    };
    return [...this.#uses.keys()].some(leadsBack);
  }

  #isCheapCall(node: AnyNode & { type: "CallExpression" }): boolean {
    const callee = unchain(node.callee);
    if (isFunction(callee)) return true;
    const last = callee.type === "MemberExpression"
      ? memberName(callee)
      : callee.type === "Identifier"
      ? callee.name
      : undefined;
    // What such a callback throws cannot be traced to its call.
    if (TIMERS.has(last ?? "") && throws(node.arguments[0] as AnyNode)) {
      this.#needs("a timer whose callback throws");
    }
    const given = node.arguments.slice(0, CALLERS.get(last) ?? 0);
    if (!given.every((it) => this.#isKnown(it as AnyNode))) return false;
    if (callee.type === "Super" || callee.type === "ImportExpression") {
      return false;
    }
    const thing = this.#resolve(callee);
    switch (thing?.kind) {
      case "global": {
        const path = thing.path.join(".");
        return CHEAP_CALLS.has(path) || WAITING_CALLS.has(path) ||
          CHEAP_NAMESPACES.has(thing.path.slice(0, -1).join("."));
      }
      case "module": {
        const path = thing.path.slice(0, -1).join(".");
        if (/Sync$/.test(thing.path.at(-1)!)) return false;
        return WAITING_MODULES.has(path) || CHEAP_MODULES.has(path);
      }
      case "own":
        return thing.path.join(".") === "current.throwIfAborted" ||
          thing.path.join(".") === "current.progress";
      case "function":
        return thing.rest.length === 0;
      case "local":
        if (thing.rest.length === 0) {
          const { binding } = thing;
          return binding !== undefined &&
            (this.#functions.has(binding) || this.#settlers.has(binding) ||
              this.#isSettler(binding));
        }
    }
    return callee.type === "MemberExpression" &&
      callee.object.type !== "Super" &&
      callee.object.type !== "ThisExpression" &&
      CHEAP_METHODS.has(memberName(callee) ?? "");
  }

  /** `const { promise, resolve } = Promise.withResolvers()`. */
  #isSettler(binding: Binding): boolean {
    const alias = this.#aliases.get(binding);
    if (alias?.init.type !== "CallExpression" || alias.keys.length !== 1) {
      return false;
    }
    const thing = this.#resolve(alias.init.callee as AnyNode);
    return thing?.kind === "global" &&
      thing.path.join(".") === "Promise.withResolvers" &&
      ["resolve", "reject"].includes(alias.keys[0]!);
  }

  /** False for what may be a function that was given: who knows what it does. */
  #isKnown(node: AnyNode): boolean {
    const thing = this.#resolve(node);
    switch (thing?.kind) {
      case undefined:
        return !["CallExpression", "MemberExpression"].includes(node.type);
      case "local": {
        const { binding, rest } = thing;
        return rest.length === 0 && binding !== undefined &&
          (this.#functions.has(binding) || this.#settlers.has(binding) ||
            this.#isSettler(binding));
      }
      case "global": {
        const path = thing.path.join(".");
        return CHEAP_CALLS.has(path) || path === "undefined";
      }
      case "function":
        return thing.rest.length === 0;
      default:
        return false;
    }
  }

  #isCheapClass(node: AnyNode & { type: "NewExpression" }): boolean {
    const thing = this.#resolve(node.callee as AnyNode);
    if (thing?.kind !== "global") return false;
    const path = thing.path.join(".");
    if (path === "Promise") {
      return node.arguments.every((it) => this.#isKnown(it as AnyNode));
    }
    if (CHEAP_CLASSES.has(path)) return true;
    return CHEAP_EMPTY_CLASSES.has(path) &&
      (node.arguments.length === 0 ||
        node.arguments.length === 1 && isSmall(node.arguments[0] as AnyNode));
  }

  #loop(node: AnyNode, parents: readonly AnyNode[]): void {
    if (node.type === "ForOfStatement" && node.await) {
      const isInRoot = isOwn(parents, this.#root);
      if (isInRoot) this.#facts.awaits = true;
      // Over what is there already it never waits.
      const waits = this.#isSource(node.right as AnyNode);
      if (!waits) this.#unbounded();
      else if (isInRoot) this.#facts.gives = true;
      return;
    }
    const awaited = certainAwait(node);
    const giver = awaited && this.#givenBy(awaited);
    if (giver === undefined) this.#growing(node, parents);
    else if (giver !== true) this.#facts.mustWait.add(giver);
  }

  /** True where a loop over it waits for each item, or for each few. */
  #isSource(node: AnyNode): boolean {
    const inner = unchain(node);
    if (inner.type === "CallExpression") return this.#givenBy(inner) === true;
    if (inner.type !== "MemberExpression") return false;
    const thing = this.#resolve(inner);
    return thing?.kind === "local" && thing.binding?.kind !== "param" &&
        WAITING_METHODS.has(thing.rest.at(-1) ?? "") ||
      thing?.kind === "local" && thing.rest.at(-1) === "body" &&
        thing.binding?.kind !== "param";
  }

  #giving(node: AnyNode): void {
    const giver = this.#givenBy(node);
    if (giver === true) this.#facts.gives = true;
    else if (giver !== undefined) this.#facts.givers.add(giver);
  }

  /** What makes the promise wait for the world outside: a call in it, or a function whose source has to tell. */
  #givenBy(root: AnyNode): true | AnyFunction | undefined {
    let giver: true | AnyFunction | undefined;
    walk(root, (node, parents) => {
      if (giver === true) return false;
      // One that is handed to a call is part of it: `.then((r) => r.text())`.
      if (isFunction(node)) return isCall(parents.at(-1));
      if (node.type !== "CallExpression") return true;
      const callee = unchain(node.callee);
      const thing = this.#resolve(callee);
      if (thing?.kind === "global") {
        if (
          WAITING_CALLS.has(thing.path.join(".")) ||
          thing.path.slice(0, 2).join(".") === "crypto.subtle"
        ) giver = true;
      } else if (thing?.kind === "module") {
        const path = thing.path.slice(0, -1).join(".");
        if (WAITING_MODULES.has(path)) giver = true;
      } else if (thing?.kind === "function" && thing.rest.length === 0) {
        giver ??= thing.fn;
      } else if (
        callee.type === "MemberExpression" &&
        WAITING_METHODS.has(memberName(callee) ?? "") &&
        !(thing?.kind === "local" && thing.binding?.kind === "param" &&
          thing.rest.length === 1)
      ) giver = true;
      return true;
    });
    return giver;
  }
}

/** True where it is only asked what it is. */
function isOperand(node: AnyNode, parents: readonly AnyNode[]): boolean {
  const outer = parents.at(-1);
  return outer?.type === "MemberExpression" && outer.object === node ||
    outer?.type === "UnaryExpression" || outer?.type === "BinaryExpression";
}

/** True where a function throws, or one in it. */
function throws(fn: AnyNode | undefined): boolean {
  let isThrowing = false;
  if (isFunction(fn)) {
    walk(fn, (node) => {
      if (node.type === "ThrowStatement") isThrowing = true;
      return !isThrowing;
    });
  }
  return isThrowing;
}

/** True where no other function lies between. */
function isOwn(parents: readonly AnyNode[], root: FunctionNode): boolean {
  return parents.findLast((node) =>
    isFunction(node) || node.type.startsWith("Class")
  ) === root;
}

function isCall(node: AnyNode | undefined): boolean {
  return node?.type === "CallExpression" || node?.type === "NewExpression";
}

/** A number that is written there, and not a large one. */
function isSmall(node: AnyNode): boolean {
  return node.type === "Literal" && typeof node.value === "number" &&
    node.value <= 1_024;
}

/** `f.call(…)` calls `f`. */
function isCallMethod(rest: readonly string[]): boolean {
  return rest.length === 1 &&
    ["call", "apply", "bind", "name", "length"].includes(rest[0]!);
}

const CHANGERS = new Set(
  "assign defineProperty defineProperties setPrototypeOf set deleteProperty"
    .split(" "),
);

/** `Object.assign(Math, …)`. */
function isChanged(node: AnyNode, parents: readonly AnyNode[]): boolean {
  const call = parents.at(-1);
  return call?.type === "CallExpression" && call.arguments[0] === node &&
    call.callee.type === "MemberExpression" &&
    CHANGERS.has(memberName(call.callee) ?? "");
}

/**
 * What each round of a loop awaits, whatever happens in it: on the way to it
 * there is no branch, and nothing that begins the next round.
 */
function certainAwait(loop: AnyNode): AnyNode | undefined {
  switch (loop.type) {
    case "ForStatement":
      return inExpression(loop.test) ?? inExpression(loop.update) ??
        inStatement(loop.body);
    case "WhileStatement":
      return inExpression(loop.test) ?? inStatement(loop.body);
    case "DoWhileStatement":
      return inStatement(loop.body) ?? inExpression(loop.test);
    case "ForInStatement":
    case "ForOfStatement":
      return inStatement(loop.body);
    default:
      return undefined;
  }
}

function inStatement(nullable: unknown): AnyNode | undefined {
  const node = nullable as AnyNode | null | undefined;
  switch (node?.type) {
    case "BlockStatement":
      for (const statement of node.body) {
        const found = inStatement(statement);
        if (found !== undefined) return found;
        if (goesOn(statement as AnyNode)) return undefined;
      }
      return undefined;
    case "ExpressionStatement":
      return inExpression(node.expression);
    case "VariableDeclaration":
      for (const { init } of node.declarations) {
        const found = inExpression(init);
        if (found !== undefined) return found;
      }
      return undefined;
    case "IfStatement":
      return inExpression(node.test);
    case "ReturnStatement":
      return inExpression(node.argument);
    case "TryStatement":
      // What is before it may throw.
      return inStatement(node.block.body[0]) ?? inStatement(node.finalizer);
    default:
      return undefined;
  }
}

/** True where a statement may begin the next round of a loop. */
function goesOn(node: AnyNode): boolean {
  if (isFunction(node)) return false;
  return node.type === "ContinueStatement" || childrenOf(node).some(goesOn);
}

function inExpression(nullable: unknown): AnyNode | undefined {
  const node = nullable as AnyNode | null | undefined;
  switch (node?.type) {
    case "AwaitExpression":
      return node.argument as AnyNode;
    case "AssignmentExpression":
      return /^(\|\||&&|\?\?)=$/.test(node.operator)
        ? undefined
        : inExpression(node.right);
    case "ConditionalExpression":
      return inExpression(node.test);
    case "LogicalExpression":
      return inExpression(node.left);
    case "CallExpression":
    case "NewExpression":
    case "MemberExpression":
    case "BinaryExpression":
    case "UnaryExpression":
    case "TemplateLiteral":
    case "ArrayExpression":
    case "ObjectExpression":
    case "Property":
    case "SequenceExpression":
      if ("optional" in node && node.optional) return undefined;
      for (const child of childrenOf(node)) {
        const found = inExpression(child);
        if (found !== undefined) return found;
      }
      return undefined;
    default:
      return undefined;
  }
}
