// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The way from an executor to the nodes: as a scheduler, so that everything
// that executors do (submit, map, stream, wait) works over it.
//
//   executor -> BrokerScheduler -> Broker --jobs, control--> Redis -> WorkerNode
//                     `- tickets <-------- answers ---------'
//
// Every job settles exactly once:
//
// - Its answer is in Redis before the job leaves the queue (`_outbox.ts`), and
//   is read behind the last one that was read, however often the connection is
//   lost: no answer is missed. One that comes twice finds a closed ticket, or is
//   not behind the last one of its run (`Ticket.isNew`).
// - A node that dies leaves its jobs in the queue, and others take them over.
// - What Redis itself loses is found by asking (`_lost_jobs.ts`) and sent again;
//   a few times at most.
//
// What is to happen to a job that runs is told to all nodes (`_job_controls.ts`).

import {
  BrokenExecutorError,
  InvalidStateError,
  NotSupportedError,
  SerializationError,
} from "../_internal/base/errors.ts";
import { afterUnheld } from "../_internal/base/deadline.ts";
import { holdProgram, releaseProgram } from "../_internal/base/registry.ts";
import { Histogram } from "../_internal/pool/histogram.ts";
import {
  Job,
  type JobObserver,
  type JobOptions,
  type RemoteWork,
  type Work,
} from "../_internal/pool/job.ts";
import { JobEnds } from "../_internal/pool/job_ends.ts";
import { RelayedJob } from "../_internal/pool/relayed_call.ts";
import type { SchedulerStats } from "../_internal/pool/scheduler_options.ts";
import type {
  LaneOptions,
  TaskScheduler,
} from "../_internal/pool/task_scheduler.ts";
import {
  readRelayAnswer,
  Relay,
  type RelayAnswer,
} from "../_internal/wire/relay_messages.ts";
import { Broker, type BrokerSettings } from "./_broker.ts";
import { ClientMessages } from "./_client_messages.ts";
import { JobControls } from "./_job_controls.ts";
import { LostJobs } from "./_lost_jobs.ts";
import type { NodeStats } from "./_node_board.ts";
import { type Answer, Keys } from "./_protocol.ts";
import { RefusedError } from "./errors.ts";
import { Ticket } from "./_ticket.ts";

/** How an executor sends its jobs; checked. */
export interface BrokerSchedulerSettings extends BrokerSettings {
  readonly authKey: Uint8Array | undefined;
  /** Milliseconds for which answers are kept. */
  readonly resultTtl: number;
  /** Bytes that a call or an answer may have. */
  readonly maxPayload: number;
  /** Milliseconds before the first retry of a task. */
  readonly backoff: number;
}

/** BullMQ's priorities are 1, which comes first, to 2 ** 21 - 1: ours are around the middle. */
const MIDDLE = 2 ** 20;
/** Runs of a task at most: as many as BullMQ counts. */
const MAX_ATTEMPTS = 2 ** 31 - 1;
/** How often a job is sent again that Redis has lost. */
const MAX_LOSSES = 3;
/** Calls at a time for which a map has room, where nothing is known of the nodes. */
const UNKNOWN_SLOTS = 4;
/** Milliseconds that the end of an executor waits for Redis to hear of it. */
const FAREWELL = 2_000;
/** Milliseconds for which a stream may be left unread once its executor was shut down. */
const STREAM_PATIENCE = 5_000;

