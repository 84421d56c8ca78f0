// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Classes of a module, and functions that make their instances.

export class Shape {
  constructor(readonly sides: number) {}
  get isTriangle(): boolean {
    return this.sides === 3;
  }
}

export class ShapeError extends RangeError {
  constructor(readonly sides: number) {
    super(`${sides} sides are too few`);
  }
}

class Hidden {}

export function makeShape(sides: number): Shape {
  if (sides < 3) throw new ShapeError(sides);
  return new Shape(sides);
}

export function makeHidden(): object {
  return new Hidden();
}
