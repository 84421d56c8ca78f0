// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The jobs of an executor, each with a ticket: opened at the submit, told what
// is heard of it, closed at its end.
//
//   open() -> Broker --job--> Redis -> WorkerNode
//     `- ticket <-- answers -- Broker
//
// Every job settles exactly once:
//
// - Its answer is in Redis before the job leaves the queue (`_outbox.ts`), and
//   is read behind the last one that was read, however often the connection is
//   lost: no answer is missed. One that comes twice finds a closed ticket, or is
//   not behind the last one of its run (`Ticket.isNew`).
// - A node that dies leaves its jobs in the queue, and others take them over.
// - A generator that is run again goes on with the new run where no value of the
//   old one was taken, and fails where one was. What its reader has is known
//   here and nowhere else: a value may be lost on its way, with its node.
// - What begins to run though its ticket is closed is stopped.
// - What Redis itself loses is found by asking (`_lost_jobs.ts`) and sent again;
//   a few times at most.
//
// What is to happen to a job that runs is told to all nodes (`_job_controls.ts`).

import {
  InvalidStateError,
  SerializationError,
} from "../_internal/base/errors.ts";
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
import {
  readRelayAnswer,
  Relay,
  type RelayAnswer,
} from "../_internal/wire/relay_messages.ts";
import { Broker, type BrokerSettings } from "./_broker.ts";
import { ClientMessages } from "./_client_messages.ts";
import { JobControls } from "./_job_controls.ts";
import { LostJobs } from "./_lost_jobs.ts";
import { type Answer, Keys } from "./_protocol.ts";
import { lostError } from "./_run_messages.ts";
import { Ticket } from "./_ticket.ts";
import { RefusedError } from "./errors.ts";

/** How an executor sends its jobs; checked. */
export interface TicketDeskSettings extends BrokerSettings {
  readonly authKey: Uint8Array | undefined;
  /** Milliseconds for which answers are kept. */
  readonly resultTtl: number;
  /** Bytes that a call or an answer may have. */
  readonly maxPayload: number;
  /** Milliseconds before the first retry of a task. */
  readonly backoff: number;
  /**
   * Milliseconds between two looks for jobs that Redis has lost.
   *
   * @default {10_000}
   */
  readonly lookInterval?: number;
}

/** What a desk tells its scheduler. */
export interface TicketDeskEvents {
  /** A job has settled, or whether somebody waits for one has changed. */
  changed(): void;
  /** There is no connection, and there will be none. */
  broken(error: unknown): void;
}

/** BullMQ's priorities are 1, which comes first, to 2 ** 21 - 1: ours are around the middle. */
const MIDDLE = 2 ** 20;
/** Runs of a task at most: as many as BullMQ counts. */
const MAX_ATTEMPTS = 2 ** 31 - 1;
const LOOK_INTERVAL = 10_000;
/** How often a job is sent again that Redis has lost. */
const MAX_LOSSES = 3;

/** The jobs of one executor. */
export class TicketDesk {
  readonly #settings: TicketDeskSettings;
  readonly #events: TicketDeskEvents;
  readonly #messages: ClientMessages;
  readonly #controls: JobControls;
  readonly #lost: LostJobs;
  readonly #tickets = new Map<number, Ticket>();
  readonly #byJob = new WeakMap<Job, Ticket>();
  /** Jobs that are being taken back. */
  readonly #withdrawals = new Set<Promise<void>>();
  /** Their numbers, and those of jobs that will be once they have arrived: whoever has begun with one is told why. */
  readonly #leavers = new Set<number>();
  #lastNumber = 0;
  /** The connections. */
  readonly broker: Broker<Ticket>;
  /** Counts the ends of jobs. */
  readonly ends = new JobEnds();
  /** How long calls ran, and how long they waited before. */
  readonly runTime = new Histogram();
  readonly waitTime = new Histogram();

