// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What proves that a message comes from somebody who knows the key, and where
// it belongs:
//
//   u8 version, u8 form, 32 bytes HMAC-SHA256 (form 1 only), body
//
// The HMAC is over the body, under a key that is derived from the shared one
// and from the message's place (which kind of message, of which queue, for
// whom): what was made for one place proves nothing in another. It is checked
// before anything of the body is read.

import {
  createHash,
  createHmac,
  type Hash,
  timingSafeEqual,
} from "node:crypto";
import { AuthenticationError } from "../_internal/base/errors.ts";
import { describe } from "../_internal/base/validation.ts";

/** The version of all messages; both sides have the same one. */
const VERSION = 1;
const UNSIGNED = 0;
const SIGNED = 1;
const MAC_SIZE = 32;
/** Bytes before the body. */
const HEAD = 2;
const DOMAIN = "@concurrent/parallel distributed 1";

/** A message that was opened. */
export interface Opened {
  readonly body: Uint8Array;
  /** True where it comes from somebody who knows the key. */
  readonly isSigned: boolean;
}

/** Why a message was not opened: `readonly fault` of {@linkcode SealError}. */
export type SealFault = "version" | "no key" | "bad signature";

const REASONS: Readonly<Record<SealFault, string>> = {
  "version": "it was written by another version of this package",
  "no key": "it is signed, and this side has no key to check that with",
  "bad signature":
    "its signature does not match: the other side has another key, or the message was changed",
};

/** A message that was not opened. */
export class SealError extends AuthenticationError {
  readonly fault: SealFault;

  constructor(fault: SealFault) {
    super(`Cannot read a message: ${REASONS[fault]}`);
    this.fault = fault;
  }
}

/** Signs messages and checks signatures, or neither where there is no key. */
export class Seal {
  readonly #key: Uint8Array | undefined;
  /** The keys of places. */
  readonly #derived = new Map<string, Mac>();

  constructor(key: Uint8Array | undefined) {
    this.#key = key;
  }

  /** True where it has a key. */
  get signs(): boolean {
    return this.#key !== undefined;
  }

  /** Puts what proves its origin before a body. */
  close(place: string, body: Uint8Array, signs = this.signs): Uint8Array {
    const start = HEAD + (signs ? MAC_SIZE : 0);
    const message = new Uint8Array(start + body.length);
    message[0] = VERSION;
    message[1] = signs ? SIGNED : UNSIGNED;
    if (signs) message.set(this.#mac(place, body), HEAD);
    message.set(body, start);
    return message;
  }

  /**
   * Checks a message and takes its body out.
   *
   * @throws {SealError} If it is of another version, or its signature does not match or cannot be checked.
   */
  open(place: string, message: Uint8Array): Opened {
    const [version, form] = message;
    if (version !== VERSION || (form !== UNSIGNED && form !== SIGNED)) {
      throw new SealError("version");
    }
    if (form === UNSIGNED) {
      return { body: message.subarray(HEAD), isSigned: false };
    }
    if (this.#key === undefined) throw new SealError("no key");
    const mac = message.subarray(HEAD, HEAD + MAC_SIZE);
    const body = message.subarray(HEAD + MAC_SIZE);
    if (
      mac.length < MAC_SIZE || !timingSafeEqual(mac, this.#mac(place, body))
    ) throw new SealError("bad signature");
    return { body, isSigned: true };
  }

  /** The body of a message that was not opened, for what is of use without a proof. */
  static bodyOf(message: Uint8Array): Uint8Array {
    return message.subarray(HEAD + (message[1] === SIGNED ? MAC_SIZE : 0));
  }

  #mac(place: string, body: Uint8Array): Uint8Array {
    let mac = this.#derived.get(place);
    if (mac === undefined) {
      mac = new Mac(
        createHmac("sha256", this.#key!).update(`${DOMAIN} ${place}`).digest(),
      );
      // One for each kind of message and for each client.
      if (this.#derived.size >= MAX_DERIVED) this.#derived.clear();
      this.#derived.set(place, mac);
    }
    return mac.of(body);
  }
}

/** Bytes that SHA-256 takes at a time. */
const BLOCK = 64;

/**
 * HMAC-SHA256 under one key, which is no longer than a block (RFC 2104). For
 * short messages `createHmac()` takes twice as long: it begins with the key
 * each time.
 */
class Mac {
  readonly #inner: Hash;
  readonly #outer: Hash;

  constructor(key: Uint8Array) {
    this.#inner = begin(key, 0x36);
    this.#outer = begin(key, 0x5c);
  }

  of(body: Uint8Array): Uint8Array {
    const inner = this.#inner.copy().update(body).digest();
    return this.#outer.copy().update(inner).digest();
  }
}

function begin(key: Uint8Array, pad: number): Hash {
  const block = new Uint8Array(BLOCK).fill(pad);
  for (const [at, byte] of key.entries()) block[at]! ^= byte;
  return createHash("sha256").update(block);
}

/** Keys of places that are kept. */
const MAX_DERIVED = 1024;

/**
 * The key that a user gave.
 *
 * @throws {TypeError} If it is neither a string nor bytes.
 * @throws {RangeError} If it is empty.
 */
export function parseAuthKey(
  verb: string,
  authKey: unknown,
): Uint8Array | undefined {
  if (authKey === undefined) return undefined;
  const key = typeof authKey === "string"
    ? new TextEncoder().encode(authKey)
    : authKey;
  if (!(key instanceof Uint8Array)) {
    throw new TypeError(
      `Cannot ${verb} as 'authKey' must be a string or a Uint8Array: current value is ${
        describe(authKey)
      }`,
    );
  }
  if (key.length === 0) {
    throw new RangeError(
      `Cannot ${verb} as 'authKey' must not be empty: current value is of 0 bytes`,
    );
  }
  return key.slice();
}
