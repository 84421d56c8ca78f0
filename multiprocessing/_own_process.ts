// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The object that stands for the process that it is in: `currentProcess()`.

import { MAIN_PROCESS, thisProcess } from "../_internal/worker/current.ts";

let own: object | undefined;
/** True while its constructor is called, which asks first. */
let isMade = false;

/** The object, once it was made. */
export function ownProcess(): object | undefined {
  return own;
}

/** Makes the object; `make` calls the constructor. */
export function makeOwnProcess<P extends object>(
  make: (labels: { name: string; daemon: boolean }) => P,
): P {
  const { name = MAIN_PROCESS, daemon = false } = thisProcess() ?? {};
  isMade = true;
  try {
    const process = make({ name, daemon });
    own = process;
    return process;
  } finally {
    isMade = false;
  }
}

/** In the constructor: whether it makes that object. */
export function takeOwn(): boolean {
  const result = isMade;
  isMade = false;
  return result;
}
