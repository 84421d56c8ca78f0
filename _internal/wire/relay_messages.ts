// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a task asks of an executor that lives above its worker, and the
// answers: the payloads of `Tag.relay` and `Tag.relayed`.
//
//   guest -> host                                host -> guest
//   define   a function, before its first call   begun      ticket n: the function runs
//   forget   a definition                        progress   ticket n
//   submit   a call, under ticket n              item       ticket n: a value of a generator
//   cancel   ticket n                            done       ticket n: a value
//   credit   ticket n may yield more values      failed     ticket n: an error
//   finish   ticket n: no more values            cancelled  ticket n: the reason
//   signal   one that goes with ticket n has fired
//   ask      something else, under ticket n
//
// A host that is a worker itself passes on what is not for an executor of its
// own. Values and functions are never decoded on the way: they mean something
// to the two ends only.

import { SerializationError } from "../base/errors.ts";
import { ByteReader, type ByteWriter } from "./bytes.ts";
import { CallMode } from "./messages.ts";

/** The first byte of a relayed message. */
export const Relay = {
  define: 1,
  forget: 2,
  submit: 3,
  cancel: 4,
  credit: 5,
  finish: 6,
  ask: 7,
  signal: 8,
  begun: 16,
  progress: 17,
  item: 18,
  done: 19,
  failed: 20,
  cancelled: 21,
} as const;

/** What can be asked of an executor besides a call. */
export const Question = {
  ready: 0,
  drain: 1,
  cancel: 2,
  terminate: 3,
} as const;

/** What `Question` allows. */
export type Question = typeof Question[keyof typeof Question];

/** The kinds of workers, by their number in a message: where a call is to run, or an error comes from. */
export const LANES = ["thread", "process", "inline"] as const;

/** A call for an executor. */
export interface RelayedCall {
  readonly tag: typeof Relay.submit;
  readonly ticket: number;
  readonly executor: string;
  readonly lane: typeof LANES[number];
  /** The slot of the call that submits it; undefined where none does. */
  readonly parent: number | undefined;
  /** How many tasks it is nested in, as far as the sender can tell. */
  readonly depth: number;
  readonly mode: CallMode;
  readonly definition: number;
  /** What was captured or passed may change. */
  readonly mutable: boolean;
  /** As in the payload. */
  readonly contexts: boolean;
  readonly calls: number;
  /** AbortSignals among its arguments. Those that have fired were told before. */
  readonly signals: number;
  readonly name: string;
  readonly priority: number;
  readonly timeout: number | undefined;
  readonly retries: number;
  readonly maySendAhead: boolean;
  readonly payload: Uint8Array;
}

/** What a host receives. */
export type RelayRequest =
  | {
    readonly tag: typeof Relay.define;
    readonly definition: number;
    readonly name: string;
    readonly mutable: boolean;
    readonly payload: Uint8Array;
  }
  | { readonly tag: typeof Relay.forget; readonly definition: number }
  | RelayedCall
  | {
    readonly tag: typeof Relay.cancel;
    readonly ticket: number;
    readonly payload: Uint8Array;
  }
  | {
    readonly tag: typeof Relay.credit;
    readonly ticket: number;
    readonly items: number;
  }
  | { readonly tag: typeof Relay.finish; readonly ticket: number }
  | {
    readonly tag: typeof Relay.signal;
    readonly ticket: number;
    readonly index: number;
    /** True where the call comes after it; else it may have ended meanwhile. */
    readonly isAhead: boolean;
    readonly payload: Uint8Array;
  }
  | {
    readonly tag: typeof Relay.ask;
    readonly ticket: number;
    readonly executor: string;
    readonly question: Question;
  };

/** Which worker something comes from. */
export interface WorkerPlace {
  readonly id: number;
  readonly name: string;
  readonly kind: typeof LANES[number];
}

/** What a guest receives. */
export type RelayAnswer =
  | { readonly tag: typeof Relay.begun; readonly ticket: number }
  | {
    readonly tag: typeof Relay.progress;
    readonly ticket: number;
    readonly done: number;
    readonly total: number | undefined;
  }
  | {
    readonly tag: typeof Relay.done;
    readonly ticket: number;
    /** How long the function ran, in milliseconds. */
    readonly time: number;
    readonly payload: Uint8Array;
  }
  | {
    readonly tag: typeof Relay.failed;
    readonly ticket: number;
    /** The worker that it comes from; undefined where the host made it. */
    readonly worker: WorkerPlace | undefined;
    readonly payload: Uint8Array;
  }
  | {
    readonly tag: typeof Relay.item | typeof Relay.cancelled;
    readonly ticket: number;
    readonly payload: Uint8Array;
  };

type Message = RelayRequest | RelayAnswer;
type Header<M> = M extends { readonly payload: Uint8Array } ? Omit<M, "payload">
  : M;

