// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Storages of a module that tasks import: each isolate has its own instances.

import { AsyncLocalStorage } from "node:async_hooks";

/** Knows what it is for. */
class NamedStorage<T> extends AsyncLocalStorage<T> {
  label(): string {
    return `named ${this.getStore()}`;
  }
}

export const requests: AsyncLocalStorage<unknown> = new AsyncLocalStorage();

export const named: NamedStorage<string> = new NamedStorage();

export function currentRequest(): unknown {
  return requests.getStore();
}
