// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Errors inside a graph. Nothing about an error may keep the report of it from
// arriving: what cannot travel (a socket among its properties, a getter that
// throws, a cause without end) is replaced by a description of itself.

import * as libraryErrors from "../base/errors.ts";
import { isA, PendingReference } from "./_codec_path.ts";
import * as tags from "./_codec_tags.ts";
import {
  type GraphReader,
  type GraphWriter,
  malformed,
} from "./_codec_types.ts";
import { readModuleUrl, writeModuleUrl } from "./functions/names.ts";
import type { Home } from "./functions/origins.ts";

/** Where the library's own modules lie. */
const LIBRARY = new URL("../", import.meta.url).href;
/** Longer stacks are cut: they are for people. */
const STACK_LIMIT = 64 * 1024;
const DESCRIPTION_LIMIT = 1000;

const HAS_MESSAGE = 1;
const HAS_STACK = 2;
const HAS_OWN_NAME = 4;
const NAME_IS_ENUMERABLE = 8;
/** The name is for those who do not have the class. */
const NAME_IS_OF_CLASS = 16;

/** How the class of an error is named to a receiver that has it. */
const BY_TOKEN = 0;
const BY_REFERENCE = 1;

/** Own properties that the language's errors keep hidden. */
const HIDDEN = ["cause", "errors", "error", "suppressed"] as const;
/** What the head holds already. */
const IN_HEAD = new Set<string>(["name", "message", "stack", ...HIDDEN]);

const DOM_EXCEPTION = "DOMException";

const idByPrototype = new Map<object, string>();
const prototypeById = new Map<string, object>();

function addClass(id: string, value: unknown): void {
  if (typeof value !== "function") return;
  const prototype: unknown = value.prototype;
  if (!(prototype instanceof Error) && prototype !== Error.prototype) return;
  idByPrototype.set(prototype, id);
  prototypeById.set(id, prototype);
}

for (
  const name of [
    "Error",
    "EvalError",
    "RangeError",
    "ReferenceError",
    "SyntaxError",
    "TypeError",
    "URIError",
    "AggregateError",
    "SuppressedError",
  ]
) addClass(name, Reflect.get(globalThis, name));
for (const name of ["CompileError", "LinkError", "RuntimeError"]) {
  addClass(`WebAssembly.${name}`, Reflect.get(WebAssembly, name));
}
for (const [name, value] of Object.entries(Deno.errors)) {
  addClass(`Deno.errors.${name}`, value);
}
for (const [name, value] of Object.entries(libraryErrors)) {
  addClass(`parallel.${name}`, value);
}
addClass(DOM_EXCEPTION, DOMException);

/** Lets a class of errors of the library arrive as itself. Both sides register it. */
export function registerErrorClass(
  name: string,
  // deno-lint-ignore no-explicit-any -- the constructor is never called
  ctor: abstract new (...args: any[]) => Error,
): void {
  addClass(`parallel.${name}`, ctor);
}

/** True for the prototype of a class that both sides have. */
export function isKnownError(prototype: object): boolean {
  return idByPrototype.has(prototype);
}

/** Writes an error as the nearest class that both sides have, and with the receiver's own class where that is known. */
export function writeError(
  g: GraphWriter,
  error: Error,
  home?: Home,
): void {
  let link: object | null = Object.getPrototypeOf(error);
  while (link !== null && !idByPrototype.has(link)) {
    link = Object.getPrototypeOf(link);
  }
  const id = link === null ? "Error" : idByPrototype.get(link)!;
  if (home === undefined) g.w.u8(tags.TAG_ERROR);
  else writeHome(g, home);
  writeErrorHead(g, error, id);
  g.register(error);
  writeErrorBody(g, error);
}

function writeHome({ w }: GraphWriter, home: Home): void {
  w.u8(tags.TAG_OWN_ERROR);
  if (home.kind === "token") {
    w.u8(BY_TOKEN);
    return w.string(home.token);
  }
  w.u8(BY_REFERENCE);
  writeModuleUrl(w, home.url);
  w.string(home.name);
}

