// Copyright 2026 the @concurrent/parallel authors. MIT license.

// From a job of the queue to a run on a worker, and back.
//
//   BullMQ -> process(job) -> JobCheck -> RelayServer -> scheduler -> a worker
//      ^          |                           |
//      |          | the answer is in Redis <- Outbox <- begun, progress, item
//      '----------' the job is finished                 done, failed, cancelled
//
// state of a run   meaning                                leaves by
// queued           with the scheduler                     begun -> running; its end
// running          a worker has it                        its end
// telling          it has ended; Redis does not know yet  the answer is in Redis -> over
// over             BullMQ is told                         never
//
// 1. The answer is in Redis before the job is finished: a node that dies in
//    between leaves a job that another one takes over, whose answer the client
//    does not hear, since it has one. The other way round the answer would be
//    lost.
// 2. A run that failed and may be repeated is not told: the client hears that
//    the next one has begun.
// 3. What stops a run is noted before the run is stopped (`stop`): the worker's
//    answer, whichever comes first, is read with that in mind. Whoever takes it
//    back (`put back`) lets another node have it; where somebody else has it
//    already (`lost`: the lock had run out) nobody is told anything.
// 4. A control message may come before its job does: the two come on two
//    connections. `ControlBox` keeps it, and `#begin` asks there.
// 5. A job whose nodes are lost again and again may be what loses them. BullMQ
//    counts that; it is not let fail it, since then nobody would tell the
//    client.
// 6. What waits behind a job that takes longer than it was taken for goes back
//    to the queue (`pass`, each second): a run that is still queued when time
//    passes for the second time, while there is too much for the workers. A
//    generator that had not begun begins elsewhere; BullMQ's count of losses,
//    not of starts, says whether one has begun.

import { type Job, UnrecoverableError, WaitingError } from "bullmq";
import type { RelayServer } from "../_internal/pool/relay_server.ts";
import { CallMode } from "../_internal/wire/messages.ts";
import {
  readRelayAnswer,
  Relay,
  type RelayAnswer,
  type RelayedCall,
  type RelayRequest,
} from "../_internal/wire/relay_messages.ts";
import type { ControlBox } from "./_control_box.ts";
import { type CheckedJob, type JobCheck, JobRefusal } from "./_job_check.ts";
import { type KnownFunction, KnownFunctions } from "./_known_functions.ts";
import type { NodeTally } from "./_beat.ts";
import { createTeller, type Outbox, type Teller } from "./_outbox.ts";
import { CREDIT_SILENCE, jobId, printable } from "./_protocol.ts";
import {
  cancelledAnswer,
  failedAnswer,
  lostError,
  reasonPayload,
  tooLarge,
} from "./_run_messages.ts";
import type { Share, Slots } from "./_slots.ts";

/** A job of the queue. Its data comes from anybody. */
export type QueueJob = Job<unknown, void, string>;

/** Nodes that a job may lose, where its retries are fewer. */
const MAX_LOSSES = 3;
/** Bytes of an answer, whatever its client takes: what one value of Redis holds, with room for the rest. */
const MAX_ANSWER = 256 * 1024 * 1024;
/** Milliseconds for which a refusal is kept: what the client wants is not known. */
const REFUSAL_TTL = 3_600_000;

/** What BullMQ is told of a run. */
type Outcome = "done" | "ended" | "retry" | "put back" | "lost";

/** What runs need. */
export interface JobRunsOptions {
  /** The node's name. */
  readonly node: string;
  readonly check: JobCheck;
  readonly outbox: Outbox;
  readonly slots: Slots;
  readonly controls: ControlBox;
  readonly tally: NodeTally;
  /** Takes calls, and answers to `hear()`. */
  readonly server: RelayServer;
  /** Where a call runs: the executor's number, and which of its workers. */
  readonly route: (
    kind: "io" | "cpu" | undefined,
  ) => Pick<RelayedCall, "executor" | "lane"> & { readonly isWaiting: boolean };
  /** True where its workers cannot start: a run that failed says nothing of its task. */
  readonly isBroken: () => boolean;
  /** True where a refusal is signed. */
  readonly signs: boolean;
  /** Says how many jobs BullMQ may have. */
  readonly resize: (count: number) => void;
  readonly onRefusal: (task: string, reason: string) => void;
}

