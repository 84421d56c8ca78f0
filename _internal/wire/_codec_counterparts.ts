// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What does not travel itself, since both sides have one of their own: a message
// says which one is meant.
//
// - An AbortSignal travels as its number among those of its call: the caller
//   listens to it for as long as the call is under way and says when it fires,
//   and why. So it only travels where there is a call.
// - Of an AsyncLocalStorage there is one instance on each side for each token
//   (`functions/storages.ts`). Its stores go their own way (`contexts.ts`).

import * as tags from "./_codec_tags.ts";
import {
  type GraphReader,
  type GraphWriter,
  malformed,
} from "./_codec_types.ts";
import {
  isStorage,
  type Storage,
  storageAt,
  storageHome,
  storageKind,
  storageToken,
} from "./functions/storages.ts";

export function writeSignal(g: GraphWriter, signal: AbortSignal): void {
  const { signals } = g.c;
  if (signals === undefined) {
    g.refuse(
      "an AbortSignal only travels to a task: pass it as (part of) an argument, or let the task capture it",
    );
  }
  g.register(signal);
  g.w.u8(tags.TAG_SIGNAL);
  // A payload of many values has one list for all of them.
  const known = signals.indexOf(signal);
  g.w.varint(known >= 0 ? known : signals.push(signal) - 1);
}

export function readSignal(g: GraphReader): AbortSignal {
  const index = g.r.varint();
  const signal = g.c.signal?.(index);
  if (signal === undefined) throw malformed("it holds an AbortSignal");
  g.register(signal);
  return signal;
}

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
