// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Serves what the tasks of one worker ask of executors.
//
//   task (worker) --relay--> RelayServer --submit--> executor of this isolate
//                                     `-- or, passed on, to the host of this one
//        <-relayed-- begun, progress, item, done | failed | cancelled
//
// Calls, values and errors go through as they came: they are encoded by the
// task and decoded by it, and by the worker that runs the call. The tickets of
// a worker that is gone are cancelled: nobody would ever hear of their ends.

import {
  CancelledError,
  InvalidStateError,
  NotSupportedError,
} from "../base/errors.ts";
import { movable } from "../wire/attachments.ts";
import { ByteWriter } from "../wire/bytes.ts";
import { encodeError } from "../wire/error_codec.ts";
import { receivedPayload, releasePayload } from "../wire/payload.ts";
import {
  Question,
  readRelayRequest,
  Relay,
  type RelayAnswer,
  type RelayedCall,
  type RelayRequest,
  writeRelay,
} from "../wire/relay_messages.ts";
import { CallMode, type HeaderOf, WHOLE_CALL } from "../wire/messages.ts";
import { uplink } from "../worker/uplink.ts";
import { RawAnswer, readError } from "./answers.ts";
import { type Definition, relayedDefinition } from "./definitions.ts";
import { isOwnExecutor, offeredExecutor } from "./executor_services.ts";
import type { Job, JobOrigin, Work } from "./job.ts";
import { passOn, RelayScheduler } from "./relay_scheduler.ts";
import type { TaskScheduler } from "./task_scheduler.ts";

/** How a server reaches its worker. */
export interface RelayServerOptions {
  /** The options of the scheduler that the worker works for. */
  readonly owner: object;
  /** Where the call in a slot of the worker comes from. */
  readonly originOf: (slot: number) => JobOrigin | undefined;
  /** Sends an answer. */
  readonly send: (
    message: Uint8Array,
    attachments: readonly unknown[],
    transfer: readonly Transferable[],
  ) => void;
}

/** A call under way for a task of the worker. */
interface Ticket {
  readonly scheduler: TaskScheduler;
  /** The slot of the call that has submitted it. */
  readonly parent: number | undefined;
  job: Job | undefined;
}

/** What a worker's tasks ask of executors. */
export class RelayServer {
  readonly #options: RelayServerOptions;
  readonly #definitions = new Map<number, Definition>();
  readonly #tickets = new Map<number, Ticket>();
  /** What stands here for the signals of calls, by ticket. */
  readonly #signals = new Map<number, AbortController[]>();
  /** Those of them that are generators. */
  readonly #streams = new Set<Ticket>();
  /** Slots of calls that nobody waits for any more. Their worker gets no other calls. */
  readonly #givenUp = new Set<number>();
  #isClosed = false;

  constructor(options: RelayServerOptions) {
    this.#options = options;
  }

  /** Takes a message of the worker, valid during this call. */
  receive(message: Uint8Array, attachments: readonly unknown[]): void {
    this.handle(readRelayRequest(message), attachments);
  }

