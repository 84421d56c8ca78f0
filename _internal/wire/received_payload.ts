// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The receiver's half of `payload.ts` and `contexts.ts`. This file is part of
// every worker's start; what only senders need is in the others.

import { SerializationError } from "../base/errors.ts";
import { ByteReader } from "./bytes.ts";
import { type DecodeContext, decodeGraph, decodeValue } from "./codec.ts";
import {
  NOT_FLAT,
  type Numbers,
  readFlat,
  readNumbers,
} from "./_codec_primitives.ts";
import { malformed } from "./_codec_types.ts";
import { readModuleUrl } from "./functions/names.ts";
import { type ModuleNamespace, prepare } from "./functions/revive.ts";
import { isStorage, type Storage } from "./functions/storages.ts";

/** A storage and what it held. */
export interface Context {
  readonly storage: Storage;
  readonly store: unknown;
}

/** The modules that a payload needs, and where its value begins. */
export function payloadModules(
  bytes: Uint8Array,
): { readonly modules: readonly string[]; readonly offset: number } {
  if (bytes.length > 0 && bytes[0] === 0) return NO_MODULES;
  const r = new ByteReader(bytes);
  const count = r.varint();
  if (count > r.remaining) {
    throw new SerializationError(
      `Cannot read a payload: it names ${count} modules in ${r.remaining} bytes`,
      { reason: "bad payload" },
    );
  }
  const modules: string[] = [];
  for (let i = 0; i < count; i++) modules.push(readModuleUrl(r));
  return { modules, offset: r.offset };
}

const NO_MODULES = { modules: [] as readonly string[], offset: 1 };

/** Decodes the stores before the value of a payload that has some, and tells where the value begins. */
export function decodeContexts(
  bytes: Uint8Array,
  offset: number,
  attachments: readonly unknown[],
  modules: ReadonlyMap<string, ModuleNamespace>,
  signal?: DecodeContext["signal"],
): { readonly contexts: readonly Context[]; readonly offset: number } {
  const r = new ByteReader(bytes, offset);
  const context = { attachments, modules, revive: prepare, signal };
  const contexts = readContexts(r, context);
  return { contexts, offset: r.offset };
}

/** Decodes the values of a `ListPayload` whose modules have been imported. */
export function decodeListPayload(
  bytes: Uint8Array,
  offset: number,
  attachments: readonly unknown[],
  modules: ReadonlyMap<string, ModuleNamespace>,
  signal?: DecodeContext["signal"],
): unknown[] | Numbers {
  const r = new ByteReader(bytes, offset);
  const context = { attachments, modules, revive: prepare, signal };
  let n = r.varint();
  if (n === 0) return readNumbers(r);
  const values: unknown[] = [];
  for (; n > 0; n--) values.push(decodeValue(r, context));
  return values;
}

/** Decodes the value of a payload whose modules have been imported. */
export function decodePayload(
  bytes: Uint8Array,
  offset: number,
  attachments: readonly unknown[],
  modules: ReadonlyMap<string, ModuleNamespace>,
  signal?: DecodeContext["signal"],
): unknown {
  const r = new ByteReader(bytes, offset);
  const flat = readFlat(r);
  return flat === NOT_FLAT
    ? decodeGraph(r, { attachments, modules, revive: prepare, signal })
    : flat;
}

/** Reads what `writeContexts` wrote. */
export function readContexts(r: ByteReader, c: DecodeContext): Context[] {
  const contexts: Context[] = [];
  for (let n = r.u32(); n > 0; n--) {
    const storage = decodeValue(r, c);
    if (!isStorage(storage)) {
      throw malformed("it holds a store without an AsyncLocalStorage");
    }
    contexts.push({ storage, store: decodeValue(r, c) });
  }
  return contexts;
}

/** Calls `fn` where the storages hold what they held for the caller. */
export function runInContexts<T>(
  contexts: readonly Context[],
  fn: () => T,
): T {
  return contexts.reduceRight<() => T>(
    (inner, { storage, store }) => () => storage.run(store, inner),
    fn,
  )();
}
