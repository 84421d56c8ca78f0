// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What executors and nodes say to each other through Redis.
//
//   DistributedExecutor                                     WorkerNode
//     job      --BullMQ queue--------------------------------> one of them
//     control  --stream `control`, of the queue--------------> all of them
//       cancel, credit, finish, signal; prewarm
//     answers  <-stream `answers:<client>`-------------------- who runs the job
//       begun, progress, item, done | failed | cancelled | refused
//     beat     <-stream `beats`, of the queue----------------- each of them
//
// A job is what is left of a call when it is to run anywhere: the bytes of its
// function (`definition`) and of its arguments, in a relay message as a worker
// sends it to its host (`wire/relay_messages.ts`). A node passes the bytes on
// to a worker and the worker's answer back: it decodes neither.
//
// Each job is known by its client and a number; its id in BullMQ is made of
// both. It may run more than once (its node was lost; it is retried), and the
// stream may repeat what it has said (a command was sent again after a
// connection was lost). So each answer has the number of the run and its place
// in it, and a client hears nothing twice.
//
// All messages are sealed (`_seal.ts`), the job with what BullMQ knows of it:
// its id, its name and its queue.

import { SerializationError } from "../_internal/base/errors.ts";
import { ByteReader, ByteWriter } from "../_internal/wire/bytes.ts";

/** The names of what Redis holds for a queue, besides what BullMQ does. */
export class Keys {
  readonly queue: string;
  readonly control: string;
  readonly beats: string;
  readonly #prefix: string;

  constructor(queue: string) {
    this.queue = queue;
    this.#prefix = `parallel:${queue}`;
    this.control = `${this.#prefix}:control`;
    this.beats = `${this.#prefix}:beats`;
  }

  /** The stream of what a client is told. */
  answers(client: string): string {
    return `${this.#prefix}:answers:${client}`;
  }
}

/**
 * Milliseconds between two credits, of no values at least, that a client gives
 * each of its generators; and without any after which a node ends one: its
 * client is gone, and it would wait for ever.
 */
export const CREDIT_INTERVAL = 15_000;
export const CREDIT_SILENCE = 300_000;

/** The field of a stream's entry that holds the message. */
export const FIELD = "m";

/** What a seal is made for. */
export const places = {
  job: (queue: string) => `job ${queue}`,
  control: (queue: string) => `control ${queue}`,
  answers: (queue: string, client: string) => `answers ${client} ${queue}`,
};

/** A call on its way to a node. */
export interface JobBody {
  /** As BullMQ knows it: `jobId()`. */
  readonly client: string;
  readonly number: number;
  /** The function; undefined where the call holds it (`WHOLE_CALL`). */
  readonly definition: DefinitionBody | undefined;
  /** What its type of work was declared to be. */
  readonly kind: "io" | "cpu" | undefined;
  /** Bytes that an answer may have. */
  readonly maxPayload: number;
  /** Milliseconds for which answers are kept. */
  readonly resultTtl: number;
  /** `Relay.signal` messages of what had fired before: they come before the call. */
  readonly signals: readonly Uint8Array[];
  /** A `Relay.submit` message. */
  readonly call: Uint8Array;
}

/** A function on its way to a node. */
export interface DefinitionBody {
  readonly name: string;
  readonly mutable: boolean;
  readonly payload: Uint8Array;
}

/** What a client tells the nodes: something about one of its jobs. */
export interface ControlBody {
  readonly client: string;
  readonly number: number;
  /** A `Relay.cancel`, `credit`, `finish` or `signal` message. Its ticket is the job's number. */
  readonly message: Uint8Array;
}

/** What a client is told. */
export interface AnswersBody {
  /** Who tells it. */
  readonly node: string;
  readonly answers: readonly Answer[];
}

/** What a client is told about one of its jobs. */
export interface Answer {
  readonly number: number;
  /** Which run of the job it is, from 1. */
  readonly run: number;
  /** Its place among the answers of that run, from 1. */
  readonly place: number;
  /** Undefined: a refusal, for the reason given. */
  readonly message: Uint8Array | undefined;
  readonly reason: string;
}

/** Characters of a stranger's text that are shown. */
const MAX_TEXT = 1000;

