// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The way from a task up to executors above its worker. The guest opens it;
// what uses it (pool/relay_scheduler.ts) is loaded with the first executor that
// a task gets.

import type { CallContext } from "./current.ts";

/** The guest's end. */
export interface Uplink {
  readonly carriesAttachments: boolean;
  /** Sends a relayed message (wire/relay_messages.ts). */
  relay(
    message: Uint8Array,
    attachments: readonly unknown[],
    transfer: readonly Transferable[],
  ): void;
  /** The slot of a call of this worker; undefined for what is none. */
  slotOf(call: CallContext | undefined): number | undefined;
  /** What runs now is part of the call: that stays known also where others run meanwhile. */
  enter(call: CallContext | undefined): void;
  /** The call waits for one thing more: its place is lent while it waits for any. */
  waitStarted(call: CallContext | undefined): void;
  /** Undoes one `waitStarted`. */
  waitEnded(call: CallContext | undefined): void;
}

let current: Uplink | undefined;
let listener:
  | ((message: Uint8Array, attachments: readonly unknown[]) => void)
  | undefined;

/** Guest: opens the way. */
export function openUplink(uplink: Uplink): void {
  current = uplink;
}

/** The way up; undefined where this isolate is no worker. */
export function uplink(): Uplink | undefined {
  return current;
}

/** Says who hears the answers. */
export function onRelayed(
  fn: (message: Uint8Array, attachments: readonly unknown[]) => void,
): void {
  listener = fn;
}

/** Guest: an answer has come. */
export function relayed(
  message: Uint8Array,
  attachments: readonly unknown[],
): void {
  listener?.(message, attachments);
}
