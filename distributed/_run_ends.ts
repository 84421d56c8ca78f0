// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The ends of runs: what the client is told, and what BullMQ.
//
// outcome   the client          BullMQ
// done      the value           the job is done
// ended     the error           the job has failed
// retry     nothing             it has failed, and runs again
// put back  nothing             it waits again: another node may have it
// lost      nothing             nothing: another node has it
//
// 1. The answer is in Redis before the job is finished: a node that dies in
//    between leaves a job that another one takes over, whose answer the client
//    does not hear, since it has one. The other way round the answer would be
//    lost.
// 2. A run that failed and may be repeated is not told: the client hears that
//    the next one has begun.
// 3. A run that was stopped by its node goes back; where somebody else has the
//    job already (its lock had run out) nobody is told anything.
// 4. A job whose nodes are lost again and again may be what loses them. BullMQ
//    counts that; it is not let fail it, since then nobody would tell the
//    client.
// 5. A generator is run again as any other task where it has yielded nothing.
//    Where its node is lost its client knows that (`_ticket_desk.ts`).

import { UnrecoverableError, WaitingError } from "bullmq";
import { CallMode } from "../_internal/wire/messages.ts";
import { Relay, type RelayAnswer } from "../_internal/wire/relay_messages.ts";
import type { NodeTally } from "./_beat.ts";
import { createTeller, type Outbox } from "./_outbox.ts";
import { printable } from "./_protocol.ts";
import type { Outcome, QueueJob, Run } from "./_run.ts";
import { failedAnswer, lostError, tooLarge } from "./_run_messages.ts";

/** Nodes that a job may lose, where its retries are fewer. */
const MAX_LOSSES = 3;
/** Milliseconds for which a refusal is kept: what the client wants is not known. */
const REFUSAL_TTL = 3_600_000;

/** What ends of runs need. */
export interface RunEndsOptions {
  /** The node's id. */
  readonly node: string;
  readonly outbox: Outbox;
  readonly tally: NodeTally;
  /** True where its workers cannot start: a run that failed says nothing of its task. */
  readonly isBroken: () => boolean;
  /** True where a refusal is signed. */
  readonly signs: boolean;
  readonly onRefusal: (task: string, reason: string) => void;
}

/** Tells clients and BullMQ of the ends of runs. */
export class RunEnds {
  readonly #options: RunEndsOptions;

  constructor(options: RunEndsOptions) {
    this.#options = options;
  }

  /** A run has ended, with an answer unless it was never begun. */
  async end(
    run: Run,
    answer: RelayAnswer | undefined,
    message: Uint8Array,
  ): Promise<void> {
    const { teller, known, call, job, stop } = run;
    const { tally } = this.#options;
    run.state = "telling";
    if (answer?.tag === Relay.done) {
      if (known !== undefined) known.meanTime = answer.time;
      if (answer.payload.length > run.maxPayload) {
        run.fault ??= tooLarge(
          call.name,
          "the result",
          answer.payload.length,
          run.maxPayload,
        );
      }
    }
    let outcome: Outcome = "ended";
    if (stop === "lost") outcome = "lost";
    else if (run.fault !== undefined) {
      tally.failed += call.calls;
      message = failedAnswer(run.ticket, run.fault);
    } else if (answer?.tag === Relay.done) {
      tally.completed += call.calls;
      outcome = "done";
    } else if (
      answer?.tag === Relay.cancelled && stop === "put back" ||
      answer?.tag === Relay.failed && this.#options.isBroken()
    ) {
      if (run.hasYielded) {
        run.fault = lostError(
          call.name,
          this.#options.node,
          "its node was stopped, and values were taken already",
        );
        message = failedAnswer(run.ticket, run.fault);
      } else outcome = "put back";
    } else if (answer?.tag === Relay.cancelled) tally.cancelled += call.calls;
    else {
      tally.failed += call.calls;
      const attempts = job.opts.attempts ?? 1;
      if (
        stop !== "heard" && call.mode !== CallMode.stream &&
        job.attemptsMade + 1 < attempts
      ) outcome = "retry";
    }
    if (outcome === "done" || outcome === "ended") {
      await this.#options.outbox.tell(teller, {
        kind: "other",
        message,
        reason: "",
      });
    }
    run.outcome.resolve(outcome);
  }

  /** Resolves, or throws, as BullMQ is to be told of a run. */
  async finish(run: Run, token: string): Promise<void> {
    const outcome = await run.outcome.promise;
    switch (outcome) {
      case "done":
        return;
      case "ended":
        throw new UnrecoverableError("the task has failed");
      case "retry":
        throw new RunFailedError("the task has failed");
      case "lost":
        // BullMQ does nothing: it is somebody else's, or will be.
        throw new WaitingError();
      case "put back":
        return await this.putBack(run.job, token);
      default:
        outcome satisfies never;
    }
  }

  /** True where a job is not run any more; then it has ended. */
  isHopeless(run: Run, retries: number): boolean {
    const losses = run.job.stalledCounter;
    if (losses <= Math.max(MAX_LOSSES, retries)) return false;
    run.fault = lostError(
      run.call.name,
      this.#options.node,
      `its node was lost ${losses} times while it ran`,
    );
    void this.end(run, undefined, new Uint8Array());
    return true;
  }

  /** Lets another node have a job; that is no failed attempt. */
  async putBack(job: QueueJob, token: string): Promise<never> {
    try {
      await job.moveToWait(token);
    } catch {
      // Redis is gone, or somebody else has the job: then it is taken over.
    }
    throw new WaitingError();
  }

  /** Will not run a job, and says why. */
  async refuse(job: QueueJob, reason: string): Promise<never> {
    const { tally, outbox, signs, onRefusal } = this.#options;
    tally.refused++;
    onRefusal(printable(job.name), reason);
    const [, client, number] =
      /^([\w-]{1,64})-(\d{1,15})$/.exec(job.id ?? "") ?? [];
    if (client !== undefined) {
      await outbox.tell(
        createTeller({
          client,
          number: Number(number),
          run: job.attemptsStarted,
          resultTtl: REFUSAL_TTL,
          signs,
        }),
        { kind: "other", message: undefined, reason },
      );
    }
    throw new UnrecoverableError(reason);
  }
}

/** What BullMQ keeps of a run that failed; the client hears the real error. */
class RunFailedError extends Error {
  override readonly name = "RunFailedError";
  override readonly stack = "";
}
