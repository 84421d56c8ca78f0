// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What calls take in truth where several are under way: memory that is short,
// garbage that is collected, cores that others use are in no model. Timed are
// stretches: from the first call that was submitted to the answer after which
// none was under way, or cut where that does not come. One counts where several
// calls were under way and all ran at one backend.

import type { WorkerKind } from "../worker/host.ts";

/** Calls, and milliseconds, of stretches that together tell something. */
const MIN_CALLS = 12;
const MIN_TIME = 10;
/** Milliseconds after which a stretch is cut. */
const LONG_STRETCH = 50;
/** Calls of the function after which nothing is known any more of a backend that was not used. */
const FORGOTTEN = 2000;

/** How fast a backend has answered the calls of a function. */
export class Throughput {
  /** The stretch: when it began, what has answered, and where; undefined for several places. */
  #since: number | undefined;
  #calls = 0;
  #kind: WorkerKind | undefined;
  #isMixed = false;
  #isCrowd = false;
  /** Stretches that tell too little alone. */
  readonly #sums = new Map<WorkerKind, { time: number; calls: number }>();
  readonly #known = new Map<
    WorkerKind,
    { readonly time: number; readonly at: number }
  >();

  /** A call was submitted where none was under way. */
  begin(now: number): void {
    this.#since = now;
    this.#calls = 0;
    this.#kind = undefined;
    this.#isMixed = false;
    this.#isCrowd = false;
  }

  /** Another one was, beside it. */
  crowd(): void {
    this.#isCrowd = true;
  }

  /**
   * Calls have answered.
   *
   * @param left How many are under way.
   * @param total The function's calls so far.
   */
  ran(
    kind: WorkerKind,
    calls: number,
    left: number,
    total: number,
    now: number,
  ): void {
    if (this.#since === undefined) return;
    this.#calls += calls;
    this.#isMixed ||= this.#kind !== undefined && this.#kind !== kind;
    this.#kind = kind;
    const time = now - this.#since;
    if (left > 0 && time < LONG_STRETCH) return;
    if (this.#isCrowd && !this.#isMixed) this.#add(kind, time, total);
    this.#since = undefined;
    if (left === 0) return;
    this.begin(now);
    this.#isCrowd = true;
  }

  /**
   * Milliseconds from one answer to the next; undefined where nothing is known.
   *
   * @param total The function's calls so far.
   */
  at(kind: WorkerKind, total: number): number | undefined {
    const known = this.#known.get(kind);
    return known === undefined || total - known.at > FORGOTTEN
      ? undefined
      : known.time;
  }

  #add(kind: WorkerKind, time: number, total: number): void {
    let sum = this.#sums.get(kind);
    if (sum === undefined) this.#sums.set(kind, sum = { time: 0, calls: 0 });
    sum.time += time;
    sum.calls += this.#calls;
    if (sum.calls < MIN_CALLS || sum.time < MIN_TIME) return;
    this.#known.set(kind, { time: sum.time / sum.calls, at: total });
    this.#sums.delete(kind);
  }
}
