// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Instances of classes that are not built in. The class travels as a function,
// the instance as what it is inside (object, array, map, set, error) plus its
// own properties; its constructor does not run again.

import {
  isHostObject,
  ownConstructor,
  planOf,
  refusalOfHost,
} from "./_codec_classes.ts";
import {
  makeError,
  readErrorBody,
  readErrorHead,
  writeError,
  writeErrorBody,
  writeErrorHead,
} from "./_codec_errors.ts";
import { isA, PendingReference } from "./_codec_path.ts";
import { writeStorage } from "./_codec_counterparts.ts";
import * as tags from "./_codec_tags.ts";
import {
  type GraphReader,
  type GraphWriter,
  malformed,
} from "./_codec_types.ts";

/** After the class: whether it brought the instance itself along, and where the content is. */
const CAME_WITH_CLASS = 0;
const HERE = 1;
const LATER = 2;

export function writeInstance(
  g: GraphWriter,
  object: object,
  prototype: object,
): void {
  if (object instanceof Error) return writeOwnError(g, object, prototype);
  const constructor = ownConstructor(prototype);
  const tag = Object.prototype.toString.call(object).slice(8, -1);
  if (isHostObject(object)) {
    g.refuse(refusalOfHost(object, constructor?.name || tag));
  }
  if (constructor === undefined || constructor.prototype !== prototype) {
    // What has no class but a tag is one of the language's iterators.
    if (tag !== "Object") g.refuse(refusalOfHost(object, tag));
    return writeDerived(g, object, prototype);
  }
  const plan = planOf(prototype);
  if ("refused" in plan) {
    if (writeStorage(g, object, prototype)) return;
    g.refuse(plan.refused || refusalOfHost(object, constructor.name));
  }
  writeWithClass(g, object, constructor, plan.base);
}

function writeWithClass(
  g: GraphWriter,
  object: object,
  constructor: unknown,
  base: number,
): void {
  const { w } = g;
  w.u8(tags.TAG_INSTANCE);
  w.u8(base);
  g.enter();
  g.child("<class>", constructor);
  g.leave();
  if (g.isRegistered(object)) {
    // The class captured this very object: it was written on the way.
    w.u8(CAME_WITH_CLASS);
    return g.reference(object);
  }
  const deep = g.isDeep();
  w.u8(deep ? LATER : HERE);
  if (base === tags.BASE_ERROR) writeErrorHead(g, object as Error, "");
  g.register(object);
  const write = () => writeBody(g, object, base);
  if (deep) g.later(write);
  else write();
}

function writeBody(g: GraphWriter, object: object, base: number): void {
  switch (base) {
    case tags.BASE_ARRAY:
      g.array(object as unknown[]);
      return g.properties(
        object,
        Object.keys(object).filter((key) => !isIndex(key)),
      );
    case tags.BASE_MAP:
      g.map(object as Map<unknown, unknown>);
      break;
    case tags.BASE_SET:
      g.set(object as Set<unknown>);
      break;
    case tags.BASE_ERROR:
      return writeErrorBody(g, object as Error);
  }
  g.properties(object);
}

const isIndex = (key: string): boolean => String(Number(key) >>> 0) === key;

/** An error of a class of the user's: with its class where that can travel, else as the nearest built-in one. */
function writeOwnError(g: GraphWriter, error: Error, prototype: object): void {
  const constructor = ownConstructor(prototype);
  if (g.c.home !== undefined) {
    const home = constructor === undefined || "refused" in planOf(prototype)
      ? undefined
      : g.c.home(constructor);
    return writeError(g, error, home);
  }
  if (
    g.plainErrors || g.c.describe === undefined || constructor === undefined ||
    "refused" in planOf(prototype)
  ) {
    return writeError(g, error);
  }
  const failure = g.attempt(() => {
    writeWithClass(g, error, constructor, tags.BASE_ERROR);
  });
  if (failure === undefined) return;
  if (isA(failure.error, PendingReference)) throw failure.error;
  writeError(g, error);
}

function writeDerived(
  g: GraphWriter,
  object: object,
  prototype: object,
): void {
  g.register(object);
  g.w.u8(tags.TAG_DERIVED);
  g.enter();
  g.child("<prototype>", prototype);
  g.leave();
  g.properties(object);
}

export function readDerived(g: GraphReader): object {
  const object = {};
  g.register(object);
  const prototype = g.value();
  if (typeof prototype !== "object") throw malformed("it lacks a prototype");
  Object.setPrototypeOf(object, prototype);
  g.properties(object);
  return object;
}

export function readInstance(g: GraphReader): object {
  const base = g.r.u8();
  const constructor = g.value();
  if (typeof constructor !== "function") {
    throw malformed("an instance lacks its class");
  }
  const place = g.r.u8();
  if (place === CAME_WITH_CLASS) {
    const object = g.value();
    if (typeof object === "object" && object !== null) return object;
    throw malformed("an instance did not come with its class");
  }
  const object = makeShell(g, base, constructor);
  g.register(object);
  const read = () => readBody(g, object, base);
  if (place === LATER) g.later(read);
  else read();
  return object;
}

function makeShell(
  g: GraphReader,
  base: number,
  // deno-lint-ignore ban-types -- classes of any shape are meant
  constructor: Function,
): object {
  const prototype: unknown = constructor.prototype;
  if (typeof prototype !== "object" || prototype === null) {
    throw malformed("an instance's class has no prototype");
  }
  switch (base) {
    case tags.BASE_OBJECT:
      return Object.create(prototype);
    case tags.BASE_ARRAY:
      return Object.setPrototypeOf([], prototype);
    case tags.BASE_MAP:
      return Object.setPrototypeOf(new Map(), prototype);
    case tags.BASE_SET:
      return Object.setPrototypeOf(new Set(), prototype);
    case tags.BASE_ERROR: {
      const head = readErrorHead(g);
      return makeError(head, prototype);
    }
    default:
      throw malformed("an instance is of an unknown kind");
  }
}

function readBody(g: GraphReader, object: object, base: number): void {
  switch (base) {
    case tags.BASE_ARRAY:
      g.array(object as unknown[]);
      break;
    case tags.BASE_MAP:
      g.map(object as Map<unknown, unknown>);
      break;
    case tags.BASE_SET:
      g.set(object as Set<unknown>);
      break;
    case tags.BASE_ERROR:
      return readErrorBody(g, object as Error);
  }
  g.properties(object);
}
