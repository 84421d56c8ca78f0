// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What AsyncLocalStorage held for the caller goes in front of a call's
// arguments, for those storages that the call is known to use:
//
//   u32 n, n times (storage, store)
//
// `received_payload.ts` reads it.

import type { ByteWriter } from "./bytes.ts";
import { encodeValue } from "./codec.ts";
import type { EncodeContext } from "./_codec_types.ts";
import type { Storage } from "./functions/storages.ts";

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
