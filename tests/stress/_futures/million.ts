// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A program of its own, so that nothing else counts: so many calls of a
// function that does nothing, through `map` on two threads. It prints what
// that took as JSON.

import { ThreadPoolExecutor } from "../../../futures/mod.ts";
import { identity } from "../../_suites/_tasks.ts";

/** Items between two looks at the memory and the clock: a power of two. */
const LOOK = 8192;
/** Between two looks that took so many times as long as most the program had no core. */
const STANDSTILL = 10;

/** What a run took. */
export interface MillionResult {
  /** Microseconds for each item. */
  readonly each: number;
  /** The most that the program had in memory above what it had at the start, in bytes. */
  readonly peak: number;
  /** Microseconds for each item where the same steps are taken without any work being sent. */
  readonly baseline: number;
  readonly isRight: boolean;
}

function* numbers(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i;
}

/** The same iteration with nobody at work. */
async function* inPlace(items: Iterable<number>): AsyncGenerator<number> {
  for (const item of items) yield identity(item);
}

async function run(
  results: AsyncIterable<number>,
): Promise<{ took: number; sum: number; peak: number }> {
  let peak = 0;
  let sum = 0;
  let seen = 0;
  let last = performance.now();
  const times: number[] = [];
  for await (const result of results) {
    sum += result;
    if ((++seen & (LOOK - 1)) === 0) {
      peak = Math.max(peak, Deno.memoryUsage().rss);
      const now = performance.now();
      times.push(now - last);
      last = now;
    }
  }
  times.sort((a, b) => a - b);
  const most = STANDSTILL * times[times.length >> 1]!;
  const took = times.reduce((sum, time) => sum + Math.min(time, most), 0);
  return { took: took * seen / (times.length * LOOK), sum, peak };
}

const count = Number(Deno.args[0]);
await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
// The two threads themselves take some 30 MB.
await pool.ready();
const start = Deno.memoryUsage().rss;
const { took, sum, peak } = await run(
  pool.map(identity<number>, numbers(count)),
);
const { took: inPlaceTook } = await run(inPlace(numbers(count)));
const result: MillionResult = {
  each: took * 1000 / count,
  peak: peak - start,
  baseline: inPlaceTook * 1000 / count,
  isRight: sum === count * (count - 1) / 2,
};
console.log(JSON.stringify(result));
