// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Exported tasks that look into storages: their module's and imported ones.

import { AsyncLocalStorage } from "node:async_hooks";
import { type Executor, ThreadPoolExecutor } from "../../futures/mod.ts";
import { current } from "../../mod.ts";
import * as store from "./_context_store.ts";
import { named, requests as renamed } from "./_context_store.ts";
import { untilFired } from "./_signal_tasks.ts";
import { throughGate } from "./_tasks.ts";

export const traces: AsyncLocalStorage<unknown> = new AsyncLocalStorage();

// deno-lint-ignore require-await -- only async functions may run in place
export async function stores(): Promise<unknown[]> {
  return [traces.getStore(), renamed.getStore(), store.requests.getStore()];
}

// deno-lint-ignore require-await -- only async functions may run in place
export async function label(): Promise<string> {
  return named.label();
}

/** What it finds before and after other tasks had their turn. */
export async function storesAround(gate: string): Promise<unknown[]> {
  const { signal } = current;
  const before = traces.getStore();
  await throughGate(gate, undefined);
  return [before, traces.getStore(), current.signal === signal];
}

/** Puts something into the storage and leaves it there. */
// deno-lint-ignore require-await -- only async functions may run in place
export async function enterWith(value: unknown): Promise<unknown> {
  traces.enterWith(value);
  return traces.getStore();
}

// deno-lint-ignore require-await -- only async functions may run in place
export async function storeOf(
  storage: AsyncLocalStorage<unknown>,
): Promise<unknown> {
  return storage.getStore();
}

/** Made by the worker: no caller knows of it. */
let inWorker: AsyncLocalStorage<unknown> | undefined;

/** Waits for another task with something in the storage. */
export async function waitInContext(
  pool: Executor,
  gate: string,
): Promise<void> {
  inWorker ??= new AsyncLocalStorage();
  await inWorker.run("of the first", () => pool.submit(throughGate, gate, 1));
}

// deno-lint-ignore require-await -- only async functions may run in place
export async function storeInWorker(): Promise<unknown> {
  return inWorker?.getStore();
}

// deno-lint-ignore require-await -- only async functions may run in place
export async function giveBack<T>(value: T): Promise<T> {
  return value;
}

/** What tasks of a task find. */
export async function storesBelow(
  storage: AsyncLocalStorage<unknown>,
): Promise<unknown[]> {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1 });
  const captured = executor.submit(() => storage.getStore());
  const exported = executor.submit(stores);
  const inner = storage.run("inner", () => executor.submit(storeOf, storage));
  return [await captured, (await exported)[0], await inner];
}

/** Waits for the signal of the request that it works for. */
export async function untilRequestEnds(): Promise<unknown> {
  const { signal } = renamed.getStore() as { signal: AbortSignal };
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  return signal.reason;
}

/** What tasks find that a task submits to the executor that runs it. */
export async function storesOfSiblings(
  executor: Executor,
  storage: AsyncLocalStorage<unknown>,
): Promise<unknown[]> {
  const captured = executor.submit(() => storage.getStore());
  const exported = executor.submit(stores);
  const inner = storage.run("inner", () => executor.submit(storeOf, storage));
  return [await captured, (await exported)[0], await inner];
}

/** Waits for a signal in a task of a task. */
export async function sendSignalUp(
  executor: Executor,
  path: string,
  signal: AbortSignal,
): Promise<unknown> {
  return await executor.submit(untilFired, path, { signal });
}

/** Items with what was found at each. */
export async function* storesAtSteps(
  count: number,
): AsyncGenerator<unknown> {
  for (let i = 0; i < count; i++) {
    yield traces.getStore();
    await undefined;
  }
}
