// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a node may run. Nothing of a job is decoded, imported or executed before
// this has been asked; it reads the frame of the message, and no value:
//
//   signed with the node's key   anything, if it is the job that BullMQ says
//   not signed                   an export of a module on the node's list, on
//                                plain data: nothing that could run, look
//                                something up or connect to somewhere
//   anything else                refused, with the reason
//
// The signature is over the job's id, name and queue too. So a signed job that
// was written down by somebody cannot be put into the queue under another name;
// under its own it is one job, whose answers its client hears once.

import {
  AuthenticationError,
  SerializationError,
} from "../_internal/base/errors.ts";
import {
  checkPlainCall,
  checkPlainValue,
  referenceOf,
} from "../_internal/wire/data_only.ts";
import {
  readRelayRequest,
  Relay,
  type RelayedCall,
  type RelayRequest,
} from "../_internal/wire/relay_messages.ts";
import { WHOLE_CALL } from "../_internal/wire/messages.ts";
import { type JobBody, places, printable, readJob } from "./_protocol.ts";
import { type Opened, type Seal, SealError, type SealFault } from "./_seal.ts";

/** A job as BullMQ has it. */
export interface QueuedJob {
  readonly id?: string | undefined;
  readonly name: string;
  readonly data: unknown;
}

/** A job that may run. */
export interface CheckedJob {
  readonly body: JobBody;
  readonly call: RelayedCall;
  /** `Relay.signal` messages that come before it. */
  readonly signals: readonly RelayRequest[];
  readonly isSigned: boolean;
}

/** Why a job, or what is said of it, is not heeded. */
export class JobRefusal extends AuthenticationError {
  /** As a part of a sentence: "it is not signed". */
  readonly reason: string;

  constructor(what: string, reason: string, options?: ErrorOptions) {
    super(printable(`Cannot ${what}: ${reason}`), options);
    this.reason = printable(reason);
  }
}

/** Executors are called so: their names are those of streams, and parts of what is signed. */
const CLIENT = /^[\w-]{1,64}$/;

const FAULTS: Readonly<Record<SealFault, string>> = {
  "version": "it was written by another version of this package",
  "no key": "it is signed, and the node was started without a key",
  "bad signature":
    "its signature does not match: the node has another key, or the job was changed",
};

/** Says what a node may run. */
export class JobCheck {
  readonly #queue: string;
  readonly #seal: Seal;
  readonly #modules: ReadonlySet<string>;

  /** @param modules The URLs of modules whose exports anybody may have run. */
  constructor(queue: string, seal: Seal, modules: ReadonlySet<string>) {
    this.#queue = queue;
    this.#seal = seal;
    this.#modules = modules;
  }

  /**
   * Opens a job.
   *
   * @throws {JobRefusal} If it may not run.
   */
  open({ id, name, data }: QueuedJob): CheckedJob {
    const what = `run job '${id}'`;
    if (typeof data !== "string") {
      throw new JobRefusal(what, "it was not made by an executor");
    }
    const { body: bytes, isSigned } = this.#unseal(what, data);
    let body: ReturnType<typeof readJob>;
    let request: RelayRequest;
    let signals: RelayRequest[];
    try {
      body = readJob(bytes);
      request = readRelayRequest(body.call);
      signals = body.signals.map(readRelayRequest);
    } catch (cause) {
      throw new JobRefusal(what, "it cannot be read", { cause });
    }
    if (body.id !== id || body.name !== name) {
      throw new JobRefusal(
        what,
        `it was made as job '${body.id}' (${body.name}), not as this one`,
      );
    }
    if (
      request.tag !== Relay.submit ||
      signals.some(({ tag }) => tag !== Relay.signal) ||
      (request.definition !== WHOLE_CALL) !== (body.definition !== undefined) ||
      !CLIENT.test(body.client) || !(body.maxPayload >= 0) ||
      !(body.resultTtl >= 0)
    ) throw new JobRefusal(what, "it is no call");
    const job = { body, call: request, signals, isSigned };
    if (!isSigned) this.#checkStranger(what, job);
    return job;
  }

  #unseal(what: string, data: string): Opened {
    try {
      const message = Uint8Array.fromBase64(data);
      return this.#seal.open(places.job(this.#queue), message);
    } catch (cause) {
      if (cause instanceof SyntaxError) {
        throw new JobRefusal(what, "it cannot be read", { cause });
      }
      if (!(cause instanceof SealError)) throw cause;
      throw new JobRefusal(what, FAULTS[cause.fault], { cause });
    }
  }

  /** It comes from anybody. */
  #checkStranger(what: string, { body, call }: CheckedJob): void {
    const { definition } = body;
    const refuse = (reason: string, cause?: unknown) => {
      throw new JobRefusal(
        what,
        `it is not signed, and ${reason}`,
        cause === undefined ? undefined : { cause },
      );
    };
    const reference = definition === undefined
      ? undefined
      : referenceOf(definition.payload);
    if (reference === undefined) {
      return refuse(
        "its function comes as code: without a signature this node runs exports of the modules on its list only (fromModule() names one)",
      );
    }
    if (!this.#modules.has(reference.url)) {
      return refuse(
        `module '${reference.url}' is not on the list of this node, which ${
          this.#modules.size === 0 ? "is empty" : `has ${this.#modules.size}`
        }`,
      );
    }
    try {
      checkPlainCall(call);
    } catch (cause) {
      if (!(cause instanceof SerializationError)) throw cause;
      refuse(cause.reason, cause);
    }
  }
}

/**
 * Checks that the reason that comes with a message is plain data.
 *
 * @throws {SerializationError} If it is more than that.
 */
export function checkReason(request: RelayRequest): void {
  if ("payload" in request) checkPlainValue(request.payload);
}
