// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How many jobs a node takes from the queue: as many as its workers can run,
// and so much ahead that no worker waits for the way to Redis and back, but no
// more: what one node holds, another one that has nothing to do cannot run.
//
// Each job takes a share of a worker: a whole one where its function is not
// known yet, or runs for `AHEAD_TIME` or longer; less where it is shorter, but
// at least 1/17, so that there are never more than 16 ahead for each worker.
// The next job is taken to be like the last one. What waits (`io`, where such
// tasks have threads of their own) takes no share, but one of so many places;
// where either has no room nothing is fetched, since nobody knows what comes.
//
// BullMQ fetches while it has fewer jobs than its `concurrency`, in two ways:
//
//   its loop:            fetch until it has that many, one after the other; only
//                        then hand over the first of them; wait; again
//   a job that is done:  finish it and fetch another one, in one command
//
// The second one costs nothing, so the number has to be right at the end of
// every job (`enough`), also where many end at once and none is left. The first
// one makes a job wait until those behind it have been fetched, so where the
// queue was empty the number starts with one job and doubles (`growing`).
//
// Whatever a job was taken for, one that runs for longer takes a whole worker
// (`outlast`). Where that makes too much of what is there (`isOverfull`) jobs
// that have not begun go back to the queue, for nodes that have room.
//
// A generator takes nothing: it waits for its reader, who may wait for other
// tasks, which have to be fetched for that.

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
  /** What the last one took: a place, or so many parts. */
  #last: "place" | number = WHOLE;

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
    if (demand !== "nothing") this.#last = isWaiting ? demand : parts;
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

  /** It runs for longer than it was taken for; returns what it takes from now on. */
  outlast(share: Share): Share {
    if (share.parts === 0) return share;
    this.#taken += WHOLE - share.parts;
    this.#last = WHOLE;
    return { ...share, parts: WHOLE };
  }

  /** It is about to leave; returns what it takes until then. */
  drop(share: Share): Share {
    this.#taken -= share.parts;
    return { ...share, parts: 0 };
  }

  /** Whether some of them should be run by others. */
  get isOverfull(): boolean {
    return this.#taken > this.#parts;
  }

  /** Jobs that it may have, with those that it has. */
  get enough(): number {
    const shares = this.#parts - this.#taken;
    const places = this.#places - this.#waiting;
    const hasRoom = shares > 0 && (this.#places === 0 || places > 0);
    const more = !hasRoom
      ? 0
      : this.#last === "place"
      ? places
      : Math.floor(shares / this.#last);
    // One at least: what has no job has room.
    return this.#count + more;
  }

  /** The same where the queue was empty a moment ago. */
  get growing(): number {
    return Math.min(this.enough, 2 * this.#count + 1);
  }
}
