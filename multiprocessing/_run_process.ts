// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a process runs whose class overrides `run()`: makes the object there, as
// the current process, without calling the constructor of the subclass.

import { makeOwnProcess } from "./_own_process.ts";
import { Process, type ProcessOptions } from "./process.ts";

/** Runs in the new process. */
export function runProcess(
  ctor: typeof Process,
  call: ProcessOptions,
  fields: Record<string, unknown>,
): unknown {
  const process = makeOwnProcess((labels) =>
    Reflect.construct(Process, [{ ...call, ...labels }], ctor) as Process
  );
  return Object.assign(process, fields).run();
}
