// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Looks for jobs that Redis has lost: after each reconnection, since Redis may
// have been killed before it had written to its disk what it had taken, and
// from time to time.
//
// A job that is over leaves the queue behind its answer (`_outbox.ts`). So one
// that is not there, when all answers that had been written by then have been
// read (`Broker.missingOf()`), has no answer and will have none.

import { afterUnheld } from "../_internal/base/deadline.ts";
import type { Broker } from "./_broker.ts";
import type { Ticket } from "./_ticket.ts";

/** Looks for the jobs of an executor. */
export class LostJobs {
  readonly #broker: Broker<Ticket>;
  readonly #tickets: ReadonlyMap<number, Ticket>;
  /** Redis does not know it; there was no connection for so many milliseconds. */
  readonly #onLost: (ticket: Ticket, gap: number) => void;
  readonly #interval: number;
  #isLooking = false;
  /** Stops the next look. */
  #forget: (() => void) | undefined;

  /** @param interval Milliseconds between two looks, and the age from which a job is looked for. */
  constructor(
    broker: Broker<Ticket>,
    tickets: ReadonlyMap<number, Ticket>,
    onLost: (ticket: Ticket, gap: number) => void,
    interval: number,
  ) {
    this.#broker = broker;
    this.#tickets = tickets;
    this.#onLost = onLost;
    this.#interval = interval;
  }

  /** There is something to look for. */
  watch(): void {
    const time = this.#interval;
    this.#forget ??= afterUnheld(time, () => void this.look(time, 0));
  }

  /** There is nothing to look for. */
  rest(): void {
    this.#forget?.();
    this.#forget = undefined;
  }

  /**
   * Looks now.
   *
   * @param age Milliseconds since which a job must have been in the queue.
   * @param gap Milliseconds for which there was no connection.
   */
  async look(age: number, gap: number): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.rest();
    try {
      const before = performance.now() - age;
      const asked = [...this.#tickets.values()].filter((
        { state, addedAt },
      ) => state === "away" && addedAt <= before);
      if (asked.length === 0) return;
      for (const ticket of await this.#broker.missingOf(asked)) {
        if (ticket.state === "away") this.#onLost(ticket, gap);
      }
    } catch {
      // There is no connection: the next one looks again.
    } finally {
      this.#isLooking = false;
      // One may have been planned meanwhile, for a job that was added.
      if (this.#tickets.size > 0) this.watch();
    }
  }
}
