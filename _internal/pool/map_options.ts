// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** How a map of an executor takes its input and gives its results. */
export interface MapOptions {
  /**
   * Items that travel together. `"auto"` starts with one and grows while the
   * calls turn out to be short. Items are encoded when they are pulled, what
   * the function captured when a chunk is begun. The items of a chunk fail
   * together when their worker dies. Tasks with retries, a timeout or a
   * transfer list travel one by one: on one machine that hardly matters, where
   * nodes are asked it costs a round trip for each item.
   *
   * @default {"auto"}
   */
  chunkSize?: number | "auto";
  /**
   * Items that may be pulled from the input and not yet yielded.
   *
   * @default {undefined} a few chunks for each worker, or where items travel
   * one by one as many as take about as long
   */
  bufferSize?: number;
  /**
   * Results in the order of the items; `false`: as they come.
   *
   * @default {true}
   */
  ordered?: boolean;
  /**
   * `"throw"`: the first error ends the iteration and cancels the rest.
   * `"settle"`: the iterator yields a `PromiseSettledResult` for each item.
   *
   * @default {"throw"}
   */
  onError?: "throw" | "settle";
  /**
   * Milliseconds for the whole iteration, from its first step. Past them it
   * ends with a `TimeoutError` and the rest is cancelled.
   *
   * @default {undefined} no limit
   */
  timeout?: number;
  /** Ends the iteration with `signal.reason` and cancels the rest. */
  signal?: AbortSignal;
  /**
   * Called after each finished chunk with the number of items done.
   *
   * @param done Items whose calls have ended.
   */
  onProgress?: (done: number) => void;
}
