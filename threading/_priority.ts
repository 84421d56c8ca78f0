// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What an item of a priority queue is ordered by. Numbers, bigints and dates
// can be compared with each other, strings with strings; the items themselves
// never are.

import { describe } from "../_internal/base/validation.ts";
import type { ItemKey } from "../_internal/memory/queue_segment.ts";

/** What can be compared. */
export type Priority = number | bigint | string | Date;

/** The key of an item: of itself, its first element or its `priority`. */
export function keyOfItem(item: unknown): ItemKey {
  const priority = Array.isArray(item)
    ? item[0]
    : typeof item === "object" && item !== null && !(item instanceof Date)
    ? (item as { readonly priority?: unknown }).priority
    : item;
  return keyOfPriority(priority);
}

/**
 * The key of a priority.
 *
 * @throws {TypeError} If it cannot be compared.
 */
export function keyOfPriority(priority: unknown): ItemKey {
  switch (typeof priority) {
    case "number":
      if (Number.isNaN(priority)) break;
      return numberKey(priority);
    case "string":
      return { kind: "text", number: 0, side: 0, text: priority };
    case "bigint":
      return bigintKey(priority);
    case "object": {
      if (!(priority instanceof Date)) break;
      const time = priority.getTime();
      if (Number.isNaN(time)) break;
      return numberKey(time);
    }
  }
  throw new TypeError(
    `Cannot put an item as its priority must be a number, a bigint, a string or a Date: current value is ${
      describe(priority)
    }`,
  );
}

function numberKey(number: number): ItemKey {
  return { kind: "number", number, side: 0, text: "" };
}

function bigintKey(value: bigint): ItemKey {
  const number = Number(value);
  const side = number === Infinity
    ? -1
    : number === -Infinity
    ? 1
    : Number(value > BigInt(number)) - Number(value < BigInt(number));
  if (side === 0) return numberKey(number);
  const text = (value < 0n ? -value : value).toString(16);
  return { kind: "number", number, side, text };
}
