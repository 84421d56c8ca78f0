// Copyright 2026 the @concurrent/parallel authors. MIT license.

import * as tags from "./_codec_tags.ts";

/** Why an object of a class that is tied to its isolate stays there. */
const REASONS = new Map<string, string>([
  ["Promise", "a Promise settles in its own isolate: await it first"],
  ["WeakMap", "a WeakMap refers to objects of its own isolate"],
  ["WeakSet", "a WeakSet refers to objects of its own isolate"],
  ["WeakRef", "a WeakRef refers to an object of its own isolate"],
  ["Generator", "a generator's progress belongs to its isolate: send an array"],
  [
    "AsyncGenerator",
    "an async generator's progress belongs to its isolate: send an array",
  ],
  [
    "AbortSignal",
    "an AbortSignal belongs to its isolate: use the task's signal option and current.signal",
  ],
  ["Request", "a Request belongs to its isolate: send its URL and its body"],
  ["Response", "a Response belongs to its isolate: send its status and body"],
  ["Module", "a module namespace belongs to its isolate: import it over there"],
]);

/** The marks that Deno's own classes leave on their instances. */
const HOST_MARK = /^(?:\[\[webidl|Deno\.)/;
const OPENED_MARK = /^Deno\.internal/;

function marks(object: object): string[] {
  return Object.getOwnPropertySymbols(object)
    .map((symbol) => symbol.description ?? "")
    .filter((description) => HOST_MARK.test(description));
}

const withArticle = (name: string): string =>
  `${/^(?:[AEIO]|U(?!R|ni))/i.test(name) ? "an" : "a"} ${name}`;

/** True for an object that the runtime made and that holds more than properties. */
export function isHostObject(object: object): boolean {
  return marks(object).length > 0;
}

/** Why a host object, or one whose class is built in, cannot travel. */
export function refusalOfHost(object: object, name: string): string {
  const reason = REASONS.get(name);
  if (reason !== undefined) return reason;
  const opened = marks(object).some((mark) => OPENED_MARK.test(mark)) ||
    Object.hasOwn(Deno, name);
  if (opened) {
    return `${
      withArticle(`Deno.${name}`)
    } belongs to the isolate that opened it`;
  }
  if (/ Iterator$| Helper$/.test(name)) {
    return `${
      withArticle(name)
    }'s progress belongs to its isolate: send an array`;
  }
  return `${withArticle(name)} belongs to the isolate that made it`;
}

/** What a class's instances are inside, or why they cannot travel: empty where the class is itself built in. */
export type ClassPlan =
  | { readonly base: number }
  | { readonly refused: string };

const plans = new WeakMap<object, ClassPlan>();

/** How instances with this prototype travel. */
export function planOf(prototype: object): ClassPlan {
  let plan = plans.get(prototype);
  if (plan === undefined) plans.set(prototype, plan = findPlan(prototype));
  return plan;
}

const BASES = new Map<object, number>([
  [Object.prototype, tags.BASE_OBJECT],
  [Array.prototype, tags.BASE_ARRAY],
  [Map.prototype, tags.BASE_MAP],
  [Set.prototype, tags.BASE_SET],
  [Error.prototype, tags.BASE_ERROR],
]);

function findPlan(prototype: object): ClassPlan {
  const name = ownConstructor(prototype)?.name || "anonymous";
  let link: object | null = prototype;
  while (link !== null) {
    const base = BASES.get(link);
    if (base !== undefined) return { base };
    const constructor = ownConstructor(link);
    if (constructor !== undefined) {
      if (isBuiltIn(constructor) && !(link instanceof Error)) {
        return {
          refused: link === prototype
            ? ""
            : `its class ${name} extends ${constructor.name}, which holds more than properties`,
        };
      }
      if (!isBuiltIn(constructor)) {
        const source = Function.prototype.toString.call(constructor);
        const member = privateMember(source);
        if (member !== undefined) {
          return {
            refused:
              `its class ${constructor.name} has the private member ${member}, which only its constructor can make`,
          };
        }
      }
    }
    link = Object.getPrototypeOf(link);
  }
  return { base: tags.BASE_OBJECT };
}

// deno-lint-ignore ban-types -- classes of any shape are meant
export function ownConstructor(prototype: object): Function | undefined {
  const value: unknown = Object.getOwnPropertyDescriptor(
    prototype,
    "constructor",
  )?.value;
  return typeof value === "function" ? value : undefined;
}

// deno-lint-ignore ban-types -- classes of any shape are meant
export function isBuiltIn(constructor: Function): boolean {
  const { name } = constructor;
  if (typeof name === "string" && name !== "") {
    for (const holder of [globalThis, Deno]) {
      if (!Object.hasOwn(holder, name)) continue;
      if (Reflect.get(holder, name) === constructor) return true;
    }
  }
  return /\{\s*\[native code\]\s*\}\s*$/.test(
    Function.prototype.toString.call(constructor),
  );
}

/**
 * The first private member of instances in a class's source, such as `#count`.
 * Static ones do not count: evaluating the class makes them.
 */
export function privateMember(source: string): string | undefined {
  if (!source.includes("#")) return undefined;
  const code = withoutText(source);
  const statics = new Set<string>();
  for (
    const match of code.matchAll(
      /\bstatic\s+(?:async\s+)?(?:\*\s*)?(?:(?:get|set)\s+)?(#[\p{ID_Continue}$]+)/gu,
    )
  ) statics.add(match[1]!);
  for (const match of code.matchAll(/#[\p{ID_Start}$_][\p{ID_Continue}$]*/gu)) {
    if (!statics.has(match[0])) return match[0];
  }
  return undefined;
}

/**
 * The source with its comments and the text of its strings taken out.
 * A regular expression literal is told from a division by what stands before.
 */
function withoutText(source: string): string {
  const TOKEN =
    /\/\/[^\n]*|\/\*[^]*?\*\/|"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|(?<=(?:[(,=:[!&|?{};+\-*%<>~^]|\breturn|\btypeof|^)\s*)\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/g;
  return withoutTemplates(source.replace(TOKEN, " "));
}

/** Takes out the text of template literals; what stands in `${}` stays. */
function withoutTemplates(source: string): string {
  let code = "";
  /** For each open template the depth of braces in its `${}`; -1 in its text. */
  const open: number[] = [];
  for (let i = 0; i < source.length; i++) {
    const char = source[i]!;
    const top = open.length - 1;
    if (top >= 0 && open[top] === -1) {
      if (char === "\\") i++;
      else if (char === "`") open.pop();
      else if (char === "$" && source[i + 1] === "{") {
        open[top] = 0;
        i++;
      }
      continue;
    }
    if (char === "`") {
      open.push(-1);
      continue;
    }
    if (top >= 0) {
      if (char === "{") open[top]!++;
      else if (char === "}" && open[top]!-- === 0) {
        open[top] = -1;
        continue;
      }
    }
    code += char;
  }
  return code;
}
