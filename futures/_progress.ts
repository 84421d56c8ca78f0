// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** One report of a task's progress. */
export interface Progress {
  /** How much is done, in the task's own unit. */
  readonly done: number;
  /** How much there is to do, where the task knows it. */
  readonly total: number | undefined;
}

/** The reports of one task. Readers see the latest one only. */
export class ProgressFeed {
  #latest: Progress | undefined;
  #isOver = false;
  /** Readers that have seen the latest report. */
  readonly #sleepers = new Set<() => void>();

  /** The task has reported. */
  push(progress: Progress): void {
    this.#latest = progress;
    this.#wake();
  }

  /** There will be no more. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** A reader. It begins with the latest report. */
  read(): AsyncIterableIterator<Progress> {
    let last: Progress | undefined;
    let isLeft = false;
    const wakeAll = () => this.#wake();
    // Not an async generator: its `return()` would wait for the next report.
    return {
      next: async () => {
        for (;;) {
          const latest = this.#latest;
          if (isLeft) return { done: true, value: undefined };
          if (latest !== undefined && latest !== last) {
            last = latest;
            return { done: false, value: latest };
          }
          if (this.#isOver) return { done: true, value: undefined };
          await new Promise<void>((wake) => this.#sleepers.add(wake));
        }
      },
      return() {
        isLeft = true;
        wakeAll();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #wake(): void {
    const sleepers = [...this.#sleepers];
    this.#sleepers.clear();
    for (const wake of sleepers) wake();
  }
}
