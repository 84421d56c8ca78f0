// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** Adds an item. */
export function append(items: number[], item: number): void {
  items.push(item);
}
