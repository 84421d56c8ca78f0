// Copyright 2026 the @concurrent/parallel authors. MIT license.

// One budget of cores for several schedulers: together they never send out more
// than the cores can run at a time.
//
//   share    of a core that a call keeps busy while it runs: `Meter.share`, 1
//            where nobody has measured it. Taken when it is sent, and the same
//            until it is back: what is given is what was taken.
//   weight   of a worker: the shares of the calls that it holds, added up, and 1
//            at most, since it is one thread. Calls whose places are lent wait,
//            and count nothing.
//   in use   the weights of all workers of all schedulers.
//
// A job goes to a worker where what that adds to its weight still fits, or where
// nothing is in use: so something always runs, whatever its share. The record of
// a worker is the only one that reports a change of its weight, with each call
// that comes, goes, waits or goes on. Whatever ends a worker takes its calls
// from its record: so each share is given back once.
//
// A party is the distributor of one scheduler. It
//
//   1. asks before it sends (`fits`),
//   2. where that does not fit gets in line, and starts no worker for such a job
//      (`refuse`),
//   3. says that it has sent, which ends its turn: what else it wants is asked
//      for at the end of the line (`served`),
//   4. leaves the line at the end of a pump that was refused nothing (`leave`).
//
// Who stands in line has first claim on what becomes free: whoever else asks is
// refused. So a job that needs a whole core is not passed for ever by those that
// need little. When something was given back the first of the line is pumped,
// and then whoever is the first, until one still wants and cannot have it
// (`serve`).
//
// Races, all on one event loop:
//
//   - Weight is given back inside of a pump. Whoever waits is pumped when that
//     pump has ended, not inside of it: at its end, since the caller may block
//     this thread next, or in a microtask where no pump follows.
//   - The first of the line is pumped already, and user code that it has called
//     ends up here: it is left to itself, and says at its own end what it wants.
//   - The first of the line has its job cancelled. Nothing is given back then,
//     so that the others would wait in vain: it is asked again (`withdraw`).
//   - A worker that holds a core is sent calls ahead, or beside, which takes
//     nothing more. While others wait it is sent none after `TURN`: its core
//     becomes free, and goes to the first of the line.
//
// There is no deadlock: a call that waits for tasks which it has submitted has
// given its share back. It does not wait for a core when it goes on, and so more
// than the cores may be in use for a moment: nothing is sent until that is over.
//
// A call that never ends keeps its share, as it keeps its place in a pool.
//
// A thread that was given up and still runs (`stuck`) has no record, but a core.
// It is taken off the cores while it runs, down to one: with all cores lost to
// such threads the rest goes on with one call at a time, beside them.

/** A core: shares are counted in whole parts of it, so that sums are exact. */
export const CORE = 1024;
/** Milliseconds for which a worker may hold its core in one go while others wait for one. */
export const TURN = 10;

/** One of those who share a budget. */
export interface BudgetParty {
  /** Sends what it can. */
  pump(): void;
}

/** A thread that was given up. */
export interface LostThread {
  /** True while it runs on. */
  readonly stuck: boolean;
}

/** The share of a core as it is counted. */
export function partsOf(share: number): number {
  return Math.round(Math.min(Math.max(share, 0), 1) * CORE);
}

/** Cores that several schedulers share. */
export class CoreBudget {
  readonly #cores: number;
  #inUse = 0;
  /** Who was refused, in the order of their turn. */
  readonly #line = new Set<BudgetParty>();
  #state: "resting" | "serving" = "resting";
  /** Something was given back, or the line has changed: it is to be looked at. */
  #isDue = false;
  /** Threads that were given up, and have not ended when last looked at. */
  readonly #stuck = new Set<LostThread>();

  /** @param cores How many workers may compute at a time, at least 1. */
  constructor(cores: number) {
    this.#cores = cores;
  }

  /** Cores in use now. */
  get inUse(): number {
    return this.#inUse / CORE;
  }

  /** Those who wait for a core. */
  get waiting(): number {
    return this.#line.size;
  }

  /** True where so much more may be in use, and it is the party's turn to have it. */
  fits(party: BudgetParty, parts: number): boolean {
    return parts <= 0 || (!this.isAhead(party) && this.#hasRoom(parts));
  }

  /** True where somebody waits whose turn is before the one of this party. */
  isAhead(party: BudgetParty): boolean {
    return this.#line.size > 0 && this.#first !== party;
  }

  /** True where others wait for a core. */
  isWanted(party: BudgetParty): boolean {
    return this.#line.size > (this.#line.has(party) ? 1 : 0);
  }

  /** The party could not send what it wants to. */
  refuse(party: BudgetParty): void {
    this.#line.add(party);
    this.#forgetEnded();
    // Not for lack of room: the one before it may have lost its interest.
    if (this.isAhead(party)) this.#noteChange();
  }

  /** The party has sent something that was not free: others are next. */
  served(party: BudgetParty): void {
    this.leave(party);
  }

  /** The party wants nothing that it cannot have. */
  leave(party: BudgetParty): void {
    if (this.#line.delete(party)) this.#noteChange();
  }

  /** The party may not want any more what it waits for. */
  withdraw(party: BudgetParty): void {
    if (this.#line.has(party)) this.#noteChange();
  }

  /** More is in use, or less. */
  change(parts: number): void {
    this.#inUse += parts;
    if (parts < 0) this.#noteDue();
  }

  /** A thread was given up and runs on: its core is lost until it ends. */
  lose(worker: LostThread): void {
    this.#stuck.add(worker);
  }

  /** Pumps those who wait, one after the other, while there is room. */
  serve(): void {
    if (!this.#isDue || this.#state === "serving") return;
    this.#isDue = false;
    this.#state = "serving";
    try {
      let first = this.#first;
      while (first !== undefined && this.#hasRoom(1)) {
        first.pump();
        if (this.#first === first) break;
        first = this.#first;
      }
    } finally {
      this.#state = "resting";
      if (this.#isDue) this.#serveLater();
    }
  }

  get #first(): BudgetParty | undefined {
    for (const party of this.#line) return party;
    return undefined;
  }

  #hasRoom(parts: number): boolean {
    const cores = Math.max(this.#cores - this.#stuck.size, 1);
    return this.#inUse === 0 || this.#inUse + parts <= cores * CORE;
  }

  #forgetEnded(): void {
    for (const worker of this.#stuck) {
      if (!worker.stuck) this.#stuck.delete(worker);
    }
  }

  /** The line has changed; while it is served it is looked at anyway. */
  #noteChange(): void {
    if (this.#state === "resting") this.#noteDue();
  }

  #noteDue(): void {
    if (this.#isDue || this.#line.size === 0) return;
    this.#isDue = true;
    if (this.#state === "resting") this.#serveLater();
  }

  #serveLater(): void {
    queueMicrotask(() => this.serve());
  }
}
