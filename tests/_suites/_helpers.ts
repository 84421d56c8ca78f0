// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert } from "@std/assert";
import { openSockets } from "../../_internal/wire/socket_channel.ts";

/** Longer than anything that is expected to happen may take on a busy machine. */
const PATIENCE = 60_000;
/** For so long a process may get no core at all on such a machine, in ms. */
const STANDSTILL = 5_000;

/** How many times as long something may take as where there is nothing else to do. */
export function slowness(): number {
  const load = Deno.loadavg()[0]! / navigator.hardwareConcurrency;
  return Math.max(1.5, 1 + load);
}

/**
 * A time that is promised for a machine with nothing else to do, as it may be
 * on this one now: longer where more programs want to run than there are cores.
 */
export function scaled(ms: number): number {
  return ms * slowness() + STANDSTILL;
}

/** Waits until the condition holds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!(await condition())) {
    assert(performance.now() < end, `it never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Fails instead of hanging. */
export async function soon<T>(
  what: string,
  promise: PromiseLike<T>,
  patience: number = PATIENCE,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new RangeError(`it takes too long: ${what}`)),
      patience,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Holds the timers of one delay, which is nobody else's: they go off when the test
 * says so, and not while the machine keeps it from coming to that.
 */
export class HeldTimers implements Disposable {
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;
  readonly #held = new Map<unknown, () => void>();

  constructor(delay: number) {
    const [set, clear] = [this.#setTimeout, this.#clearTimeout];
    globalThis.setTimeout = ((
      fn: (...args: unknown[]) => void,
      ms?: number,
      ...args: unknown[]
    ) => {
      if (ms !== delay) return set(fn, ms, ...args);
      const timer = set(() => {}, ms);
      this.#held.set(timer, () => fn(...args));
      return timer;
    }) as typeof setTimeout;
    globalThis.clearTimeout = ((timer) => {
      this.#held.delete(timer);
      clear(timer);
    }) as typeof clearTimeout;
  }

  /** How many wait. */
  get size(): number {
    return this.#held.size;
  }

  /** Has their time pass. */
  fire(): void {
    for (const [timer, fn] of [...this.#held]) {
      clearTimeout(timer as Parameters<typeof clearTimeout>[0]);
      fn();
    }
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    globalThis.clearTimeout = this.#clearTimeout;
  }
}

/** A folder for files that tasks and tests leave for each other. */
export class Folder implements Disposable {
  readonly path: string = Deno.makeTempDirSync();

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  open(name: string): void {
    Deno.writeTextFileSync(this.file(name), "");
  }

  /** The lines that tasks have written so far. */
  lines(name: string): string[] {
    try {
      return Deno.readTextFileSync(this.file(name)).split("\n").slice(0, -1);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Iterates to the end. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** The error with which a promise rejects. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new RangeError("it was expected to fail");
}

/**
 * Waits until the channels of this thread have closed their sockets: each side does
 * when it has heard of the other one's end.
 */
export async function socketsClosed(): Promise<void> {
  await until("all sockets are closed", () => openSockets() === 0);
}

/** Waits until the garbage collector has found all of them: nobody holds them. */
export async function collected(...refs: WeakRef<object>[]): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  await until("everything is collected", async () => {
    // What is looked at is kept for the length of the turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
    return refs.every((ref) => ref.deref() === undefined);
  });
}
