// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the suites of Python's own tests have done elsewhere, beside _tasks.ts.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { mark } from "./_tasks.ts";

export function pow(base: number, exponent: number): number {
  return base ** exponent;
}

export function divmod(a: number, b: number): [number, number] {
  if (b === 0) throw new RangeError("division by zero");
  return [Math.floor(a / b), a % b];
}

/** Throws what is on the list at this place: falsy values survive an array. */
export function raiseOne(i: number): never {
  throw [undefined, null, 0, NaN, "", false, 0n, -0][i];
}

/** Throws `undefined` until the file has so many lines. */
export function raiseNothing(path: string, times: number): number {
  mark(path, "run");
  const runs = Deno.readTextFileSync(path).split("\n").length - 1;
  if (runs <= times) throw undefined;
  return runs;
}

let remembered: WeakRef<object> | undefined;

/** Remembers its argument, weakly. */
export function remember(value: object): void {
  remembered = new WeakRef(value);
}

/** Whether nothing holds in this worker what was remembered. */
export function isForgotten(): boolean {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return remembered !== undefined && remembered.deref() === undefined;
}

/** An initializer that fails, but for the first time. */
export function initializeOnce(path: string): void {
  mark(path, "initialized");
  const runs = Deno.readTextFileSync(path).split("\n").length - 1;
  if (runs > 1) throw new RangeError("only once");
}

let setUp: string | undefined;

export function setUpAs(value: string): void {
  setUp = value;
}

/** What this module's own variable holds where it runs. */
export function whatWasSetUp(): string | undefined {
  return setUp;
}
