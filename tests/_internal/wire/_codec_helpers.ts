// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { ByteReader, ByteWriter } from "../../../_internal/wire/bytes.ts";
import {
  type AnyFunction,
  type DecodeContext,
  decodeValue,
  type EncodeContext,
  encodeValue,
} from "../../../_internal/wire/codec.ts";
import { prepare } from "../../../_internal/wire/functions/revive.ts";
import type {
  FunctionDescription,
  FunctionValue,
} from "../../../_internal/wire/functions/description.ts";

export function encode(
  value: unknown,
  c: Partial<EncodeContext> = {},
): Uint8Array {
  const w = new ByteWriter();
  encodeValue(w, value, { root: "value", modules: new Set(), ...c });
  return w.bytes().slice();
}

export function decode(
  bytes: Uint8Array,
  c: Partial<DecodeContext> = {},
): unknown {
  const r = new ByteReader(bytes);
  const value = decodeValue(r, { attachments: [], modules: new Map(), ...c });
  if (r.remaining !== 0) {
    throw new RangeError(`Cannot finish: ${r.remaining} bytes are left`);
  }
  return value;
}

// deno-lint-ignore no-explicit-any -- tests look into whatever arrives
export function copy(value: unknown): any {
  return decode(encode(value));
}

type Captures = Partial<Omit<FunctionValue, "kind">>;

/**
 * Stands in for the description of functions: what the test says about each of
 * them, and the source as it is for the rest.
 */
export class Descriptions {
  readonly #known = new Map<AnyFunction, FunctionDescription>();

  set(fn: unknown, captures: Captures): void {
    const { name } = fn as AnyFunction;
    this.#known.set(fn as AnyFunction, {
      kind: "value",
      name,
      source: Function.prototype.toString.call(fn),
      url: undefined,
      constants: [],
      cells: [],
      imports: [],
      ...captures,
    });
  }

  reference(fn: unknown, url: string, name: string): void {
    this.#known.set(fn as AnyFunction, { kind: "reference", url, name });
  }

  readonly describe = (fn: AnyFunction): FunctionDescription => {
    if (!this.#known.has(fn)) this.set(fn, {});
    return this.#known.get(fn)!;
  };

  /** Encodes and decodes with this description and the worker's reviver. */
  // deno-lint-ignore no-explicit-any -- tests look into whatever arrives
  copy(value: unknown, c: Partial<EncodeContext> = {}): any {
    return decode(encode(value, { describe: this.describe, ...c }), {
      revive: prepare,
    });
  }
}
