// Copyright 2026 the @concurrent/parallel authors. MIT license.

const STEP = 1;

/** Adds an item. It uses what its module has, so it goes by reference. */
export function append(items: number[], item: number): number {
  items.push(item);
  return item + STEP;
}
