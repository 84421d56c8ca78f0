// Copyright 2026 the @concurrent/parallel authors. MIT license.

// From text to scopes: the source of one function, as an expression of its own,
// and the source of a whole script, with its imports and exports.

import {
  type Identifier,
  type Options,
  parse,
  parseExpressionAt,
  type Pattern,
  type Program,
  type Token,
} from "./acorn.ts";
import { type Analysis, analyze, type Reference } from "./scopes.ts";

const OPTIONS: Options = {
  ecmaVersion: "latest",
  sourceType: "module",
  // Reported as what the function uses, with a better message than the parser's.
  allowSuperOutsideMethod: true,
  checkPrivateFields: false,
};

const MAX_SOURCES = 1_000;
const sources = new Map<string, FunctionSource>();

/** One function's source, made an expression that can stand anywhere. */
export interface FunctionSource {
  /** The expression. Its value is the function. */
  readonly text: string;
  readonly analysis: Analysis;
  /** References to what the source does not declare, in the order of the text. */
  readonly free: readonly Reference[];
  /** References to the function's own name; whether they mean the function depends on how it was declared. */
  readonly self: readonly Reference[];
  /** Where the expression after `extends` lies, for a class. */
  readonly heritage:
    | { readonly start: number; readonly end: number }
    | undefined;
}

/** Where an imported binding comes from. */
export interface ImportSource {
  readonly specifier: string;
  /** The export's name, or `"*"` for the namespace. */
  readonly exportName: string;
  /** True where the import has attributes, such as `with { type: "json" }`. */
  readonly hasAttributes: boolean;
}

/** One export of a module that is a binding of that module. */
export interface ExportedBinding {
  readonly exportName: string;
  /** The local name; `undefined` for `export default` of something without a name. */
  readonly localName: string | undefined;
  /** Where the exported declaration or expression lies, for a default export. */
  readonly start: number;
  readonly end: number;
}

/** A parsed script or module. */
export interface ParsedScript {
  readonly text: string;
  readonly analysis: Analysis;
  readonly imports: ReadonlyMap<string, ImportSource>;
  readonly exports: readonly ExportedBinding[];
  /** In the order of the text. */
  readonly tokens: readonly Token[];
}

/**
 * Parses what `toString()` of a function gave. Methods and accessors become
 * members of an object literal, from which the function is taken again.
 *
 * @param source The function's own source.
 * @param name The function's own name.
 * @returns The expression, or `undefined` where it cannot be parsed.
 */
export function parseFunction(
  source: string,
  name: string,
): FunctionSource | undefined {
  const plain = tryParseExpression(`(${source})`);
  if (
    plain?.type === "FunctionExpression" || plain?.type === "ClassExpression" ||
    plain?.type === "ArrowFunctionExpression"
  ) {
    return finish(`(${source})`, plain, plain.type);
  }
  return parseMethod(source, name);
}

/**
 * The same, and remembered: functions of one text are parsed once.
 *
 * @param text The function's own source.
 * @param name The function's own name.
 * @returns The expression, or `undefined` where it cannot be parsed.
 */
export function sourceOf(
  text: string,
  name: string,
): FunctionSource | undefined {
  // The name is part of what a method becomes.
  const key = `${name}\n${text}`;
  const known = sources.get(key);
  if (known !== undefined) return known;
  const source = parseFunction(text, name);
  if (source === undefined) return undefined;
  if (sources.size >= MAX_SOURCES) {
    sources.delete(sources.keys().next().value!);
  }
  sources.set(key, source);
  return source;
}

/** True for the text of a function that has no source. */
export function isNative(text: string): boolean {
  return /\{\s*\[native code\]\s*\}$/.test(text);
}

/**
 * Parses a script as V8 has it, as a module or else as a sloppy script.
 *
 * @param text The emitted JavaScript.
 * @returns What it declares, or `undefined` where it cannot be parsed.
 */
export function parseScript(text: string): ParsedScript | undefined {
  let tokens: Token[] = [];
  let program = tryParse(text, {
    ...OPTIONS,
    allowHashBang: true,
    onToken: tokens,
  });
  if (program === undefined) {
    tokens = [];
    program = tryParse(text, {
      ...OPTIONS,
      sourceType: "script",
      allowReturnOutsideFunction: true,
      onToken: tokens,
    });
  }
  if (program === undefined) return undefined;
  return {
    text,
    analysis: analyze(program),
    imports: importsOf(program),
    exports: exportsOf(program),
    tokens,
  };
}

