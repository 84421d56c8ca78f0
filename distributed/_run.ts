// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A job that a node has.
//
// state      meaning                                leaves by
// queued     with the scheduler                     begun -> running; its end
// running    a worker has it                        its end
// telling    it has ended; Redis does not know yet  the answer is in Redis -> over
// over       BullMQ is told                         never
//
// `_job_runs.ts` has it until it ends, and `_run_ends.ts` from then on.

import type { Job } from "bullmq";
import type { RelayedCall } from "../_internal/wire/relay_messages.ts";
import type { KnownFunction } from "./_known_functions.ts";
import type { Teller } from "./_outbox.ts";
import type { Share } from "./_slots.ts";

/** A job of the queue. Its data comes from anybody. */
export type QueueJob = Job<unknown, void, string>;

/** What BullMQ is told of a run. */
export type Outcome = "done" | "ended" | "retry" | "put back" | "lost";

/** A job that runs here. */
export interface Run {
  readonly job: QueueJob;
  readonly call: RelayedCall;
  readonly ticket: number;
  readonly isSigned: boolean;
  readonly teller: Teller;
  readonly maxPayload: number;
  share: Share;
  readonly known: KnownFunction | undefined;
  readonly outcome: PromiseWithResolvers<Outcome>;
  state: "queued" | "running" | "telling" | "over";
  /** Why it was stopped, where that was. "heard": its client wants it. */
  stop: "heard" | "put back" | "lost" | undefined;
  /** What its client is told in place of its end. */
  fault: unknown;
  /** True where its client was told of a value. */
  hasYielded: boolean;
  /** Milliseconds for which its client has said nothing of it. */
  silence: number;
  /** Whether it was in this state when time passed last. */
  isOld: boolean;
}
