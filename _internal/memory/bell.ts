// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A bell lets one agent sleep until another has something for it, without a
// wake-up call for agents that are awake (an eventcount with one sleeper).
//
//   sleeper                          ringer
//   1 prepare(): word = PARKED       a publish the message
//   2 look again: anything there?    b word PARKED? swap to AWAKE
//   3 yes: cancel(): word = AWAKE    c swapped: notify
//     no:  park(): wait while PARKED
//
// Steps 1 and a are sequentially consistent stores, 2 and b loads: either the
// sleeper sees the message in 2 or the ringer sees PARKED in b, so no wake-up
// is lost. The swap in b (not a store) lets one of several ringers notify.
// A ringer that comes between 2 and park() turns the word to AWAKE, and the
// wait returns at once.

const AWAKE = 0;
const PARKED = 1;

/** One sleeper's bell, a word of shared memory. */
export class Bell {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #index: number;

  constructor(words: Int32Array<SharedArrayBuffer>, index = 0) {
    this.#words = words;
    this.#index = index;
  }

  /** Ringer, after it has published: wakes the sleeper if it sleeps. */
  ring(): void {
    const words = this.#words;
    const index = this.#index;
    if (
      Atomics.load(words, index) === PARKED &&
      Atomics.compareExchange(words, index, PARKED, AWAKE) === PARKED
    ) {
      Atomics.notify(words, index);
    }
  }

  /** Sleeper: announces that it is about to sleep. It must look once more before it parks. */
  prepare(): void {
    Atomics.store(this.#words, this.#index, PARKED);
  }

  /** Sleeper: found something after all. */
  cancel(): void {
    Atomics.store(this.#words, this.#index, AWAKE);
  }

  /** Sleeper: blocks its thread until it is rung, `timeout` ms at most. */
  parkSync(timeout: number): void {
    Atomics.wait(this.#words, this.#index, PARKED, timeout);
  }

  /** Ringer: is the sleeper asleep, or about to be, and has nobody rung? */
  get isParked(): boolean {
    return Atomics.load(this.#words, this.#index) === PARKED;
  }

  /** Sleeper: sleeps without blocking the event loop. Undefined: it was rung already. */
  park(): Promise<unknown> | undefined {
    const { async, value } = Atomics.waitAsync(
      this.#words,
      this.#index,
      PARKED,
    );
    return async ? value : undefined;
  }
}

/**
 * The same protocol where the sleeper is in another process, which cannot be
 * notified: in `c` the ringer wakes it by another road. The word lies in memory
 * that both have mapped.
 */
export class Door {
  readonly #words: Int32Array;
  readonly #index: number;

  constructor(words: Int32Array, index = 0) {
    this.#words = words;
    this.#index = index;
  }

  /** Ringer, after it has published: true where it has to wake the sleeper. */
  take(): boolean {
    const words = this.#words;
    const index = this.#index;
    return Atomics.load(words, index) === PARKED &&
      Atomics.compareExchange(words, index, PARKED, AWAKE) === PARKED;
  }

  /** Sleeper: as {@linkcode Bell.prepare}. */
  prepare(): void {
    Atomics.store(this.#words, this.#index, PARKED);
  }

  /** Sleeper: found something after all, or was woken. */
  cancel(): void {
    Atomics.store(this.#words, this.#index, AWAKE);
  }
}

/** True where a thread can sleep without blocking its event loop. */
export const canPark = typeof Atomics.waitAsync === "function";

/** Tells the processor that this is a spin loop. */
export function pause(): void {
  (Atomics as unknown as { pause?: () => void }).pause?.();
}
