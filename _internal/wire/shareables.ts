// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { EncodeContext } from "./_codec_types.ts";
import { requireModule } from "./functions/sync_modules.ts";
import { sharedClassModule } from "./shared_classes.ts";

/**
 * How the objects of one class of the library travel: as a payload that the
 * codec can write, from which the other side makes an object that means the
 * same thing.
 */
export interface Shareable<T extends object> {
  /** What to send instead of `object`. Throws a SerializationError where it cannot travel. */
  encode(object: T, context: EncodeContext): unknown;
  /** The object on the receiving side. Called once per message and object. */
  decode(payload: unknown): T;
  /** What may refer to the object itself; it travels after it. */
  encodeRest?: (object: T) => unknown;
  /** Takes the rest, on the receiving side. */
  decodeRest?: (object: T, rest: unknown) => void;
}

interface Entry {
  readonly tag: string;
  readonly hook: Shareable<object>;
}

const byPrototype = new Map<object, Entry>();
const byTag = new Map<string, Entry>();

/**
 * Lets the instances of `ctor` (not of its subclasses) travel. Both sides
 * register the same tags, at the start: the tag is what the message says.
 *
 * @throws {TypeError} If the tag is taken by another class.
 */
export function registerShareable<T extends object>(
  tag: string,
  // deno-lint-ignore no-explicit-any -- the constructor is never called
  ctor: abstract new (...args: any[]) => T,
  hook: Shareable<T>,
): void {
  const taken = byTag.get(tag);
  if (taken !== undefined && byPrototype.get(ctor.prototype) !== taken) {
    throw new TypeError(
      `Cannot register a shareable class as 'tag' must be unused: current value is ${tag}`,
    );
  }
  const entry: Entry = { tag, hook: hook as unknown as Shareable<object> };
  byTag.set(tag, entry);
  byPrototype.set(ctor.prototype, entry);
}

/** The hook for objects with this prototype. */
export function shareableOf(prototype: object): Entry | undefined {
  return byPrototype.get(prototype);
}

/** The hook that a message names; its module is loaded where it was not yet. */
export function shareableByTag(tag: string): Entry | undefined {
  const entry = byTag.get(tag);
  if (entry !== undefined) return entry;
  const module = sharedClassModule(tag);
  if (module === undefined) return undefined;
  requireModule(module);
  return byTag.get(tag);
}
