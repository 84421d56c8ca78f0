// Copyright 2026 the @concurrent/parallel authors. MIT license.

let calls = 0;

export const count = (): number => ++calls;

export default (x: number): number => x * 2;

export class Box {
  constructor(readonly content: number) {}
}
export function pack(content: number): Box {
  return new Box(content);
}
