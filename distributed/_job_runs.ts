// Copyright 2026 the @concurrent/parallel authors. MIT license.

// From a job of the queue to a run on a worker, and back.
//
//   BullMQ -> process(job) -> JobCheck -> RelayServer -> scheduler -> a worker
//      ^          |                           |
//      |          | the answer is in Redis <- Outbox <- begun, progress, item
//      '----------' the job is finished                 done, failed, cancelled
//
// The states of a run are in `_run.ts`; what its end means for BullMQ and for
// its client is in `_run_ends.ts`.
//
// 1. What stops a run is noted before the run is stopped (`stop`): the worker's
//    answer, whichever comes first, is read with that in mind.
// 2. A control message may come before its job does: the two come on two
//    connections. `ControlBox` keeps it, and `#begin` asks there.
// 3. What waits behind a job that takes longer than it was taken for goes back
//    to the queue (`pass`, each second): a run that is still queued when time
//    passes for the second time, while there is too much for the workers.

import type { RelayServer } from "../_internal/pool/relay_server.ts";
import { CallMode } from "../_internal/wire/messages.ts";
import {
  readRelayAnswer,
  Relay,
  type RelayedCall,
  type RelayRequest,
} from "../_internal/wire/relay_messages.ts";
import type { ControlBox } from "./_control_box.ts";
import { type CheckedJob, type JobCheck, JobRefusal } from "./_job_check.ts";
import { KnownFunctions } from "./_known_functions.ts";
import { createTeller } from "./_outbox.ts";
import { CREDIT_SILENCE, jobId } from "./_protocol.ts";
import type { QueueJob, Run } from "./_run.ts";
import { RunEnds, type RunEndsOptions } from "./_run_ends.ts";
import { cancelledAnswer, reasonPayload, tooLarge } from "./_run_messages.ts";
import type { Slots } from "./_slots.ts";

/** Bytes of an answer, whatever its client takes: what one value of Redis holds, with room for the rest. */
const MAX_ANSWER = 256 * 1024 * 1024;

/** What runs need. */
export interface JobRunsOptions extends RunEndsOptions {
  readonly check: JobCheck;
  readonly slots: Slots;
  readonly controls: ControlBox;
  /** Takes calls, and answers to `hear()`. */
  readonly server: RelayServer;
  /** Where a call runs: the executor's number, and which of its workers. */
  readonly route: (
    kind: "io" | "cpu" | undefined,
  ) => Pick<RelayedCall, "executor" | "lane"> & { readonly isWaiting: boolean };
  /** Says how many jobs BullMQ may have. */
  readonly resize: (count: number) => void;
}

/** The jobs that a node has. */
export class JobRuns {
  readonly #options: JobRunsOptions;
  readonly #functions: KnownFunctions;
  readonly #ends: RunEnds;
  /** By ticket. */
  readonly #runs = new Map<number, Run>();
  /** By the job's id. */
  readonly #byId = new Map<string, Run>();
  #lastTicket = 0;
  /** True where nothing begins any more. */
  #isStopping = false;

  constructor(options: JobRunsOptions) {
    this.#options = options;
    this.#ends = new RunEnds(options);
    const { server, controls } = options;
    this.#functions = new KnownFunctions((it) => server.handle(it, []));
    controls.onMessage = (id, isSigned, request) =>
      this.#control(this.#byId.get(id), isSigned, request);
  }

  /** Jobs that it has. */
  get size(): number {
    return this.#runs.size;
  }

