// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Only in threads with limits on their heap: finds out that it was full. V8 has
// then ended whatever ran, without a word to anybody: no `catch` and no `finally`
// was entered, and the call can never be answered. What is left as a trace is
// the limit, which is higher than it was: the reserve. So a timer looks at it.

import { nodeV8 } from "../wire/functions/sync_modules.ts";

/** What the guest posts when its heap was full. */
export const HEAP_IS_FULL = "concurrent-parallel/heap-is-full";

/** Milliseconds between two looks. */
const INTERVAL = 20;
/** As node:v8 calls it. */
const LIMIT = "heap_size_limit";

/**
 * Tells the host soon after the heap was full. It ends the thread then: who
 * leaves by itself may be gone before it is heard.
 *
 * @param port To the host.
 */
export function watchHeap(
  port: { postMessage(message: unknown, transfer: Transferable[]): void },
): void {
  const { getHeapStatistics } = nodeV8();
  const limit = getHeapStatistics()[LIMIT];
  const timer = setInterval(() => {
    if (getHeapStatistics()[LIMIT] <= limit) return;
    clearInterval(timer);
    port.postMessage(HEAP_IS_FULL, []);
  }, INTERVAL);
}
