// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What is known of one function: what was seen of it before its first run, and
// what was measured of its calls since. It decides nothing (`route.ts`).

import type { Measurement, Meter, Work } from "../pool/job.ts";
import type { Sight } from "../wire/functions/sight.ts";
import type { TaskKind } from "../wire/functions/task.ts";
import type { WorkerKind } from "../worker/host.ts";
import { Estimate, MovingMean } from "./estimate.ts";
import { isPrimitive, SizeBox, type Sizes } from "./sizes.ts";
import { Throughput } from "./throughput.ts";

/** Milliseconds without a pause that a call may take on the caller's event loop, which has to turn every ten. */
export const INLINE_LIMIT = 8;
/** A call of at most so many milliseconds says that arguments of its size are no risk. */
export const PROVEN_TIME = 3;
/** Calls on workers for which a function stays away from the event loop that it has held up; doubled each time. */
const BAN = 64;
const MAX_BAN = 1 << 16;
/** Calls that hold up the event loop, with less than so many short ones in between, until that is not the machine's doing. */
const STRIKES = 2;
const FORGIVEN = 200;
/** Milliseconds after which it is not in any case. */
const SURELY = 20;
/** Milliseconds of a call whose answers are timed. */
const LONG = 0.2;
/** Calls that are all measured. */
const FIRST_CALLS = 16;
/** Then one in so many, where they are shorter than a millisecond. */
const SAMPLE = 32;
/** The part of a core that a function is taken to need before anything is known. */
const FIRST_SHARE = { async: 0.25, blocking: 0.25, sync: 1 };
/** What every call needs at least. */
const MIN_SHARE = 0.02;

/** Below this part of its time on a processor a synchronous call is taken to block, until it is above the second: on a machine that is busy with others one that computes has little of it too. */
const BLOCKS = 0.05;
const COMPUTES_AGAIN = 0.15;
/** Threads that compute wait for each other: taken at their word they would be ever more. */
const CAUTION = 1.3;

/** What is known of a function. */
export class Profile implements Meter {
  readonly sight: Sight;
  /** What its calls take, wherever they run. */
  readonly known = new Estimate();
  /** Calls that have answered, by backend. */
  readonly callsAt: Record<WorkerKind, number> = {
    inline: 0,
    thread: 0,
    process: 0,
  };
  /** Milliseconds to encode the arguments of a call. */
  readonly encoding = new MovingMean();
  /** Milliseconds to copy those of a call that is not sent; 0 for such as need none. */
  readonly copying = new MovingMean();
  /** How fast its calls are answered where many are under way. */
  readonly throughput = new Throughput();
  /** Bytes of the arguments of a call that was encoded. */
  readonly bytes = new MovingMean();
  /** True where the arguments of the last call would have to be copied. */
  isCopied = false;
  /** Calls under way. */
  backlog = 0;
  /** Workers that have ended under a call. */
  losses = 0;
  /** Counts what should be thought about at once. */
  events = 0;
  /** Arguments with which a call was short. */
  readonly #proven = new SizeBox();
  /** Calls on workers until it may run on the event loop again. */
  #banned = 0;
  #ban = BAN / 2;
  #isTimed = false;
  #strikes = 0;
  #sinceStrike = 0;
  #sample = 0;
  #blocks = false;
  readonly #declared: TaskKind | undefined;

  /** @param declared What it was declared to be. */
  constructor(sight: Sight, declared?: TaskKind) {
    this.sight = sight;
    this.#declared = declared;
    this.known.givesPromises = sight.isAsync;
  }

  /** Calls that have answered. */
  get calls(): number {
    return this.known.calls;
  }

  /** True where calls give promises, as far as is known. */
  get isAsync(): boolean {
    return this.sight.isAsync || this.known.givesPromises;
  }

  /**
   * True where its calls keep their thread waiting. A call that computes has a
   * processor for a part of its time only, where there are more threads than
   * processors, and less the more of them there are: so it takes little to be
   * known as computing again.
   */
  get blocks(): boolean {
    if (this.sight.blocks !== undefined) return true;
    if (this.isAsync) return false;
    const { share, time } = this.known;
    if (share === undefined) return this.#blocks;
    const limit = this.#blocks ? COMPUTES_AGAIN : BLOCKS;
    return this.#blocks = share < limit && time.value! >= 1;
  }

  /** True where it has held up the event loop, not long ago. */
  get isBanned(): boolean {
    return this.#banned > 0;
  }

