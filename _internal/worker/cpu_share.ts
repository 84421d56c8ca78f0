// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How much processor time each of several calls had that overlap on one thread.
// Nobody can tell whose promise a thread works for, so those that are under way
// share what it does equally, as jobs share a processor that they run on in
// turn: virtual time V grows by (processor time) / (calls under way), and a call
// has had as much as V grew from its start to its end. Two additions for each
// call, however many overlap.
//
//   enter   processor time since the last look goes to those under way before
//   leave   likewise, to those under way until now
//
// The share is an upper bound: what the thread does for somebody else counts too.
//
// A look costs 5 us on some systems, so the thread is looked at once in a
// millisecond. Of the calls one in a millisecond is exact: its start and its end
// look in any case. For another the last look counts, which is old by
// less than that: where the call lasts for long the difference does not matter.
// And some systems count in ticks of 10 ms. Whether a call can be told about
// depends on how old the looks are and how long it took, never on what was read:
// of the short ones those would be told about that met a tick. Of the others
// some get a tick too many and some one too few; the mean is right. Short ones
// are told of together: what each of them had by looks that are old adds up to
// what all of them had.
//
// The platform takes 10 ms to get ready for the first look. A thread whose calls
// are all short never pays for it: the first call that is long enough to be told
// about is not, and the next start has it made ready, before its clock runs.

import { nodeProcess } from "../wire/functions/sync_modules.ts";

/** Milliseconds between two looks, and between the starts of two calls that are exact. */
const LOOK = 1;
/** What a call has to last, as a multiple of the age of its looks. */
const LONG = 16;
/** The longest tick of any system, in ms: until a shorter step has been seen. */
const TICK = 10;

/** Milliseconds of short calls that are told of together: some ticks. */
const SHORT_CALLS = 40;

/** A call under way. */
export interface CpuMark {
  /** V at its start. */
  readonly virtual: number;
  /** When it started, by `performance.now()`: after what had to be made ready. */
  readonly since: number;
  /** How old the last look was then, in ms. */
  readonly age: number;
  /** True: its start has looked, and its end will. */
  readonly isExact: boolean;
}

/** Processor time that this thread has had so far, in ms; undefined where the system does not tell. */
export function threadCpu(): number | undefined {
  try {
    const { user, system } = nodeProcess().threadCpuUsage();
    return (user + system) / 1000;
  } catch {
    // Deno has it for some systems only.
    return undefined;
  }
}

/** What is told of a call: the processor time of so many milliseconds of calls, itself and perhaps short ones before it. */
export interface CpuTold {
  readonly cpu: number;
  readonly over: number;
}

/** Shares the processor time of one thread among its calls. */
export class CpuShare {
  readonly #read: () => number | undefined;
  #running = 0;
  #virtual = 0;
  #cpu: number | undefined = 0;
  #lookedAt = -Infinity;
  /** When the last exact call has started. */
  #exactAt = -Infinity;
  #tick = TICK;
  /** Short calls of which nothing was told alone: how long they took, and how long with a processor. */
  #shortTime = 0;
  #shortCpu = 0;
  /** Whether it looks: not before a call was long enough, and another one comes. */
  #state: "asleep" | "wanted" | "ready";

  /** @param read Tells the processor time of the thread, in ms, and is ready to. */
  constructor(read?: () => number | undefined) {
    this.#read = read ?? threadCpu;
    this.#state = read === undefined ? "asleep" : "ready";
  }

  /** A call starts; `now` is by `performance.now()`. */
  enter(now: number): CpuMark {
    if (this.#state === "wanted") {
      this.#state = "ready";
      this.#cpu = this.#read();
      now = performance.now();
    }
    const isExact = this.#state === "ready" && now - this.#exactAt >= LOOK;
    if (isExact) {
      this.#exactAt = now;
      this.#look(now);
    }
    this.#running++;
    const age = now - this.#lookedAt;
    return { virtual: this.#virtual, since: now, age, isExact };
  }

  /** It has ended: its processor time; undefined where that cannot be told, or not yet. */
  leave(mark: CpuMark, now: number): CpuTold | undefined {
    const time = now - mark.since;
    const shortest = this.#tick;
    if (this.#state !== "ready") {
      this.#running--;
      this.#shortTime += time;
      if (time >= shortest || this.#shortTime >= SHORT_CALLS) {
        this.#state = "wanted";
        this.#shortTime = 0;
      }
      return undefined;
    }
    if (mark.isExact || now - this.#lookedAt >= LOOK) this.#look(now);
    this.#running--;
    if (this.#cpu === undefined) return undefined;
    const age = mark.age + now - this.#lookedAt;
    const cpu = this.#virtual - mark.virtual;
    if (time >= Math.max(shortest, age * LONG)) return { cpu, over: time };
    this.#shortTime += time;
    this.#shortCpu += cpu;
    if (this.#shortTime < SHORT_CALLS) return undefined;
    const told = { cpu: this.#shortCpu, over: this.#shortTime };
    this.#shortTime = 0;
    this.#shortCpu = 0;
    return told;
  }

  #look(now: number): void {
    if (now === this.#lookedAt) return;
    this.#lookedAt = now;
    if (this.#cpu === undefined) return;
    const cpu = this.#read();
    if (cpu !== undefined) {
      const step = cpu - this.#cpu;
      // Before the first look nobody was under way.
      if (this.#running > 0) this.#virtual += step / this.#running;
      if (step > 0) this.#tick = Math.min(this.#tick, step);
    }
    this.#cpu = cpu;
  }
}
