// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Signals that went along with calls: the worker's ends of them fire when the
// caller's do.
//
//   1. the call says how many of its signals have fired; it waits over there
//      until it knows which, so that a function sees it that never turns its
//      event loop;
//   2. what has fired, and what fires later, is told behind the call;
//   3. nothing listens any more once the call was answered or taken back: a
//      signal lives as long as a program, its calls do not.

import { onAbort } from "../base/abort_listeners.ts";
import { ByteWriter } from "../wire/bytes.ts";
import { encodeError } from "../wire/error_codec.ts";
import {
  type HeaderOf,
  type HostMessage,
  writeHeader,
} from "../wire/messages.ts";

/** Tells one worker what becomes of the signals that it was sent. */
export class SignalRelay {
  readonly #fire: (call: number, index: number, reason: unknown) => void;
  /** What ends the listening for each call, by its slot or ticket. */
  readonly #listening = new Map<number, () => void>();

  /** @param fire Tells the other side that a signal of a call has fired. */
  constructor(fire: (call: number, index: number, reason: unknown) => void) {
    this.#fire = fire;
  }

  /** Called when a call is sent; tells at once what has fired already. */
  attach(call: number, signals: readonly AbortSignal[]): void {
    const fire = (index: number) =>
      this.#fire(call, index, signals[index]!.reason);
    const stops: (() => void)[] = [];
    for (const [index, signal] of signals.entries()) {
      if (signal.aborted) {
        fire(index);
        continue;
      }
      stops.push(onAbort(signal, () => fire(index)));
    }
    this.#listening.set(call, () => {
      for (const stop of stops) stop();
    });
  }

  /** The call does not need to be told any more. */
  detach(call: number): void {
    const stop = this.#listening.get(call);
    if (stop === undefined) return;
    this.#listening.delete(call);
    stop();
  }

  /** The worker is told nothing any more. */
  detachAll(): void {
    for (const call of [...this.#listening.keys()]) this.detach(call);
  }
}

/** How many signals have fired. */
export function firedAmong(signals: readonly AbortSignal[]): number {
  let fired = 0;
  for (const signal of signals) if (signal.aborted) fired++;
  return fired;
}

/** A message whose payload says why. */
export function messageWithReason(
  header: HeaderOf<HostMessage & { readonly payload: Uint8Array }>,
  reason: unknown,
): Uint8Array {
  const w = new ByteWriter(64);
  writeHeader(w, header);
  encodeError(w, reason, { root: "reason", modules: new Set() });
  return w.bytes();
}
