// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What executors say of their jobs, to all nodes at once: one of them has the
// job, or is about to get it. The job comes on another connection, so what is
// said of it may be here first; it is kept for as long as it may take until the
// job is. A node that has just started reads what was said before it came: it
// may take over a job of one that was lost, and that was cancelled meanwhile.
//
//   stream `control` -> hear() -> a job that runs here:  onMessage
//                              -> any other:             kept -> take(), when it begins

import { SerializationError } from "../_internal/base/errors.ts";
import {
  readRelayRequest,
  Relay,
  type RelayRequest,
} from "../_internal/wire/relay_messages.ts";
import { checkReason } from "./_job_check.ts";
import { jobId, places, readControl } from "./_protocol.ts";
import { type Seal, SealError } from "./_seal.ts";

/** Milliseconds for which a message is kept. */
export const KEPT_TIME = 60_000;
/** Jobs whose messages are kept. */
const MAX_JOBS = 10_000;
/** Bytes of a message that is kept, and of all of them. */
const MAX_SIZE = 1 << 16;
const MAX_TOTAL = 1 << 26;

/** What was said of a job. */
export interface Control {
  readonly request: RelayRequest;
  readonly isSigned: boolean;
}

/** What was said of a job that is not here. */
interface Kept {
  readonly controls: Control[];
  /** Bytes of them. */
  size: number;
  until: number;
}

/** What was said of jobs. */
export class ControlBox {
  readonly #queue: string;
  readonly #seal: Seal;
  /** By the job's id; what was heard last is last. */
  readonly #kept = new Map<string, Kept>();
  /** Bytes of all that is kept. */
  #total = 0;
  /** Heeds a message; false where its job is not here. */
  onMessage: (id: string, isSigned: boolean, request: RelayRequest) => boolean =
    () => false;

  constructor(queue: string, seal: Seal) {
    this.#queue = queue;
    this.#seal = seal;
  }

  /** Takes a message of the stream. Never throws: anybody can write there. */
  hear(message: Uint8Array): void {
    let id: string;
    let isSigned: boolean;
    let request: RelayRequest;
    try {
      const opened = this.#seal.open(places.control(this.#queue), message);
      ({ isSigned } = opened);
      const { client, number, message: bytes } = readControl(opened.body);
      id = jobId(client, number);
      request = readRelayRequest(bytes);
      // Of somebody who may be anybody no more is decoded than of their job.
      if (!isSigned) checkReason(request);
    } catch (error) {
      if (
        error instanceof SealError || error instanceof SerializationError ||
        error instanceof RangeError
      ) return;
      throw error;
    }
    if (this.onMessage(id, isSigned, request)) return;
    // What a generator may yield is said to who has yielded something.
    if (request.tag === Relay.credit || message.length > MAX_SIZE) return;
    this.#keep(id, { request, isSigned }, message.length);
  }

  /** What was said of a job before it was here. */
  take(id: string): readonly Control[] {
    const kept = this.#kept.get(id);
    this.#drop(id);
    return kept === undefined || kept.until < performance.now()
      ? []
      : kept.controls;
  }

  #keep(id: string, control: Control, bytes: number): void {
    const now = performance.now();
    const kept: Kept = this.#kept.get(id) ??
      { controls: [], size: 0, until: 0 };
    this.#kept.delete(id);
    kept.controls.push(control);
    kept.size += bytes;
    kept.until = now + KEPT_TIME;
    this.#kept.set(id, kept);
    this.#total += bytes;
    for (const [oldest, { until }] of this.#kept) {
      if (
        until >= now && this.#kept.size <= MAX_JOBS && this.#total <= MAX_TOTAL
      ) break;
      this.#drop(oldest);
    }
  }

  #drop(id: string): void {
    this.#total -= this.#kept.get(id)?.size ?? 0;
    this.#kept.delete(id);
  }
}
