// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Scopes and references of a parsed program: which name means which binding,
// and which bindings are ever assigned. Written here because the packages that
// do it cost more than they give: eslint-scope takes 25 ms to load (a third of
// what a whole pool takes to start), and periscopic and estree-util-scope do
// not tell an assignment from a read.
//
// One walk collects declarations and references; references are resolved after
// it, since `var` and functions are visible before their declaration.

import type {
  AnyNode,
  ArrowFunctionExpression,
  AssignmentExpression,
  Class,
  Expression,
  Function as FunctionNode,
  Identifier,
  ImportExpression,
  MetaProperty,
  Node,
  Pattern,
  Program,
  Super,
  UnaryExpression,
} from "./acorn.ts";

/** What declared a binding. */
export type BindingKind =
  | "import"
  | "const"
  | "let"
  | "var"
  | "function"
  | "class"
  | "param"
  | "catch"
  | "self";

/** One binding of one scope. */
export interface Binding {
  readonly name: string;
  readonly kind: BindingKind;
  readonly scope: Scope;
  /** Where the name is first declared. */
  readonly start: number;
  /** True where something assigns it after it was initialised. */
  assigned: boolean;
  /** True where a declaration gave it a value; a second one is an assignment. */
  initialized: boolean;
  /** The specifier of `const name = await import("…")`. */
  importedFrom?: string;
}

/** How a reference is written, which decides how it can be replaced. */
export type ReferenceRole = "plain" | "shorthand" | "callee";

/** One use of a name. */
export interface Reference {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly role: ReferenceRole;
  readonly scope: Scope;
  /** True where the value is needed while the outermost class is evaluated. */
  readonly eager: boolean;
  /** The expression statement that begins with this reference. */
  readonly statement: Node | undefined;
  /** What the name means; `undefined` for globals and for names from outside the program. */
  binding: Binding | undefined;
}

/** One scope and the scopes around it. */
export interface Scope {
  readonly kind: "program" | "function" | "block" | "class" | "name";
  readonly parent: Scope | undefined;
  readonly start: number;
  readonly end: number;
  readonly bindings: Map<string, Binding>;
}

/** What a function uses that is not a variable, where the function itself does not bind it. */
export interface Unbound {
  this: boolean;
  super: boolean;
  arguments: boolean;
  /** True where `eval` is called by this name. */
  eval: boolean;
  /** The private name that no class of the program declares. */
  privateName: string | undefined;
}

/** The result of {@linkcode analyze}. */
export interface Analysis {
  readonly program: Scope;
  readonly references: readonly Reference[];
  readonly unbound: Unbound;
  readonly metas: readonly MetaProperty[];
  readonly dynamicImports: readonly ImportExpression[];
  /** Every function and class, outermost first. */
  readonly functions: readonly (FunctionNode | Class)[];
}

/** What the walk knows about the place it is at. */
interface Place {
  readonly scope: Scope;
  readonly bindsThis: boolean;
  readonly bindsSuper: boolean;
  readonly bindsArguments: boolean;
  readonly isEager: boolean;
  readonly inLoop: boolean;
  readonly privateNames: ReadonlySet<string>;
}

const NO_PRIVATE_NAMES: ReadonlySet<string> = new Set();

/**
 * Resolves every name of `program`.
 *
 * @param program What the parser gave, or one expression of it.
 * @returns The scopes, references and functions.
 */
export function analyze(program: Program | Expression): Analysis {
  return new Analyzer(program).run(program);
}

/** True where the place `inner` lies inside `outer`. */
export function isInside(
  inner: { readonly start: number; readonly end: number },
  outer: { readonly start: number; readonly end: number },
): boolean {
  return inner.start >= outer.start && inner.end <= outer.end;
}

