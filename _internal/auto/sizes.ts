// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How large arguments are, as far as the time of a call may follow from it. What
// was measured says something of arguments up to the size that was measured, and
// nothing of larger ones: `fib(35)` takes a million times as long as `fib(5)`.
// Nor does it say anything of others: a flag, a missing argument or a zero may
// choose another way. So each kind of value has a column of its own at each place
// of an argument, and sizes are pairs of a column and a size.

/** Sizes of arguments: a column and a size in turn. */
export type Sizes = readonly number[];

/** Columns of a place: for kinds of values. */
const POSITIVE = 0;
const NEGATIVE = 1;
const ZERO = 2;
const NOT_A_NUMBER = 3;
const TEXT = 4;
const BIGINT = 5;
const NEGATIVE_BIGINT = 6;
const TRUE = 7;
const FALSE = 8;
const NULL = 9;
const UNDEFINED = 10;
const BYTES = 11;
/** There is no such argument. */
const NONE = 12;
const KINDS = 13;

/** What arithmetic with it takes no time to speak of. */
const LARGE = 1n << 1024n;

/**
 * The sizes of arguments: what numbers amount to, how long strings and binary
 * data are.
 *
 * @param args The arguments.
 * @param captured The sizes of what the function has captured.
 * @returns The sizes; undefined where there is an object among them, whose size nobody can tell.
 */
export function sizesOf(
  args: readonly unknown[],
  captured: Sizes = [],
): Sizes | undefined {
  const sizes = captured.slice();
  let column = captured.length / 2 * KINDS;
  for (const arg of args) {
    if (!addSize(sizes, column, arg)) return undefined;
    column += KINDS;
  }
  sizes.push(column + NONE, 0);
  return sizes;
}

/** The sizes of what a function has captured; objects, which are the same for good, count as nothing. */
export function capturedSizes(values: readonly unknown[]): Sizes {
  const sizes: number[] = [];
  for (const value of values) {
    const column = sizes.length / 2 * KINDS;
    if (!addSize(sizes, column, value)) sizes.push(column + NONE, 0);
  }
  return sizes;
}

/** False for what has no size that anybody could tell. */
function addSize(sizes: number[], column: number, value: unknown): boolean {
  switch (typeof value) {
    case "number":
      sizes.push(column + kindOf(value), magnitude(value));
      return true;
    case "string":
      sizes.push(column + TEXT, value.length);
      return true;
    case "bigint":
      sizes.push(
        column + (value < 0n ? NEGATIVE_BIGINT : BIGINT),
        Math.abs(Number(value)),
      );
      return true;
    case "boolean":
      sizes.push(column + (value ? TRUE : FALSE), 0);
      return true;
    case "undefined":
      sizes.push(column + UNDEFINED, 0);
      return true;
    case "object":
      if (value === null) sizes.push(column + NULL, 0);
      else if (ArrayBuffer.isView(value)) {
        sizes.push(column + BYTES, value.byteLength);
      } else return false;
      return true;
    default:
      return false;
  }
}

function kindOf(value: number): number {
  return value > 0
    ? POSITIVE
    : value < 0
    ? NEGATIVE
    : value === 0
    ? ZERO
    : NOT_A_NUMBER;
}

/** The part of a step that a fraction is may be what counts: `1 / x` of them. */
function magnitude(value: number): number {
  const size = Math.abs(value);
  if (Number.isInteger(value)) return size;
  return size !== size ? 0 : Math.max(size, 1 / size);
}

/** True where an argument can be given to a function as it is: nobody can change it. */
export function isPrimitive(value: unknown): boolean {
  return value === null ||
    (typeof value !== "object" && typeof value !== "function");
}

/** True where even a single operation with it may take long. */
export function isLarge(value: unknown): boolean {
  return typeof value === "bigint" && (value >= LARGE || value <= -LARGE);
}

/** How much larger a size may be than what was short: numbers that count up would each be larger than all before. */
const SLACK = 1 / 32;

/** The largest sizes so far in each column. */
export class SizeBox {
  #most: number[] = [];

  /** Forgets all of them. */
  clear(): void {
    this.#most = [];
  }

  /** Makes room for these. */
  add(sizes: Sizes): void {
    for (let i = 0; i < sizes.length; i += 2) {
      this.#add(sizes[i]!, sizes[i + 1]!);
    }
  }

  /** Makes room for a call with one number. */
  addNumber(value: number, captured: Sizes): void {
    const column = captured.length / 2 * KINDS;
    this.#add(column + kindOf(value), magnitude(value));
    this.#add(column + KINDS + NONE, 0);
  }

  /** True where each of these is hardly larger than one that was added. */
  has(sizes: Sizes): boolean {
    for (let i = 0; i < sizes.length; i += 2) {
      if (!this.#has(sizes[i]!, sizes[i + 1]!)) return false;
    }
    return true;
  }

  /** The same for a call with one number. */
  hasNumber(value: number, captured: Sizes): boolean {
    const column = captured.length / 2 * KINDS;
    return this.#has(column + kindOf(value), magnitude(value)) &&
      this.#has(column + KINDS + NONE, 0) && this.has(captured);
  }

  /** What was added, as sizes. */
  get sizes(): Sizes {
    return Object.entries(this.#most).flatMap(([column, size]) => [
      Number(column),
      size,
    ]);
  }

  #add(column: number, size: number): void {
    if (!(size <= (this.#most[column] ?? -1))) this.#most[column] = size;
  }

  #has(column: number, size: number): boolean {
    const most = this.#most[column];
    return most !== undefined && size <= most + Math.max(1, most * SLACK);
  }
}
