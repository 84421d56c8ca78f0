// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** Times in a row in vain after which it is tried less often. */
const MAX_MISSES = 8;
/** At the least it is tried once in 2 to the power of so many times. */
const MAX_BACK_OFF = 3;

/**
 * How long to look for something before sleeping: for as long as that has been
 * worth it lately. In vain a few times, it is tried every second time, then
 * every fourth, and so on; once not in vain, it is tried each time again.
 */
export class Patience {
  readonly #looks: number;
  #misses = 0;
  #skipped = 0;

  /** @param looks How often to look at the most; 0: never. */
  constructor(looks: number) {
    this.#looks = looks;
  }

  /** How often to look this time. */
  next(): number {
    const backOff = Math.min(this.#misses - MAX_MISSES + 1, MAX_BACK_OFF);
    if (backOff > 0 && ++this.#skipped < 1 << backOff) return 0;
    this.#skipped = 0;
    return this.#looks;
  }

  /** What came of it. */
  note(isHit: boolean): void {
    this.#misses = isHit ? 0 : this.#misses + 1;
  }
}
