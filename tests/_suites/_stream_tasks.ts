// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Generators that run elsewhere. Asynchronous ones, so that they may run in
// place too, and their plain twins.

import type { Executor } from "../../futures/mod.ts";
import { current } from "../../mod.ts";
import { mark, square, throughGate, untilAborted } from "./_tasks.ts";

export async function* count(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) yield i;
}

export function* countPlainly(n: number): Generator<number> {
  for (let i = 0; i < n; i++) yield i;
}

/** Values without an end; leaves how many were made. */
export async function* endless(log: string): AsyncGenerator<number> {
  let made = 0;
  try {
    for (;;) {
      await undefined;
      yield made++;
    }
  } finally {
    mark(log, `${made}`);
  }
}

/** As many bytes as asked for, in each of its values. */
export async function* large(
  n: number,
  bytes: number,
  log: string,
): AsyncGenerator<Uint8Array> {
  let made = 0;
  try {
    for (; made < n; made++) {
      await undefined;
      yield new Uint8Array(bytes).fill(made);
    }
  } finally {
    mark(log, `${made}`);
  }
}

/** Two values, then an error, with what it leaves. */
export async function* failing(
  log: string,
  error: unknown,
): AsyncGenerator<number> {
  try {
    yield 1;
    await undefined;
    yield 2;
    throw error;
  } finally {
    mark(log, "finally");
  }
}

/** A value, then nothing until it is asked to stop. */
export async function* waiting(log: string): AsyncGenerator<number> {
  try {
    yield 1;
    await untilAborted(log);
  } finally {
    mark(log, "finally");
  }
}

/** Throws while it is left. */
export async function* failingFinally(): AsyncGenerator<number> {
  try {
    for (;;) yield 1;
  } finally {
    // deno-lint-ignore no-unsafe-finally -- that is the point
    throw new TypeError("in finally");
  }
}

/** Takes its time to be left. */
export async function* slowFinally(
  gate: string,
  log: string,
): AsyncGenerator<number> {
  try {
    for (;;) yield 1;
  } finally {
    mark(log, "leaving");
    await throughGate(gate, undefined);
    mark(log, "left");
  }
}

/** A value that cannot travel. */
export async function* unsendable(log: string): AsyncGenerator<unknown> {
  try {
    yield 1;
    await undefined;
    yield { socket: new WeakMap() };
    yield 3;
  } finally {
    mark(log, "finally");
  }
}

export async function* crashing(): AsyncGenerator<number> {
  yield 1;
  yield 2;
  await undefined;
  Deno.exit(5);
}

/** A value, then a loop that hears nothing. */
export function* deafLoop(): Generator<number> {
  yield 1;
  for (;;);
}

// deno-lint-ignore require-await -- only async functions may run in place
export async function notIterable(): Promise<Iterable<number>> {
  return 5 as unknown as Iterable<number>;
}

// deno-lint-ignore require-await -- only async functions may run in place
export async function listOf(items: number[]): Promise<number[]> {
  return items;
}

/** Where it runs, at each step. */
export async function* workerAtSteps(n: number): AsyncGenerator<string> {
  for (let i = 0; i < n; i++) {
    yield current.worker.kind;
    await undefined;
  }
}

export async function* progressing(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) {
    current.progress(i, n);
    yield i;
    await undefined;
  }
}

/** Fails in its first run, if it is asked to count. */
export async function* failOnce(log: string): AsyncGenerator<number> {
  mark(log, "run");
  yield 1;
  if ((await Deno.readTextFile(log)).split("\n").length === 2) {
    throw new RangeError("first run");
  }
  yield 2;
}

/** Streams over the executor that runs it, and submits for each value. */
export async function sumOfSquares(
  pool: Executor,
  n: number,
): Promise<number> {
  let sum = 0;
  for await (const item of pool.stream(countPlainly, n)) {
    sum += await pool.submit(square, item);
  }
  return sum;
}

/** A generator whose values come from another one. */
export async function* doubled(
  pool: Executor,
  n: number,
): AsyncGenerator<number> {
  for await (const item of pool.stream(count, n)) yield item * 2;
}

/** Leaves a stream after some values. */
export async function leaveBelow(
  pool: Executor,
  log: string,
): Promise<number[]> {
  const seen: number[] = [];
  for await (const item of pool.stream(endless, log)) {
    seen.push(item);
    if (seen.length === 3) break;
  }
  return seen;
}

/** Tells how an error of a stream looks to a task. */
export async function errorBelow(
  pool: Executor,
  log: string,
): Promise<unknown[]> {
  const seen: unknown[] = [];
  try {
    for await (
      const item of pool.stream(failing, log, new RangeError("below"))
    ) seen.push(item);
  } catch (error) {
    const { constructor, message } = error as Error;
    seen.push(constructor.name, message);
  }
  return seen;
}

export async function* bytesOf(buffer: ArrayBuffer): AsyncGenerator<number> {
  await undefined;
  yield buffer.byteLength;
}

/** Takes values for ever, whatever it is asked. */
export async function deafConsumer(
  pool: Executor,
  below: string,
  own: string,
): Promise<void> {
  let taken = 0;
  for await (const _ of pool.stream(endless, below)) {
    if (++taken === 20) mark(own, "consumes");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

let kept: AsyncIterator<number> | undefined;

/** Returns while its stream is open. */
export async function leaveOpen(
  pool: Executor,
  log: string,
): Promise<unknown> {
  kept = pool.stream(endless, log);
  return (await kept.next()).value;
}

/** A value that takes its time. */
export async function* afterGate(
  gate: string,
  log: string,
): AsyncGenerator<number> {
  mark(log, "runs");
  await throughGate(gate, undefined);
  yield 1;
}

/** A value that reports and submits while it is encoded. */
export async function* eager(pool: Executor): AsyncGenerator<unknown> {
  yield await eagerValue(pool);
}

/** As `eager`, as a result. */
// deno-lint-ignore require-await -- only async functions may run in place
export async function eagerValue(pool: Executor): Promise<unknown> {
  return {
    before: "it",
    get value() {
      current.progress(1, 2);
      pool.submit(square, 2).catch(() => {});
      return 3;
    },
    after: "it",
  };
}
