// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Every message between a host and a guest, in one place.
//
//   host -> guest                                  guest -> host
//   define  a function, before its first call      ready     the guest takes calls
//   call    run it in slot n                       done      slot n: a value
//   load    get a definition ready for its calls   loaded    it is, or why it is not
//   forget  a definition                           failed    slot n: an error
//   abort   fire the signal of slot n              skipped   slot n was revoked in time
//   signal  one that came with slot n has fired
//   ping    does the event loop turn?              pong      it does
//   stop    end in order, with a code              lingers   it will, but has work of its own left
//   relayed an answer to what was relayed          relay     what a task asks of an executor (relay_messages.ts)
//                                                  lends     slot n waits: whom its place is lent to
//   credit  slot n may yield as many values more   item      slot n: a value of a generator
//   finish  slot n: nobody wants more values       finishing slot n: its generator has been told so
//                                                  progress  slot n
//                                                  fault     an error outside of any call
//                                                  exit      the guest ends itself with a code
//   linked  it is, or why it is not                link      a socket to a door of the guest (socket_place.ts)
//                                                  measured  begins a done or failed: what the call has cost
//
// On the wire: one byte `tag`, then the fields in the order of the type. A
// payload is the codec's business and runs to the end of the message.

import { ByteReader, ByteWriter } from "./bytes.ts";
import { SerializationError } from "../base/errors.ts";

/** The first byte of a message. */
export const Tag = {
  define: 1,
  call: 2,
  abort: 3,
  stop: 4,
  forget: 5,
  ping: 6,
  relayed: 7,
  credit: 8,
  finish: 9,
  signal: 10,
  load: 11,
  linked: 12,
  ready: 16,
  done: 17,
  failed: 18,
  skipped: 19,
  progress: 20,
  fault: 21,
  exit: 22,
  pong: 23,
  lingers: 24,
  relay: 25,
  lends: 26,
  item: 27,
  finishing: 28,
  loaded: 29,
  link: 30,
  measured: 31,
} as const;

/** How a call's payload is to be read. */
export const CallMode = {
  /** One list of arguments; the answer is the value. */
  single: 0,
  /** Many lists of arguments; the answer is a list of outcomes. */
  chunk: 1,
  /** As `single`; an error is also printed on the worker's standard error. */
  main: 2,
  /** As `single`; the value stays where it is. */
  quiet: 3,
  /** The function returns something to iterate over; its values come as items, the answer has none. */
  stream: 4,
} as const;

/** Added to the mode of a call on the wire where it is to be measured. */
const IS_MEASURED = 0x20;
/** Added to the mode of a call on the wire where `fired` follows. */
const HAS_SIGNALS = 0x40;
/** Added to the mode of a call on the wire where stores come before the arguments. */
const HAS_CONTEXTS = 0x80;

/** What `CallMode` allows. */
export type CallMode = typeof CallMode[keyof typeof CallMode];

/** What is added to it. */
const CALL_FLAGS = IS_MEASURED | HAS_SIGNALS | HAS_CONTEXTS;

/** A run time is sent in whole 10 000ths of a millisecond. */
const TIME_UNITS = 10_000;

/** In place of a definition: the payload is `[function, arguments]`, for chunks `[function, …lists of arguments]`. */
export const WHOLE_CALL = 0;

/** Why a call is aborted. */
export const AbortReason = {
  cancelled: 0,
  timeout: 1,
  /** Somebody has interrupted its process: a call that does not care ends with it. */
  interrupted: 2,
} as const;

/** What `AbortReason` allows. */
export type AbortReason = typeof AbortReason[keyof typeof AbortReason];

/** Who may use the place of a call that waits. */
export const Lent = {
  /** It does not wait: nobody. */
  no: 0,
  /** It waits for what it has submitted: tasks that tasks have submitted. */
  nested: 1,
  /** It is a generator whose values nobody has taken yet: every task. */
  all: 2,
} as const;

/** What `Lent` allows. */
export type Lent = typeof Lent[keyof typeof Lent];

/** What a call has cost where it ran; of a chunk, all of its calls together. */
export interface Measurement {
  /** Milliseconds from its start to its end, waiting included. */
  readonly time: number;
  /** Those before it gave a promise: all of them where it gave none. */
  readonly sync: number;
  /** Those in which it had a processor; undefined where nobody could tell. */
  readonly cpu: number | undefined;
  /** Of how many `cpu` is, where that is of short calls before it too; `time` where it is missing. */
  readonly over?: number | undefined;
  /** Milliseconds in which its arguments were decoded, before it began. */
  readonly decoding?: number | undefined;
}

