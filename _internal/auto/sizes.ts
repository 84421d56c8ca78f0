// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How large arguments are, as far as the time of a call may follow from it. What
// was measured says something of arguments up to the size that was measured, and
// nothing of larger ones: `fib(35)` takes a million times as long as `fib(5)`.

/**
 * The sizes of arguments: what numbers amount to, how long strings and binary
 * data are.
 *
 * @param args The arguments.
 * @returns The sizes; undefined where there is an object among them, whose size nobody can tell.
 */
export function sizesOf(args: readonly unknown[]): number[] | undefined {
  const sizes: number[] = [];
  for (const arg of args) {
    const size = sizeOf(arg);
    if (size === undefined) return undefined;
    sizes.push(size);
  }
  return sizes;
}

function sizeOf(value: unknown): number | undefined {
  switch (typeof value) {
    case "number":
      return Number.isNaN(value) ? 0 : Math.abs(value);
    case "string":
      return value.length;
    case "bigint":
      return Math.abs(Number(value));
    case "boolean":
    case "undefined":
      return 0;
    case "object":
      if (value === null) return 0;
      return ArrayBuffer.isView(value) ? value.byteLength : undefined;
    default:
      return undefined;
  }
}

/** True where an argument can be given to a function as it is: nobody can change it. */
export function isPrimitive(value: unknown): boolean {
  return value === null ||
    (typeof value !== "object" && typeof value !== "function");
}

/** The largest sizes so far of each argument. */
export class SizeBox {
  #most: number[] = [];

  /** Forgets all of them. */
  clear(): void {
    this.#most = [];
  }

  /** Makes room for these. */
  add(sizes: readonly number[]): void {
    for (const [i, size] of sizes.entries()) {
      if (!(size <= (this.#most[i] ?? -1))) this.#most[i] = size;
    }
  }

  /** True where each of these is at most as large as one that was added. */
  has(sizes: readonly number[]): boolean {
    for (let i = 0; i < sizes.length; i++) {
      if (!(sizes[i]! <= (this.#most[i] ?? -1))) return false;
    }
    return true;
  }
}
