// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** From where to where: the queue belongs to the parent. */
export type Direction = "up" | "down" | "across";

/** How items are put and got. */
export type Manner = "await" | "for" | "sync";

/**
 * What an implementation of multiprocessing is measured by. Each one runs in a
 * program of its own, and has to check what arrives. Children come up, and
 * have done the same thing a few times, before the clock starts.
 */
export interface Implementation {
  /**
   * Small numbers from one child to the parent, from the parent to a child, or
   * from one child to another; returns items a second. `for` gets them with
   * `for await`, and puts them with `await`.
   */
  queue?(
    direction: Direction,
    manner: Manner,
    items: number,
  ): Promise<number>;
  /** A small object to a child and back; returns microseconds. */
  pipe?(rounds: number): Promise<number>;
  /**
   * Children acquire and release one lock of the parent, for so many
   * milliseconds; returns microseconds for each time that one of them did.
   */
  lock?(
    children: number,
    manner: "await" | "sync",
    time: number,
  ): Promise<number>;
  /** So many bytes to a child, which reads them all; returns milliseconds. */
  bytes?(how: "pipe" | "shared", size: number): Promise<number>;
  /** Small tasks on two processes, in one map; returns milliseconds. */
  map?(tasks: number, chunkSize: number | null): Promise<number>;
}

/** A request to a process that serves an implementation. */
export type Command = {
  readonly [K in keyof Implementation]-?: {
    readonly scenario: K;
    readonly args: Parameters<NonNullable<Implementation[K]>>;
  };
}[keyof Implementation];
