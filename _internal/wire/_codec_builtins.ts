// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { SerializationError } from "../base/errors.ts";
import { writeBuffer, writeView } from "./_codec_buffers.ts";
import { refusalOfHost } from "./_codec_classes.ts";
import { isKnownError, writeError } from "./_codec_errors.ts";
import { isA } from "./_codec_path.ts";
import { nameOfGlobal } from "./_codec_globals.ts";
import { writeSignal } from "./_codec_counterparts.ts";
import * as tags from "./_codec_tags.ts";
import {
  type GraphReader,
  type GraphWriter,
  malformed,
} from "./_codec_types.ts";
import { shareableByTag, shareableOf } from "./shareables.ts";

type Writer = (g: GraphWriter, object: object) => void;

/** Regular expression flags, `lastIndex` beside them. */
const writeRegExp: Writer = (g, object) => {
  const { source, flags, lastIndex } = object as RegExp;
  g.register(object);
  g.w.u8(tags.TAG_REGEXP);
  g.w.string(source);
  g.w.string(flags);
  g.w.f64(lastIndex);
};

const writeDate: Writer = (g, object) => {
  const time = Date.prototype.getTime.call(object);
  g.register(object);
  g.w.u8(tags.TAG_DATE);
  g.w.f64(time);
};

const writeBoxed: Writer = (g, object) => {
  // `valueOf` of the class and not of the object, which may have its own.
  const valueOf = Object.getPrototypeOf(object).valueOf;
  g.register(object);
  g.w.u8(tags.TAG_BOXED);
  g.value(valueOf.call(object));
};

/** The classes that every engine has: found by prototype. */
const BY_PROTOTYPE = new Map<object, Writer>([
  [Date.prototype, writeDate],
  [RegExp.prototype, writeRegExp],
  [ArrayBuffer.prototype, (g, object) => writeBuffer(g, object as ArrayBuffer)],
  [Number.prototype, writeBoxed],
  [String.prototype, writeBoxed],
  [Boolean.prototype, writeBoxed],
  [BigInt.prototype, writeBoxed],
  [Symbol.prototype, writeBoxed],
]);

const writeTemporal: Writer = (g, object) => {
  const name = object.constructor.name;
  g.register(object);
  g.w.u8(tags.TAG_TEMPORAL);
  g.w.string(name);
  g.w.string(String(object));
};

/**
 * The classes of the web platform: found by name, so that a program which
 * never uses them does not load them.
 */
const BY_NAME = new Map<string, Writer>([
  ["URL", (g, object) => {
    g.register(object);
    g.w.u8(tags.TAG_URL);
    g.w.string((object as URL).href);
  }],
  ["URLSearchParams", (g, object) => {
    g.register(object);
    g.w.u8(tags.TAG_URL_SEARCH_PARAMS);
    g.w.string(String(object));
  }],
  ["Headers", (g, object) => {
    const entries = [...object as Headers];
    g.register(object);
    g.w.u8(tags.TAG_HEADERS);
    g.w.varint(entries.length);
    for (const [name, value] of entries) {
      g.w.string(name);
      g.w.string(value);
    }
  }],
  ["AbortSignal", (g, object) => writeSignal(g, object as AbortSignal)],
]);

/** What only the platform can clone. */
const CLONED = new Set([
  "Blob",
  "File",
  "CryptoKey",
  "SharedArrayBuffer",
  "Module",
  "Memory",
]);
/** What only the platform can move, and only where the user lists it. */
const MOVED = new Set([
  "MessagePort",
  "ReadableStream",
  "WritableStream",
  "TransformStream",
]);

const platformNames = new WeakMap<object, string>();

/** The name of the class with this prototype where it is the platform's own; else empty. */
function platformName(prototype: object): string {
  let name = platformNames.get(prototype);
  if (name === undefined) {
    name = findPlatformName(prototype) ?? "";
    platformNames.set(prototype, name);
  }
  return name;
}

function findPlatformName(prototype: object): string | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, "constructor");
  const constructor: unknown = descriptor?.value;
  if (typeof constructor !== "function") return undefined;
  const { name } = constructor;
  for (
    const holder of [
      globalThis,
      WebAssembly,
      Reflect.get(globalThis, "Temporal"),
    ]
  ) {
    if (typeof holder !== "object" || holder === null) continue;
    if (
      Object.hasOwn(holder, name) && Reflect.get(holder, name) === constructor
    ) {
      return holder === globalThis || holder === WebAssembly
        ? name
        : `Temporal.${name}`;
    }
  }
  return undefined;
}

/** Writes an object of a class that the language, the platform or the library brings; false for others. */
export function writeBuiltin(
  g: GraphWriter,
  object: object,
  prototype: object,
): boolean {
  const write = BY_PROTOTYPE.get(prototype);
  if (write !== undefined) {
    write(g, object);
    return true;
  }
  if (ArrayBuffer.isView(object)) return writeView(g, object, prototype);
  const shareable = shareableOf(prototype);
  if (shareable !== undefined) {
    writeShareable(g, object, shareable);
    return true;
  }
  if (isKnownError(prototype)) {
    writeError(g, object as Error);
    return true;
  }
  const name = platformName(prototype);
  if (name === "") return false;
  if (name.startsWith("Temporal.")) {
    writeTemporal(g, object);
    return true;
  }
  const named = BY_NAME.get(name);
  if (named !== undefined) {
    named(g, object);
    return true;
  }
  if (CLONED.has(name) || MOVED.has(name)) {
    writeAttachment(g, object, name);
    return true;
  }
  return false;
}

