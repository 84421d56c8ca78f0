// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Times in buckets that grow with the time, as in Gil Tene's HdrHistogram: eight
// for each doubling, so that a percentile is off by at most 5 %, whatever the
// number of times and their range.

/** Buckets for each doubling. */
const STEPS = 8;
/** 2 ** 40 us are twelve days. */
const BUCKETS = 40 * STEPS;

/** What is known of a number of times, in milliseconds. */
export interface TimeStats {
  /** How many there were. */
  readonly count: number;
  /** The shortest; 0 where there were none. */
  readonly min: number;
  /** The mean. */
  readonly mean: number;
  /** Half of them were not longer, to within 5 %. */
  readonly p50: number;
  /** 99 of 100 were not longer, to within 5 %. */
  readonly p99: number;
  /** The longest. */
  readonly max: number;
}

/** A number of times. */
export class Histogram {
  #counts: Float64Array | undefined;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = 0;

  /**
   * Adds a time.
   *
   * @param time In milliseconds.
   * @param count How often.
   */
  add(time: number, count = 1): void {
    const counts = this.#counts ??= new Float64Array(BUCKETS);
    const bucket = Math.round(Math.log2(time * 1000 + 1) * STEPS);
    counts[Math.min(Math.max(bucket, 0), BUCKETS - 1)]! += count;
    this.#count += count;
    this.#sum += time * count;
    this.#min = Math.min(this.#min, time);
    this.#max = Math.max(this.#max, time);
  }

  /** Adds all times of another one. */
  merge(other: Histogram): void {
    if (other.#counts === undefined) return;
    const counts = this.#counts ??= new Float64Array(BUCKETS);
    for (let i = 0; i < BUCKETS; i++) counts[i]! += other.#counts[i]!;
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /** What is known of them. */
  stats(): TimeStats {
    const count = this.#count;
    return {
      count,
      min: count === 0 ? 0 : this.#min,
      mean: count === 0 ? 0 : this.#sum / count,
      p50: this.#percentile(0.5),
      p99: this.#percentile(0.99),
      max: this.#max,
    };
  }

  #percentile(share: number): number {
    let left = Math.ceil(this.#count * share);
    for (const [bucket, count] of (this.#counts ?? []).entries()) {
      left -= count;
      if (count > 0 && left <= 0) {
        const time = (2 ** (bucket / STEPS) - 1) / 1000;
        return Math.min(Math.max(time, this.#min), this.#max);
      }
    }
    return 0;
  }
}
