// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The way from a task to an executor above its worker: as a scheduler, so that
// everything that executors do (submit, map, stream, wait) works over it.
//
//   executor (in the task) -> RelayScheduler --relay--> host: RelayServer -> Scheduler
//
// state of a job here   meaning
// queued                asked for; the answer that it has begun has not come
// running               it has
// settled               its end has come, or it was cancelled before it was heard to have begun
//
// While a call waits for what it has asked for its place is lent to others
// (`scheduler.ts`), and its worker does not end.

import { InvalidStateError, NotSupportedError } from "../base/errors.ts";
import { holdProgram, releaseProgram } from "../base/registry.ts";
import { ByteWriter } from "../wire/bytes.ts";
import { encodeError } from "../wire/error_codec.ts";
import type { HeaderOf } from "../wire/messages.ts";
import {
  Question,
  readRelayAnswer,
  Relay,
  type RelayAnswer,
  type RelayRequest,
  writeRelay,
} from "../wire/relay_messages.ts";
import type { CallContext } from "../worker/current.ts";
import type { WorkerKind } from "../worker/host.ts";
import { onRelayed, type Uplink, uplink } from "../worker/uplink.ts";
import { readError } from "./answers.ts";
import type { Definition } from "./definitions.ts";
import {
  Job,
  type JobObserver,
  type JobOptions,
  type RemoteWork,
  type Work,
} from "./job.ts";
import { JobEnds } from "./job_ends.ts";
import type { SchedulerStats } from "./scheduler_options.ts";
import { RelayedJob, writeCall } from "./relayed_call.ts";
import { SignalRelay } from "./signal_relay.ts";
import type { LaneOptions, TaskScheduler } from "./task_scheduler.ts";

/** Definitions that the host keeps of this worker; the least recently used one is forgotten. */
const MAX_DEFINITIONS = 256;

/** What was asked for and has not been answered. */
interface Ticket {
  answer(answer: RelayAnswer, attachments: readonly unknown[]): void;
}

const tickets = new Map<number, Ticket>();
let lastTicket = 0;
/** What the host knows, least recently used first. */
const definitions = new Set<number>();
/** Those that go with calls under way. */
const signals = new SignalRelay((ticket, index, reason) =>
  explain({
    tag: Relay.signal,
    ticket,
    index,
    isAhead: !tickets.has(ticket),
  }, reason)
);
const passing = new Map<string, RelayScheduler>();

/** For a call that is passed on for a worker of this one. */
export function passOn(executor: string, kind: WorkerKind): RelayScheduler {
  const key = `${kind} ${executor}`;
  let scheduler = passing.get(key);
  if (scheduler === undefined) {
    scheduler = new RelayScheduler(executor, kind, {
      maxWorkers: 1,
      minWorkers: 0,
      concurrency: 1,
    });
    passing.set(key, scheduler);
  }
  return scheduler;
}

/** A scheduler that is somewhere above this worker. */
export class RelayScheduler implements TaskScheduler {
  readonly options: LaneOptions;
  readonly #executor: string;
  readonly #kind: WorkerKind;
  readonly #ends = new JobEnds();
  readonly #numbers = new WeakMap<Job, number>();
  #state: "running" | "shut" | "terminated" = "running";

  constructor(executor: string, kind: WorkerKind, options: LaneOptions) {
    this.#executor = executor;
    this.#kind = kind;
    this.options = options;
  }

  /** Asks an executor for something else than a call. Resolves when it is done. */
  static ask(executor: string, question: Question): Promise<void> {
    const done = Promise.withResolvers<void>();
    const number = ++lastTicket;
    holdProgram();
    tickets.set(number, {
      answer(answer, attachments) {
        tickets.delete(number);
        releaseProgram();
        if (answer.tag === Relay.failed) {
          done.reject(readError(answer.payload, attachments));
        } else done.resolve();
      },
    });
    request({ tag: Relay.ask, ticket: number, executor, question });
    return done.promise;
  }

  /** Nobody here knows: where there is none, the future says so. */
  get hasRoom(): boolean {
    return true;
  }