/** A job that runs here. */
interface Run {
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
  /** Milliseconds for which its client has said nothing of it. */
  silence: number;
  /** Whether it was in this state when time passed last. */
  isOld: boolean;
}

/** The jobs that a node has. */
export class JobRuns {
  readonly #options: JobRunsOptions;
  readonly #functions: KnownFunctions;
  /** By ticket. */
  readonly #runs = new Map<number, Run>();
  /** By the job's id. */
  readonly #byId = new Map<string, Run>();
  #lastTicket = 0;
  /** True where nothing begins any more. */
  #isStopping = false;

  constructor(options: JobRunsOptions) {
    this.#options = options;
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
    if (isStopping) return await this.#putBack(job, token);
    let checked: CheckedJob;
    try {
      checked = this.#options.check.open(job);
    } catch (error) {
      const isRefusal = error instanceof JobRefusal;
      // Whatever is wrong with it, its client hears of it.
      return await this.#refuse(
        job,
        isRefusal ? error.reason : `it cannot be read (${error})`,
      );
    }
    const run = this.#begin(checked, job);
    try {
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
          return await this.#putBack(job, token);
        default:
          outcome satisfies never;
      }
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
        void this.#end(run, answer, message);
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
      silence: 0,
      isOld: false,
    };
    const id = jobId(body.client, body.number);
    this.#runs.set(run.ticket, run);
    this.#byId.set(id, run);
    resize(slots.growing);
    if (job.stalledCounter > 0) tally.takenOver++;
    const hopeless = this.#hopeless(run, checked.call.retries);
    if (hopeless !== undefined) {
      run.fault = hopeless;
      void this.#end(run, undefined, new Uint8Array());
      return run;
    }
    const early = controls.take(id).filter((it) => it.isSigned || !isSigned);
    for (const { request } of early) {
      if (request.tag !== Relay.cancel) continue;
      // It never runs.
      void this.#end(run, ...cancelledAnswer(run.ticket, request.payload));
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

  /** Why it is not run again. */
  #hopeless({ job, call }: Run, retries: number): unknown {
    const crash = (reason: string) =>
      lostError(call.name, this.#options.node, reason);
    const losses = job.stalledCounter;
    if (losses > Math.max(MAX_LOSSES, retries)) {
      return crash(`its node was lost ${losses} times while it ran`);
    }
    // One that was put back had not begun.
    if (call.mode === CallMode.stream && losses > 0) {
      return crash("its node was lost, and values were taken already");
    }
    return undefined;
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

  /** It has ended, with an answer unless it was never begun. */
  async #end(
    run: Run,
    answer: RelayAnswer | undefined,
    message: Uint8Array,
  ): Promise<void> {
    const { teller, known, call, job, stop } = run;
    const { tally } = this.#options;
    const wasRunning = run.state === "running";
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
      // Of a generator somebody has values.
      if (wasRunning && call.mode === CallMode.stream) {
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

  /** Lets another node have a job; that is no failed attempt. */
  async #putBack(job: QueueJob, token: string): Promise<never> {
    try {
      await job.moveToWait(token);
    } catch {
      // Redis is gone, or somebody else has the job: then it is taken over.
    }
    throw new WaitingError();
  }

  async #refuse(job: QueueJob, reason: string): Promise<never> {
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

/** What Redis takes as a time to live. */
function ttl(milliseconds: number): number {
  return Math.min(Math.max(Math.ceil(milliseconds), 1), 2 ** 40);
}
