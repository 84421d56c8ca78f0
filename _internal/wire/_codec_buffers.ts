// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Buffers and the views over them. A view that shows all of its buffer, and any
// view whose buffer is in the message already, is written as (buffer, offset,
// length), so that views go on sharing. A view of a part of an unshared buffer
// is written as that part only: ten bytes of a gigabyte are ten bytes, and the
// received view starts at offset 0 of a buffer of its own (structured clone
// would send the gigabyte). Where it turns out later in the same message that
// the buffer is shared after all, the message is written again with whole
// buffers (`RestartWithWholeBuffers`): sharing is never lost.

import { copyBytes } from "../memory/segments.ts";
import { ALIGNED } from "./bytes.ts";
import * as tags from "./_codec_tags.ts";
import {
  type GraphReader,
  type GraphWriter,
  malformed,
} from "./_codec_types.ts";
import { ownCopy } from "./spare_buffers.ts";

interface ViewConstructor {
  new (
    buffer: ArrayBufferLike,
    byteOffset?: number,
    length?: number,
  ): ArrayBufferView;
  readonly prototype: object;
}

/** The position is the kind in the message: append only. */
const VIEWS: readonly (ViewConstructor | undefined)[] = [
  DataView as unknown as ViewConstructor,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  Float16Array,
];
const DATA_VIEW = 0;
/** Node's Buffer: a Uint8Array with another prototype. */
const NODE_BUFFER = VIEWS.length;
/** The length of a view that follows its resizable buffer. */
const TRACKING = 1;

const KIND_OF = new Map<object, number>();
VIEWS.forEach((view, kind) => view && KIND_OF.set(view.prototype, kind));

function unit(kind: number): number {
  if (kind === DATA_VIEW || kind === NODE_BUFFER) return 1;
  return (VIEWS[kind] as unknown as { BYTES_PER_ELEMENT: number })
    .BYTES_PER_ELEMENT;
}

const isShared = (buffer: ArrayBufferLike): boolean =>
  buffer instanceof SharedArrayBuffer;

const isResizable = (buffer: ArrayBufferLike): boolean =>
  buffer instanceof SharedArrayBuffer ? buffer.growable : buffer.resizable;

/** Writes `view`; false where its class is not known here. */
export function writeView(
  g: GraphWriter,
  view: ArrayBufferView,
  prototype: object,
): boolean {
  let kind = KIND_OF.get(prototype);
  if (kind === undefined) {
    const name: unknown = Reflect.get(prototype, "constructor")?.name;
    if (name !== "Buffer" || !(view instanceof Uint8Array)) return false;
    kind = NODE_BUFFER;
  }
  const { buffer, byteOffset, byteLength } = view;
  const { w } = g;
  g.register(view);
  const part = !g.wholeBuffers && byteLength < buffer.byteLength &&
    !isShared(buffer) && !isResizable(buffer) && !g.isRegistered(buffer) &&
    !g.c.transfer?.has(buffer);
  if (part) {
    g.sentPart(buffer);
    w.u8(tags.TAG_VIEW_PART);
    w.u8(kind);
    w.alignedBlob(new Uint8Array(buffer, byteOffset, byteLength));
    return true;
  }
  if (g.hasPart(buffer)) g.sentPart(buffer);
  // Whether a view tracks its buffer's length cannot be asked; one that ends
  // where its resizable buffer ends is taken to.
  const rest = buffer.byteLength - byteOffset - byteLength;
  const tracking = isResizable(buffer) && rest < unit(kind) && rest >= 0;
  w.u8(tags.TAG_VIEW);
  w.u8(kind);
  w.u8(tracking ? TRACKING : 0);
  w.varint(byteOffset);
  w.varint(byteLength / unit(kind));
  g.value(buffer);
  return true;
}

export function writeBuffer(
  g: GraphWriter,
  buffer: ArrayBuffer,
): void {
  if (g.hasPart(buffer)) g.sentPart(buffer);
  const { attachments, transfer } = g.c;
  if (attachments !== undefined && transfer?.has(buffer)) {
    g.register(buffer);
    g.w.u8(tags.TAG_ATTACHMENT);
    g.w.varint(attachments.push(buffer) - 1);
    return;
  }
  if (buffer.detached) {
    g.refuse("it is an ArrayBuffer that was transferred before");
  }
  g.register(buffer);
  if (buffer.resizable) {
    g.w.u8(tags.TAG_RESIZABLE_BUFFER);
    g.w.varint(buffer.maxByteLength);
  } else g.w.u8(tags.TAG_ARRAY_BUFFER);
  g.w.alignedBlob(new Uint8Array(buffer));
}

/** The bytes in a buffer of their own: the message's memory is used again. */
function ownBytes({ r }: GraphReader): ArrayBuffer {
  const length = r.alignedLength();
  const offset = r.take(length);
  if (length > ALIGNED) {
    return ownCopy(r.buffer.subarray(offset, offset + length));
  }
  const own = new Uint8Array(length);
  for (let i = 0; i < length; i++) own[i] = r.buffer[offset + i]!;
  return own.buffer;
}

export function readArrayBuffer(g: GraphReader): ArrayBuffer {
  const buffer = ownBytes(g);
  g.register(buffer);
  return buffer;
}

export function readResizableBuffer(g: GraphReader): ArrayBuffer {
  const maxByteLength = g.r.varint();
  const bytes = g.r.raw(g.r.alignedLength());
  if (maxByteLength < bytes.length) {
    throw malformed("it holds a buffer that is longer than its limit");
  }
  const buffer = new ArrayBuffer(bytes.length, { maxByteLength });
  copyBytes(new Uint8Array(buffer), 0, bytes);
  g.register(buffer);
  return buffer;
}

function viewOf(
  kind: number,
  buffer: ArrayBufferLike,
  offset: number,
  length?: number,
): ArrayBufferView {
  if (kind === NODE_BUFFER) {
    // A process or thread that holds no Buffer yet loads it only here.
    const { Buffer } = globalThis as unknown as {
      Buffer: {
        from(b: ArrayBufferLike, o: number, n?: number): ArrayBufferView;
      };
    };
    return Buffer.from(buffer, offset, length);
  }
  const View = VIEWS[kind];
  if (View === undefined) throw malformed("it holds an unknown kind of view");
  return new View(buffer, offset, length);
}

export function readViewPart(g: GraphReader): ArrayBufferView {
  const kind = g.r.u8();
  const index = g.reserve();
  const buffer = ownBytes(g);
  const view = viewOf(kind, buffer, 0);
  g.fill(index, view);
  return view;
}

export function readView(g: GraphReader): ArrayBufferView {
  const kind = g.r.u8();
  const tracking = g.r.u8() === TRACKING;
  const offset = g.r.varint();
  const length = g.r.varint();
  const index = g.reserve();
  const buffer = g.value();
  if (
    !(buffer instanceof ArrayBuffer || buffer instanceof SharedArrayBuffer)
  ) {
    throw malformed("it holds a view without a buffer");
  }
  const view = viewOf(kind, buffer, offset, tracking ? undefined : length);
  g.fill(index, view);
  return view;
}