/** What somebody wrote who may be anybody, as it may be shown: on a terminal, or in a log. */
export function printable(text: string): string {
  return text.slice(0, MAX_TEXT).replace(/\p{C}/gu, "\ufffd");
}

/** The id of a job in BullMQ. */
export function jobId(client: string, number: number): string {
  return `${client}-${number}`;
}

const KINDS = [undefined, "io", "cpu"] as const;

/** Writes a job; `id` and `name` are what BullMQ is told. */
export function writeJob(id: string, name: string, job: JobBody): Uint8Array {
  const { definition, call } = job;
  const w = new ByteWriter(
    call.length + (definition?.payload.length ?? 0) + 256,
  );
  w.string(id);
  w.string(name);
  w.string(job.client);
  w.varint(job.number);
  w.u8(KINDS.indexOf(job.kind));
  w.f64(job.maxPayload);
  w.f64(job.resultTtl);
  w.u8(definition === undefined ? 0 : 1);
  if (definition !== undefined) {
    w.string(definition.name);
    w.u8(definition.mutable ? 1 : 0);
    w.blob(definition.payload);
  }
  w.varint(job.signals.length);
  for (const message of job.signals) w.blob(message);
  w.raw(call);
  return w.bytes();
}

/**
 * Reads a job. The payloads are views of `bytes`.
 *
 * @throws {SerializationError} If it is no job.
 */
export function readJob(
  bytes: Uint8Array,
): JobBody & { readonly id: string; readonly name: string } {
  return checked(() => {
    const r = new ByteReader(bytes);
    const id = r.string();
    const name = r.string();
    const client = r.string();
    const number = r.varint();
    const kind = KINDS[r.u8()];
    const maxPayload = r.f64();
    const resultTtl = r.f64();
    const definition = r.u8() === 0
      ? undefined
      : { name: r.string(), mutable: r.u8() === 1, payload: r.blob() };
    const signals: Uint8Array[] = [];
    for (let n = r.varint(); n > 0; n--) signals.push(r.blob());
    const call = r.buffer.subarray(r.offset);
    return {
      id,
      name,
      client,
      number,
      kind,
      maxPayload,
      resultTtl,
      definition,
      signals,
      call,
    };
  });
}

/** Writes a control message. */
export function writeControl(control: ControlBody): Uint8Array {
  const w = new ByteWriter(control.message.length + 64);
  w.string(control.client);
  w.varint(control.number);
  w.raw(control.message);
  return w.bytes();
}

/**
 * Reads a control message.
 *
 * @throws {SerializationError} If it is none.
 */
export function readControl(bytes: Uint8Array): ControlBody {
  return checked(() => {
    const r = new ByteReader(bytes);
    const client = r.string();
    const number = r.varint();
    return { client, number, message: r.buffer.subarray(r.offset) };
  });
}

/** Writes answers. */
export function writeAnswers({ node, answers }: AnswersBody): Uint8Array {
  let size = node.length * 3 + 16;
  for (const { message, reason } of answers) {
    size += 24 + (message?.length ?? reason.length * 3);
  }
  const w = new ByteWriter(size);
  w.string(node);
  w.varint(answers.length);
  for (const { number, run, place, message, reason } of answers) {
    w.varint(number);
    w.varint(run);
    w.varint(place);
    w.u8(message === undefined ? 0 : 1);
    if (message === undefined) w.string(reason);
    else w.blob(message);
  }
  return w.bytes();
}

/**
 * Reads answers. The messages are views of `bytes`.
 *
 * @throws {SerializationError} If they are none.
 */
export function readAnswers(bytes: Uint8Array): AnswersBody {
  return checked(() => {
    const r = new ByteReader(bytes);
    const node = printable(r.string());
    const answers: Answer[] = [];
    for (let n = r.varint(); n > 0; n--) {
      const number = r.varint();
      const run = r.varint();
      const place = r.varint();
      const isAnswer = r.u8() === 1;
      answers.push({
        number,
        run,
        place,
        message: isAnswer ? r.blob() : undefined,
        reason: isAnswer ? "" : printable(r.string()),
      });
    }
    return { node, answers };
  });
}

/** A message may come from anybody, and so be anything. */
function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const reason = "it ends early";
    throw new SerializationError(`Cannot read a message: ${reason}`, {
      reason,
      cause,
    });
  }
}