  /** True where some arguments are no primitives, and all of those are binary data that is only read. */
  borrows(args: readonly unknown[]): boolean {
    const { readsOnly } = this.sight;
    let borrows = false;
    this.isCopied = false;
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (isPrimitive(arg)) continue;
      if (!readsOnly[i] || !ArrayBuffer.isView(arg) || this.isAsync) {
        this.isCopied = true;
        return false;
      }
      borrows = true;
    }
    return borrows;
  }

  /** True where some arguments are no primitives. */
  needsCopies(args: readonly unknown[]): boolean {
    return !args.every(isPrimitive);
  }

  /** True where its source bounds how long it holds up an event loop, at least by what it waits for. */
  get isForeseeable(): boolean {
    return this.sight.isBounded || this.sight.isLinear;
  }

  /** True where it is of use to know how large the arguments of a call are. */
  get wantsSizes(): boolean {
    return !this.isForeseeable &&
      (this.known.time.value ?? 0) <= 2 * PROVEN_TIME;
  }

  /** True where calls with arguments of these sizes were short. */
  isProven(sizes: Sizes | undefined): boolean {
    return sizes !== undefined && this.#proven.has(sizes);
  }

  /** The same of a call with one number. */
  isProvenNumber(value: number, captured: Sizes): boolean {
    return this.#proven.hasNumber(value, captured);
  }

  // -- Meter --

  get share(): number {
    // It has a core, also while it waits and where others use the machine too.
    if (this.#declared === "cpu") return 1;
    const known = this.known.share;
    if (known !== undefined) {
      return Math.min(Math.max(known * CAUTION, MIN_SHARE), 1);
    }
    if (this.isAsync) return FIRST_SHARE.async;
    return this.blocks || this.#declared === "io"
      ? FIRST_SHARE.blocking
      : FIRST_SHARE.sync;
  }

  get isDue(): boolean {
    const { calls } = this;
    if (calls < FIRST_CALLS) return true;
    // Where nothing bounds what comes before its first promise, each is looked at.
    if (this.sight.isAsync && !this.sight.isBounded) return true;
    if (this.known.time.value! >= 1) return true;
    this.#sample = (this.#sample + 1) % SAMPLE;
    return this.#sample === 0;
  }

  ran(kind: WorkerKind, work: Work, time: number): void {
    const { calls } = work;
    const isFirst = this.calls < FIRST_CALLS;
    this.callsAt[kind] += calls;
    if (this.#isTimed) {
      const left = this.backlog - calls;
      this.throughput.ran(kind, calls, left, this.calls, performance.now());
    }
    this.known.ran(calls, time);
    if (isFirst) this.events++;
    const mean = time / calls;
    if (kind === "inline") {
      if (!this.isAsync) this.#look(mean);
    } else if (this.#banned > 0) this.#banned -= calls;
    if (work.sizes !== undefined && mean <= PROVEN_TIME) {
      this.#proven.add(work.sizes);
    }
  }

  measured(kind: WorkerKind, work: Work, measurement: Measurement): void {
    this.known.measured(work.calls, measurement);
    if (kind !== "inline") return;
    const { sync, cpu, time, over = time } = measurement;
    let longest = sync / work.calls;
    if (this.sight.isLinear && cpu !== undefined && over > 0) {
      // What follows an await cannot be timed alone. What the event loop did for
      // others counts too, so once is never enough.
      const busy = cpu * time / over / work.calls;
      longest = Math.max(longest, Math.min(busy, SURELY));
    }
    this.#look(longest);
  }

  lost(): void {
    this.losses++;
    this.events++;
  }

  /** A call is submitted. */
  begin({ calls }: Work): void {
    const isFirst = this.backlog === 0;
    this.backlog += calls;
    if (isFirst) {
      // Of short ones to ask for the time would take as long as what is learned.
      this.#isTimed = (this.known.time.value ?? 0) >= LONG;
      if (this.#isTimed) this.throughput.begin(performance.now());
    } else if (this.#isTimed) this.throughput.crowd();
  }

  ended({ calls }: Work): void {
    this.backlog -= calls;
  }

  /** A call has kept the event loop from turning for so long. */
  #look(time: number): void {
    if (time <= INLINE_LIMIT) {
      if (this.#strikes > 0 && ++this.#sinceStrike > FORGIVEN) {
        this.#strikes = 0;
      }
      return;
    }
    this.events++;
    // That one takes long which always takes the same is the machine's doing.
    if (this.sight.isBounded) return;
    // One may have been interrupted.
    this.#sinceStrike = 0;
    if (++this.#strikes < STRIKES && time <= SURELY) return;
    this.#strikes = 0;
    this.#proven.clear();
    this.#ban = Math.min(this.#ban * 2, MAX_BAN);
    this.#banned = this.#ban;
  }
}
