// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How many jobs a node takes from the queue: as many as its workers can run,
// and so much ahead that no worker waits for the way to Redis and back, but no
// more: what one node holds, another one that has nothing to do cannot run.
//
// Each job takes a share of a worker: a whole one where its function is not
// known yet, or runs for `AHEAD_TIME` or longer; less where it is shorter, but
// at least 1/17, so that there are never more than 16 ahead for each worker.
// While there is a share left BullMQ fetches one job more than there are:
//
//   BullMQ's loop: fetch -> process(job) -> has it fewer jobs than `concurrency`? -> fetch
//                           enter() raises it first
//
// The loop asks after each job that it hands over and after each that has
// ended, so `concurrency` has to be right when `process()` returns its promise,
// and when that promise settles; in between nobody looks.
//
// A generator takes nothing: it waits for its reader, who may wait for other
// tasks, which have to be fetched for that.
//
// What waits (`io`, where such tasks have threads of their own) takes no share,
// but one of `waiting` places. Nobody knows what comes next: where either kind
// has no room nothing is fetched.

/** Milliseconds of work that a worker may have ahead. */
const AHEAD_TIME = 10;
/** Shares are counted in parts of a worker. */
const WHOLE = 17 * 1000;
/** The least that a job takes. */
const LEAST = WHOLE / 17;

/** What a job takes; given back as it is. */
export interface Share {
  readonly parts: number;
  readonly isWaiting: boolean;
}

/** Counts what jobs take. */
export class Slots {
  readonly #parts: number;
  readonly #places: number;
  #taken = 0;
  #waiting = 0;
  #count = 0;

  /**
   * @param workers Calls that run at a time.
   * @param places Calls besides that wait at a time.
   */
  constructor(workers: number, places: number) {
    this.#parts = workers * WHOLE;
    this.#places = places;
  }

  /**
   * A job has come.
   *
   * @param time What it will take, in milliseconds, where that is known.
   * @param demand What it is to have: a share of a worker, a waiting place, or nothing.
   */
  enter(
    time: number | undefined,
    demand: "share" | "place" | "nothing",
  ): Share {
    const isWaiting = demand === "place";
    const parts = demand !== "share"
      ? 0
      : time === undefined
      ? WHOLE
      : Math.min(Math.max(Math.ceil(time / AHEAD_TIME * WHOLE), LEAST), WHOLE);
    this.#count++;
    this.#taken += parts;
    if (isWaiting) this.#waiting++;
    return { parts, isWaiting };
  }

  /** It has ended. */
  leave({ parts, isWaiting }: Share): void {
    this.#count--;
    this.#taken -= parts;
    if (isWaiting) this.#waiting--;
  }

  /** What BullMQ is to be told. */
  get concurrency(): number {
    const hasRoom = this.#taken < this.#parts &&
      (this.#places === 0 || this.#waiting < this.#places);
    return Math.max(this.#count + (hasRoom ? 1 : 0), 1);
  }
}
