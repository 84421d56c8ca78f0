// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { privateMember } from "./_codec_private_members.ts";
import * as tags from "./_codec_tags.ts";
import { shareableOf } from "./shareables.ts";

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
  ["AbortController", "an AbortController stays where it is: send its signal"],
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
      if (shareableOf(link) !== undefined) {
        return {
          refused:
            `its class ${name} extends ${constructor.name}, whose instances travel and those of subclasses do not: send one of ${constructor.name}`,
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
  if (Object.hasOwn(Deno, name) && Reflect.get(Deno, name) === constructor) {
    return true;
  }
  // What a program itself puts on the global object is enumerable there.
  const global = Object.getOwnPropertyDescriptor(globalThis, name);
  if (
    global?.enumerable === false &&
    Reflect.get(globalThis, name) === constructor
  ) return true;
  return /\{\s*\[native code\]\s*\}\s*$/.test(
    Function.prototype.toString.call(constructor),
  );
}
