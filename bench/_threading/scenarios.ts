// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What an implementation of locks and queues is measured by. Each one runs in a
 * process of its own (`serve.ts`), so that none is slowed down by what the
 * others have made of the compiler.
 */
export interface Implementation {
  /** Acquires and releases a free lock; returns nanoseconds for both. */
  uncontended(rounds: number): number;
  /** The same with `await`. */
  uncontendedAsync?(rounds: number): Promise<number>;
  /** Threads that count together under one lock, blocking; returns increments a second. */
  contended(threads: number, rounds: number): Promise<number>;
  /** One thread puts small numbers, another one gets them; returns items a second. */
  queue?(items: number): Promise<number>;
  /** Threads wait for a lock for so many milliseconds; returns the processor time of all, in ms. */
  waiting?(threads: number, ms: number, how: "blocked" | "async"): Promise<
    number
  >;
}

/** A request to a process that serves an implementation. */
export type Command = {
  readonly [K in keyof Implementation]-?: {
    readonly scenario: K;
    readonly args: Parameters<NonNullable<Implementation[K]>>;
  };
}[keyof Implementation];
