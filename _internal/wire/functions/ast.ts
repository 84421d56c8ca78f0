// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Steps through a parsed program that several readers of it share.

import type { AnyNode, Node } from "./acorn.ts";

/** Called for every node; false leaves out what it holds. Outermost first, the parent last. */
export type Visit = (node: AnyNode, parents: readonly AnyNode[]) => boolean;

/**
 * Goes through all nodes in the order of the text, without those that are names
 * only: keys, members, labels.
 */
export function walk(
  root: Node,
  visit: Visit,
  parents: AnyNode[] = [],
): void {
  const node = root as AnyNode;
  if (!visit(node, parents)) return;
  parents.push(node);
  eachChild(node, (child) => walk(child, visit, parents));
  parents.pop();
}

/** Calls `use` for what a node holds, without what is a name only. */
export function eachChild(node: AnyNode, use: (child: AnyNode) => void): void {
  const names = nameFieldOf(node);
  const fields = node as unknown as Readonly<Record<string, unknown>>;
  for (const key in fields) {
    const value = fields[key];
    if (typeof value !== "object" || value === null || key === names) continue;
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) use(item);
    } else if (isNode(value)) use(value);
  }
}

/** The same as a list. */
export function childrenOf(node: AnyNode): AnyNode[] {
  const children: AnyNode[] = [];
  eachChild(node, (child) => children.push(child));
  return children;
}

function nameFieldOf(node: AnyNode): string | undefined {
  switch (node.type) {
    case "MemberExpression":
      return node.computed ? undefined : "property";
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
      return node.computed ? undefined : "key";
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
      return "label";
    default:
      return undefined;
  }
}

/** A function of any kind. */
export type FunctionNode = AnyNode & {
  type:
    | "FunctionDeclaration"
    | "FunctionExpression"
    | "ArrowFunctionExpression";
};

/** True for functions, not for classes. */
export function isFunction(
  node: Node | null | undefined,
): node is FunctionNode {
  return node?.type === "FunctionExpression" ||
    node?.type === "ArrowFunctionExpression" ||
    node?.type === "FunctionDeclaration";
}

/** `a?.b` is a member in a chain. */
export function unchain(node: Node): AnyNode {
  const any = node as AnyNode;
  return any.type === "ChainExpression" ? any.expression as AnyNode : any;
}

/** The name of a member; `undefined` where only the run can tell it. */
export function memberName(
  node: AnyNode & { type: "MemberExpression" },
): string | undefined {
  const { property } = node;
  if (!node.computed) {
    return property.type === "Identifier" ? property.name : undefined;
  }
  return property.type === "Literal" && typeof property.value === "string"
    ? property.value
    : undefined;
}

/** True where the node is what an assignment, an update or `delete` changes, also within a pattern. */
export function isTarget(
  node: AnyNode,
  parents: readonly AnyNode[],
): boolean {
  let inner = node;
  for (let i = parents.length - 1; i >= 0; i--) {
    const outer = parents[i]!;
    switch (outer.type) {
      case "AssignmentExpression":
        return outer.left === inner;
      case "UpdateExpression":
        return true;
      case "UnaryExpression":
        return outer.operator === "delete";
      case "ForInStatement":
      case "ForOfStatement":
        return outer.left === inner;
      case "AssignmentPattern":
        if (outer.left !== inner) return false;
        break;
      case "Property":
        if (outer.value !== inner || parents[i - 1]?.type !== "ObjectPattern") {
          return false;
        }
        break;
      case "ArrayPattern":
      case "ObjectPattern":
      case "RestElement":
      case "ChainExpression":
        break;
      default:
        return false;
    }
    inner = outer;
  }
  return false;
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "type" in value &&
    "start" in value;
}
