// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What is inside a lock, for the classes that are built on one. No public
// signature may say so: each class of locks says here how to look into it.

import type { LockLike } from "../_internal/memory/lock_core.ts";

type CoreOf = (lock: object) => LockLike | undefined;

const readers: CoreOf[] = [];

/** Says how to look into the locks of a class; undefined for other objects. */
export function declareLock(coreOf: CoreOf): void {
  readers.push(coreOf);
}

/** What is inside a lock; undefined for what is none. */
export function lockCoreOf(lock: unknown): LockLike | undefined {
  if (typeof lock !== "object" || lock === null) return undefined;
  for (const coreOf of readers) {
    const core = coreOf(lock);
    if (core !== undefined) return core;
  }
  return undefined;
}
