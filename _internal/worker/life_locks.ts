// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Whether a thread still lives: it holds a Web Lock for its life, and the lock
// manager of the program says who holds what. A pending request for the lock
// would be told of the end, but would also keep the program alive.

/** The part of the Web Locks API that is used here; Deno's types do not have it. */
interface LockQuery {
  query(): Promise<{ held: { name: string }[] }>;
}

let query: Promise<Set<string>> | undefined;

/** The names of all held locks; one question for all who ask in the same turn. */
export function heldLocks(): Promise<Set<string>> {
  query ??= (navigator as unknown as { locks: LockQuery }).locks.query()
    .then(({ held }) => new Set(held.map(({ name }) => name)))
    .finally(() => query = undefined);
  return query;
}

/** A terminated thread that still holds its lock after about this many ms is stuck. */
const STUCK_AFTER = 250;

/** Waits until a thread on its way out has ended, but not for ever: false where it is stuck. */
export async function untilGone(lifeLock: string): Promise<boolean> {
  for (let step = 1; step < STUCK_AFTER; step *= 2) {
    if (!(await heldLocks()).has(lifeLock)) return true;
    await new Promise((resolve) => setTimeout(resolve, step));
  }
  return !(await heldLocks()).has(lifeLock);
}
