// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What users have run: plain functions that declare nothing, exported ones here
// and local ones where the workloads are.

/** Numbers below `limit` that only one and themselves divide; about 30 ms for 350 000. */
export function countPrimes(limit: number): number {
  let count = 0;
  candidates: for (let n = 2; n < limit; n++) {
    for (let d = 2; d * d <= n; d++) {
      if (n % d === 0) continue candidates;
    }
    count++;
  }
  return count;
}

/** Mixes a seed; some 2 ns for each round. */
export function churn(seed: number, rounds: number): number {
  let x = seed | 1;
  for (let i = 0; i < rounds; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  return x;
}

/** A number of a number, at once. */
export function collatzSteps(n: number): number {
  let steps = 0;
  for (let x = n + 1; x !== 1; steps++) {
    x = x % 2 === 0 ? x / 2 : 3 * x + 1;
  }
  return steps;
}

/** How many lines a file has. */
export async function countLines(path: string): Promise<number> {
  return (await Deno.readTextFile(path)).split("\n").length;
}

/** Asks the server for something, and reads a number in it. */
export async function fetchId(url: string): Promise<number> {
  const response = await fetch(url);
  const { id } = await response.json() as { id: number };
  return id;
}

/** Some bytes of a file, added up. */
export function sampleFile(path: string): number {
  const bytes = Deno.readFileSync(path);
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 4096) sum += bytes[i]!;
  return sum;
}

/** Sleeps as a driver does that has no other way: it blocks its thread. */
export function blockFor(ms: number): string {
  return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** How many of every eighth number are above a limit. */
export function countAbove(values: Float64Array, limit: number): number {
  let count = 0;
  for (let i = 0; i < values.length; i += 8) {
    if (values[i]! > limit) count++;
  }
  return count;
}

/** Where a word is in a text. */
export function findWord(text: string, word: string): number {
  return text.indexOf(word);
}

/** What there is to do: something to ask for, or something to compute. */
export type Item =
  | { readonly url: string }
  | { readonly seed: number; readonly rounds: number };

/** Does what there is to do, of either kind. */
export async function handle(item: Item): Promise<number> {
  if ("url" in item) {
    const response = await fetch(item.url);
    return ((await response.json()) as { id: number }).id;
  }
  return churn(item.seed, item.rounds);
}

/** Computes, and now and then ends its worker. */
export function churnOrExit(seed: number, rounds: number): number {
  const value = churn(seed, rounds);
  if (seed % 20 === 7) Deno.exit(1);
  return value;
}
