// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { AsyncLocalStorage } from "node:async_hooks";
import { requests } from "./store.ts";

export const traces: AsyncLocalStorage<string> = new AsyncLocalStorage();

export function find(): (string | undefined)[] {
  return [traces.getStore(), requests.getStore()];
}
