// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Measurement } from "../wire/messages.ts";
import { CpuShare } from "./cpu_share.ts";

/** A thread has one processor at a time for all of its calls. */
const share = new CpuShare();

/**
 * Measures one call of a guest, from its making to `end()`. Loaded with the
 * first call that is to be measured: most workers never run one.
 *
 * What a generator waits for its consumer is no time of its. It stays among
 * those that share the processor meanwhile, so its share is of what others
 * have then too, in the place that it lends; it is never more than its time.
 */
export class CallGauge {
  readonly #mark = share.enter(performance.now());
  readonly #since = this.#mark.since;
  #sync: number | undefined;
  /** Milliseconds that it has been paused. */
  #paused = 0;
  #pausedAt = 0;
  /** Milliseconds in which its arguments were decoded. */
  readonly #decoding: number;

  constructor(decoding: number) {
    this.#decoding = decoding;
  }

  /** The function has returned a promise. */
  promised(): void {
    this.#sync = performance.now() - this.#since;
  }

  /** A generator waits for its consumer, or goes on. */
  pause(isPaused: boolean): void {
    const now = performance.now();
    if (isPaused) this.#pausedAt = now;
    else this.#paused += now - this.#pausedAt;
  }

  /** What the call has cost, now that it has ended. */
  end(): Measurement {
    const now = performance.now();
    const time = now - this.#since - this.#paused;
    const sync = this.#sync ?? time;
    const decoding = this.#decoding;
    const told = share.leave(this.#mark, now);
    if (told === undefined) return { time, sync, cpu: undefined, decoding };
    const { cpu, over } = told;
    // Not of others: what is cut off where a system counts in ticks would be
    // missing in the mean of many calls.
    return this.#paused > 0
      ? { time, sync, cpu: Math.min(cpu, time), decoding }
      : { time, sync, cpu, over, decoding };
  }
}
