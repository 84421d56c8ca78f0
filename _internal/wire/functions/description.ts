// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What is known of a function that travels, as `describe.ts` finds it on the
// caller's side and as `revive.ts` needs it on the worker's side. The codec
// writes it between the two: a description holds plain data and captured
// values, and the captured values go through the codec like any others.

import type { Storage } from "./storages.ts";

/** An export of a module: the worker imports the module and takes the export. */
export interface FunctionReference {
  readonly kind: "reference";
  /** The module's absolute URL. */
  readonly url: string;
  /** The export's name. */
  readonly name: string;
  /** What its module has of them: their stores go with the call. Not sent. */
  readonly storages?: readonly Storage[] | undefined;
}

/** A function as source plus what its free variables held. */
export interface FunctionValue {
  readonly kind: "value";
  /** The function's own name, for labels and errors. */
  readonly name: string;
  /** One JavaScript expression whose value is the function; free variables are bound by the reviver. */
  readonly source: string;
  /** The module that the function comes from: base of `import.meta` and of dynamic imports. */
  readonly url: string | undefined;
  /** Bindings that are never assigned again. They become plain constants around the source. */
  readonly constants: readonly CapturedConstant[];
  /** Bindings that are assigned somewhere. In `source` each of them reads `<box>.v`. */
  readonly cells: readonly CapturedCell[];
  /** Bindings that are imports: the worker imports them again. */
  readonly imports: readonly CapturedImport[];
  /** What the modules that it imports have of them: their stores go with the call. Not sent. */
  readonly storages?: readonly Storage[] | undefined;
}

export interface CapturedConstant {
  readonly name: string;
  readonly value: unknown;
  /** True where the value is needed while the source is evaluated (a class's heritage, computed keys, static parts). */
  readonly eager: boolean;
}

export interface CapturedCell {
  /** The name in `source`, which reads and writes `<box>.v`. */
  readonly box: string;
  /** The variable's own name, for errors. */
  readonly name: string;
  /** The box itself: the same object wherever the same variable is captured within one message. */
  readonly cell: { v: unknown };
  readonly eager: boolean;
}

export interface CapturedImport {
  readonly name: string;
  /** Absolute or bare specifier, already resolved against the importing module. */
  readonly specifier: string;
  /** The export's name, or `"*"` for the namespace. */
  readonly exportName: string;
}

/** How a function is had where it arrives. */
export type FunctionDescription = FunctionReference | FunctionValue;
