// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { SerializationError } from "../base/errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { FunctionValue } from "./functions/description.ts";
import type { Home, Homes } from "./functions/origins.ts";
import type { ModuleNamespace, PreparedFunction } from "./functions/revive.ts";
import type { Storage } from "./functions/storages.ts";
import type { AnyFunction, Description } from "./functions/task.ts";

export type { AnyFunction };

/**
 * How far a value goes: to a thread of this program, which shares its memory;
 * to another process of this machine, which takes nothing but bytes; or to
 * another machine, where nothing that this one serves can be reached.
 */
export type Reach = "thread" | "process" | "machine";

/** What the encoder may use, and what it reports back. */
export interface EncodeContext {
  /** The root's label in error paths: `"args"` gives `args[0].socket`. */
  readonly root: string;
  /** How far the value goes; it stays on this machine where that is not said. */
  readonly reach?: Reach | undefined;
  /**
   * Collects what only the platform can clone or move (ports, streams, blobs,
   * keys, shared buffers, what `transfer` names). Absent: those are refused.
   */
  readonly attachments?: unknown[] | undefined;
  /** The user's transfer list: buffers in it go as attachments. */
  readonly transfer?: ReadonlySet<object> | undefined;
  /** out: the signals in the value; a message names them by their position. Absent: they are refused. */
  readonly signals?: AbortSignal[] | undefined;
  /** out: each AsyncLocalStorage in the value, and those that functions in it are known to use. Made where there is one. */
  storages?: Set<Storage> | undefined;
  /** out: URLs of modules that the receiver must import before it decodes. */
  readonly modules: Set<string>;
  /** Describes a function or class. Absent: functions are refused. */
  readonly describe?: ((fn: AnyFunction) => Description) | undefined;
  /** The token under which answers can name a function that goes by value. */
  readonly token?: ((fn: AnyFunction) => string) | undefined;
  /**
   * Where functions are not described: how the receiver knows one already.
   * Absent: functions are refused.
   */
  readonly home?: ((fn: object) => Home | undefined) | undefined;
  /**
   * out: set to true where a captured variable reaches anything mutable: the
   * receiver must then decode afresh for every call.
   */
  mutable?: boolean;
}

/** Makes functions from descriptions whose eager captures are complete: `prepare()` of `functions/revive.ts`. */
export type Revive = (
  description: FunctionValue,
  modules: ReadonlyMap<string, ModuleNamespace>,
) => PreparedFunction;

/** What the decoder needs. */
export interface DecodeContext {
  /** What arrived beside the bytes. */
  readonly attachments: readonly unknown[];
  /** The imported modules, by the URL that `EncodeContext.modules` held. */
  readonly modules: ReadonlyMap<string, ModuleNamespace>;
  /** Makes functions from source. Absent: a message that holds one is refused. */
  readonly revive?: Revive | undefined;
  /** The signal with this number among those of the call. Absent: a message that holds one is refused. */
  readonly signal?: ((index: number) => AbortSignal) | undefined;
  /** Finds what the sender names as the receiver's own. References are looked up here too, not in `modules`. */
  readonly homes?: Homes | undefined;
  /** Refuses what is not taken from this sender. Absent: everything is. */
  readonly admit?: Admit | undefined;
}

/**
 * Throws where a value with this tag is not taken. Asked before anything of the
 * value is read or made, and of maps and sets how many entries they have. Not
 * asked about `undefined`, null, booleans, numbers, strings, plain objects,
 * arrays without long gaps and what was there before: whoever takes anything
 * takes those.
 */
export type Admit = (tag: number, size?: number) => void;

/** Where a captured variable lies in a path. */
export interface CaptureKey {
  readonly functionName: string;
  readonly variable: string;
}

export type PathKey = string | number | CaptureKey;

/** The encoder as the writers of single types see it. */
export interface GraphWriter {
  readonly w: ByteWriter;
  readonly c: EncodeContext;
  /** Above 0 while captured values are written. */
  captures: number;
  /** Functions whose eager captures are being written: nothing may refer to them yet. */
  readonly pending: Set<object>;
  /** True where a shared buffer was met as parts: this pass sends whole buffers. */
  readonly wholeBuffers: boolean;
  /** True where errors keep only their built-in class: their own classes do not travel. */
  readonly plainErrors: boolean;
  value(value: unknown): void;
  /** Gives `object` the next index. */
  register(object: object): void;
  isRegistered(object: object): boolean;
  /** Writes a `TAG_REF`. Only for registered objects. */
  reference(object: object): void;
  /** Writes a part of a container; `key` is its place in error paths. */
  child(key: PathKey, value: unknown): void;
  enter(): void;
  leave(): void;
  /** True where the content of a container must go after the root. */
  isDeep(): boolean;
  /** Runs `write` after the root. */
  later(write: () => void): void;
  /** Runs `write` when no function is pending any more. */
  whenCreated(write: () => void): void;
  /** Runs `write`; where it throws everything it wrote is taken back and the error returned. */
  attempt(write: () => void): { readonly error: unknown } | undefined;
  /** Own enumerable properties whose key can travel, or those of them in `keys`. */
  properties(object: object, keys?: string[]): void;
  array(array: readonly unknown[]): void;
  map(map: Map<unknown, unknown>): void;
  set(set: Set<unknown>): void;
  /** Notes that only a part of the buffer was sent; a second time starts the message anew. */
  sentPart(buffer: ArrayBufferLike): void;
  hasPart(buffer: ArrayBufferLike): boolean;
  /** Writes what waited for pending functions, where none is pending. */
  drainCreated(): void;
  readonly path: PathKey[];
  readonly depth: number;
  refuse(reason: string, cause?: unknown): never;
}

/** The decoder as the readers of single types see it. */
export interface GraphReader {
  readonly r: ByteReader;
  readonly c: DecodeContext;
  readonly creating: { count: number };
  value(): unknown;
  /** Takes the next index for an object that does not exist yet. */
  reserve(): number;
  /** Fills a reserved index. */
  fill(index: number, object: object): void;
  register(object: object): void;
  later(read: () => void): void;
  whenCreated(read: () => void): void;
  drainCreated(): void;
  properties(object: object): void;
  array(array: unknown[]): void;
  map(map: Map<unknown, unknown>): void;
  set(set: Set<unknown>): void;
}

/** Reads the content of one tag. */
export type TagReader = (g: GraphReader) => unknown;

/** A message that no encoder wrote. */
export function malformed(reason: string, cause?: unknown): SerializationError {
  return new SerializationError(`Cannot read a message: ${reason}`, {
    reason,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Takes back what was added to a set since it had `size` members: it keeps the order of insertion. */
export function forgetLast<T>(set: Set<T>, size: number): void {
  if (set.size === size) return;
  for (const value of [...set].slice(size)) set.delete(value);
}
