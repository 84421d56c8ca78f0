// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every pool is given to do. Each function stands alone, with no variable
// of this module, since some pools send a function as its text.

/** Next to nothing: what is measured is the way there and back. */
export function add(a, b) {
  return a + b;
}

/** Says something of a value that can only be told when it has arrived. */
export function measure(value) {
  if (typeof value === "string") return value.length;
  if (value instanceof Float64Array) return value[value.length - 1];
  if (value[0]?.at === undefined) {
    throw new TypeError("it arrived as something else");
  }
  let sum = 0;
  for (const { id, at, tags } of value) sum += id + at.x + tags.length;
  return sum;
}

/** n!, reduced to a number, since not every pool can send a bigint. */
export function factorial(n) {
  let product = 1n;
  for (let i = 2n; i <= BigInt(n); i++) product *= i;
  return Number(product % 1_000_003n);
}

export function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/** Computes for as long as so many rounds take. */
export function spin(rounds) {
  let x = 1;
  for (let i = 0; i < rounds; i++) x = (x * 1664525 + 1013904223) >>> 0;
  return x >>> 24;
}

/** About 10 us. */
export function spin10(seed) {
  let x = seed | 1;
  for (let i = 0; i < 5_000; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  return x >>> 24;
}

/** About 1 us. */
export function spin1(seed) {
  let x = seed | 1;
  for (let i = 0; i < 500; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  return x >>> 24;
}

/** Computes for a while, and tells the workers apart. */
export function whoAmI(rounds) {
  let x = 1;
  for (let i = 0; i < rounds; i++) x = (x * 1664525 + 1013904223) >>> 0;
  globalThis.whoAmI ??= Math.random() + (x >>> 31);
  return globalThis.whoAmI;
}

/** All of them, by name. */
export const tasks = {
  add,
  measure,
  factorial,
  fib,
  spin,
  spin10,
  spin1,
  whoAmI,
};

/** For pools whose functions take one argument. */
export function run([name, args]) {
  return tasks[name](...args);
}