/** Writes a message without its payload, which is appended where there is one. */
export function writeRelay(w: ByteWriter, message: Header<Message>): void {
  w.u8(message.tag);
  switch (message.tag) {
    case Relay.define:
      w.varint(message.definition);
      w.string(message.name);
      w.u8(message.mutable ? 1 : 0);
      break;
    case Relay.forget:
      w.varint(message.definition);
      break;
    case Relay.submit:
      w.varint(message.ticket);
      w.string(message.executor);
      w.u8(LANES.indexOf(message.lane));
      w.varint(message.parent === undefined ? 0 : message.parent + 1);
      w.varint(message.depth);
      w.u8(message.mode);
      w.varint(message.definition);
      w.u8(message.mutable ? 1 : 0);
      w.u8(message.contexts ? 1 : 0);
      w.varint(message.calls);
      w.varint(message.signals);
      w.string(message.name);
      w.f64(message.priority);
      w.f64(message.timeout ?? NaN);
      w.f64(message.retries);
      w.u8(message.maySendAhead ? 1 : 0);
      break;
    case Relay.credit:
      w.varint(message.ticket);
      w.varint(message.items);
      break;
    case Relay.signal:
      w.varint(message.ticket);
      w.varint(message.index);
      w.u8(message.isAhead ? 1 : 0);
      break;
    case Relay.ask:
      w.varint(message.ticket);
      w.string(message.executor);
      w.u8(message.question);
      break;
    case Relay.progress:
      w.varint(message.ticket);
      w.f64(message.done);
      w.f64(message.total ?? NaN);
      break;
    case Relay.done:
      w.varint(message.ticket);
      w.f64(message.time);
      break;
    case Relay.failed: {
      const { ticket, worker } = message;
      w.varint(ticket);
      w.u8(worker === undefined ? 0 : LANES.indexOf(worker.kind) + 1);
      if (worker === undefined) break;
      w.varint(worker.id);
      w.string(worker.name);
      break;
    }
    case Relay.cancel:
    case Relay.finish:
    case Relay.begun:
    case Relay.item:
    case Relay.cancelled:
      w.varint(message.ticket);
      break;
    default:
      message satisfies never;
  }
}

/** Reads what a host received. The payload is a view of `bytes`. */
export function readRelayRequest(bytes: Uint8Array): RelayRequest {
  const r = new ByteReader(bytes);
  const tag = r.u8();
  switch (tag) {
    case Relay.define: {
      const definition = r.varint();
      const name = r.string();
      const mutable = r.u8() === 1;
      return { tag, definition, name, mutable, payload: rest(r) };
    }
    case Relay.forget:
      return { tag, definition: r.varint() };
    case Relay.submit: {
      const ticket = r.varint();
      const executor = r.string();
      const lane = LANES[r.u8()];
      if (lane === undefined) throw unknown("lane");
      const parent = r.varint();
      return checkCall({
        tag,
        ticket,
        executor,
        lane,
        parent: parent === 0 ? undefined : parent - 1,
        depth: r.varint(),
        mode: r.u8() as CallMode,
        definition: r.varint(),
        mutable: r.u8() === 1,
        contexts: r.u8() === 1,
        calls: r.varint(),
        signals: r.varint(),
        name: r.string(),
        priority: r.f64(),
        timeout: optional(r.f64()),
        retries: r.f64(),
        maySendAhead: r.u8() === 1,
        payload: rest(r),
      });
    }
    case Relay.cancel: {
      const ticket = r.varint();
      return { tag, ticket, payload: rest(r) };
    }
    case Relay.credit:
      return { tag, ticket: r.varint(), items: r.varint() };
    case Relay.finish:
      return { tag, ticket: r.varint() };
    case Relay.signal: {
      const ticket = r.varint();
      const index = r.varint();
      const isAhead = r.u8() === 1;
      return { tag, ticket, index, isAhead, payload: rest(r) };
    }
    case Relay.ask: {
      const ticket = r.varint();
      const executor = r.string();
      const question = r.u8();
      if (question > Question.terminate) throw unknown("question");
      return { tag, ticket, executor, question: question as Question };
    }
    default:
      throw unknown("tag");
  }
}

/** Reads what a guest received. The payload is a view of `bytes`. */
export function readRelayAnswer(bytes: Uint8Array): RelayAnswer {
  const r = new ByteReader(bytes);
  const tag = r.u8();
  switch (tag) {
    case Relay.begun:
      return { tag, ticket: r.varint() };
    case Relay.progress:
      return {
        tag,
        ticket: r.varint(),
        done: r.f64(),
        total: optional(r.f64()),
      };
    case Relay.done: {
      const ticket = r.varint();
      const time = r.f64();
      return { tag, ticket, time, payload: rest(r) };
    }
    case Relay.failed: {
      const ticket = r.varint();
      const kind = LANES[r.u8() - 1];
      const worker = kind === undefined
        ? undefined
        : { kind, id: r.varint(), name: r.string() };
      return { tag, ticket, worker, payload: rest(r) };
    }
    case Relay.item:
    case Relay.cancelled: {
      const ticket = r.varint();
      return { tag, ticket, payload: rest(r) };
    }
    default:
      throw unknown("tag");
  }
}

/** What a caller's options are checked for, the other side has to be as well: a scheduler takes them as they are. */
function checkCall(call: RelayedCall): RelayedCall {
  const { mode, signals, priority, timeout, retries, payload } = call;
  if (mode > CallMode.stream) throw unknown("mode");
  if (Number.isNaN(priority)) throw unknown("priority");
  if (timeout !== undefined && timeout < 0) throw unknown("timeout");
  if (!(retries >= 0)) throw unknown("number of retries");
  // Each takes a byte at least, and is something to make here.
  if (signals > payload.length) throw unknown("number of signals");
  return call;
}

function optional(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

function rest(r: ByteReader): Uint8Array {
  return r.buffer.subarray(r.offset);
}

function unknown(field: string): SerializationError {
  return new SerializationError(
    `Cannot read a relayed message: its ${field} is not known`,
    { reason: `unknown ${field}` },
  );
}
