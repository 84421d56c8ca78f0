// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What AsyncLocalStorage held for the caller goes in front of a call's
// arguments, for those storages that the call is known to use:
//
//   varint n, n times (storage, store)

import type { ByteReader, ByteWriter } from "./bytes.ts";
import { decodeValue, encodeValue } from "./codec.ts";
import {
  type DecodeContext,
  type EncodeContext,
  malformed,
} from "./_codec_types.ts";
import { isStorage, type Storage } from "./functions/storages.ts";

/** A storage and what it held. */
export interface Context {
  readonly storage: Storage;
  readonly store: unknown;
}

/** What storages held at a moment. */
export class StoreSnapshot {
  readonly #stores = new Map<Storage, unknown>();

  constructor(storages: Iterable<Storage>) {
    for (const storage of storages) {
      this.#stores.set(storage, storage.getStore());
    }
  }

  /** What the storage held then; one that was not asked then is asked now. */
  of(storage: Storage): unknown {
    return this.#stores.has(storage)
      ? this.#stores.get(storage)
      : storage.getStore();
  }
}

/**
 * Writes what the storages hold.
 *
 * @throws {SerializationError} If a store cannot travel; its path begins with `context`.
 */
export function writeContexts(
  w: ByteWriter,
  storages: ReadonlySet<Storage>,
  stores: StoreSnapshot | undefined,
  c: EncodeContext,
): void {
  const context = { ...c, root: "context" };
  const offset = w.reserve(4);
  let count = 0;
  // A store may hold a storage, which is added while this runs.
  for (const storage of storages) {
    encodeValue(w, storage, context);
    encodeValue(
      w,
      stores === undefined ? storage.getStore() : stores.of(storage),
      context,
    );
    count++;
  }
  w.view.setUint32(offset, count, true);
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
