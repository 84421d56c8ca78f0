// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Tasks that submit tasks, to the executor that they get.

import {
  asCompleted,
  type Executor,
  type Future,
  ThreadPoolExecutor,
  wait,
} from "../../futures/mod.ts";
import { current, task, type TaskOptions } from "../../mod.ts";
import { Thread } from "../../threading/mod.ts";
import { mark, square, throughGate, untilAborted } from "./_tasks.ts";

export async function fib(pool: Executor, n: number): Promise<number> {
  if (n < 2) return n;
  const a = pool.submit(fib, pool, n - 1);
  const b = pool.submit(fib, pool, n - 2);
  return await a + await b;
}

/** How many calls wait for the deepest one. */
export async function depth(pool: Executor, n: number): Promise<number> {
  return n === 0 ? 0 : 1 + await pool.submit(depth, pool, n - 1);
}

export async function squares(pool: Executor, n: number): Promise<number> {
  const futures: Future<number>[] = [];
  for (let i = 0; i < n; i++) futures.push(pool.submit(square, i));
  let sum = 0;
  for (const future of futures) sum += await future;
  return sum;
}

/** From one executor to the other and back. */
export async function pingPong(
  here: Executor,
  there: Executor,
  n: number,
): Promise<string[]> {
  const { kind } = current.worker;
  if (n === 0) return [kind];
  return [kind, ...await there.submit(pingPong, there, here, n - 1)];
}

export async function everyWay(pool: Executor): Promise<unknown> {
  const items = [1, 2, 3, 4];
  const mapped = await Array.fromAsync(pool.map(square, items));
  const starred = await Array.fromAsync(
    pool.starmap(square, items.map((item): [number] => [item])),
  );
  const streamed = await Array.fromAsync(pool.stream(upTo, 40));
  const futures = items.map((item) => pool.submit(square, item));
  const { done, notDone } = await wait(futures);
  const completed: number[] = [];
  for await (const future of asCompleted(futures)) {
    completed.push(await future);
  }
  return {
    mapped,
    starred,
    streamed: streamed.length,
    waited: [done.size, notDone.size],
    completed: completed.sort((a, b) => a - b),
  };
}

export function* upTo(n: number): Generator<number> {
  for (let i = 0; i < n; i++) yield i;
}

/** Cancels a nested task that runs; tells what it saw of it. */
export async function cancelRunning(
  pool: Executor,
  log: string,
  marked: string,
): Promise<unknown> {
  const future = pool.submit(untilAborted, log);
  await throughGate(marked, undefined);
  // The task may be faster than the word that it runs.
  while (!future.running()) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const isCancelled = future.cancel("not needed");
  try {
    await future;
  } catch (error) {
    const { name, cause } = error as Error;
    return { isCancelled, name, cause, state: future.state };
  }
}

/** Submits a task with options; tells its end and progress. */
export async function withOptions(
  pool: Executor,
  options: TaskOptions,
  // deno-lint-ignore no-explicit-any -- functions of every signature
  fn: (...args: any[]) => unknown,
  ...args: unknown[]
): Promise<unknown> {
  const future = pool.submit(task(fn, options), ...args);
  let last: number | undefined;
  const reading = (async () => {
    for await (const { done } of future.progress) last = done;
  })();
  try {
    const value = await future;
    await reading;
    return { value, last };
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message };
  }
}

/** Tells how an error of a nested task looks to the task. */
export async function errorBelow(
  pool: Executor,
  // deno-lint-ignore no-explicit-any -- functions of every signature
  fn: (...args: any[]) => unknown,
  ...args: unknown[]
): Promise<unknown> {
  try {
    await pool.submit(fn, ...args);
  } catch (error) {
    const { name, message, cause } = error as Error;
    return {
      class: (error as Error).constructor.name,
      name,
      message,
      cause: cause instanceof Error ? cause.constructor.name : cause,
    };
  }
}

/** Submits, says so, and goes on until it is stopped. */
export async function submitAndStay(
  pool: Executor,
  below: string,
  own: string,
): Promise<void> {
  const future = pool.submit(untilAborted, below);
  future.catch(() => {});
  mark(own, "submitted");
  await future;
}