  constructor(settings: TicketDeskSettings, events: TicketDeskEvents) {
    this.#settings = settings;
    this.#events = events;
    const keys = new Keys(settings.queue);
    this.#messages = new ClientMessages({ ...settings, keys });
    this.broker = new Broker<Ticket>(
      settings,
      keys,
      this.#messages.client,
      "reach the nodes",
      {
        added: (ticket) => this.#added(ticket),
        refused: (ticket, error) => {
          this.#leavers.delete(ticket.number);
          this.#fail(ticket, error);
        },
        answers: (messages) => {
          for (const message of messages) this.#open(message);
        },
        reconnected: (gap) => {
          this.#controls.repeat();
          void this.#lost.look(0, gap);
        },
        broken: (error) => events.broken(error),
      },
    );
    this.#controls = new JobControls(
      this.broker,
      this.#messages,
      this.#tickets,
    );
    this.#lost = new LostJobs(
      this.broker,
      this.#tickets,
      (ticket, gap) => this.#sendAgain(ticket, gap),
      settings.lookInterval ?? LOOK_INTERVAL,
    );
  }

  /** Jobs under way. */
  get size(): number {
    return this.#tickets.size;
  }

  /** Those that have not begun. */
  get queued(): number {
    let queued = 0;
    for (const { job } of this.#tickets.values()) {
      if (job.state === "queued") queued++;
    }
    return queued;
  }

  /** True where only generators are under way, and nobody waits for any of them. */
  get isResting(): boolean {
    for (const { job } of this.#tickets.values()) {
      if (!job.isResting) return false;
    }
    return this.#tickets.size > 0;
  }

  /** The jobs under way. */
  jobs(): Job[] {
    return Array.from(this.#tickets.values(), ({ job }) => job);
  }

  /**
   * Sends a job.
   *
   * @throws {SerializationError} If it is too large.
   * @throws {RangeError} If its priority cannot be told.
   */
  open(work: RemoteWork, options: JobOptions, observer: JobObserver): Job {
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
      this.ends,
      () => this.#close(ticket),
      this.#messages.admit,
    );
    this.ends.begin(job);
    this.#tickets.set(number, ticket);
    this.#byJob.set(job, ticket);
    this.#controls.listen(ticket, work.payload.signals);
    this.broker.send(ticket);
    return job;
  }

  /** Takes a job that was cancelled before it came. */
  refuse(
    work: Work,
    options: JobOptions,
    observer: JobObserver,
    reason: unknown,
  ): Job {
    const job = new Job(work, options, observer);
    this.ends.cancel(job, reason);
    return job;
  }

  cancel(job: Job, reason: unknown): boolean {
    const ticket = this.#byJob.get(job);
    if (ticket === undefined || job.state === "settled") return false;
    ticket.stop ??= { reason };
    if (job.state === "queued") {
      this.#withdraw(ticket);
      this.#close(ticket);
      this.ends.cancel(job, reason);
      return true;
    }
    // It may be between two runs: then nobody would answer.
    void this.broker.remove(ticket.id).then((isRemoved) => {
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

  rest(job: Job, isResting: boolean): void {
    const ticket = this.#byJob.get(job);
    if (ticket === undefined || ticket.state === "closed") return;
    ticket.rest(isResting);
    if (job.isResting !== isResting) this.ends.rest(job, isResting);
    this.#events.changed();
  }

  /** Fails all jobs. */
  failAll(error: unknown): void {
    for (const ticket of [...this.#tickets.values()]) this.#fail(ticket, error);
  }

  /** Cancels all jobs at once; their nodes stop them. */
  cancelAll(reason: unknown): void {
    for (const ticket of [...this.#tickets.values()]) {
      ticket.stop ??= { reason };
      this.#withdraw(ticket);
      this.#cancel(ticket, reason);
    }
  }

  /** Resolves when Redis has heard of everything. */
  async settled(): Promise<void> {
    await this.broker.idle;
    await Promise.all([...this.#withdrawals]);
  }

  /** Nothing is under way any more. */
  close(): void {
    this.#lost.rest();
    this.#controls.close();
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
    const { number, message } = answer;
    const ticket = this.#tickets.get(number);
    if (ticket === undefined) {
      // It has settled: it was cancelled, or runs for the second time.
      if (
        isTrusted && message?.[0] === Relay.begun && !this.#leavers.has(number)
      ) this.#controls.disown(number);
      return;
    }
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
    if (ticket.isRepeated) {
      const reason = "its node was lost, and values were taken already";
      this.#giveUp(ticket, lostError(ticket.name, ticket.yieldedBy!, reason));
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
    if (news.tag === Relay.item) ticket.yieldedBy = node;
    const { stop } = ticket;
    // Whoever has cancelled it gets their own reason, not a copy.
    if (stop !== undefined && news.tag === Relay.cancelled) {
      this.#cancel(ticket, stop.reason);
      return;
    }
    const wasQueued = ticket.job.state === "queued";
    const isFirst = ticket.hear(news);
    if (wasQueued) {
      this.waitTime.add(performance.now() - ticket.job.queuedAt);
    }
    if (isFirst) this.#controls.remind(ticket);
  }

  /** Nobody wants it any more: takes it out of the queue, or has its node stop it. */
  #withdraw(ticket: Ticket): void {
    if (ticket.state === "away") this.#withdrawAway(ticket);
    else if (ticket.state === "leaving" && !this.broker.take(ticket)) {
      this.#leavers.add(ticket.number);
    }
  }

  #withdrawAway(ticket: Ticket): void {
    this.#leavers.add(ticket.number);
    const done = this.broker.remove(ticket.id).then(async (isRemoved) => {
      if (!isRemoved) await this.#controls.cancel(ticket);
    }).catch(() => {});
    this.#withdrawals.add(done);
    void done.then(() => {
      this.#withdrawals.delete(done);
      this.#leavers.delete(ticket.number);
    });
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
      this.broker.send(ticket);
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
    this.ends.fail(ticket.job, error);
  }

  #cancel(ticket: Ticket, reason: unknown): void {
    if (ticket.state === "closed") return;
    this.#close(ticket);
    this.ends.cancel(ticket.job, reason);
  }

  #close(ticket: Ticket): void {
    if (ticket.state === "closed") return;
    const { definition } = ticket.job.work as RemoteWork;
    if (definition.meanTime !== undefined && ticket.hasBegun) {
      this.runTime.add(definition.meanTime, ticket.job.calls);
    }
    this.#tickets.delete(ticket.number);
    ticket.close();
    if (this.#tickets.size === 0) this.#lost.rest();
    this.#events.changed();
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
