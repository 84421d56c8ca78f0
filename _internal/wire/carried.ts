// Copyright 2026 the @concurrent/parallel authors. MIT license.

// References that are in the bytes of a call. The bytes may be sent again, to
// another worker, or never be read; so what they name is held for as long as the
// call is under way, and not until somebody has read them:
//
//   beginCarrying()       the call is being encoded
//     carries(), carry()  whoever writes a reference says how it is let go
//   endCarrying()         what the call carries; let go when it settles
//
// Where nobody carries (results, items of queues) bytes are read once.

/** Lets go what a call carries. */
export type Release = () => void;

let isCarrying = false;
let releases: Release[] | undefined;

/** What was collected before, for who is interrupted: encoding can run user code that calls something itself. */
export interface OuterCarrying {
  readonly isCarrying: boolean;
  readonly releases: Release[] | undefined;
}

/** From now on references are for a call. Returns what `endCarrying()` needs. */
export function beginCarrying(): OuterCarrying | undefined {
  const outer = isCarrying ? { isCarrying, releases } : undefined;
  isCarrying = true;
  releases = undefined;
  return outer;
}

/** The call is encoded, or cannot be; returns what lets go all that it carries, once. */
export function endCarrying(
  outer: OuterCarrying | undefined,
): Release | undefined {
  const carried = releases;
  isCarrying = outer !== undefined;
  releases = outer?.releases;
  if (carried === undefined) return undefined;
  return () => {
    for (const release of carried.splice(0)) release();
  };
}

/** Takes what lets a reference go. Only where a call is being encoded. */
export function carry(release: Release): void {
  (releases ??= []).push(release);
}

/** True where a reference that is written now is for a call. */
export function carries(): boolean {
  return isCarrying;
}