function writeAttachment(g: GraphWriter, object: object, name: string): void {
  const { attachments, transfer } = g.c;
  if (name === "SharedArrayBuffer" && attachments === undefined) {
    g.refuse("processes do not share memory");
  }
  if (attachments === undefined) {
    g.refuse(refusalOfHost(object, name));
  }
  if (MOVED.has(name) && !transfer?.has(object)) {
    g.refuse(`a ${name} can only be moved: name it in the transfer list`);
  }
  g.register(object);
  g.w.u8(tags.TAG_ATTACHMENT);
  g.w.varint(attachments.push(object) - 1);
}

function writeShareable(
  g: GraphWriter,
  object: object,
  { tag, hook }: NonNullable<ReturnType<typeof shareableOf>>,
): void {
  // Before the hook, which would have the object served to whoever comes.
  if (g.c.reach === "machine") {
    g.refuse(
      `this ${
        tag.slice(tag.indexOf(".") + 1)
      } is served by this machine, and the task may run on another one`,
    );
  }
  let payload: unknown;
  try {
    payload = hook.encode(object, g.c);
  } catch (error) {
    // The hook knows why; the path is known here.
    if (!isA(error, SerializationError) || error.reason === "") throw error;
    g.refuse(error.reason, error);
  }
  g.register(object);
  g.w.u8(tags.TAG_SHAREABLE);
  g.w.string(tag);
  // A shareable means the same object everywhere: decoding it again for every
  // call would change nothing, so that its payload does not count as captured.
  const { captures } = g;
  g.captures = 0;
  g.enter();
  g.child("<payload>", payload);
  if (hook.encodeRest !== undefined) {
    g.child("<payload>", hook.encodeRest(object));
  }
  g.leave();
  g.captures = captures;
}

/**
 * Objects that look like plain ones: `Math` and its like travel by name,
 * `arguments` is refused. True where nothing is left to write.
 */
export function writeNamespace(g: GraphWriter, object: object): boolean {
  const tag = Object.prototype.toString.call(object);
  if (tag === "[object Object]") return false;
  if (tag === "[object Arguments]") {
    g.refuse(
      "an arguments object belongs to its call: spread it into an array",
    );
  }
  if (tag === "[object Module]") {
    g.refuse("a module namespace belongs to its isolate: import it over there");
  }
  const name = nameOfGlobal(object);
  if (name === undefined) return false;
  g.w.u8(tags.TAG_GLOBAL);
  g.w.string(name);
  return true;
}

function registered<T extends object>(g: GraphReader, object: T): T {
  g.register(object);
  return object;
}

export function readDate(g: GraphReader): Date {
  return registered(g, new Date(g.r.f64()));
}

export function readRegExp(g: GraphReader): RegExp {
  const source = g.r.string();
  const expression = new RegExp(source, g.r.string());
  expression.lastIndex = g.r.f64();
  return registered(g, expression);
}

export function readUrl(g: GraphReader): URL {
  return registered(g, new URL(g.r.string()));
}

export function readUrlSearchParams(g: GraphReader): URLSearchParams {
  return registered(g, new URLSearchParams(g.r.string()));
}

export function readHeaders(g: GraphReader): Headers {
  const headers = new Headers();
  for (let n = g.r.varint(); n > 0; n--) {
    headers.append(g.r.string(), g.r.string());
  }
  return registered(g, headers);
}

export function readBoxed(g: GraphReader): object {
  const index = g.reserve();
  const value = g.value();
  if ((typeof value === "object" && value !== null) || value == null) {
    throw malformed("it boxes what is not a primitive");
  }
  const boxed = Object(value);
  g.fill(index, boxed);
  return boxed;
}

export function readTemporal(g: GraphReader): object {
  const name = g.r.string();
  const text = g.r.string();
  const namespace: unknown = Reflect.get(globalThis, "Temporal");
  if (
    typeof namespace !== "object" || namespace === null ||
    !Object.hasOwn(namespace, name)
  ) {
    throw malformed(`it holds an unknown Temporal type: ${name.slice(0, 64)}`);
  }
  const Type = Reflect.get(namespace, name) as { from(text: string): object };
  return registered(g, Type.from(text));
}

export function readAttachment(g: GraphReader): unknown {
  const value = g.c.attachments[g.r.varint()];
  if (typeof value !== "object" || value === null) {
    throw malformed("it refers to an attachment that did not arrive");
  }
  return registered(g, value);
}

export function readShareable(g: GraphReader): object {
  const tag = g.r.string();
  const index = g.reserve();
  const payload = g.value();
  const shareable = shareableByTag(tag);
  if (shareable === undefined) {
    throw new SerializationError(
      `Cannot receive a shareable object: its class is not registered here: ${
        tag.slice(0, 64)
      }`,
      { reason: "unknown shareable class" },
    );
  }
  const object = shareable.hook.decode(payload);
  g.fill(index, object);
  const { decodeRest } = shareable.hook;
  if (decodeRest !== undefined) decodeRest(object, g.value());
  return object;
}