/** What a guest receives. */
export type HostMessage =
  | {
    readonly tag: typeof Tag.define;
    readonly definition: number;
    readonly payload: Uint8Array;
  }
  | {
    readonly tag: typeof Tag.call;
    readonly slot: number;
    readonly mode: CallMode;
    /** How many of the signals that come along have fired: as many messages tell of them behind this one. Undefined where none comes along. */
    readonly fired: number | undefined;
    /** True where the stores of the caller's AsyncLocalStorage come before the arguments. */
    readonly contexts: boolean;
    /** True where the answer is to tell what the call has cost. */
    readonly isMeasured: boolean;
    readonly definition: number;
    readonly payload: Uint8Array;
  }
  | {
    readonly tag: typeof Tag.abort;
    readonly slot: number;
    readonly reason: AbortReason;
    /** What the asker gave, as an error is encoded; empty where that is nothing. */
    readonly payload: Uint8Array;
  }
  | {
    readonly tag: typeof Tag.signal;
    readonly slot: number;
    /** Its number among the signals of the call. */
    readonly index: number;
    /** The reason, as an error is encoded. */
    readonly payload: Uint8Array;
  }
  | {
    readonly tag: typeof Tag.forget | typeof Tag.load;
    readonly definition: number;
  }
  | { readonly tag: typeof Tag.ping }
  | { readonly tag: typeof Tag.stop; readonly code: number }
  | { readonly tag: typeof Tag.relayed; readonly payload: Uint8Array }
  | {
    readonly tag: typeof Tag.credit;
    readonly slot: number;
    readonly items: number;
  }
  | { readonly tag: typeof Tag.finish; readonly slot: number }
  | {
    readonly tag: typeof Tag.linked;
    readonly id: number;
    /** Why not, as an error is encoded; empty where it is. */
    readonly payload: Uint8Array;
  };

/** What a host receives. */
export type GuestMessage =
  | { readonly tag: typeof Tag.ready }
  | { readonly tag: typeof Tag.pong }
  | { readonly tag: typeof Tag.lingers }
  | {
    readonly tag: typeof Tag.done | typeof Tag.failed;
    readonly slot: number;
    /** How long the function ran, in milliseconds. */
    readonly time: number;
    /** What the call has cost, where that was asked for. Written by `writeMeasurement()`, in front of the header. */
    readonly measurement?: Measurement | undefined;
    readonly payload: Uint8Array;
  }
  | {
    readonly tag:
      | typeof Tag.skipped
      | typeof Tag.finishing;
    readonly slot: number;
  }
  | {
    readonly tag: typeof Tag.lends;
    readonly slot: number;
    readonly to: Lent;
  }
  | {
    readonly tag: typeof Tag.item;
    readonly slot: number;
    readonly payload: Uint8Array;
  }
  | { readonly tag: typeof Tag.relay; readonly payload: Uint8Array }
  | {
    readonly tag: typeof Tag.progress;
    readonly slot: number;
    readonly done: number;
    readonly total: number | undefined;
  }
  | {
    readonly tag: typeof Tag.loaded;
    readonly definition: number;
    /** Why it cannot be called, as an error is encoded; empty where it can. */
    readonly payload: Uint8Array;
  }
  | { readonly tag: typeof Tag.fault; readonly payload: Uint8Array }
  | { readonly tag: typeof Tag.exit; readonly code: number }
  | {
    readonly tag: typeof Tag.link;
    readonly id: number;
    /** Socket and door, in JSON. */
    readonly payload: Uint8Array;
  };

/** Starts a message in `w`; the codec appends the payload where there is one. */
export function writeHeader(w: ByteWriter, message: HeaderOf<Message>): void {
  w.u8(message.tag);
  switch (message.tag) {
    case Tag.define:
    case Tag.forget:
    case Tag.load:
    case Tag.loaded:
      w.varint(message.definition);
      break;
    case Tag.call:
      w.varint(message.slot);
      w.u8(
        message.mode | (message.fired === undefined ? 0 : HAS_SIGNALS) |
          (message.contexts ? HAS_CONTEXTS : 0) |
          (message.isMeasured ? IS_MEASURED : 0),
      );
      if (message.fired !== undefined) w.varint(message.fired);
      w.varint(message.definition);
      break;
    case Tag.abort:
      w.varint(message.slot);
      w.u8(message.reason);
      break;
    case Tag.signal:
      w.varint(message.slot);
      w.varint(message.index);
      break;
    case Tag.done:
    case Tag.failed:
      w.varint(message.slot);
      w.varint(Math.round(message.time * TIME_UNITS));
      break;
    case Tag.skipped:
    case Tag.item:
    case Tag.finish:
    case Tag.finishing:
      w.varint(message.slot);
      break;
    case Tag.lends:
      w.varint(message.slot);
      w.u8(message.to);
      break;
    case Tag.link:
    case Tag.linked:
      w.varint(message.id);
      break;
    case Tag.credit:
      w.varint(message.slot);
      w.varint(message.items);
      break;
    case Tag.progress:
      w.varint(message.slot);
      w.f64(message.done);
      w.f64(message.total ?? NaN);
      break;
    case Tag.exit:
    case Tag.stop:
      w.i32(message.code);
      break;
    case Tag.ping:
    case Tag.ready:
    case Tag.pong:
    case Tag.lingers:
    case Tag.fault:
    case Tag.relay:
    case Tag.relayed:
      break;
    default:
      message satisfies never;
  }
}

