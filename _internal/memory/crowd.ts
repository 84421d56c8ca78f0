// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Who of a program is awake: one bit of shared memory for each worker.
//
// Waiting in a loop answers in a microsecond, where a sleeper takes tens; but
// one that waits in a loop where others have work takes their core. So nobody
// does unless there is a core for everybody who is awake, the caller included.
//
// Only the worker writes its bit while it lives, and its host clears the bit
// when it is gone: a worker that dies awake is not counted for ever. Somebody
// who looks at a moment in which a bit changes waits in vain for some
// microseconds, or sleeps once where that was not necessary: the bits decide
// nothing else, so they need no order with other memory.

/** Words of the bits. */
export const CROWD_WORDS = 4;
const PLACES = CROWD_WORDS * 32;

/** Those of a program's workers that are awake. */
export class Crowd {
  readonly #words: Int32Array;
  readonly #cores: number;
  /** Others that the bits do not count. */
  #met: Crowd | undefined;
  /** Host: places that are taken. */
  readonly #taken = new Set<number>();

  /**
   * @param words The bits, which all sides share: `CROWD_WORDS` words.
   * @param cores How many may be awake at a time without being in each other's way.
   */
  constructor(words: Int32Array, cores: number) {
    this.#words = words;
    this.#cores = cores;
  }

  /** Host: a place for a new worker. With more workers than places some share one: they count as one. */
  enter(): number {
    let place = 0;
    while (place < PLACES - 1 && this.#taken.has(place)) place++;
    this.#taken.add(place);
    return place;
  }

  /** Host: the worker is gone. */
  leave(place: number): void {
    this.#taken.delete(place);
    this.sleeps(place);
  }

  /** Host: counts those of another crowd too from now on. */
  meet(other: Crowd): void {
    this.#met = other;
  }

  /** Worker: it has something to do, or looks for it. */
  wakes(place: number): void {
    Atomics.or(this.#words, place >>> 5, 1 << (place & 31));
  }

  /** Worker: it sleeps. */
  sleeps(place: number): void {
    Atomics.and(this.#words, place >>> 5, ~(1 << (place & 31)));
  }

  /** True where there is a core for everybody who is awake, and for the caller. */
  get hasSpareCore(): boolean {
    const met = this.#met === undefined ? 0 : this.#met.#awake();
    return this.#awake() + met < this.#cores;
  }

  #awake(): number {
    let awake = 0;
    for (let i = 0; i < CROWD_WORDS; i++) {
      for (let bits = Atomics.load(this.#words, i); bits !== 0; awake++) {
        bits &= bits - 1;
      }
    }
    return awake;
  }
}