  /** Takes a message that was read. Whoever reads it chooses the tickets. */
  handle(request: RelayRequest, attachments: readonly unknown[]): void {
    switch (request.tag) {
      case Relay.define: {
        const { definition, name, mutable, payload } = request;
        this.#definitions.set(
          definition,
          relayedDefinition(
            name,
            receivedPayload(payload, attachments, mutable),
          ),
        );
        break;
      }
      case Relay.forget:
        this.#definitions.delete(request.definition);
        break;
      case Relay.submit:
        try {
          this.#submit(request, attachments);
        } catch (error) {
          this.#fail(request.ticket, error);
        }
        break;
      case Relay.cancel: {
        const ticket = this.#tickets.get(request.ticket);
        const reason = readError(request.payload, attachments);
        if (ticket?.job !== undefined) {
          ticket.scheduler.cancel(ticket.job, reason);
        }
        break;
      }
      case Relay.credit: {
        const ticket = this.#tickets.get(request.ticket);
        if (ticket?.job !== undefined) {
          ticket.scheduler.credit(ticket.job, request.items);
        }
        break;
      }
      case Relay.finish: {
        const ticket = this.#tickets.get(request.ticket);
        if (ticket?.job !== undefined) ticket.scheduler.finish(ticket.job);
        break;
      }
      case Relay.signal:
        // Of a call that has ended nothing is kept.
        if (request.isAhead || this.#tickets.has(request.ticket)) {
          this.#controller(request.ticket, request.index).abort(
            readError(request.payload, attachments),
          );
        }
        break;
      case Relay.ask:
        this.#ask(request.executor, request.question).then(
          () =>
            this.#answer({ tag: Relay.done, ticket: request.ticket, time: 0 }),
          (error) => this.#fail(request.ticket, error),
        );
        break;
      default:
        request satisfies never;
    }
  }

  /** The worker is gone. */
  close(): void {
    this.#isClosed = true;
    const tickets = [...this.#tickets.values()];
    this.#tickets.clear();
    for (const ticket of tickets) {
      cancelTicket(ticket, "the worker of the task that submitted it is gone");
    }
  }

  /** The call in a slot goes on, and nobody waits for it: what it has submitted is not needed, and it may submit nothing. */
  giveUp(slot: number): void {
    this.#givenUp.add(slot);
    for (const ticket of [...this.#tickets.values()]) {
      if (ticket.parent !== slot) continue;
      cancelTicket(ticket, "the task that submitted it did not stop in time");
    }
  }

  /** The call in a slot has been answered: nobody takes more values of the generators that it has left open. */
  callEnded(slot: number): void {
    for (const ticket of [...this.#streams]) {
      if (ticket.parent !== slot) continue;
      cancelTicket(ticket, "the task that read from the stream has ended");
    }
  }

  #controller(ticket: number, index: number): AbortController {
    let controllers = this.#signals.get(ticket);
    if (controllers === undefined) {
      this.#signals.set(ticket, controllers = []);
    }
    return controllers[index] ??= new AbortController();
  }

  /** The call has ended. */
  #drop(ticket: number): void {
    const open = this.#tickets.get(ticket);
    if (open !== undefined) this.#streams.delete(open);
    this.#tickets.delete(ticket);
    this.#signals.delete(ticket);
  }

  #submit(call: RelayedCall, attachments: readonly unknown[]): void {
    const { ticket: number } = call;
    if (call.parent !== undefined && this.#givenUp.has(call.parent)) {
      throw new CancelledError(
        "Cannot submit a task: the task that submits it was asked to stop",
      );
    }
    const definition = call.definition === WHOLE_CALL
      ? relayedDefinition(
        call.name,
        receivedPayload(new Uint8Array(), [], true),
      )
      : this.#definitions.get(call.definition);
    if (definition === undefined) {
      throw new InvalidStateError(
        "Cannot submit a task: its function was never defined",
      );
    }
    const work: Work & { kind: "remote" } = {
      kind: "remote",
      mode: call.mode,
      definition,
      payload: receivedPayload(
        call.payload,
        attachments,
        call.mutable,
        Array.from(
          { length: call.signals },
          (_, index) => this.#controller(number, index).signal,
        ),
        call.contexts,
        call.lane === "thread",
      ),
      whole: call.definition === WHOLE_CALL,
      passed: [],
      calls: call.calls,
      carried: undefined,
      isRelayed: true,
    };
    const { scheduler, isOwn } = this.#route(call);
    const parent = call.parent === undefined
      ? undefined
      : this.#options.originOf(call.parent);
    const ticket: Ticket = {
      scheduler,
      parent: call.parent,
      job: undefined,
    };
    this.#tickets.set(number, ticket);
    if (call.mode === CallMode.stream) this.#streams.add(ticket);
    try {
      ticket.job = scheduler.submit(work, {
        name: call.name,
        priority: call.priority,
        timeout: call.timeout,
        retries: call.retries,
        maySendAhead: call.maySendAhead,
        isContinuation: isOwn,
        origin: {
          depth: Math.max(call.depth, (parent?.depth ?? 0) + 1),
          parent: parent?.parent,
        },
      }, {
        started: () => this.#answer({ tag: Relay.begun, ticket: number }),
        progressed: (done, total) =>
          this.#answer({ tag: Relay.progress, ticket: number, done, total }),
        yielded: ({ ok, value }) => {
          if (!ok) scheduler.cancel(ticket.job!, value);
          else this.#pass({ tag: Relay.item, ticket: number }, value);
        },
        finishing: () => scheduler.finishing(ticket.job!),
        succeeded: (value) => {
          this.#drop(number);
          const time = definition.meanTime ?? 0;
          this.#pass({ tag: Relay.done, ticket: number, time }, value);
        },
        failed: (error) => this.#fail(number, error),
        cancelled: (reason) => {
          this.#drop(number);
          this.#error({ tag: Relay.cancelled, ticket: number }, reason);
        },
      });
    } catch (error) {
      this.#drop(number);
      throw error;
    } finally {
      releasePayload(work.payload);
    }
  }

  /** The scheduler of this isolate, or the way to the next one. */
  #route(
    { executor, lane }: RelayedCall,
  ): { scheduler: TaskScheduler; isOwn: boolean } {
    const service = offeredExecutor(executor);
    if (service !== undefined) {
      return {
        scheduler: service.scheduler(lane),
        isOwn: service.owns(this.#options.owner),
      };
    }
    checkReachable(executor);
    return { scheduler: passOn(executor, lane), isOwn: false };
  }

  async #ask(executor: string, question: Question): Promise<void> {
    const service = offeredExecutor(executor);
    if (service === undefined) {
      checkReachable(executor);
      await RelayScheduler.ask(executor, question);
      return;
    }
    switch (question) {
      case Question.ready:
        return await service.ready();
      case Question.drain:
      case Question.cancel: {
        const closed = service.shutdown(question === Question.cancel);
        if (!service.owns(this.#options.owner)) return await closed;
        closed.catch(() => {});
        throw new InvalidStateError(
          "Cannot wait for the end of an executor: the task that waits is one of its own",
        );
      }
      case Question.terminate:
        return await service.terminate();
      default:
        question satisfies never;
    }
  }

  /** Sends a value of the call, as it came. */
  #pass(header: HeaderOf<RelayAnswer>, value: unknown): void {
    const { payload, attachments } = value as RawAnswer;
    const w = new ByteWriter(payload.length + 32);
    writeRelay(w, header);
    w.raw(payload);
    this.#send(header.ticket, w, attachments);
  }

  #fail(ticket: number, error: unknown): void {
    this.#drop(ticket);
    const worker = error instanceof RawAnswer ? error.worker : undefined;
    this.#error({ tag: Relay.failed, ticket, worker }, error);
  }

  #error(header: HeaderOf<RelayAnswer>, error: unknown): void {
    if (error instanceof RawAnswer) {
      this.#pass(header, error);
      return;
    }
    const w = new ByteWriter(256);
    writeRelay(w, header);
    encodeError(w, error, { root: "error", modules: new Set() });
    this.#send(header.ticket, w, []);
  }

  #answer(header: HeaderOf<RelayAnswer>): void {
    const w = new ByteWriter(32);
    writeRelay(w, header);
    // An answer that is none.
    if (header.tag === Relay.done) w.u8(0);
    this.#send(header.ticket, w, []);
  }

  #send(
    ticket: number,
    w: ByteWriter,
    attachments: readonly unknown[],
  ): void {
    if (this.#isClosed) return;
    try {
      this.#options.send(w.bytes(), attachments, movable(attachments));
    } catch (error) {
      // Refused by the platform; the error itself has no attachments.
      if (attachments.length > 0) this.#fail(ticket, error);
    }
  }
}

function cancelTicket({ scheduler, job }: Ticket, reason: string): void {
  if (job !== undefined) scheduler.cancel(job, reason);
}

/** Throws where it has ended, or nobody above could be asked. */
function checkReachable(executor: string): void {
  if (isOwnExecutor(executor)) {
    throw new InvalidStateError(
      "Cannot use an executor: it was shut down or terminated, and has ended",
    );
  }
  if (uplink() !== undefined) return;
  throw new NotSupportedError(
    "Cannot use an executor here: it belongs to another worker, which cannot be reached from here",
  );
}