  /** True where a job runs here. */
  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** What BullMQ calls with a job. Ends when the job may be finished. */
  async process(job: QueueJob, token: string): Promise<void> {
    // What is before the first `await` runs before BullMQ asks whether to fetch another one.
    const { isStopping } = this;
    if (isStopping) return await this.#ends.putBack(job, token);
    let checked: CheckedJob;
    try {
      checked = this.#options.check.open(job);
    } catch (error) {
      const isRefusal = error instanceof JobRefusal;
      // Whatever is wrong with it, its client hears of it.
      return await this.#ends.refuse(
        job,
        isRefusal ? error.reason : `it cannot be read (${error})`,
      );
    }
    const run = this.#begin(checked, job);
    try {
      await this.#ends.finish(run, token);
    } finally {
      this.#forget(run);
    }
  }

  /** Takes an answer of the relay server. */
  hear(message: Uint8Array): void {
    const answer = readRelayAnswer(message);
    const run = this.#runs.get(answer.ticket);
    if (run === undefined || run.state === "over") return;
    const { teller, maxPayload } = run;
    const { outbox } = this.#options;
    switch (answer.tag) {
      case Relay.begun:
        run.state = "running";
        run.isOld = false;
        void outbox.tell(teller, { kind: "begun", message, reason: "" });
        break;
      case Relay.progress:
        void outbox.tell(teller, { kind: "progress", message, reason: "" });
        break;
      case Relay.item:
        if (answer.payload.length <= maxPayload) {
          run.hasYielded = true;
          void outbox.tell(teller, { kind: "other", message, reason: "" });
        } else {
          run.fault ??= tooLarge(
            run.call.name,
            "a value",
            answer.payload.length,
            maxPayload,
          );
          this.#cancel(run, "a value was too large");
        }
        break;
      case Relay.done:
      case Relay.failed:
      case Relay.cancelled:
        void this.#ends.end(run, answer, message);
        break;
      default:
        answer satisfies never;
    }
  }

  /** Others have these jobs now: what runs of them here is of no use. */
  lose(ids: readonly string[]): void {
    for (const id of ids) {
      const run = this.#byId.get(id);
      if (run === undefined || run.state === "telling") continue;
      run.stop = "lost";
      this.#cancel(run, "another node has the job");
    }
  }

  /** Some time has passed. */
  pass(milliseconds: number): void {
    for (const run of this.#runs.values()) {
      if (run.call.mode === CallMode.stream) this.#hush(run, milliseconds);
      else if (run.isOld && run.state === "running") {
        run.share = this.#options.slots.outlast(run.share);
      }
    }
    this.#share();
    for (const run of this.#runs.values()) run.isOld = true;
  }

  /** Ends a generator whose client is gone. It would wait for ever. */
  #hush(run: Run, milliseconds: number): void {
    if (run.state !== "running") return;
    run.silence += milliseconds;
    if (run.silence <= CREDIT_SILENCE) return;
    run.silence = 0;
    run.stop ??= "heard";
    this.#cancel(run, "its client has said nothing of it for too long");
  }

  /** Puts back what others may begin earlier, the last first. */
  #share(): void {
    const { slots } = this.#options;
    if (!slots.isOverfull) return;
    for (const run of [...this.#runs.values()].reverse()) {
      const isNext = run.state === "queued" && run.isOld &&
        run.stop === undefined && run.share.parts > 0;
      if (!isNext) continue;
      run.stop = "put back";
      this.#cancel(run, "its node has no room for it");
      // What is left of it is the way to Redis.
      run.share = slots.drop(run.share);
      if (!slots.isOverfull) return;
    }
  }

  /** Nothing begins any more; what has not ended goes back to the queue. */
  stop(): void {
    this.#isStopping = true;
    for (const run of this.#runs.values()) {
      if (run.state === "telling" || run.state === "over") continue;
      run.stop ??= "put back";
      this.#cancel(run, "its node was stopped");
    }
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Takes a job. Nothing of it has been decoded. */
  #begin(checked: CheckedJob, job: QueueJob): Run {
    const { body, isSigned } = checked;
    const { controls, server, slots, tally, route, resize } = this.#options;
    const { executor, lane, isWaiting } = route(body.kind);
    const known = body.definition === undefined
      ? undefined
      : this.#functions.get(body.definition, isSigned);
    const call: RelayedCall = {
      ...checked.call,
      ticket: ++this.#lastTicket,
      executor,
      lane,
      parent: undefined,
      definition: known?.id ?? checked.call.definition,
      // BullMQ repeats it: on whichever node has room then.
      retries: 0,
    };
    const time = known?.meanTime === undefined
      ? undefined
      : known.meanTime * call.calls;
    const run: Run = {
      job,
      call,
      ticket: call.ticket,
      isSigned,
      teller: createTeller({
        client: body.client,
        number: body.number,
        run: job.attemptsStarted,
        resultTtl: ttl(body.resultTtl),
        signs: isSigned,
      }),
      // What is said of one result holds for each item of a chunk.
      maxPayload: Math.min(body.maxPayload * call.calls, MAX_ANSWER),
      share: slots.enter(
        time,
        call.mode === CallMode.stream
          ? "nothing"
          : isWaiting
          ? "place"
          : "share",
      ),
      known,
      outcome: Promise.withResolvers(),
      state: "queued",
      stop: undefined,
      fault: undefined,
      hasYielded: false,
      silence: 0,
      isOld: false,
    };
    const id = jobId(body.client, body.number);
    this.#runs.set(run.ticket, run);
    this.#byId.set(id, run);
    resize(slots.growing);
    if (job.stalledCounter > 0) tally.takenOver++;
    if (this.#ends.isHopeless(run, checked.call.retries)) return run;
    const early = controls.take(id).filter((it) => it.isSigned || !isSigned);
    for (const { request } of early) {
      if (request.tag !== Relay.cancel) continue;
      // It never runs.
      void this.#ends.end(run, ...cancelledAnswer(run.ticket, request.payload));
      return run;
    }
    // What had fired before the call comes before it.
    for (const request of checked.signals) {
      this.#control(run, isSigned, request, true);
    }
    for (const it of early) {
      const isAhead = it.request.tag === Relay.signal;
      if (isAhead) this.#control(run, it.isSigned, it.request, true);
    }
    server.handle(call, []);
    for (const it of early) {
      if (it.request.tag === Relay.signal) continue;
      this.#control(run, it.isSigned, it.request);
    }
    return run;
  }

  /** Heeds what is said of a run. */
  #control(
    run: Run | undefined,
    isSigned: boolean,
    request: RelayRequest,
    isAhead = false,
  ): boolean {
    if (run === undefined) return false;
    // Who may run it may stop it, and nobody else.
    if (run.isSigned && !isSigned) return true;
    run.silence = 0;
    switch (request.tag) {
      case Relay.cancel:
        run.stop ??= "heard";
        break;
      case Relay.signal:
        if (request.index >= run.call.signals) return true;
        break;
      case Relay.credit:
      case Relay.finish:
        break;
      default:
        return true;
    }
    const { ticket } = run;
    this.#options.server.handle(
      request.tag === Relay.signal
        ? { ...request, ticket, isAhead }
        : { ...request, ticket },
      [],
    );
    return true;
  }

  #cancel({ ticket }: Run, reason: string): void {
    const payload = reasonPayload(reason);
    this.#options.server.handle({ tag: Relay.cancel, ticket, payload }, []);
  }

  /** BullMQ has it, or is about to be told. */
  #forget(run: Run): void {
    const { slots, resize } = this.#options;
    run.state = "over";
    this.#runs.delete(run.ticket);
    const id = jobId(run.teller.client, run.teller.number);
    if (this.#byId.get(id) === run) this.#byId.delete(id);
    slots.leave(run.share);
    resize(slots.enough);
  }
}

/** What Redis takes as a time to live. */
function ttl(milliseconds: number): number {
  return Math.min(Math.max(Math.ceil(milliseconds), 1), 2 ** 40);
}
