// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What an executor says of its jobs to the nodes: to all of them, since it does
// not know which one has a job; again when a job is heard to begin, which may
// have been between two nodes when it was said first; and again after a
// reconnection, since Redis may have been killed before it had it on its disk.

import { onAbort } from "../_internal/base/abort_listeners.ts";
import { afterUnheld } from "../_internal/base/deadline.ts";
import type { Broker } from "./_broker.ts";
import type { ClientMessages } from "./_client_messages.ts";
import { CREDIT_INTERVAL } from "./_protocol.ts";
import type { Ticket } from "./_ticket.ts";

/** Tells the nodes of jobs. */
export class JobControls {
  readonly #broker: Broker<Ticket>;
  readonly #messages: ClientMessages;
  readonly #tickets: ReadonlyMap<number, Ticket>;
  #forgetCredits: (() => void) | undefined;

  constructor(
    broker: Broker<Ticket>,
    messages: ClientMessages,
    tickets: ReadonlyMap<number, Ticket>,
  ) {
    this.#broker = broker;
    this.#messages = messages;
    this.#tickets = tickets;
  }

  /** Tells of its signals when they fire. Those that have fired go with the job. */
  listen(ticket: Ticket, signals: readonly AbortSignal[]): void {
    if (signals.length === 0) return;
    const { number, fired } = ticket;
    const stops = signals.map((signal, index) => {
      if (signal.aborted) return () => {};
      return onAbort(signal, () => {
        fired.set(index, signal.reason);
        void this.#tell(this.#messages.signal(number, index, signal.reason));
      });
    });
    ticket.unlisten = () => {
      for (const stop of stops) stop();
    };
  }

  /** It is to be stopped. Resolves when Redis has heard. */
  cancel({ number, stop }: Ticket): Promise<void> {
    return this.#tell(this.#messages.cancel(number, stop?.reason));
  }

  /** It runs, and has settled already. */
  disown(number: number): void {
    void this.#tell(this.#messages.cancel(number, "it has settled already"));
  }

  /** Nobody wants more of its values. */
  finish(ticket: Ticket): void {
    ticket.isFinishing = true;
    void this.#tell(this.#messages.finish(ticket.number));
  }

  /** It may make more values. */
  credit({ number }: Ticket, items: number): void {
    void this.#tell(this.#messages.credit(number, items));
  }

  /** A node has begun with it. */
  remind(ticket: Ticket): void {
    const { number, stop, isFinishing, fired } = ticket;
    if (stop !== undefined) void this.cancel(ticket);
    else if (isFinishing) this.finish(ticket);
    for (const [index, reason] of fired) {
      void this.#tell(this.#messages.signal(number, index, reason));
    }
    if (ticket.isStream) this.#forgetCredits ??= this.#keepStreams();
  }

  /** There is a connection again: Redis may have lost what was said last. */
  repeat(): void {
    for (const ticket of this.#tickets.values()) {
      if (ticket.hasBegun) this.remind(ticket);
    }
  }

  /** Says nothing more by itself. */
  close(): void {
    this.#forgetCredits?.();
  }

  /** Has nodes know that the readers of generators are there, for as long as there are any. */
  #keepStreams(): () => void {
    return afterUnheld(CREDIT_INTERVAL, () => {
      this.#forgetCredits = undefined;
      for (const ticket of this.#tickets.values()) {
        if (!ticket.isStream || !ticket.hasBegun) continue;
        this.credit(ticket, 0);
        this.#forgetCredits ??= this.#keepStreams();
      }
    });
  }

  async #tell(message: Uint8Array): Promise<void> {
    try {
      await this.#broker.control(message);
    } catch {
      // Where it does not arrive the task runs on, and ends by itself.
    }
  }
}
