// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A job of an executor, from the submit to its end.
//
// state    meaning                                               leaves by
// leaving  on its way to the queue                               added() -> away; cancelled -> closed
// away     in the queue, or with a node                          its end -> closed; cancelled before it began -> closed;
//                                                                Redis has lost it -> leaving
// closed   it has settled; what comes of it finds nobody         never
//
// Its job here is "queued" until it is heard to have begun, "running" then, also
// between two runs.

import { holdProgram, releaseProgram } from "../_internal/base/registry.ts";
import type { Job } from "../_internal/pool/job.ts";
import { Relay, type RelayAnswer } from "../_internal/wire/relay_messages.ts";
import type { RelayedJob } from "../_internal/pool/relayed_call.ts";
import type { OutgoingJob } from "./_job_sender.ts";
import type { Answer } from "./_protocol.ts";

/** What a ticket is made of. */
export interface TicketInit extends OutgoingJob {
  readonly number: number;
  readonly job: Job;
}

/** A job under way. */
export class Ticket implements OutgoingJob {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly data: string;
  readonly priority: number;
  readonly attempts: number;
  readonly backoff: number;
  readonly job: Job;
  /** What its answers are told. */
  relayed!: RelayedJob;
  state: "leaving" | "away" | "closed" = "leaving";
  /** How often Redis has lost it. */
  losses = 0;
  /** When it was added, by `performance.now()`. */
  addedAt = 0;
  /** Somebody wants it to stop, for this reason. */
  stop: { readonly reason: unknown } | undefined;
  /** Nobody wants more values of the generator. */
  isFinishing = false;
  /** Ends the listening for its signals. */
  unlisten: (() => void) | undefined;
  /** The signals that have fired, by their number. */
  readonly fired = new Map<number, unknown>();
  /** The run that was heard last, and the place of its last answer. */
  #run = 0;
  #place = 0;
  /** The node whose values were taken, where it is a generator. */
  yieldedBy: string | undefined;
  /** True where another run has begun after values of one were taken. */
  isRepeated = false;
  /** True where an answer of the run came before the last one that was heard, and is lost. */
  isAfterGap = false;
  #isHeld = false;

  constructor(init: TicketInit) {
    this.id = init.id;
    this.number = init.number;
    this.name = init.name;
    this.data = init.data;
    this.priority = init.priority;
    this.attempts = init.attempts;
    this.backoff = init.backoff;
    this.job = init.job;
    this.rest(false);
  }

  /** True where a node runs it, or will run it again. */
  get hasBegun(): boolean {
    return this.job.state === "running";
  }

  /** True where it is a generator, whose values come one by one. */
  get isStream(): boolean {
    return this.job.observer.yielded !== undefined;
  }

  /** Whether anybody here waits for it; while somebody does the program lives. */
  rest(isResting: boolean): void {
    if (this.state === "closed" || this.#isHeld !== isResting) return;
    this.#isHeld = !isResting;
    if (isResting) releaseProgram();
    else holdProgram();
  }

  /** It has settled, or is about to. */
  close(): void {
    this.rest(true);
    this.state = "closed";
    this.unlisten?.();
  }

  /** It goes to the queue once more: its runs are counted anew. */
  again(): void {
    this.state = "leaving";
    this.losses++;
    this.#run = 0;
    this.#place = 0;
  }

  /** True where an answer is new: one may come twice, and one of an earlier run after those of a later one. */
  isNew({ run, place }: Answer): boolean {
    if (run < this.#run || (run === this.#run && place <= this.#place)) {
      return false;
    }
    const isSameRun = run === this.#run;
    this.isAfterGap = place > (isSameRun ? this.#place : 0) + 1;
    this.isRepeated = !isSameRun && this.yieldedBy !== undefined;
    this.#run = run;
    this.#place = place;
    return true;
  }

  /** Takes an answer, whose ticket is the node's; returns true where it has begun by it. */
  hear(answer: RelayAnswer): boolean {
    const isFirst = answer.tag === Relay.begun;
    // What begins and ends in one batch is not told to have begun.
    if (!isFirst && this.job.state === "queued") {
      this.relayed.hear({ tag: Relay.begun, ticket: this.number }, []);
    }
    // Whoever was told may have cancelled it.
    if (this.state !== "closed") this.relayed.hear(answer, []);
    return isFirst;
  }
}
