// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A point where a number of threads wait for each other.
 *
 * @module
 */

import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import { BrokenBarrierError } from "../_internal/base/errors.ts";
import {
  checkDuration,
  checkFunction,
  describe,
  integerOption,
} from "../_internal/base/validation.ts";
import {
  BarrierCore,
  type BarrierLike,
  MAX_PARTIES,
  passageOf,
  POLL,
} from "../_internal/memory/barrier_core.ts";
import {
  noteCore,
  registerSharedClass,
  takeAdopted,
  takeCore,
} from "../_internal/wire/shared_objects.ts";

const CREATE = "create a barrier";
const WAIT = "wait at a barrier";

/** How a {@linkcode Barrier} is set up. */
export interface BarrierOptions {
  /**
   * Called once in each round by the party that arrives last, before the others
   * are released. It runs on that party's thread: it travels with the barrier, with
   * what it captured. It may be asynchronous where every party uses `wait()`.
   *
   * @default {undefined} nothing is called
   */
  action?: (() => unknown) | undefined;
  /**
   * How long a party waits, in milliseconds, where its `wait()` does not say so.
   *
   * @default {undefined} for ever
   */
  timeout?: number | undefined;
}

/** What a barrier is made of. */
interface BarrierState {
  readonly core: BarrierLike;
  /** Arrives after the rest, since it may refer to the barrier. */
  action: (() => unknown) | undefined;
  readonly timeout: number | undefined;
}

let stateOf: (barrier: Barrier) => BarrierState;

/**
 * A point where a fixed number of parties wait until all are there, as often as
 * they like: Python's `threading.Barrier`.
 *
 * - **Shared:** sent to a thread, captured by a function or put in a queue, it is the same barrier there.
 * - **All or none:** a party that gives up (timeout, abort) breaks the barrier, and everybody else's `wait()` rejects with a {@linkcode BrokenBarrierError} until `reset()`.
 * - **Death:** so does a party whose thread ends while it waits or runs the action, and one of the last round that crashed or was terminated.
 * - **Visibility:** what a party wrote to shared memory before `wait()` is seen by all parties after it.
 *
 * @example Usage
 * ```ts
 * import { Barrier } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const barrier = new Barrier(3);
 * const indexes = await Promise.all([barrier.wait(), barrier.wait(), barrier.wait()]);
 *
 * assertEquals(indexes, [0, 1, 2]);
 * ```
 */
export class Barrier {
  readonly #state: BarrierState;

  static {
    stateOf = (barrier) => barrier.#state;
  }

  /**
   * Creates a barrier.
   *
   * @param parties How many wait for each other: at least 1.
   * @param options What is called in each round, and how long parties wait.
   * @throws {TypeError} If `parties` is not a number, or `action` not a function.
   * @throws {RangeError} If `parties` is less than 1 or no integer, or the timeout is negative or NaN.
   */
  constructor(parties: number, options: BarrierOptions = {}) {
    const elsewhere = takeCore<BarrierState>();
    if (elsewhere !== undefined) {
      this.#state = elsewhere;
      noteCore(this, elsewhere);
      return;
    }
    const adopted = takeAdopted();
    if (adopted !== undefined) {
      const [buffer, timeout] = adopted.parts;
      this.#state = {
        core: new BarrierCore({
          serial: adopted.serial,
          words: new Int32Array(buffer as SharedArrayBuffer),
        }),
        action: undefined,
        timeout: timeout as number | undefined,
      };
      if (new.target !== Barrier) noteCore(this, this.#state);
      return;
    }
    if (typeof parties !== "number") {
      throw new TypeError(
        `Cannot ${CREATE} as 'parties' must be a number: current value is ${
          describe(parties)
        }`,
      );
    }
    integerOption(CREATE, "parties", parties, 1, 1);
    if (parties > MAX_PARTIES) {
      throw new RangeError(
        `Cannot ${CREATE} as 'parties' must be at most ${MAX_PARTIES}: current value is ${parties}`,
      );
    }
    const { action, timeout } = options;
    checkDuration(CREATE, "timeout", timeout);
    if (action !== undefined) checkFunction(CREATE, "action", action);
    this.#state = {
      core: BarrierCore.create(parties, action !== undefined),
      action,
      timeout,
    };
    if (new.target !== Barrier) noteCore(this, this.#state);
  }

