// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** Those who wait until a number of workers is ready. */
export class ReadyWaiters {
  readonly #waiters = new Set<
    { readonly count: number; readonly waiter: PromiseWithResolvers<void> }
  >();

  /** The largest number that somebody waits for; 0 where nobody waits. */
  get wanted(): number {
    let wanted = 0;
    for (const { count } of this.#waiters) wanted = Math.max(wanted, count);
    return wanted;
  }

  /** Waits until `count` workers are ready. */
  wait(count: number): Promise<void> {
    const entry = { count, waiter: Promise.withResolvers<void>() };
    this.#waiters.add(entry);
    return entry.waiter.promise;
  }

  /** So many workers are ready now. */
  check(ready: number): void {
    for (const entry of this.#waiters) {
      if (ready < entry.count) continue;
      this.#waiters.delete(entry);
      entry.waiter.resolve();
    }
  }

  /** They never will be. */
  reject(error: unknown): void {
    for (const { waiter } of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
  }
}
