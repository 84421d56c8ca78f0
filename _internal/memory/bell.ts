// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A bell lets one agent wait until another has something for it (an eventcount
// with one sleeper). Who is awake is not called, who waits in a loop sees it by
// itself, and only who sleeps has to be woken by the system.
//
//   sleeper                               ringer
//   1 prepare(): word = WATCHING, PARKED  a publish the message
//   2 look again: anything there?         b word not AWAKE? swap to AWAKE
//   3 yes: cancel(): word = AWAKE         c swapped, and it was PARKED: notify
//     no: watch(): look at the word for a while, from 1 with PARKED if in vain
//         park(): sleep while it is PARKED
//
// Steps 1 and a are sequentially consistent stores, 2 and b loads: either the
// sleeper sees the message in 2 or the ringer sees in b that it waits, so no
// wake-up is lost. The swap in b (not a store) lets one of several ringers
// notify. A ringer that comes between 2 and park() turns the word to AWAKE, and
// the wait returns at once. One whose swap fails since the sleeper went from
// WATCHING to PARKED has published before that: step 2 that follows sees it.

const AWAKE = 0;
const PARKED = 1;
const WATCHING = 2;

/**
 * One sleeper's word, in memory that both sides see. Where the sleeper is in
 * another process it cannot be notified: in `c` the ringer wakes it by another
 * road.
 */
export class Door {
  protected readonly words: Int32Array;
  protected readonly index: number;

  constructor(words: Int32Array, index = 0) {
    this.words = words;
    this.index = index;
  }

  /** Ringer, after it has published: true where it has to wake the sleeper. */
  take(): boolean {
    const { words, index } = this;
    const state = Atomics.load(words, index);
    return state !== AWAKE &&
      Atomics.compareExchange(words, index, state, AWAKE) === state &&
      state === PARKED;
  }

  /** Sleeper: announces that it is about to sleep. It must look once more before it does. */
  prepare(): void {
    Atomics.store(this.words, this.index, PARKED);
  }

  /** Sleeper: announces that it is about to watch. It must look once more before it does. */
  prepareWatch(): void {
    Atomics.store(this.words, this.index, WATCHING);
  }

  /** Sleeper: found something after all, or was woken. */
  cancel(): void {
    Atomics.store(this.words, this.index, AWAKE);
  }

  /** Sleeper: true where somebody has taken it since. */
  get isTaken(): boolean {
    return Atomics.load(this.words, this.index) === AWAKE;
  }
}

/** The same between threads, where the ringer notifies the sleeper. */
export class Bell extends Door {
  declare protected readonly words: Int32Array<SharedArrayBuffer>;

  constructor(words: Int32Array<SharedArrayBuffer>, index = 0) {
    super(words, index);
  }

  /** Ringer, after it has published: wakes the sleeper if it sleeps. */
  ring(): void {
    if (this.take()) Atomics.notify(this.words, this.index);
  }

  /** Sleeper: looks whether it is rung, or another is, so many times; true where one was. */
  watch(looks: number, others: readonly Door[]): boolean {
    const { words, index } = this;
    for (let i = 0; i < looks; i++) {
      if (Atomics.load(words, index) === AWAKE) return true;
      for (let at = 0; at < others.length; at++) {
        if (others[at]!.isTaken) return true;
      }
      pause();
    }
    return false;
  }

  /** Sleeper: blocks its thread until it is rung, `timeout` ms at most. */
  parkSync(timeout: number): void {
    Atomics.wait(this.words, this.index, PARKED, timeout);
  }

  /** Ringer: is the sleeper asleep, or about to be, and has nobody rung? */
  get isParked(): boolean {
    return Atomics.load(this.words, this.index) === PARKED;
  }

  /** Sleeper: sleeps without blocking the event loop. Undefined: it was rung already. */
  park(): Promise<unknown> | undefined {
    const { async, value } = Atomics.waitAsync(this.words, this.index, PARKED);
    return async ? value : undefined;
  }
}

/** True where a thread can sleep without blocking its event loop. */
export const canPark = typeof Atomics.waitAsync === "function";

const { pause: pauseAtomics } = Atomics as unknown as { pause?: () => void };

/** Tells the processor that this is a spin loop. */
export function pause(): void {
  pauseAtomics?.();
}

const turnWord = new Int32Array(new SharedArrayBuffer(4));

/**
 * One turn of the event loop: 2 us, where `setTimeout(resolve, 0)` takes 2 ms,
 * and the first `setImmediate()` of a thread loads Node's timers, 5 ms.
 * Does not keep the program alive.
 */
export function nextTurn(): Promise<unknown> {
  const { value } = Atomics.waitAsync(turnWord, 0, 0);
  Atomics.notify(turnWord, 0);
  return value as Promise<unknown>;
}
