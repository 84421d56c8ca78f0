// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Numbers for users who do not have their memory. `multiprocessing/_numbers.ts` is
// the other side.

import { NUMBERS_METHODS, NumbersCore } from "../memory/numbers_core.ts";
import type { NumbersMemory } from "../memory/numbers_core.ts";
import type { NumberType } from "../memory/shared_number.ts";
import type { CoreView, Method, ServedMemory } from "./core_view.ts";

/** The methods of numbers. */
export function numbersView({ serial, parts }: ServedMemory): CoreView {
  const [memory, type, length] = parts as [NumbersMemory, NumberType, number];
  const core = NumbersCore.receive(type, length, memory, serial, false);
  return Object.fromEntries(NUMBERS_METHODS.map((name) => {
    const method = core[name] as Method;
    return [name, (args) => Reflect.apply(method, core, args)];
  }));
}