export function writeErrorHead(
  g: GraphWriter,
  error: Error,
  id: string,
): void {
  const message = safeText(() => error.message);
  const stack = safeText(() => error.stack);
  const name = nameOf(error, id);
  const enumerable = id !== DOM_EXCEPTION &&
    Object.getOwnPropertyDescriptor(error, "name")?.enumerable === true;
  g.w.string(id);
  g.w.u8(
    (message === undefined ? 0 : HAS_MESSAGE) |
      (stack === undefined ? 0 : HAS_STACK) |
      (name === undefined ? 0 : HAS_OWN_NAME) |
      (enumerable ? NAME_IS_ENUMERABLE : 0) |
      (Object.hasOwn(error, "name") ? 0 : NAME_IS_OF_CLASS),
  );
  if (message !== undefined) g.w.string(message);
  if (stack !== undefined) g.w.string(ownFrames(stack).slice(0, STACK_LIMIT));
  if (name !== undefined) g.w.string(name);
}

/**
 * The error's name where its class over there does not give it. An unknown
 * class that does not set a name leaves that of its constructor.
 */
function nameOf(error: Error, id: string): string | undefined {
  const name = safeText(() => error.name);
  if (id === "") {
    return Object.hasOwn(error, "name") ? name : undefined;
  }
  if (id === DOM_EXCEPTION) return name;
  const known = prototypeById.get(id)!;
  if (name === undefined) return undefined;
  if (Object.hasOwn(error, "name")) return name;
  if (Object.getPrototypeOf(error) === known) return undefined;
  if (name !== safeText(() => Reflect.get(known, "name"))) return name;
  const own = safeText(() => error.constructor.name);
  return own === undefined || own === "" ? undefined : own;
}

export function writeErrorBody(g: GraphWriter, error: Error): void {
  const { w } = g;
  const hidden = HIDDEN.filter((key) => Object.hasOwn(error, key));
  const keys = Object.keys(error).filter((key) => !IN_HEAD.has(key));
  w.u8(hidden.length);
  g.enter();
  for (const key of hidden) {
    w.u8(HIDDEN.indexOf(key));
    const enumerable = Object.prototype.propertyIsEnumerable.call(error, key);
    w.u8(enumerable ? 1 : 0);
    if (key === "errors") writeMembers(g, error);
    else writeTolerant(g, key, () => Reflect.get(error, key));
  }
  w.varint(keys.length);
  for (const key of keys) {
    w.string(key);
    writeTolerant(g, key, () => Reflect.get(error, key));
  }
  g.leave();
}

/** The members of an AggregateError one by one: one that cannot travel costs only itself. */
function writeMembers(g: GraphWriter, error: Error): void {
  let errors: unknown;
  try {
    errors = Reflect.get(error, "errors");
  } catch (thrown) {
    return g.value(`<reading it threw ${describeThrown(thrown)}>`);
  }
  if (
    !Array.isArray(errors) || g.isRegistered(errors) ||
    Object.getPrototypeOf(errors) !== Array.prototype
  ) return writeTolerant(g, "errors", () => errors);
  const members: unknown[] = errors;
  g.register(members);
  const { length } = members;
  g.w.u8(tags.TAG_ARRAY);
  g.w.varint(length);
  g.enter();
  for (let i = 0; i < length; i++) writeTolerant(g, i, () => members[i]);
  g.leave();
}

function writeTolerant(
  g: GraphWriter,
  key: string | number,
  read: () => unknown,
): void {
  let value: unknown;
  try {
    value = read();
  } catch (thrown) {
    return g.value(`<reading it threw ${describeThrown(thrown)}>`);
  }
  const failure = g.attempt(() => g.child(key, value));
  if (failure === undefined) return;
  if (isA(failure.error, PendingReference)) throw failure.error;
  g.value(describeThrown(value));
}

/** `read()` where it gives a string, and nothing where it throws. */
function safeText(read: () => unknown): string | undefined {
  try {
    const text = read();
    return typeof text === "string" ? text : undefined;
  } catch {
    // The error's own getter failed; the error goes without this part.
    return undefined;
  }
}

/** A short text for any value, for places where the value itself cannot go. Never throws. */
export function describeThrown(value: unknown): string {
  const text = safeText(() => {
    if (typeof value === "function") {
      return `[function ${value.name || "anonymous"}]`;
    }
    if (typeof value !== "object" || value === null) return String(value);
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    return `[object ${value.constructor?.name || tag}]`;
  });
  return (text ?? "[object]").slice(0, DESCRIPTION_LIMIT);
}

/** The head of an error as it arrived. */
export interface ErrorHead {
  readonly id: string;
  readonly message: string | undefined;
  readonly stack: string | undefined;
  readonly name: string | undefined;
  readonly isNameEnumerable: boolean;
  readonly isNameOfClass: boolean;
}