/** Begins an answer with what the call has cost; the header follows. One message, so that it comes with the answer whatever the channel is. */
export function writeMeasurement(
  w: ByteWriter,
  { time, sync, cpu, over = 0, decoding = 0 }: Measurement,
): void {
  w.u8(Tag.measured);
  w.varint(Math.round(time * TIME_UNITS));
  w.varint(Math.round(sync * TIME_UNITS));
  w.varint(cpu === undefined ? 0 : Math.round(cpu * TIME_UNITS) + 1);
  w.varint(Math.round(over * TIME_UNITS));
  w.varint(Math.round(decoding * TIME_UNITS));
}

function readMeasurement(r: ByteReader): Measurement {
  const time = r.varint() / TIME_UNITS;
  const sync = r.varint() / TIME_UNITS;
  const cpu = r.varint();
  const over = r.varint() / TIME_UNITS;
  const decoding = r.varint() / TIME_UNITS;
  return {
    time,
    sync,
    cpu: cpu === 0 ? undefined : (cpu - 1) / TIME_UNITS,
    ...(over === 0 ? {} : { over }),
    ...(decoding === 0 ? {} : { decoding }),
  };
}

/** Any message. */
export type Message = HostMessage | GuestMessage;

/** A message without its payload. */
export type HeaderOf<M> = M extends { readonly payload: Uint8Array }
  ? Omit<M, "payload">
  : M;

/** Reads a message that a guest received. The payload is a view of `bytes`. */
export function readHostMessage(bytes: Uint8Array): HostMessage {
  const r = new ByteReader(bytes);
  const tag = r.u8();
  switch (tag) {
    case Tag.define: {
      const definition = r.varint();
      return { tag, definition, payload: rest(r) };
    }
    case Tag.call: {
      const slot = r.varint();
      const flags = r.u8();
      return {
        tag,
        slot,
        mode: (flags & ~CALL_FLAGS) as CallMode,
        contexts: (flags & HAS_CONTEXTS) !== 0,
        isMeasured: (flags & IS_MEASURED) !== 0,
        fired: (flags & HAS_SIGNALS) === 0 ? undefined : r.varint(),
        definition: r.varint(),
        payload: rest(r),
      };
    }
    case Tag.abort:
      return {
        tag,
        slot: r.varint(),
        reason: r.u8() as AbortReason,
        payload: rest(r),
      };
    case Tag.signal:
      return {
        tag,
        slot: r.varint(),
        index: r.varint(),
        payload: rest(r),
      };
    case Tag.forget:
    case Tag.load:
      return { tag, definition: r.varint() };
    case Tag.ping:
      return { tag };
    case Tag.stop:
      return { tag, code: r.i32() };
    case Tag.relayed:
      return { tag, payload: rest(r) };
    case Tag.credit:
      return { tag, slot: r.varint(), items: r.varint() };
    case Tag.finish:
      return { tag, slot: r.varint() };
    case Tag.linked:
      return { tag, id: r.varint(), payload: rest(r) };
    default:
      throw unknownTag(tag);
  }
}

/** Reads a message that a host received. The payload is a view of `bytes`. */
export function readGuestMessage(bytes: Uint8Array): GuestMessage {
  const r = new ByteReader(bytes);
  let tag = r.u8();
  let measurement: Measurement | undefined;
  if (tag === Tag.measured) {
    measurement = readMeasurement(r);
    tag = r.u8();
  }
  switch (tag) {
    case Tag.ready:
    case Tag.pong:
    case Tag.lingers:
      return { tag };
    case Tag.done:
    case Tag.failed: {
      const slot = r.varint();
      const time = r.varint() / TIME_UNITS;
      return { tag, slot, time, measurement, payload: rest(r) };
    }
    case Tag.skipped:
    case Tag.finishing:
      return { tag, slot: r.varint() };
    case Tag.lends:
      return { tag, slot: r.varint(), to: r.u8() as Lent };
    case Tag.item: {
      const slot = r.varint();
      return { tag, slot, payload: rest(r) };
    }
    case Tag.relay:
      return { tag, payload: rest(r) };
    case Tag.progress: {
      const slot = r.varint();
      const done = r.f64();
      const total = r.f64();
      return {
        tag,
        slot,
        done,
        total: Number.isNaN(total) ? undefined : total,
      };
    }
    case Tag.loaded: {
      const definition = r.varint();
      return { tag, definition, payload: rest(r) };
    }
    case Tag.fault:
      return { tag, payload: rest(r) };
    case Tag.exit:
      return { tag, code: r.i32() };
    case Tag.link:
      return { tag, id: r.varint(), payload: rest(r) };
    default:
      throw unknownTag(tag);
  }
}

/** A one-off message without payload. */
export function plainMessage(message: HeaderOf<Message>): Uint8Array {
  const w = new ByteWriter(16);
  writeHeader(w, message);
  return w.bytes();
}

function rest(r: ByteReader): Uint8Array {
  return r.buffer.subarray(r.offset);
}

function unknownTag(tag: number): SerializationError {
  return new SerializationError(
    `Cannot read a message as its tag is not known: current value is ${tag}`,
    { reason: "unknown tag" },
  );
}
