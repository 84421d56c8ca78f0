// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Types that tests register with managers.

/** Counts. */
export class Counter {
  #n: number;
  readonly label = "counter";

  constructor(n = 0) {
    if (n < 0) throw new RangeError(`Cannot count from ${n}`);
    this.#n = n;
  }

  add(n: number): number {
    return this.#n += n;
  }

  async addLater(n: number): Promise<number> {
    await Promise.resolve();
    return this.add(n);
  }

  fail(): never {
    throw new RangeError("Cannot count: broken", { cause: { at: this.#n } });
  }

  handle(): WeakMap<object, number> {
    return new WeakMap();
  }

  never(): Promise<never> {
    return new Promise(() => {});
  }

  spin(): never {
    for (;;);
  }

  *upTo(n: number): Generator<number> {
    for (let i = 0; i < n; i++) yield this.#n + i;
  }

  copy(): Counter {
    return new Counter(this.#n);
  }

  _private(): string {
    return "private";
  }
}

/** A subclass: what it inherits is exposed, too. */
export class Stepper extends Counter {
  step(): number {
    return this.add(1);
  }
}
