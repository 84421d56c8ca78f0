// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Measurement } from "../pool/job.ts";

/** The weight of a new value, once there are some. */
const WEIGHT = 0.2;
/** A value above so many times the mean counts as so many times: most likely its call was interrupted, and if not the next ones tell. */
const MAX_OUTLIER = 8;
/** A mean below this many milliseconds counts as this one there. */
const MIN_MEAN = 0.001;
/** Milliseconds of calls that tell whether a function computes or waits: the platform counts processor time in ticks of up to ten. */
const ENOUGH_TIME = 60;
/** And so many milliseconds later what was before counts half. */
const HALF_TIME = 240;

/** A mean that follows what changes. */
export class MovingMean {
  /** Undefined before the first value. */
  value: number | undefined;
  #count = 0;

  add(value: number): void {
    const mean = this.value;
    this.#count++;
    if (mean === undefined) {
      this.value = value;
      return;
    }
    // The first values count alike; the very first, for which everything had to
    // be compiled, only until there is another one.
    const weight = this.#count === 2 ? 0.8 : Math.max(WEIGHT, 1 / this.#count);
    const most = MAX_OUTLIER * Math.max(mean, MIN_MEAN);
    this.value = mean * (1 - weight) + Math.min(value, most) * weight;
  }
}

/** What was measured of a function's calls at one backend. */
export class Estimate {
  /** Calls that have answered. */
  calls = 0;
  /** Milliseconds of a call, waiting included. */
  readonly time = new MovingMean();
  /** Those before it gave a promise. */
  readonly sync = new MovingMean();
  /** Milliseconds in which a worker has decoded its arguments. */
  readonly decoding = new MovingMean();
  /** True where it gives promises. */
  givesPromises = false;
  /** Of measured calls, fading: how often, how long, and how long with a processor. */
  #measured = 0;
  #time = 0;
  #cpu = 0;

  ran(calls: number, time: number): void {
    this.calls += calls;
    this.time.add(time / calls);
  }

  measured(calls: number, measurement: Measurement): void {
    const { time, sync, cpu, over = time } = measurement;
    this.sync.add(sync / calls);
    if (measurement.decoding !== undefined) {
      this.decoding.add(measurement.decoding / calls);
    }
    this.givesPromises = sync < time;
    if (cpu === undefined) return;
    if (this.#time > HALF_TIME) {
      this.#measured /= 2;
      this.#time /= 2;
      this.#cpu /= 2;
    }
    this.#measured += time === 0 ? calls : calls * over / time;
    this.#time += over;
    this.#cpu += cpu;
  }

  /** The part of its time in which a call has a processor, from 0 to 1; undefined where too little is known. */
  get share(): number | undefined {
    if (this.#time < ENOUGH_TIME) return undefined;
    return Math.min(this.#cpu / this.#time, 1);
  }

  /** Milliseconds of processor time of a call; undefined where nothing is known. */
  get cpu(): number | undefined {
    const time = this.time.value;
    if (time === undefined) return undefined;
    const sync = this.sync.value ?? time;
    if (!this.givesPromises) return time * (this.share ?? 1);
    // What comes before the promise is known from the first call on.
    const known = this.#time < ENOUGH_TIME ? 0 : this.#cpu / this.#measured;
    return Math.max(Math.min(sync, time), known);
  }
}
