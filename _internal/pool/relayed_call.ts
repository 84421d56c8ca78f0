// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A call that runs elsewhere: the message that asks for it, and what its
// answers mean for the job that stands for it here.

import { ByteWriter } from "../wire/bytes.ts";
import type { Admit } from "../wire/codec.ts";
import { WHOLE_CALL } from "../wire/messages.ts";
import type { Outcome } from "../wire/outcomes.ts";
import { Relay, type RelayAnswer, writeRelay } from "../wire/relay_messages.ts";
import type { WorkerKind } from "../worker/host.ts";
import { RawAnswer, readAnswer, readError } from "./answers.ts";
import { noteAnswer, noteTime } from "./definitions.ts";
import { noteOrigin } from "./error_origin.ts";
import type { Job, RemoteWork } from "./job.ts";
import type { JobEnds } from "./job_ends.ts";

/** Whom a call is for, and how it is known. */
export interface CallAddress {
  readonly ticket: number;
  readonly executor: string;
  readonly lane: WorkerKind;
  /** The slot of the call that submits it; undefined where none does. */
  readonly parent: number | undefined;
}

/** The message that asks for a call. */
export function writeCall(
  job: Job,
  { definition, payload, whole, mode, calls }: RemoteWork,
  address: CallAddress,
): Uint8Array {
  const { options } = job;
  const w = new ByteWriter(payload.bytes.length + 128);
  writeRelay(w, {
    tag: Relay.submit,
    ...address,
    depth: job.depth,
    mode,
    definition: whole ? WHOLE_CALL : definition.id,
    mutable: payload.mutable,
    contexts: payload.contexts,
    calls,
    signals: payload.signals.length,
    name: options.name,
    priority: options.priority,
    timeout: options.timeout,
    retries: options.retries,
    maySendAhead: options.maySendAhead,
  });
  w.raw(payload.bytes);
  return w.bytes();
}

/** A job here whose call runs elsewhere. */
export class RelayedJob {
  readonly #job: Job;
  readonly #work: RemoteWork;
  readonly #ends: JobEnds;
  /** Called before the job settles. */
  readonly #close: () => void;
  readonly #admit: Admit | undefined;

  /** @param admit What is taken of its answers, where they come from another machine. */
  constructor(
    job: Job,
    work: RemoteWork,
    ends: JobEnds,
    close: () => void,
    admit?: Admit,
  ) {
    this.#job = job;
    this.#work = work;
    this.#ends = ends;
    this.#close = close;
    this.#admit = admit;
  }

  /** Takes an answer. */
  hear(answer: RelayAnswer, attachments: readonly unknown[]): void {
    const { observer } = this.#job;
    switch (answer.tag) {
      case Relay.begun:
        this.#job.state = "running";
        observer.started();
        break;
      case Relay.progress:
        observer.progressed(answer.done, answer.total);
        break;
      case Relay.item:
        observer.yielded?.(this.#read(answer.payload, attachments));
        break;
      case Relay.done: {
        const { definition, calls } = this.#work;
        noteTime(definition, answer.time);
        noteAnswer(definition, answer.payload.length, calls);
        this.#close();
        const { ok, value } = this.#read(answer.payload, attachments);
        if (ok) this.#ends.succeed(this.#job, value);
        else this.#ends.fail(this.#job, value);
        break;
      }
      case Relay.failed: {
        this.#close();
        const error = this.#readError(answer.payload, attachments);
        const { worker } = answer;
        if (worker !== undefined) {
          // The id is the one that is shown already.
          noteOrigin(error, this.#job.options.name, { ...worker, agent: 0 });
        }
        this.#ends.fail(this.#job, error);
        break;
      }
      case Relay.cancelled:
        this.#close();
        this.#ends.cancel(
          this.#job,
          this.#readError(answer.payload, attachments),
        );
        break;
      default:
        answer satisfies never;
    }
  }

  #read(payload: Uint8Array, attachments: readonly unknown[]): Outcome {
    const { isRelayed, mode } = this.#work;
    if (isRelayed) {
      return { ok: true, value: new RawAnswer(payload, attachments) };
    }
    try {
      return {
        ok: true,
        value: readAnswer(mode, payload, attachments, this.#admit),
      };
    } catch (error) {
      return { ok: false, value: error };
    }
  }

  #readError(payload: Uint8Array, attachments: readonly unknown[]): unknown {
    return this.#work.isRelayed
      ? new RawAnswer(payload, attachments)
      : readError(payload, attachments, this.#admit);
  }
}
