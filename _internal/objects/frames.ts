// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a link carries. Frames are bytes, since a broker passes their bodies on as
// they are: what a body holds concerns the object and its user only.

import { SerializationError } from "../base/errors.ts";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";

/** Who uses objects: a thread of a process. */
export interface AgentId {
  /** Unique: 32 hexadecimal digits. */
  readonly id: string;
  readonly pid: number;
  readonly name: string;
}

/** From who uses objects to who serves them. */
export type Request =
  /** Introduces an agent, under a number of this link. */
  | { readonly tag: 1; readonly number: number; readonly agent: AgentId }
  /** It has ended. */
  | { readonly tag: 2; readonly number: number; readonly inOrder: boolean }
  | {
    readonly tag: 3;
    readonly id: number;
    readonly agent: number;
    readonly object: number;
    readonly method: string;
    readonly body: Uint8Array;
  }
  /** A call that nobody waits for. */
  | {
    readonly tag: 4;
    readonly agent: number;
    readonly object: number;
    readonly method: string;
    readonly body: Uint8Array;
  }
  /** Nobody wants the answer any more; it comes all the same, and counts. */
  | { readonly tag: 5; readonly id: number };

/** From who serves objects. */
export type Response =
  | { readonly tag: 6; readonly id: number; readonly body: Uint8Array }
  /** The body is an error. */
  | { readonly tag: 7; readonly id: number; readonly body: Uint8Array }
  /** Something that an object tells all who have it. */
  | { readonly tag: 8; readonly object: number; readonly body: Uint8Array };

/** The tags of {@linkcode Request} and {@linkcode Response}. */
export const Frame = {
  introduce: 1,
  leave: 2,
  call: 3,
  cast: 4,
  cancel: 5,
  answer: 6,
  failed: 7,
  push: 8,
} as const;

/** The number of a station itself, as an object. */
export const STATION_ITSELF = 0;

const NAME_LIMIT = 1024;
const METHOD_LIMIT = 64;
const AGENT_ID = /^[0-9a-f]{32}$/;

/** The bytes of a frame, without the body. They hold until the next one is written. */
export function writeFrame(frame: Request | Response): Uint8Array {
  const w = writer;
  w.reset();
  w.u8(frame.tag);
  switch (frame.tag) {
    case Frame.introduce:
      w.varint(frame.number);
      w.string(frame.agent.id);
      w.varint(frame.agent.pid);
      w.string(frame.agent.name.slice(0, NAME_LIMIT));
      break;
    case Frame.leave:
      w.varint(frame.number);
      w.u8(frame.inOrder ? 1 : 0);
      break;
    case Frame.call:
      w.varint(frame.id);
      w.varint(frame.agent);
      w.varint(frame.object);
      w.string(frame.method);
      break;
    case Frame.cast:
      w.varint(frame.agent);
      w.varint(frame.object);
      w.string(frame.method);
      break;
    case Frame.cancel:
    case Frame.answer:
    case Frame.failed:
      w.varint(frame.id);
      break;
    case Frame.push:
      w.varint(frame.object);
      break;
    default:
      frame satisfies never;
  }
  return w.bytes();
}

/**
 * Reads a frame; its body is a view of the bytes.
 *
 * @throws {SerializationError} If they are none.
 */
export function readFrame(bytes: Uint8Array): Request | Response {
  try {
    const r = new ByteReader(bytes);
    const tag = r.u8();
    switch (tag) {
      case Frame.introduce: {
        const number = r.varint();
        const id = r.string();
        const pid = r.varint();
        const name = r.string();
        if (!AGENT_ID.test(id) || name.length > NAME_LIMIT) break;
        return { tag, number, agent: { id, pid, name } };
      }
      case Frame.leave:
        return { tag, number: r.varint(), inOrder: r.u8() === 1 };
      case Frame.call: {
        const [id, agent, object] = [r.varint(), r.varint(), r.varint()];
        const method = readMethod(r);
        return { tag, id, agent, object, method, body: rest(r) };
      }
      case Frame.cast: {
        const [agent, object] = [r.varint(), r.varint()];
        const method = readMethod(r);
        return { tag, agent, object, method, body: rest(r) };
      }
      case Frame.cancel:
        return { tag, id: r.varint() };
      case Frame.answer:
      case Frame.failed:
        return { tag, id: r.varint(), body: rest(r) };
      case Frame.push:
        return { tag, object: r.varint(), body: rest(r) };
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new SerializationError(
    "Cannot read a frame: no other side of a link writes such",
    { reason: "bad frame" },
  );
}

const writer = new ByteWriter(256);

function readMethod(r: ByteReader): string {
  const method = r.string();
  if (method.length > METHOD_LIMIT) throw new RangeError("long");
  return method;
}

function rest(r: ByteReader): Uint8Array {
  return r.raw(r.remaining);
}
