// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the suites have done elsewhere: by reference, since it is exported.

import { current } from "../../mod.ts";

export function add(a: number, b: number): number {
  return a + b;
}

export function square(x: number): number {
  return x * x;
}

export function identity<T>(value: T): T {
  return value;
}

export function list(...args: unknown[]): unknown[] {
  return args;
}

/** Throws what it is given. */
export function raise(value: unknown): never {
  throw value;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

/** Throws when the file's folder is gone: a test that failed is not held up. */
async function nextLook(path: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2));
  if (!(await exists(path.slice(0, path.lastIndexOf("/"))))) {
    throw new RangeError("the test is over");
  }
}

let gates = 0;

/** Calls of this realm that wait for a gate. */
export function gatesWaitedFor(): number {
  return gates;
}

/** Returns `value` once the file exists. */
export async function throughGate<T>(path: string, value: T): Promise<T> {
  gates++;
  try {
    while (!(await exists(path))) await nextLook(path);
  } finally {
    gates--;
  }
  return value;
}

/** Writes that it runs, then waits for the gate. */
export async function markedGate(
  mark: string,
  gate: string,
  value: string,
): Promise<string> {
  await Deno.writeTextFile(mark, `${value}\n`, { append: true });
  return await throughGate(gate, value);
}

/** An initializer: every second one takes 150 ms. */
export async function secondTakesLonger(path: string): Promise<void> {
  mark(path, "begun");
  const begun = (await Deno.readTextFile(path)).split("\n").length - 1;
  if (begun % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 150));
}

export function mark(path: string, value: string): string {
  Deno.writeTextFileSync(path, `${value}\n`, { append: true });
  return value;
}

/** Loops without a turn of the event loop until it is asked to stop; leaves what it was told. */
export function hotLoop(path: string): never {
  mark(path, "begun");
  try {
    for (;;) current.throwIfAborted();
  } catch (error) {
    mark(path, (error as Error).name);
    throw error;
  }
}

/** Waits until it is asked to stop; then throws what the signal says. */
export async function untilAborted(path: string): Promise<never> {
  mark(path, "begun");
  const { signal } = current;
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
  mark(path, (signal.reason as Error).name);
  throw signal.reason;
}

/** Never ends and does not listen, but its event loop turns. */
export async function deaf(path: string): Promise<never> {
  mark(path, "begun");
  // In place it would run on beside the tests to come.
  if (current.worker.kind === "inline") return await new Promise(() => {});
  for (;;) await nextLook(path);
}

/** Computes for so many milliseconds, whatever it is asked. */
export function busy(ms: number): number {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
}

// deno-lint-ignore require-await -- only async functions may run in place
export async function workerInfo(): Promise<
  { id: number; name: string; kind: string }
> {
  const { id, name, kind } = current.worker;
  return { id, name, kind };
}

/** Where it ran, before and after other calls had their turn. */
export async function workerTwice(
  gate: string,
): Promise<{ before: boolean; after: boolean; name: string }> {
  const { signal } = current;
  const before = signal === current.signal;
  await throughGate(gate, undefined);
  const after = signal === current.signal;
  return { before, after, name: current.worker.name };
}

export function countDown(n: number): string {
  for (let i = 1; i <= n; i++) current.progress(i, n);
  return "done";
}

/** Fails until the file has `times` lines. */
export function failTimes(path: string, times: number): number {
  mark(path, "run");
  const runs = Deno.readTextFileSync(path).split("\n").length - 1;
  if (runs <= times) throw new RangeError(`run ${runs}`);
  return runs;
}

/** Ends its worker until the file has `times` lines. */
export async function crashTimes(path: string, times: number): Promise<number> {
  mark(path, "run");
  const runs = (await Deno.readTextFile(path)).split("\n").length - 1;
  if (runs > times) return runs;
  Deno.exit(7);
  return await new Promise<never>(() => {});
}

let initialized: unknown;

export function initialize(value: unknown, path?: string): void {
  initialized = value;
  if (path !== undefined) mark(path, "initialized");
}

export function initialValue(): unknown {
  return initialized;
}

export function failingInitializer(text: string): never {
  throw new TypeError(text);
}

export function crashingInitializer(): never {
  Deno.exit(9);
}

export function byteLength(buffer: ArrayBuffer): number {
  return buffer.byteLength;
}

export class Odd extends Error {
  override name = "Odd";
}

export function failWell(): never {
  const inner = new RangeError("the inner one", { cause: "the innermost" });
  const error = new TypeError("the outer one", { cause: inner });
  throw Object.assign(error, { code: 42, details: { path: ["a", "b"] } });
}

export function failTogether(): never {
  throw new AggregateError(
    [new RangeError("one"), new TypeError("two"), "three"],
    "several",
  );
}

export function failOddly(): never {
  throw new Odd("a class of its own");
}

export function squareUnlessOdd(x: number): number {
  if (x % 2 === 1) throw new RangeError(`odd: ${x}`);
  return x * x;
}