function parseMethod(source: string, name: string): FunctionSource | undefined {
  const text = `({ ${source} })`;
  const object = tryParseExpression(text);
  if (object?.type !== "ObjectExpression" || object.properties.length !== 1) {
    // A private method is valid nowhere but in a class, which says so.
    return undefined;
  }
  const property = object.properties[0]!;
  if (
    property.type !== "Property" ||
    property.value.type !== "FunctionExpression"
  ) {
    return undefined;
  }
  // A computed key must not be evaluated again, and its variables are not
  // captures of the function: the name that it gave is enough.
  const key = JSON.stringify(name.replace(/^(get|set) /, ""));
  const { computed, kind } = property;
  const keyStart = computed
    ? text.lastIndexOf("[", property.key.start)
    : property.key.start;
  const keyEnd = computed
    ? text.indexOf("]", property.key.end) + 1
    : property.key.end;
  const member = `{${text.slice(2, keyStart)}[${key}]${
    text.slice(keyEnd, property.value.end)
  } }`;
  const expression = kind === "init"
    ? `(${member})[${key}]`
    : `Object.getOwnPropertyDescriptor(${member}, ${key}).${kind}`;
  const parsed = tryParseExpression(expression);
  if (parsed === undefined) return undefined;
  const result = finish(expression, parsed, "method");
  // `Object` of the wrapper above is ours.
  return kind === "init" ? result : {
    ...result,
    free: result.free.filter(({ start }) => start !== 0),
  };
}

function finish(
  text: string,
  expression: NonNullable<ReturnType<typeof tryParseExpression>>,
  type: string,
): FunctionSource {
  const analysis = analyze(expression);
  const own = type === "FunctionExpression" ? analysis.functions[0] : undefined;
  const free: Reference[] = [];
  const self: Reference[] = [];
  for (const reference of analysis.references) {
    const { binding } = reference;
    if (binding === undefined) free.push(reference);
    else if (
      own !== undefined && binding.scope.kind === "name" &&
      binding.scope.start === own.start && binding.scope.end === own.end
    ) self.push(reference);
  }
  return {
    text,
    analysis,
    free,
    self,
    heritage: expression.type === "ClassExpression"
      ? expression.superClass ?? undefined
      : undefined,
  };
}

function importsOf(program: Program): Map<string, ImportSource> {
  const imports = new Map<string, ImportSource>();
  for (const statement of program.body) {
    if (statement.type !== "ImportDeclaration") continue;
    for (const specifier of statement.specifiers) {
      imports.set(specifier.local.name, {
        specifier: String(statement.source.value),
        exportName: specifier.type === "ImportNamespaceSpecifier"
          ? "*"
          : specifier.type === "ImportDefaultSpecifier"
          ? "default"
          : nameOf(specifier.imported),
        hasAttributes: (statement.attributes?.length ?? 0) > 0,
      });
    }
  }
  return imports;
}

function exportsOf(program: Program): ExportedBinding[] {
  const exports: ExportedBinding[] = [];
  const add = (exportName: string, localName: string | undefined, at: {
    start: number;
    end: number;
  }) => exports.push({ exportName, localName, start: at.start, end: at.end });
  for (const statement of program.body) {
    if (statement.type === "ExportDefaultDeclaration") {
      const { declaration } = statement;
      const localName = declaration.type === "Identifier"
        ? declaration.name
        : declaration.type === "FunctionDeclaration" ||
            declaration.type === "ClassDeclaration"
        ? declaration.id?.name
        : undefined;
      add("default", localName, declaration);
    } else if (statement.type === "ExportNamedDeclaration") {
      if (statement.source) continue;
      const { declaration } = statement;
      if (
        declaration?.type === "FunctionDeclaration" ||
        declaration?.type === "ClassDeclaration"
      ) add(declaration.id.name, declaration.id.name, declaration);
      else if (declaration) {
        for (const { id } of declaration.declarations) {
          for (const { name, start, end } of namesIn(id)) {
            add(name, name, { start, end });
          }
        }
      }
      for (const { local, exported } of statement.specifiers) {
        add(nameOf(exported), nameOf(local), local);
      }
    }
  }
  return exports;
}

function namesIn(pattern: Pattern): Identifier[] {
  switch (pattern.type) {
    case "Identifier":
      return [pattern];
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        namesIn(
          property.type === "RestElement" ? property.argument : property.value,
        )
      );
    case "ArrayPattern":
      return pattern.elements.flatMap((element) =>
        element === null ? [] : namesIn(element)
      );
    case "RestElement":
      return namesIn(pattern.argument);
    case "AssignmentPattern":
      return namesIn(pattern.left);
    case "MemberExpression":
      return [];
  }
}

function nameOf(
  node: { type: string; name?: string; value?: unknown },
): string {
  return node.name ?? String(node.value);
}

function tryParse(text: string, options: Options): Program | undefined {
  try {
    return parse(text, options);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function tryParseExpression(text: string) {
  try {
    const expression = parseExpressionAt(text, 0, OPTIONS);
    // A remainder means that the text is more than one expression.
    return text.slice(expression.end).match(/^[\s)]*$/) === null
      ? undefined
      : expression;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
