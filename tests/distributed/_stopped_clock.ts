// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** Has `performance.now()` stand still, however slow the machine is, until it is disposed of. */
export class StoppedClock implements Disposable {
  readonly #real = performance.now;
  #time = performance.now();

  constructor() {
    performance.now = () => this.#time;
  }

  pass(milliseconds: number): void {
    this.#time += milliseconds;
  }

  [Symbol.dispose](): void {
    performance.now = this.#real;
  }
}
