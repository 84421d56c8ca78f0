// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What an executor writes and reads: jobs, what it says of them, answers. All
// of it sealed.

import { SerializationError } from "../_internal/base/errors.ts";
import type { Job, RemoteWork } from "../_internal/pool/job.ts";
import { writeCall } from "../_internal/pool/relayed_call.ts";
import { ByteWriter } from "../_internal/wire/bytes.ts";
import type { Admit } from "../_internal/wire/codec.ts";
import {
  admitAnswer,
  admitStrangersAnswer,
} from "../_internal/wire/data_only.ts";
import { encodeError } from "../_internal/wire/error_codec.ts";
import type { HeaderOf } from "../_internal/wire/messages.ts";
import {
  Relay,
  type RelayRequest,
  writeRelay,
} from "../_internal/wire/relay_messages.ts";
import {
  type AnswersBody,
  jobId,
  type Keys,
  places,
  readAnswers,
  writeControl,
  writeJob,
} from "./_protocol.ts";
import { Seal, SealError } from "./_seal.ts";

/** What messages are made with. */
export interface ClientMessagesOptions {
  readonly keys: Keys;
  readonly authKey: Uint8Array | undefined;
  /** Milliseconds for which answers are kept. */
  readonly resultTtl: number;
  /** Bytes that a call or an answer may have. */
  readonly maxPayload: number;
}

/** An entry of the stream of answers. */
export interface ReceivedAnswers extends AnswersBody {
  /** True where they come from somebody who knows the key, or there is none. */
  readonly isTrusted: boolean;
}

/** What is said of a job, besides its number. */
type Said = HeaderOf<RelayRequest> & { readonly ticket: number };

/** Makes the messages of one executor. */
export class ClientMessages {
  readonly #options: ClientMessagesOptions;
  readonly #seal: Seal;
  /** Its id: nobody else has it. */
  readonly client = newClient();

  constructor(options: ClientMessagesOptions) {
    this.#options = options;
    this.#seal = new Seal(options.authKey);
  }

  /** What is taken of an answer. */
  get admit(): Admit {
    return this.#seal.signs ? admitAnswer : admitStrangersAnswer;
  }

  /** The id of a job. */
  id(number: number): string {
    return jobId(this.client, number);
  }

  /**
   * A job, in base64.
   *
   * @throws {SerializationError} If it is too large.
   */
  job(number: number, job: Job, work: RemoteWork): string {
    const { definition, payload, whole } = work;
    const { maxPayload, resultTtl, keys } = this.#options;
    const { name, kind } = job.options;
    const call = writeCall(job, work, {
      ticket: number,
      executor: "",
      lane: "process",
      parent: undefined,
    });
    const size = call.length + (whole ? 0 : definition.payload.bytes.length);
    if (size > maxPayload) {
      throw new SerializationError(
        `Cannot send task '${name}': it is of ${size} bytes, and 'maxPayload' is ${maxPayload}`,
        { path: "args", reason: "is larger than 'maxPayload'" },
      );
    }
    const body = writeJob(this.id(number), name, {
      client: this.client,
      number,
      definition: whole ? undefined : {
        name: definition.name,
        mutable: definition.payload.mutable,
        payload: definition.payload.bytes,
      },
      kind,
      maxPayload,
      resultTtl,
      signals: payload.signals.flatMap((signal, index) =>
        signal.aborted ? [signalMessage(number, index, signal.reason)] : []
      ),
      call,
    });
    return this.#seal.close(places.job(keys.queue), body).toBase64();
  }

  /** That a job is to be stopped. */
  cancel(number: number, reason: unknown): Uint8Array {
    return this.#control(
      number,
      messageWithReason({ tag: Relay.cancel, ticket: number }, reason),
    );
  }

  /** That a signal of a job has fired. */
  signal(number: number, index: number, reason: unknown): Uint8Array {
    return this.#control(number, signalMessage(number, index, reason));
  }

  /** That nobody wants more values of a generator. */
  finish(number: number): Uint8Array {
    return this.#plain({ tag: Relay.finish, ticket: number });
  }

  /** That a generator may make more values. */
  credit(number: number, items: number): Uint8Array {
    return this.#plain({ tag: Relay.credit, ticket: number, items });
  }

  /** Opens an entry of the stream of answers; undefined where it is none. */
  open(message: Uint8Array): ReceivedAnswers | undefined {
    const place = places.answers(this.#options.keys.queue, this.client);
    let isTrusted = false;
    let body: Uint8Array;
    try {
      const opened = this.#seal.open(place, message);
      body = opened.body;
      isTrusted = opened.isSigned || !this.#seal.signs;
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      // A refusal is read without a proof: who refuses may have no key.
      body = Seal.bodyOf(message);
    }
    try {
      return { ...readAnswers(body), isTrusted };
    } catch (error) {
      // Nobody who knows the key has written it.
      if (error instanceof SerializationError) return undefined;
      throw error;
    }
  }

  #plain(said: Said): Uint8Array {
    const w = new ByteWriter(32);
    writeRelay(w, said);
    return this.#control(said.ticket, w.bytes());
  }

  #control(number: number, message: Uint8Array): Uint8Array {
    const body = writeControl({ client: this.client, number, message });
    return this.#seal.close(places.control(this.#options.keys.queue), body);
  }
}

/** 96 random bits. */
function newClient(): string {
  return crypto.getRandomValues(new Uint8Array(12)).toBase64({
    alphabet: "base64url",
  });
}

function signalMessage(
  ticket: number,
  index: number,
  reason: unknown,
): Uint8Array {
  return messageWithReason(
    { tag: Relay.signal, ticket, index, isAhead: true },
    reason,
  );
}

function messageWithReason(said: Said, reason: unknown): Uint8Array {
  const w = new ByteWriter(64);
  writeRelay(w, said);
  encodeError(w, reason, {
    root: "reason",
    reach: "machine",
    modules: new Set(),
  });
  return w.bytes();
}
