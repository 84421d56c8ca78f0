// Copyright 2026 the @concurrent/parallel authors. MIT license.

// AsyncLocalStorage inside a graph: not its stores, but which one it is. Both
// sides have one instance for each token (`functions/storages.ts`).

import * as tags from "./_codec_tags.ts";
import type { GraphReader, GraphWriter } from "./_codec_types.ts";
import {
  isStorage,
  type Storage,
  storageAt,
  storageHome,
  storageKind,
  storageToken,
} from "./functions/storages.ts";

/** Writes a storage; false for every other object. */
export function writeStorage(
  g: GraphWriter,
  object: object,
  prototype: object,
): boolean {
  const kind = storageKind(prototype);
  if (kind === "other") return false;
  const storage = object as Storage;
  // Only who describes functions may have the receiver import modules.
  const home = g.c.describe === undefined ? undefined : storageHome(storage);
  if (kind === "derived" && home === undefined) {
    g.refuse(
      "it is of a class that extends AsyncLocalStorage, of which the other side has no instance: export it from a module",
    );
  }
  g.register(storage);
  (g.c.storages ??= new Set()).add(storage);
  g.w.u8(tags.TAG_STORAGE);
  g.w.string(storageToken(storage));
  g.w.u8(home === undefined ? 0 : 1);
  if (home === undefined) return true;
  g.c.modules.add(home.url);
  g.w.string(home.url);
  g.w.string(home.name);
  return true;
}

export function readStorage(g: GraphReader): Storage {
  const token = g.r.string();
  let own: unknown;
  if (g.r.u8() === 1) {
    const url = g.r.string();
    own = g.c.modules.get(url)?.[g.r.string()];
  }
  const storage = storageAt(token, isStorage(own) ? own : undefined);
  g.register(storage);
  return storage;
}
