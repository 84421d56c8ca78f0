// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { cLibrary } from "./c_library.ts";

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/**
 * Has the operating system kill this process when its parent ends, whatever
 * either of them is doing (Linux, with --allow-ffi). More exactly, when the
 * thread ends that has started it.
 *
 * @param parent The number of the parent.
 * @returns False where that cannot be had, or where the parent is gone already.
 */
export function dieWithParent(parent: number): boolean {
  const c = cLibrary();
  return c !== undefined &&
    c.prctl.call(PR_SET_PDEATHSIG, BigInt(SIGKILL)) === 0 &&
    // Asked after it was set: whoever has ended between the two is found here.
    Deno.ppid === parent;
}