/** A scheduler whose workers are nodes. */
export class BrokerScheduler implements TaskScheduler {
  readonly #settings: BrokerSchedulerSettings;
  readonly #messages: ClientMessages;
  readonly #broker: Broker<Ticket>;
  readonly #controls: JobControls;
  readonly #lost: LostJobs;
  readonly #ends = new JobEnds();
  readonly #tickets = new Map<number, Ticket>();
  readonly #byJob = new WeakMap<Job, Ticket>();
  readonly #runTime = new Histogram();
  readonly #waitTime = new Histogram();
  readonly #onEnd = new Set<() => void>();
  /** Jobs that are being taken back. */
  readonly #withdrawals = new Set<Promise<void>>();
  #lastNumber = 0;
  /** `shut`: takes no more, and finishes what it has. */
  #state: "running" | "shut" | "terminated" | "broken" = "running";
  #fault: unknown;
  /** Resolves when nothing is under way and the connections are closed. */
  #closed: Promise<void> | undefined;
  /** Called when the last ticket is closed. */
  #onIdle = () => {};
  #forgetPatience: (() => void) | undefined;

  constructor(settings: BrokerSchedulerSettings) {
    this.#settings = settings;
    const keys = new Keys(settings.queue);
    this.#messages = new ClientMessages({ ...settings, keys });
    this.#broker = new Broker<Ticket>(
      settings,
      keys,
      this.#messages.client,
      "reach the nodes",
      {
        added: (ticket) => this.#added(ticket),
        refused: (ticket, error) => this.#fail(ticket, error),
        answers: (messages) => {
          for (const message of messages) this.#open(message);
        },
        reconnected: (gap) => void this.#lost.look(0, gap),
        broken: (error) => this.#break(error),
      },
    );
    this.#controls = new JobControls(
      this.#broker,
      this.#messages,
      this.#tickets,
    );
    this.#lost = new LostJobs(
      this.#broker,
      this.#tickets,
      (ticket, gap) => this.#sendAgain(ticket, gap),
    );
  }

  get options(): LaneOptions {
    const slots = this.nodes.reduce((sum, node) => sum + node.slots, 0);
    return {
      maxWorkers: slots > 0 ? slots : UNKNOWN_SLOTS,
      minWorkers: 0,
      concurrency: 1,
    };
  }

  /** The nodes that serve the queue, as far as they were heard of. */
  get nodes(): NodeStats[] {
    return this.#broker.board.nodes;
  }

  get hasRoom(): boolean {
    return true;
  }

  checkAccepting(verb = "submit a task"): void {
    switch (this.#state) {
      case "running":
        return;
      case "broken":
        throw this.#fault;
      default:
        throw new InvalidStateError(
          `Cannot ${verb}: the executor was ${
            this.#state === "shut" ? "shut down" : "terminated"
          }`,
        );
    }
  }

  expect(): boolean {
    // The connection is made while the call is encoded.
    this.#broker.open().catch(() => {});
    return false;
  }

  disappoint(): void {}

  submit(work: Work, options: JobOptions, observer: JobObserver): Job {
    this.checkAccepting();
    if (work.kind !== "remote") {
      throw new TypeError("Cannot send a call: it has no bytes");
    }
    const { priority, retries, name } = options;
    checkPriority(priority);
    const job = new Job(work, options, observer);
    const number = ++this.#lastNumber;
    const ticket = new Ticket({
      id: this.#messages.id(number),
      number,
      name,
      data: this.#messages.job(number, job, work),
      // A later one of the same priority comes behind it.
      priority: MIDDLE - priority,
      attempts: Math.min(retries + 1, MAX_ATTEMPTS),
      backoff: this.#settings.backoff,
      job,
    });
    ticket.relayed = new RelayedJob(
      job,
      work,
      this.#ends,
      () => this.#close(ticket),
      this.#messages.admit,
    );
    this.#ends.begin(job);
    this.#tickets.set(number, ticket);
    this.#byJob.set(job, ticket);
    this.#controls.listen(ticket, work.payload.signals);
    this.#broker.send(ticket);
    return job;
  }

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
    const ticket = this.#byJob.get(job);
    if (ticket === undefined || job.state === "settled") return false;
    ticket.stop ??= { reason };
    if (job.state === "queued") {
      this.#withdraw(ticket);
      this.#close(ticket);
      this.#ends.cancel(job, reason);
      return true;
    }
    // It may be between two runs: then nobody would answer.
    void this.#broker.remove(ticket.id).then((isRemoved) => {
      if (isRemoved) this.#cancel(ticket, reason);
      else void this.#controls.cancel(ticket);
    }, () => {});
    return false;
  }

  credit(job: Job, items: number): void {
    const ticket = this.#byJob.get(job);
    if (ticket === undefined || ticket.state === "closed") return;
    this.#controls.credit(ticket, items);
  }

  finish(job: Job): void {
    const ticket = this.#byJob.get(job);
    if (ticket === undefined || ticket.state === "closed") return;
    if (job.state === "queued") {
      this.cancel(job, "nobody wants its values");
      return;
    }
    this.#controls.finish(ticket);
  }

  finishing(): void {
    // The scheduler that runs it has heard.
  }

  rest(job: Job, isResting: boolean): void {
    const ticket = this.#byJob.get(job);
    if (ticket === undefined || ticket.state === "closed") return;
    ticket.rest(isResting);
    if (job.isResting !== isResting) this.#ends.rest(job, isResting);
    this.#checkPatience();
  }

  /** Resolves when a node serves the queue. */
  async ready(): Promise<void> {
    this.checkAccepting("start an executor");
    const { board } = this.#broker;
    holdProgram();
    try {
      await this.#broker.open();
      const found = Promise.withResolvers<void>();
      const look = () => {
        if (this.#state === "terminated" || this.#state === "broken") {
          found.reject(this.endError);
        } else if (board.nodes.some(({ state }) => state === "serving")) {
          found.resolve();
        }
      };
      const forget = [board.onBeat(look), this.onEnd(look)];
      look();
      try {
        await found.promise;
      } finally {
        for (const stop of forget) stop();
      }
    } finally {
      releaseProgram();
    }
  }

  prewarm(): Promise<void> {
    return Promise.reject(
      new NotSupportedError(
        "Cannot prewarm an executor whose workers are on other machines: they come and go",
      ),
    );
  }

  shutdown(cancelQueued: boolean): Promise<void> {
    if (this.#state === "running") this.#state = "shut";
    if (cancelQueued) {
      for (const { job } of [...this.#tickets.values()]) {
        if (job.state === "queued") {
          this.cancel(job, "the executor was shut down");
        }
      }
    }
    this.#checkPatience();
    return this.#closed ??= this.#drain();
  }

  async terminate(reason: unknown): Promise<void> {
    if (this.#state === "running" || this.#state === "shut") {
      this.#state = "terminated";
      this.#ended();
    }
    for (const ticket of [...this.#tickets.values()]) {
      ticket.stop ??= { reason };
      this.#withdraw(ticket);
      this.#cancel(ticket, reason);
    }
    await (this.#closed ??= this.#drain());
  }

  stats(): SchedulerStats {
    const { nodes } = this;
    const sum = (key: "workers" | "idle" | "crashes" | "restarts" | "stuck") =>
      nodes.reduce((total, node) => total + node[key], 0);
    let queued = 0;
    for (const { job } of this.#tickets.values()) {
      if (job.state === "queued") queued++;
    }
    const perWorker = nodes.flatMap((node) => node.perWorker);
    return {
      workers: sum("workers"),
      idle: sum("idle"),
      queued,
      running: this.#tickets.size - queued,
      completed: this.#ends.completed,
      failed: this.#ends.failed,
      cancelled: this.#ends.cancelled,
      crashes: sum("crashes"),
      restarts: sum("restarts"),
      stuck: sum("stuck"),
      runTime: this.#runTime,
      waitTime: this.#waitTime,
      busyTime: perWorker.reduce((total, { busyTime }) => total + busyTime, 0),
      upTime: perWorker.reduce(
        (total, { busyTime, utilization }) =>
          total + (utilization > 0 ? busyTime / utilization : 0),
        0,
      ),
      perWorker,
    };
  }

  get endError(): unknown {
    try {
      this.checkAccepting();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  onEnd(fn: () => void): () => void {
    this.#onEnd.add(fn);
    return () => this.#onEnd.delete(fn);
  }

  #added(ticket: Ticket): void {
    if (ticket.state !== "leaving") {
      // Cancelled on its way.
      if (ticket.state === "closed") this.#withdrawAway(ticket);
      return;
    }
    ticket.state = "away";
    ticket.addedAt = performance.now();
    this.#lost.watch();
  }

  /** Takes an entry of the stream of answers. */
  #open(message: Uint8Array): void {
    const opened = this.#messages.open(message);
    if (opened === undefined) return;
    const { node, answers, isTrusted } = opened;
    for (const answer of answers) this.#hear(node, answer, isTrusted);
  }

  #hear(node: string, answer: Answer, isTrusted: boolean): void {
    const ticket = this.#tickets.get(answer.number);
    // It has settled: it was cancelled, or has run twice.
    if (ticket === undefined) return;
    const { message } = answer;
    if (message === undefined) {
      const { name } = ticket;
      // Said without a proof, since who refuses may be one that has no key.
      this.#fail(
        ticket,
        new RefusedError(
          `Cannot run task '${name}': node ${node} has refused it: ${answer.reason}`,
          { node, reason: answer.reason },
        ),
      );
      return;
    }
    if (!isTrusted || !ticket.isNew(answer)) return;
    let news: RelayAnswer;
    try {
      news = readRelayAnswer(message);
    } catch (cause) {
      // It may be the last one, and those behind it are of other jobs.
      const reason = "it is malformed";
      this.#giveUp(
        ticket,
        new SerializationError(
          `Cannot read what node ${node} says of task '${ticket.name}': ${reason}`,
          { reason, cause },
        ),
      );
      return;
    }
    if (ticket.isAfterGap && ticket.isStream) {
      // Redis was killed before it had written to its disk what it had taken.
      this.#giveUp(
        ticket,
        new InvalidStateError(
          `Cannot go on with the stream of task '${ticket.name}': Redis has lost a part of it`,
        ),
      );
      return;
    }
    const { stop } = ticket;
    // Whoever has cancelled it gets their own reason, not a copy.
    if (stop !== undefined && news.tag === Relay.cancelled) {
      this.#cancel(ticket, stop.reason);
      return;
    }
    const wasQueued = ticket.job.state === "queued";
    const isFirst = ticket.hear(news);
    if (wasQueued) {
      this.#waitTime.add(performance.now() - ticket.job.queuedAt);
    }
    if (isFirst) this.#controls.remind(ticket);
  }

  /** Nobody wants it any more: takes it out of the queue, or has its node stop it. */
  #withdraw(ticket: Ticket): void {
    if (ticket.state === "away") this.#withdrawAway(ticket);
    else if (ticket.state === "leaving") this.#broker.take(ticket);
  }

  #withdrawAway(ticket: Ticket): void {
    const done = this.#broker.remove(ticket.id).then(async (isRemoved) => {
      if (!isRemoved) await this.#controls.cancel(ticket);
    }).catch(() => {});
    this.#withdrawals.add(done);
    void done.then(() => this.#withdrawals.delete(done));
  }

  /** Redis does not know it. */
  #sendAgain(ticket: Ticket, gap: number): void {
    const { name } = ticket;
    const { resultTtl } = this.#settings;
    if (gap > resultTtl) {
      this.#fail(
        ticket,
        new InvalidStateError(
          `Cannot get the result of task '${name}': there was no connection for ${
            Math.round(gap)
          } ms, and results are kept for ${resultTtl} ms`,
        ),
      );
    } else if (ticket.losses >= MAX_LOSSES) {
      this.#fail(
        ticket,
        new InvalidStateError(
          `Cannot finish task '${name}': Redis has lost it ${
            ticket.losses + 1
          } times`,
        ),
      );
    } else if (ticket.isStream && ticket.hasBegun) {
      this.#fail(
        ticket,
        new InvalidStateError(
          `Cannot go on with the stream of task '${name}': Redis has lost it`,
        ),
      );
    } else {
      ticket.again();
      this.#broker.send(ticket);
    }
  }

  /** It cannot end well: its node stops it. */
  #giveUp(ticket: Ticket, error: unknown): void {
    ticket.stop ??= { reason: error };
    this.#withdraw(ticket);
    this.#fail(ticket, error);
  }

  #fail(ticket: Ticket, error: unknown): void {
    if (ticket.state === "closed") return;
    this.#close(ticket);
    this.#ends.fail(ticket.job, error);
  }

  #cancel(ticket: Ticket, reason: unknown): void {
    if (ticket.state === "closed") return;
    this.#close(ticket);
    this.#ends.cancel(ticket.job, reason);
  }

  #close(ticket: Ticket): void {
    if (ticket.state === "closed") return;
    const { definition } = ticket.job.work as RemoteWork;
    if (definition.meanTime !== undefined && ticket.hasBegun) {
      this.#runTime.add(definition.meanTime, ticket.job.calls);
    }
    this.#tickets.delete(ticket.number);
    ticket.close();
    if (this.#tickets.size === 0) {
      this.#lost.rest();
      this.#onIdle();
    }
    this.#checkPatience();
  }

  /** It has no connection and gets none. */
  #break(error: unknown): void {
    if (this.#state === "terminated" || this.#state === "broken") return;
    this.#state = "broken";
    this.#fault = error instanceof BrokenExecutorError
      ? error
      : new BrokenExecutorError("Cannot reach the nodes", { cause: error });
    for (const ticket of [...this.#tickets.values()]) {
      this.#fail(ticket, this.#fault);
    }
    this.#ended();
  }

  #ended(): void {
    for (const listener of [...this.#onEnd]) listener();
    this.#onEnd.clear();
  }

  /** Resolves when nothing is under way any more. */
  async #drain(): Promise<void> {
    if (this.#tickets.size > 0) {
      await new Promise<void>((resolve) => this.#onIdle = resolve);
    }
    this.#lost.rest();
    this.#controls.close();
    this.#forgetPatience?.();
    // What was cancelled is taken back before the connection goes.
    const farewell = Promise.withResolvers<void>();
    const disarm = afterUnheld(FAREWELL, () => farewell.resolve());
    holdProgram();
    try {
      await Promise.race([this.#settled(), farewell.promise]);
      await this.#broker.close();
    } finally {
      disarm();
      releaseProgram();
    }
    if (this.#state === "shut") this.#ended();
  }

  /** Resolves when Redis has heard of everything. */
  async #settled(): Promise<void> {
    await this.#broker.idle;
    await Promise.all([...this.#withdrawals]);
  }

  /** Once it was shut down, streams that nobody reads are not waited for for ever. */
  #checkPatience(): void {
    if (this.#state !== "shut") return;
    let isStuck = this.#tickets.size > 0;
    for (const { job } of this.#tickets.values()) {
      isStuck = job.isResting;
      if (!isStuck) break;
    }
    if (!isStuck) {
      this.#forgetPatience?.();
      this.#forgetPatience = undefined;
      return;
    }
    this.#forgetPatience ??= afterUnheld(STREAM_PATIENCE, () => {
      const error = new InvalidStateError(
        `Cannot go on with a stream: its executor was shut down, and nobody has read it for ${STREAM_PATIENCE} ms`,
      );
      for (const { job } of [...this.#tickets.values()]) {
        if (job.observer.expired === undefined) this.cancel(job, error);
        else job.observer.expired(error);
      }
    });
  }
}

function checkPriority(priority: number): void {
  if (Number.isInteger(priority) && Math.abs(priority) < MIDDLE) return;
  throw new RangeError(
    `Cannot submit a task as 'priority' must be an integer between ${
      1 - MIDDLE
    } and ${MIDDLE - 1}: current value is ${priority}`,
  );
}