/** Submits, and ends its worker when the nested task runs. */
export async function submitAndCrash(
  pool: Executor,
  below: string,
): Promise<void> {
  pool.submit(untilAborted, below).catch(() => {});
  await throughGate(below, undefined);
  Deno.exit(4);
}

export async function exitWorker(): Promise<never> {
  Deno.exit(3);
  return await new Promise<never>(() => {});
}

/** Returns before what it has submitted ends. */
export function submitAndLeave(
  pool: Executor,
  gate: string,
  log: string,
): string {
  pool.submit(markBehind, gate, log).catch(() => {});
  return "left";
}

export async function markBehind(gate: string, log: string): Promise<void> {
  await throughGate(gate, undefined);
  mark(log, "ended");
}

/** Whether `current` still is this call after others ran here. */
export async function currentAround(pool: Executor): Promise<boolean[]> {
  const { signal, worker } = current;
  const seen: boolean[] = [];
  for (let i = 0; i < 3; i++) {
    const other = await pool.submit(differs, i);
    seen.push(other, current.signal === signal, current.worker === worker);
  }
  return seen;
}

let last: AbortSignal | undefined;

export function differs(_: number): boolean {
  const isOther = last !== current.signal;
  last = current.signal;
  return isOther;
}

export async function throughThread(
  pool: Executor,
  n: number,
): Promise<number> {
  const thread = new Thread({
    target: async (p: Executor, n: number) => await p.submit(square, n),
    args: [pool, n],
  });
  thread.start();
  return await thread.result();
}

export async function throughInnerPool(
  pool: Executor,
  n: number,
): Promise<number> {
  await using inner = new ThreadPoolExecutor({ maxWorkers: 1 });
  return await inner.submit(squareAt, pool, n);
}

export async function squareAt(pool: Executor, n: number): Promise<number> {
  return await pool.submit(square, n);
}

let initial: Executor | undefined;

export function keep(pool: Executor): void {
  initial = pool;
}

export async function useKept(n: number): Promise<number> {
  return await initial!.submit(square, n);
}

export function bytesOf(buffer: ArrayBuffer): number {
  return buffer.byteLength;
}

/** Moves a buffer to a nested task; tells what both have of it. */
export async function moveBelow(pool: Executor): Promise<number[]> {
  const buffer = new ArrayBuffer(1 << 16);
  const moving = task(bytesOf, { transfer: [buffer] });
  const there = await pool.submit(moving, buffer);
  return [there, buffer.byteLength];
}

/** The order in which nested tasks run that wait for one worker. */
export async function orderBelow(
  pool: Executor,
  log: string,
): Promise<void> {
  const futures = [0, 2, 1, 2].map((priority, i) =>
    pool.submit(task(mark, { priority }), log, `${priority} ${i}`)
  );
  await wait(futures);
}

export class Point {
  readonly x: number;
  readonly y: number;

  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }

  norm(): number {
    return Math.hypot(this.x, this.y);
  }
}

export function flip({ x, y }: Point): Point {
  return new Point(y, x);
}

export async function pointBelow(pool: Executor): Promise<unknown> {
  const point = await pool.submit(flip, new Point(3, 4));
  return [point instanceof Point, point.norm(), point.x];
}

/** What an executor that has arrived says about being closed. */
export async function closedBelow(pool: Executor): Promise<string[]> {
  const found: string[] = [];
  for (
    const attempt of [
      () => pool.submit(square, 2),
      () => pool.ready(),
      // deno-lint-ignore require-await -- it throws at once
      async () => pool.stats(),
    ]
  ) {
    try {
      await attempt();
      found.push("fine");
    } catch (error) {
      found.push((error as Error).name);
    }
  }
  return found;
}

export async function shutdownBelow(
  pool: Executor,
  verb: "shutdown" | "terminate",
): Promise<string> {
  try {
    await pool[verb]();
    return "closed";
  } catch (error) {
    return (error as Error).name;
  }
}
