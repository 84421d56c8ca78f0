// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What is done elsewhere with a task that was passed.

import type { Executor } from "../../futures/mod.ts";
import { cpu, type Task, task, type TaskOptions } from "../../mod.ts";
import { mark, throughGate } from "./_tasks.ts";

// deno-lint-ignore no-explicit-any -- tasks of every signature
export type AnyTask = Task<any[], any>;

const factor = 2;

/** An exported task; what it calls is not exported. */
export const heavy: Task<[x: number], number> = task(
  (x: number) => x * factor,
  { kind: "cpu", name: "heavy", priority: 4 },
);

/** An exported task of a function without free variables. */
export const pure: Task<[x: number], number> = cpu((x: number) => x + 1);

/** What can be told of options; a signal and a function are told by what they are. */
export interface Seen extends Omit<TaskOptions, "signal" | "transfer"> {
  isFrozen: boolean;
  signal?: string;
  transfer?: string;
}

export function see({ options }: AnyTask): Seen {
  const { signal, transfer, ...plain } = options;
  return {
    ...plain,
    isFrozen: Object.isFrozen(options),
    ...(signal === undefined ? {} : {
      signal: `${signal.constructor.name} ${
        signal.aborted ? "fired" : "quiet"
      }`,
    }),
    ...(transfer === undefined
      ? {}
      : { transfer: Array.isArray(transfer) ? "list" : typeof transfer }),
  };
}

export function call(fn: AnyTask, ...args: unknown[]): unknown {
  return fn(...args);
}

export function same(value: unknown): unknown {
  return value;
}

/** Tells whether they are the exports of this module. */
export function isOwn(...fns: unknown[]): boolean[] {
  return [fns[0] === heavy, fns[1] === pure];
}

/** Looks into a map by a task. */
export function lookUp(map: Map<unknown, unknown>, key: AnyTask): unknown[] {
  const [first] = map.keys();
  return [map.get(key), first === key, see(first as AnyTask)];
}

/** Submits it from where this runs. */
export async function submitIt(
  pool: Executor,
  fn: AnyTask,
  ...args: unknown[]
): Promise<unknown> {
  return await pool.submit(fn, ...args);
}

/** Submits all of them before it waits for one. */
export async function submitAll(
  pool: Executor,
  gate: string,
  fns: readonly AnyTask[],
  ...args: unknown[]
): Promise<void> {
  const futures = fns.map((fn, i) => pool.submit(fn, ...args, i));
  mark(gate, "open");
  for (const future of futures) await future;
}

/** Holds the worker until the gate is there. */
export async function hold(begun: string, gate: string): Promise<void> {
  mark(begun, "begun");
  await throughGate(gate, undefined);
}

/** Fails until it has been called `times` times. */
export function flaky(path: string, times: number): number {
  mark(path, "called");
  const calls = Deno.readTextFileSync(path).split("\n").length - 1;
  if (calls < times) throw new RangeError(`call ${calls}`);
  return calls;
}

/** Submits it with a buffer, and tells what is left of that. */
export async function submitBuffer(
  pool: Executor,
  fn: AnyTask,
): Promise<{ size: number; left: number; detached: boolean }> {
  const buffer = new ArrayBuffer(64);
  const size = await pool.submit(fn, buffer) as number;
  return { size, left: buffer.byteLength, detached: buffer.detached };
}

export function sizeOf(buffer: ArrayBuffer): number {
  return buffer.byteLength;
}

export function first(buffer: ArrayBuffer): Transferable[] {
  return [buffer];
}