  /**
   * Waits until all parties are there. The one that arrives last runs the action.
   *
   * @param options How long to wait; by default the barrier's own timeout.
   * @returns A number from 0 to `parties - 1`, another one for each party of the round.
   * @throws {BrokenBarrierError} If the barrier is broken, or breaks, or is reset meanwhile; also where the timeout has passed, which breaks it.
   * @throws {RangeError} If the timeout is negative or NaN.
   * @throws What the action throws, in the party that has run it; the barrier is broken.
   */
  async wait(options: WaitOptions = {}): Promise<number> {
    const { core } = this.#state;
    const [op, checked] = this.#prepare(options);
    const passage = passageOf(await core.waitAsync(op, checked));
    if (passage.kind === "passed") return passage.index;
    if (passage.kind !== "action") throw brokenError(passage.kind, checked);
    const { generation } = passage;
    try {
      await this.#state.action!();
    } catch (error) {
      core.fail(generation);
      throw error;
    }
    return this.#finish(generation);
  }

  /**
   * As {@linkcode Barrier.wait}, and blocks the thread.
   *
   * @param options How long to wait; by default the barrier's own timeout.
   * @returns A number from 0 to `parties - 1`, another one for each party of the round.
   * @throws {BrokenBarrierError} If the barrier is broken, or breaks, or is reset meanwhile; also where the timeout has passed, which breaks it.
   * @throws {DeadlockError} If no thread is left that could arrive; the barrier is broken.
   * @throws {TypeError} If the action returns a promise; the barrier is broken.
   * @throws {RangeError} If the timeout is negative or NaN.
   * @throws What the action throws, in the party that has run it; the barrier is broken.
   */
  waitSync(options: WaitOptions = {}): number {
    const { core, action } = this.#state;
    const [op, checked] = this.#prepare(options);
    const passage = passageOf(core.waitSync(op, checked));
    if (passage.kind === "passed") return passage.index;
    if (passage.kind !== "action") throw brokenError(passage.kind, checked);
    const { generation } = passage;
    try {
      checkSynchronous(action!, action!());
    } catch (error) {
      core.fail(generation);
      throw error;
    }
    return this.#finish(generation);
  }

  /** Makes it as new. Those who wait get a {@linkcode BrokenBarrierError}. */
  reset(): void {
    this.#state.core.reset();
  }

  /** Breaks it: those who wait, and those who come, get a {@linkcode BrokenBarrierError}. */
  abort(): void {
    this.#state.core.abort();
  }

  /**
   * How many parties wait for each other.
   *
   * @returns The number that was given.
   */
  get parties(): number {
    return this.#state.core.parties;
  }

  /**
   * How many parties are waiting now.
   *
   * @returns The number; 0 for a broken barrier.
   */
  get nWaiting(): number {
    return this.#state.core.waiting;
  }

  /**
   * Tells whether it is broken.
   *
   * @returns True where nobody can wait at it before `reset()`.
   */
  get broken(): boolean {
    return this.#state.core.isBroken;
  }

  #prepare(options: WaitOptions): [op: number, options: WaitOptions] {
    checkWait(WAIT, options);
    const { timeout = this.#state.timeout, signal } = options;
    return [timeout === 0 ? POLL : 0, { timeout, signal }];
  }

  #finish(generation: number): number {
    const { core } = this.#state;
    if (!core.finish(generation)) throw brokenError("broken", {});
    return core.parties - 1;
  }
}

function checkSynchronous(action: () => unknown, result: unknown): void {
  if (!(result instanceof Promise)) return;
  result.catch(() => {});
  throw new TypeError(
    `Cannot ${WAIT} in a blocking call as 'action' must not be asynchronous: current value is ${
      describe(action)
    }`,
  );
}

function brokenError(
  kind: "broken" | "late",
  { timeout }: WaitOptions,
): BrokenBarrierError {
  return new BrokenBarrierError(
    kind === "late"
      ? `Cannot ${WAIT}: ${timeout} ms have passed, and it is broken now`
      : `Cannot ${WAIT}: it is broken, or was reset`,
  );
}

registerSharedClass(
  "threading.Barrier",
  Barrier,
  import.meta.url,
  (barrier) => {
    const { core, timeout } = stateOf(barrier);
    const { serial, words } = core as BarrierCore;
    return { serial, parts: [words.buffer, timeout] };
  },
  {
    get: (barrier) => stateOf(barrier).action,
    set(barrier, action) {
      stateOf(barrier).action ??= action as BarrierState["action"];
    },
  },
);