class Analyzer {
  readonly #references: Reference[] = [];
  readonly #metas: MetaProperty[] = [];
  readonly #dynamicImports: ImportExpression[] = [];
  readonly #functions: (FunctionNode | Class)[] = [];
  readonly #assigned: Reference[] = [];
  readonly #unbound: Unbound = {
    this: false,
    super: false,
    arguments: false,
    eval: false,
    privateName: undefined,
  };
  readonly #program: Scope;
  // Set while an expression statement is visited, for the reference that it
  // begins with.
  #statement: Node | undefined;

  constructor(program: Node) {
    this.#program = newScope("program", undefined, program);
  }

  run(program: Program | Expression): Analysis {
    this.#visit(program, {
      scope: this.#program,
      bindsThis: false,
      bindsSuper: false,
      bindsArguments: false,
      isEager: true,
      inLoop: false,
      privateNames: NO_PRIVATE_NAMES,
    });
    for (const reference of this.#references) {
      reference.binding = lookup(reference.scope, reference.name);
    }
    for (const reference of this.#assigned) {
      if (reference.binding !== undefined) reference.binding.assigned = true;
    }
    return {
      program: this.#program,
      references: this.#references,
      unbound: this.#unbound,
      metas: this.#metas,
      dynamicImports: this.#dynamicImports,
      functions: this.#functions,
    };
  }

  #visitAll(nodes: readonly (Node | null)[], at: Place): void {
    for (const node of nodes) this.#visit(node, at);
  }

  #visit(nullable: Node | null | undefined, at: Place): void {
    if (nullable === null || nullable === undefined) return;
    const node = nullable as AnyNode;
    switch (node.type) {
      case "Identifier":
        this.#read(node, at);
        return;
      case "ThisExpression":
        if (!at.bindsThis) this.#unbound.this = true;
        return;
      case "Super":
        return this.#super(node, at);
      case "PrivateIdentifier":
        if (!at.privateNames.has(node.name)) {
          this.#unbound.privateName = node.name;
        }
        return;
      case "MetaProperty":
        return this.#meta(node);
      case "ImportExpression":
        this.#dynamicImports.push(node);
        return this.#children(node, at);
      case "FunctionDeclaration":
        if (node.id) this.#declare(node.id, "function", at.scope, false);
        return this.#function(node, at, false);
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return this.#function(node, at, false);
      case "ClassDeclaration":
        if (node.id) this.#declare(node.id, "class", at.scope, false);
        return this.#class(node, at);
      case "ClassExpression":
        return this.#class(node, at);
      case "BlockStatement":
      case "SwitchStatement":
        return this.#children(node, this.#block(node, at));
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
        return this.#for(node, at);
      case "WhileStatement":
      case "DoWhileStatement":
        return this.#children(node, { ...at, inLoop: true });
      case "CatchClause": {
        const inner = this.#block(node, at);
        if (node.param) this.#pattern(node.param, "catch", inner, false);
        return this.#children(node.body, inner);
      }
      case "VariableDeclaration": {
        const kind = node.kind === "let" || node.kind === "var"
          ? node.kind
          : "const";
        for (const { id, init } of node.declarations) {
          // Each iteration of a loop runs the initializer of a `var` again,
          // on the same binding.
          this.#pattern(id, kind, at, kind === "var" && init != null);
          this.#visit(init, at);
          const specifier = importedBy(init);
          if (id.type === "Identifier" && specifier !== undefined) {
            lookup(at.scope, id.name)!.importedFrom = specifier;
          }
        }
        return;
      }
      case "AssignmentExpression":
        return this.#assignment(node, at);
      case "UpdateExpression":
        return this.#target(node.argument, at);
      case "UnaryExpression":
        return this.#unary(node, at);
      case "CallExpression":
        if (node.callee.type === "Identifier" && node.callee.name === "eval") {
          this.#unbound.eval = true;
        }
        this.#callee(node.callee, at);
        return this.#visitAll(node.arguments, at);
      case "TaggedTemplateExpression":
        this.#callee(node.tag, at);
        return this.#visit(node.quasi, at);
      case "MemberExpression":
        this.#visit(node.object, at);
        if (node.computed || node.property.type === "PrivateIdentifier") {
          this.#visit(node.property, at);
        }
        return;
      case "Property":
        if (node.computed) this.#visit(node.key, at);
        if (node.shorthand) {
          this.#read(node.value as Identifier, at, "shorthand");
          return;
        }
        if (
          node.value.type === "FunctionExpression" &&
          (node.method || node.kind !== "init")
        ) {
          // At the top it is only the wrapping of a method that was taken out of
          // its class: `super` there is not ours to bind.
          return this.#function(node.value, at, at.scope !== this.#program);
        }
        return this.#visit(node.value, at);
      case "ExpressionStatement":
        this.#statement = node;
        this.#visit(node.expression, at);
        this.#statement = undefined;
        return;
      case "LabeledStatement":
        return this.#visit(node.body, at);
      case "BreakStatement":
      case "ContinueStatement":
        return;
      case "ImportDeclaration":
        for (const { local } of node.specifiers) {
          this.#declare(local, "import", at.scope, false);
        }
        return;
      case "ExportNamedDeclaration":
        this.#visit(node.declaration, at);
        if (!node.source) {
          for (const { local } of node.specifiers) {
            if (local.type === "Identifier") this.#read(local, at);
          }
        }
        return;
      case "ExportAllDeclaration":
        return;
      default:
        return this.#children(node, at);
    }
  }

  /** Visits what a node holds, in the order of the source. */
  #children(node: Node, at: Place): void {
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) {
        for (const child of value) {
          if (isNode(child)) this.#visit(child, at);
        }
      } else if (isNode(value)) this.#visit(value, at);
    }
  }

  #block(node: Node, at: Place): Place {
    return { ...at, scope: newScope("block", at.scope, node) };
  }

  #for(node: Node, at: Place): void {
    const loop = node as AnyNode;
    const inner = { ...this.#block(node, at), inLoop: true };
    if (loop.type !== "ForStatement") {
      const { left } = loop as typeof loop & { left: Node };
      if (left.type !== "VariableDeclaration") {
        this.#target(left as Pattern, inner);
        const { right, body } = loop as typeof loop & {
          right: Node;
          body: Node;
        };
        this.#visit(right, inner);
        return this.#visit(body, inner);
      }
      // The head of the loop assigns its `var` once per round; `let` and
      // `const` are new ones in each round.
      const declaration = left as AnyNode & { type: "VariableDeclaration" };
      if (declaration.kind === "var") {
        for (const { id } of declaration.declarations) {
          this.#pattern(id, "var", inner, true);
        }
      }
    }
    this.#children(node, inner);
  }

  #function(node: FunctionNode, at: Place, isMethod: boolean): void {
    this.#functions.push(node);
    let scope = at.scope;
    if (node.type === "FunctionExpression" && node.id) {
      scope = newScope("name", scope, node);
      this.#declare(node.id, "self", scope, false);
    }
    scope = newScope("function", scope, node);
    const isArrow = node.type === "ArrowFunctionExpression";
    const inner: Place = {
      scope,
      bindsThis: at.bindsThis || !isArrow,
      bindsSuper: isArrow ? at.bindsSuper : isMethod,
      bindsArguments: at.bindsArguments || !isArrow,
      // The body runs later, except below a static part of a class, which may
      // call it at once.
      isEager: at.isEager && at.scope !== this.#program,
      inLoop: false,
      privateNames: at.privateNames,
    };
    for (const parameter of node.params) {
      this.#pattern(parameter, "param", inner, false);
    }
    // The body shares the scope of the parameters.
    if (node.body.type === "BlockStatement") this.#children(node.body, inner);
    else this.#visit((node as ArrowFunctionExpression).body, inner);
  }

  #class(node: Class, at: Place): void {
    this.#functions.push(node);
    const scope = newScope("class", at.scope, node);
    if (node.id) this.#declare(node.id, "self", scope, false);
    const privateNames = new Set(at.privateNames);
    for (const element of node.body.body) {
      if ("key" in element && element.key.type === "PrivateIdentifier") {
        privateNames.add(element.key.name);
      }
    }
    const outer: Place = { ...at, scope, privateNames };
    this.#visit(node.superClass, outer);
    for (const element of node.body.body) {
      if (element.type === "StaticBlock") {
        const block = newScope("function", scope, element);
        this.#visitAll(element.body, {
          ...outer,
          scope: block,
          bindsThis: true,
          bindsSuper: true,
        });
        continue;
      }
      if (element.computed) this.#visit(element.key, outer);
      const inner: Place = {
        ...outer,
        bindsThis: true,
        bindsSuper: true,
        isEager: at.isEager && element.static,
      };
      if (element.type === "MethodDefinition") {
        // Nested functions of a static method are as eager as the method: a
        // static block may call it.
        this.#function(element.value, inner, true);
      } else {
        this.#visit(element.value, {
          ...inner,
          scope: newScope("function", scope, element),
        });
      }
    }
  }

  #pattern(
    node: Pattern,
    kind: BindingKind,
    at: Place,
    isWrite: boolean,
  ): void {
    switch (node.type) {
      case "Identifier": {
        const scope = kind === "var" ? functionScope(at.scope) : at.scope;
        const binding = this.#declare(node, kind, scope, isWrite);
        if (isWrite && at.inLoop) binding.assigned = true;
        return;
      }
      case "ObjectPattern":
        for (const property of node.properties) {
          if (property.type === "RestElement") {
            this.#pattern(property.argument, kind, at, isWrite);
          } else {
            if (property.computed) this.#visit(property.key, at);
            this.#pattern(property.value, kind, at, isWrite);
          }
        }
        return;
      case "ArrayPattern":
        for (const element of node.elements) {
          if (element) this.#pattern(element, kind, at, isWrite);
        }
        return;
      case "RestElement":
        return this.#pattern(node.argument, kind, at, isWrite);
      case "AssignmentPattern":
        this.#pattern(node.left, kind, at, isWrite);
        return this.#visit(node.right, at);
      case "MemberExpression":
        return this.#visit(node, at);
    }
  }

  /** Visits what an assignment writes to. */
  #target(node: Pattern | Expression, at: Place): void {
    switch (node.type) {
      case "Identifier":
        return this.#write(node, at, "plain");
      case "ObjectPattern":
        for (const property of node.properties) {
          if (property.type === "RestElement") {
            this.#target(property.argument, at);
            continue;
          }
          if (property.computed) this.#visit(property.key, at);
          const { value } = property;
          if (!property.shorthand) this.#target(value, at);
          else if (value.type === "AssignmentPattern") {
            this.#write(value.left as Identifier, at, "shorthand");
            this.#visit(value.right, at);
          } else this.#write(value as Identifier, at, "shorthand");
        }
        return;
      case "ArrayPattern":
        for (const element of node.elements) {
          if (element) this.#target(element, at);
        }
        return;
      case "RestElement":
        return this.#target(node.argument, at);
      case "AssignmentPattern":
        this.#target(node.left, at);
        return this.#visit(node.right, at);
      case "ParenthesizedExpression":
        return this.#target(node.expression, at);
      default:
        return this.#visit(node, at);
    }
  }

  #assignment(node: AssignmentExpression, at: Place): void {
    this.#target(node.left, at);
    this.#visit(node.right, at);
  }

  #unary(node: UnaryExpression, at: Place): void {
    this.#visit(node.argument, at);
  }

  #callee(node: Expression | Super, at: Place): void {
    if (node.type === "Identifier") this.#read(node, at, "callee");
    else this.#visit(node, at);
  }

  #super(_node: Super, at: Place): void {
    if (!at.bindsSuper) this.#unbound.super = true;
  }

  #meta(node: MetaProperty): void {
    if (node.meta.name === "import") this.#metas.push(node);
  }

  #read(node: Identifier, at: Place, role: ReferenceRole = "plain"): Reference {
    const reference: Reference = {
      name: node.name,
      start: node.start,
      end: node.end,
      role,
      scope: at.scope,
      eager: at.isEager && at.scope !== this.#program,
      statement: this.#statement?.start === node.start
        ? this.#statement
        : undefined,
      binding: undefined,
    };
    if (node.name === "arguments") {
      if (!at.bindsArguments) this.#unbound.arguments = true;
    } else this.#references.push(reference);
    return reference;
  }

  #write(node: Identifier, at: Place, role: ReferenceRole): void {
    this.#assigned.push(this.#read(node, at, role));
  }

  #declare(
    { name, start }: Identifier,
    kind: BindingKind,
    scope: Scope,
    isWrite: boolean,
  ): Binding {
    const existing = scope.bindings.get(name);
    if (existing === undefined) {
      const binding: Binding = {
        name,
        kind,
        scope,
        start,
        assigned: false,
        initialized: isWrite || kind === "param" || kind === "function",
      };
      scope.bindings.set(name, binding);
      return binding;
    }
    // `var x = 1; var x = 2`, `function f() {} var f = g`, a parameter that is
    // declared again.
    if (isWrite) {
      if (existing.initialized) existing.assigned = true;
      existing.initialized = true;
    }
    return existing;
  }
}

function newScope(
  kind: Scope["kind"],
  parent: Scope | undefined,
  { start, end }: Node,
): Scope {
  return { kind, parent, start, end, bindings: new Map() };
}

function functionScope(scope: Scope): Scope {
  let current = scope;
  while (current.kind !== "function" && current.parent !== undefined) {
    current = current.parent;
  }
  return current;
}

function lookup(scope: Scope, name: string): Binding | undefined {
  let current: Scope | undefined = scope;
  while (current !== undefined) {
    const binding = current.bindings.get(name);
    if (binding !== undefined) return binding;
    current = current.parent;
  }
  return undefined;
}

/** The specifier, where `init` awaits the import of a module that it names. */
function importedBy(init: Expression | null | undefined): string | undefined {
  if (
    init?.type !== "AwaitExpression" ||
    init.argument.type !== "ImportExpression" || init.argument.options
  ) return undefined;
  const { source } = init.argument;
  return source.type === "Literal" && typeof source.value === "string"
    ? source.value
    : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value &&
    "start" in value;
}
