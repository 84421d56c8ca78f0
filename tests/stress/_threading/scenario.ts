// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert } from "@std/assert";
import { dump, Event, SharedValue, Thread } from "../../../threading/mod.ts";

/** One thing that threads do to each other, at random, and what must hold in the end. */
export interface Scenario {
  readonly name: string;
  /** How many threads, if that can be chosen. */
  readonly threads: readonly number[];
  /** Does it. Rejects where something is not as it must be. */
  run(options: ScenarioOptions): Promise<void>;
}

/** How much of it. */
export interface ScenarioOptions {
  readonly threads: number;
  /** 1 is a run of about a second. */
  readonly scale: number;
  readonly seed: number;
}

/** Numbers from 0 to below `n`, the same for the same seed. */
export type Random = (n: number) => number;

/** A generator of its own for each thread: xorshift32. */
export function random(seed: number): Random {
  let x = (Math.imul(seed, 0x9E3779B1) ^ 0x5DEECE66) | 1;
  return (n) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % n;
  };
}

/** At least one. */
export function scaled(count: number, scale: number): number {
  return Math.max(1, Math.round(count * scale));
}

/** Milliseconds without which nothing may hang. */
const PATIENCE = 60_000;

/** Fails instead of hanging, and says who waits for what. */
export async function within<T>(
  what: string,
  promise: PromiseLike<T>,
  patience: number = PATIENCE,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new RangeError(`it hangs: ${what}\n${dump()}`)),
      patience,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until something holds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!holds()) {
    assert(performance.now() < end, `it never happened: ${what}\n${dump()}`);
    await pause(1);
  }
}

/** Lets the event loop turn. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Threads that do not outlive their block. */
export class Crew implements AsyncDisposable {
  readonly threads: Thread<unknown>[] = [];

  /** Starts one more. */
  start<A extends unknown[]>(
    target: (...args: A) => unknown,
    ...args: A
  ): Thread<unknown> {
    const thread = new Thread<unknown>({ target, args }).start();
    this.threads.push(thread);
    return thread;
  }

  /** Starts several, which begin at the same moment; the last argument of each is its number. */
  async startAll<A extends unknown[]>(
    count: number,
    target: (...args: [...A, number]) => unknown,
    ...args: A
  ): Promise<void> {
    const ready = new SharedValue("int32");
    const go = new Event();
    for (let i = 0; i < count; i++) {
      this.start(
        begin,
        ready,
        go,
        target as (...args: unknown[]) => unknown,
        [...args, i],
      );
    }
    await until("all threads run", () => ready.value === count);
    go.set();
  }

  /** What they return; rejects with the first error. */
  results(): Promise<unknown[]> {
    return within(
      "threads that should have ended",
      Promise.all(this.threads.map((thread) => thread.result())),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const thread of this.threads) {
      thread.result().catch(() => {});
      // One that hangs, after an error, is not waited for.
      if (!await thread.join({ timeout: 1_000 })) await thread.terminate();
    }
  }
}

/** Waits for the others: what takes a millisecond would be over before they are there. */
export function begin(
  ready: SharedValue,
  go: Event,
  target: (...args: unknown[]) => unknown,
  args: unknown[],
): unknown {
  ready.add(1);
  go.waitSync();
  return target(...args);
}