  checkAccepting(verb = "submit a task"): void {
    if (this.#state === "running") return;
    throw new InvalidStateError(
      `Cannot ${verb}: the executor was ${
        this.#state === "shut" ? "shut down" : "terminated"
      }`,
    );
  }

  submit(work: Work, options: JobOptions, observer: JobObserver): Job {
    this.checkAccepting();
    if (work.kind !== "remote") {
      throw new TypeError("Cannot relay a call: it has no bytes");
    }
    const job = new Job(work, options, observer);
    const number = ++lastTicket;
    const { definition, payload, whole } = work;
    const link = up();
    // Of one that is passed on it is the call that has started its worker.
    const call = job.origin?.parent;
    if (!work.isRelayed) link.enter(call);
    if (!whole) define(definition);
    const message = writeCall(job, work, {
      ticket: number,
      executor: this.#executor,
      lane: this.#kind,
      parent: link.slotOf(call),
    });
    // What has fired is told before the call.
    if (payload.signals.length > 0) signals.attach(number, payload.signals);
    try {
      link.relay(message, payload.attachments, payload.transfer);
    } catch (error) {
      signals.detach(number);
      throw error;
    }
    this.#numbers.set(job, number);
    tickets.set(
      number,
      new CallTicket(number, job, work, this.#ends, link, call),
    );
    return job;
  }

  expect(): boolean {
    // Its workers are started above.
    return false;
  }

  disappoint(): void {}

  refuse(
    work: Work,
    options: JobOptions,
    observer: JobObserver,
    reason: unknown,
  ): Job {
    this.checkAccepting();
    const job = new Job(work, options, observer);
    this.#ends.cancel(job, reason);
    return job;
  }

  cancel(job: Job, reason: unknown): boolean {
    const number = this.#numbers.get(job);
    if (number === undefined || job.state === "settled") return false;
    explain({ tag: Relay.cancel, ticket: number }, reason);
    if (job.state !== "queued") return false;
    (tickets.get(number) as CallTicket).close(number);
    this.#ends.cancel(job, reason);
    return true;
  }

  credit(job: Job, items: number): void {
    const ticket = this.#numbers.get(job);
    if (ticket !== undefined) request({ tag: Relay.credit, ticket, items });
  }

  finish(job: Job): void {
    const ticket = this.#numbers.get(job);
    if (ticket !== undefined) request({ tag: Relay.finish, ticket });
  }

  finishing(): void {
    // The scheduler that runs it has heard.
  }

  rest(job: Job, isResting: boolean): void {
    const number = this.#numbers.get(job);
    const ticket = number === undefined ? undefined : tickets.get(number);
    (ticket as CallTicket | undefined)?.rest(isResting);
  }

  ready(): Promise<void> {
    return RelayScheduler.ask(this.#executor, Question.ready);
  }

  prewarm(): Promise<void> {
    return Promise.reject(
      new NotSupportedError(
        "Cannot prewarm an executor in a worker: it has to be done where it was made",
      ),
    );
  }

  shutdown(cancelQueued: boolean): Promise<void> {
    if (this.#state === "running") this.#state = "shut";
    return RelayScheduler.ask(
      this.#executor,
      cancelQueued ? Question.cancel : Question.drain,
    );
  }

  terminate(): Promise<void> {
    this.#state = "terminated";
    return RelayScheduler.ask(this.#executor, Question.terminate);
  }

  stats(): SchedulerStats {
    throw new NotSupportedError(
      "Cannot get the stats of an executor in a worker: they are where it was made",
    );
  }

  get endError(): unknown {
    try {
      this.checkAccepting();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  onEnd(): () => void {
    return () => {};
  }
}

/** A call that was asked for. */
class CallTicket implements Ticket {
  readonly #call: RelayedJob;
  readonly #link: Uplink;
  readonly #parent: CallContext | undefined;
  #isHeld = false;
  #isOpen = true;

  constructor(
    number: number,
    job: Job,
    work: RemoteWork,
    ends: JobEnds,
    link: Uplink,
    parent: CallContext | undefined,
  ) {
    this.#call = new RelayedJob(job, work, ends, () => this.close(number));
    this.#link = link;
    this.#parent = parent;
    this.rest(false);
  }

  /** Whether anybody here waits for it. */
  rest(isResting: boolean): void {
    if (!this.#isOpen || this.#isHeld !== isResting) return;
    this.#isHeld = !isResting;
    if (isResting) {
      releaseProgram();
      this.#link.waitEnded(this.#parent);
    } else {
      holdProgram();
      this.#link.waitStarted(this.#parent);
    }
  }

  /** Nobody waits for it any more. */
  close(ticket: number): void {
    tickets.delete(ticket);
    signals.detach(ticket);
    this.rest(true);
    this.#isOpen = false;
  }

  answer(answer: RelayAnswer, attachments: readonly unknown[]): void {
    this.#call.hear(answer, attachments);
  }
}

function define(definition: Definition): void {
  const { id, name, payload } = definition;
  if (!definitions.delete(id)) {
    const w = new ByteWriter(payload.bytes.length + 64);
    const { mutable } = payload;
    writeRelay(w, { tag: Relay.define, definition: id, name, mutable });
    w.raw(payload.bytes);
    up().relay(w.bytes(), payload.attachments, payload.transfer);
    if (definitions.size >= MAX_DEFINITIONS) {
      const [oldest] = definitions;
      definitions.delete(oldest!);
      request({ tag: Relay.forget, definition: oldest! });
    }
  }
  definitions.add(id);
}

/** Sends a message that has no payload. */
function request(message: HeaderOf<RelayRequest>): void {
  const w = new ByteWriter(64);
  writeRelay(w, message);
  up().relay(w.bytes(), [], []);
}

/** Sends a message whose payload says why. */
function explain(
  message: HeaderOf<RelayRequest & { readonly payload: Uint8Array }>,
  reason: unknown,
): void {
  const w = new ByteWriter(64);
  writeRelay(w, message);
  encodeError(w, reason, { root: "reason", modules: new Set() });
  up().relay(w.bytes(), [], []);
}

let isListening = false;

function up(): Uplink {
  const link = uplink();
  if (link === undefined) {
    throw new NotSupportedError(
      "Cannot reach an executor: this is not one of its workers",
    );
  }
  if (!isListening) {
    isListening = true;
    onRelayed((message, attachments) => {
      const answer = readRelayAnswer(message);
      // It may have been cancelled meanwhile.
      tickets.get(answer.ticket)?.answer(answer, attachments);
    });
  }
  return link;
}
