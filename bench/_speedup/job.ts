// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** How large the jobs are: `"tiny"` is for tests, which time nothing. */
export type JobSize = "full" | "short" | "tiny";

/** Work that can be done in one place or spread over workers. */
// deno-lint-ignore no-explicit-any -- a table of jobs holds every kind of item
export interface Job<I = any, O = any, T = any> extends AsyncDisposable {
  /** What `--job` calls it. */
  readonly name: string;
  /** What it does, with its size. */
  readonly title: string;
  /** What limits it: the number of cores, or only how much runs at a time. */
  readonly kind: "cpu" | "io";
  /** One item is one task: some milliseconds, so that the trip is small. */
  readonly items: readonly I[];
  /** Does one item. */
  readonly work: (item: I) => O | Promise<O>;
  /** Puts the results together, as a program would: this is timed too. */
  gather(outputs: AsyncIterable<O>): Promise<T>;
  /** What the result is compared by: not timed. */
  digest(result: T): Promise<string>;
}

/** Short text that stands for the bytes. */
export async function hash(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const sum = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(sum).toHex().slice(0, 16);
}
