// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A module that tasks import. What it counts shows how often it is evaluated.

const scope = globalThis as unknown as Record<string, number>;
scope["parallelFixtureLoads"] = (scope["parallelFixtureLoads"] ?? 0) + 1;

let calls = 0;

/** A binding that changes. */
export let level = 1;

export function raise(): number {
  return ++level;
}

/** Counts its calls in this isolate. */
export function countCall(): number {
  return ++calls;
}

/** How often this isolate has evaluated the module. */
export function loads(): number {
  return scope["parallelFixtureLoads"]!;
}

export default function triple(x: number): number {
  return x * 3;
}

export const half = (x: number): number => x / 2;
const hidden = (x: number): number => x - 1;
export { hidden as renamed };
export class Point {
  constructor(public x: number, public y: number) {}
  get length(): number {
    return Math.hypot(this.x, this.y);
  }
}
