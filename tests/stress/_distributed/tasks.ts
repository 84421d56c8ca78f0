// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What nodes are given to do. Each run leaves one byte in a file: the calls are
// counted where a node that was killed cannot forget them.

/** Where runs leave their traces. */
export interface Traces {
  /** The file with a byte for each run. */
  readonly runs: string;
  /** The folder with a file for each task that has failed on purpose. */
  readonly folder: string;
}

/** Counts a run. */
export function trace({ runs }: Traces): void {
  Deno.writeTextFileSync(runs, ".", { append: true });
}

/** Nothing but the answer. */
export function instant(traces: Traces, n: number): number {
  trace(traces);
  return n * 2;
}

/** Computes for so many milliseconds. */
export function compute(traces: Traces, n: number, ms: number): number {
  trace(traces);
  const end = performance.now() + ms;
  while (performance.now() < end);
  return n * 3;
}

/** Fails. */
export function fail(traces: Traces, n: number): never {
  trace(traces);
  throw Object.assign(new RangeError(`There is no ${n}`), { n });
}

/** Fails the first time. */
export function failOnce(traces: Traces, n: number): number {
  trace(traces);
  const path = `${traces.folder}/${n}`;
  try {
    Deno.statSync(path);
  } catch {
    Deno.writeTextFileSync(path, "");
    throw new TypeError(`Not yet ${n}`);
  }
  return n * 5;
}
