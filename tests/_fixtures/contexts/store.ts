// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { AsyncLocalStorage } from "node:async_hooks";

export const requests: AsyncLocalStorage<string> = new AsyncLocalStorage();

export function currentRequest(): string | undefined {
  return requests.getStore();
}

const hidden = new AsyncLocalStorage<string>();

/** Calls `fn` where a storage that nobody else can reach holds something. */
export function runHidden<R>(fn: () => R): R {
  return hidden.run("hidden", fn);
}

export function currentHidden(): string | undefined {
  return hidden.getStore();
}
