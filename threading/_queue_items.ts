// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Values to items of a queue and back. What is small and common is written as it
// is; everything else goes through the codec, outside the queue's guard. What
// only the platform can carry (shared memory, ports) is deposited beside the
// queue, and the item holds the token.

import { NotSupportedError } from "../_internal/base/errors.ts";
import {
  ATTACHED,
  ItemKind,
  NEEDS_MODULES,
  QueueItem,
  TEXT_LIMIT,
} from "../_internal/memory/queue_segment.ts";
import { encodePayload } from "../_internal/wire/payload.ts";
import {
  checkModules,
  decodeLoaded,
  describer,
  importModules,
  missingModules,
  requireModules,
} from "../_internal/wire/values.ts";
import {
  collect,
  collectSync,
  depositAttachments,
  discard,
} from "../_internal/worker/mail.ts";
import type { KeyOf } from "./_queue_plan.ts";

type Contents = Pick<QueueItem, "kind" | "bytes" | "float">;

const NONE: readonly never[] = [];
const NO_BYTES = new Uint8Array();
/** Small items go in through it. */
const small = new QueueItem();

/**
 * Makes an item of a value. A small one holds until the next one is made, see
 * {@linkcode keep}.
 *
 * @throws {SerializationError} If a part of it cannot travel.
 */
export function pack(
  value: unknown,
  keyOf: KeyOf | undefined,
  transfer: readonly Transferable[] | undefined,
  isPortable: boolean,
): QueueItem {
  // What it is ordered by may be found by a function of the user, which may put.
  const key = keyOf?.(value);
  const item = isSmall(value)
    ? small
    : packPayload(value, transfer, isPortable);
  item.key = key;
  return item;
}

/** The item, for longer than until the next one is made. */
export function keep(item: QueueItem): QueueItem {
  return item === small ? Object.assign(new QueueItem(), item) : item;
}

/** True where the value was written into `small`. */
function isSmall(value: unknown): boolean {
  switch (typeof value) {
    case "number":
    case "boolean":
    case "undefined":
      small.setSmall(value);
      return true;
    case "string":
      if (!isShortText(value)) return false;
      small.setSmall(value);
      return true;
    case "object":
      if (value !== null) return false;
      small.setSmall(value);
      return true;
    default:
      return false;
  }
}

/** Gives back what an item that was not put has deposited. */
export function withdraw(item: QueueItem): void {
  if ((item.kind & ATTACHED) !== 0) discard(item.float);
}

/** True where an item can be made a value of without waiting, or is known to fail. */
export function isReady(item: Contents): boolean {
  return (item.kind & NEEDS_MODULES) === 0 ||
    missingModules(item.bytes).length === 0;
}

/** Always: whoever takes it may wait for its modules. */
export function isAny(): boolean {
  return true;
}

/**
 * Loads the modules of an item, blocking the thread. One that fails is
 * remembered: whoever takes the item is told.
 *
 * @throws {NotSupportedError} If one of them can only be loaded asynchronously.
 */
export function loadSync(item: QueueItem): void {
  if (isReady(item)) return;
  requireModules(item.bytes, (url, cause) =>
    new NotSupportedError(
      `Cannot get an item without waiting: its module ${url} can only be loaded by get()`,
      { cause },
    ));
}

/** The value of an item whose modules are loaded. */
export function unpackSync(item: QueueItem): unknown {
  const { kind } = item;
  if (kind < ItemKind.payload) return item.getSmall();
  checkModules(item.bytes, "an item");
  const attachments = (kind & ATTACHED) === 0 ? NONE : collectSync(item.float);
  return unpackPayload(item, attachments);
}

/** The value of an item; a promise of it only where something has to be waited for. */
export function unpack(item: QueueItem): unknown {
  const { kind } = item;
  if (kind < ItemKind.payload) return item.getSmall();
  if (kind === ItemKind.payload) return unpackPayload(item, NONE);
  // The next one may be read into the same item meanwhile.
  return unpackLater({ ...item });
}

async function unpackLater(item: Contents): Promise<unknown> {
  const isAttached = (item.kind & ATTACHED) !== 0;
  const attachments = isAttached ? await collect(item.float) : NONE;
  if (!isReady(item)) await importModules(item.bytes);
  checkModules(item.bytes, "an item");
  return unpackPayload(item, attachments);
}

function unpackPayload(
  item: Contents,
  attachments: readonly unknown[],
): unknown {
  const { bytes } = item;
  item.bytes = NO_BYTES;
  return decodeLoaded(bytes, attachments);
}

function packPayload(
  value: unknown,
  transfer: readonly Transferable[] | undefined,
  isPortable: boolean,
): QueueItem {
  const payload = encodePayload(value, {
    root: "item",
    describe: describer(),
    reach: isPortable ? "process" : "thread",
    transfer,
  });
  const { bytes, attachments } = payload;
  const item = new QueueItem();
  let kind: number = ItemKind.payload;
  if (bytes[0] !== 0) kind |= NEEDS_MODULES;
  if (attachments.length > 0) {
    item.float = depositAttachments(attachments, payload.transfer);
    kind |= ATTACHED;
  }
  item.kind = kind;
  item.int = bytes.length;
  item.bytes = bytes;
  return item;
}

function isShortText(value: string): boolean {
  const { length } = value;
  if (length > TEXT_LIMIT) return false;
  for (let i = 0; i < length; i++) {
    if (value.charCodeAt(i) > 0x7f) return false;
  }
  return true;
}