export function readErrorHead(g: GraphReader): ErrorHead {
  const { r } = g;
  const id = r.string();
  const flags = r.u8();
  return {
    id,
    message: flags & HAS_MESSAGE ? r.string() : undefined,
    stack: flags & HAS_STACK ? r.string() : undefined,
    name: flags & HAS_OWN_NAME ? r.string() : undefined,
    isNameEnumerable: (flags & NAME_IS_ENUMERABLE) !== 0,
    isNameOfClass: (flags & NAME_IS_OF_CLASS) !== 0,
  };
}

export function readError(g: GraphReader): Error {
  const head = readErrorHead(g);
  // A class that only the other side has registered: still an error.
  const error = makeError(head, prototypeById.get(head.id) ?? Error.prototype);
  g.register(error);
  readErrorBody(g, error);
  return error;
}

/** Reads an error whose class the receiver may have; if not it is its nearest built-in one. */
export function readHomeError(g: GraphReader): Error {
  const { r, c: { homes } } = g;
  const kind = r.u8();
  let constructor: unknown;
  if (kind === BY_TOKEN) {
    const token = r.string();
    constructor = homes?.byToken(token);
  } else if (kind === BY_REFERENCE) {
    const url = readModuleUrl(r);
    const name = r.string();
    constructor = homes?.byReference(url, name);
  } else throw malformed("an error's class is named in an unknown way");
  const own: unknown = typeof constructor === "function"
    ? constructor.prototype
    : undefined;
  const head = readErrorHead(g);
  let error: Error;
  if (!(own instanceof Error)) {
    error = makeError(head, prototypeById.get(head.id) ?? Error.prototype);
  } else if (head.id === DOM_EXCEPTION) {
    // Its name is inside of it, and not a property.
    error = Object.setPrototypeOf(makeError(head, own), own);
  } else {
    error = makeError(
      head.isNameOfClass ? { ...head, name: undefined } : head,
      own,
    );
  }
  g.register(error);
  readErrorBody(g, error);
  return error;
}

/** A real error (with its internal slot) of the class with this prototype; no constructor of ours or the user's runs. */
export function makeError(head: ErrorHead, prototype: object): Error {
  const error = head.id === DOM_EXCEPTION
    ? new DOMException(head.message, head.name)
    : withoutStack(() => new Error(head.message));
  if (head.id !== DOM_EXCEPTION) Object.setPrototypeOf(error, prototype);
  if (head.message !== undefined && error.message !== head.message) {
    hide(error, "message", head.message);
  }
  hide(
    error,
    "stack",
    head.stack ?? `${head.name ?? error.name}: ${error.message}`,
  );
  if (
    head.name !== undefined && error.name !== head.name || head.isNameEnumerable
  ) {
    hide(error, "name", head.name, head.isNameEnumerable);
  }
  return error;
}

/** The stack without the library's frames at its end: they say nothing of the task. */
function ownFrames(stack: string): string {
  const lines = stack.split("\n");
  let end = lines.length;
  while (end > 0 && lines[end - 1]!.includes(LIBRARY)) end--;
  // An error of the library itself has no other frames.
  const hasOwn = end > 0 && /^ {4}at /.test(lines[end - 1]!);
  return hasOwn ? lines.slice(0, end).join("\n") : stack;
}

/** The stack of the decoder is never shown: not collecting it saves microseconds. */
function withoutStack(make: () => Error): Error {
  const { stackTraceLimit } = Error as { stackTraceLimit?: number };
  try {
    Reflect.set(Error, "stackTraceLimit", 0);
    return make();
  } finally {
    Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
  }
}

function hide(
  error: Error,
  key: string,
  value: unknown,
  enumerable = false,
): void {
  Object.defineProperty(error, key, {
    value,
    enumerable,
    writable: true,
    configurable: true,
  });
}

export function readErrorBody(g: GraphReader, error: Error): void {
  const { r } = g;
  for (let n = r.u8(); n > 0; n--) {
    const key = HIDDEN[r.u8()];
    if (key === undefined) throw malformed("an error has an unknown part");
    const enumerable = r.u8() === 1;
    hide(error, key, g.value(), enumerable);
  }
  for (let n = r.varint(); n > 0; n--) {
    const key = r.string();
    hide(error, key, g.value(), true);
  }
}
