// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The functions that jobs have brought, so that a worker is sent each of them
// once and not with every job. Known by all that they are: what is signed and
// what is not are never the same.

import { createHash } from "node:crypto";
import { Relay, type RelayRequest } from "../_internal/wire/relay_messages.ts";
import type { DefinitionBody } from "./_protocol.ts";

/** Functions that are kept; the least recently used one is forgotten. */
const MAX_FUNCTIONS = 512;

/** A function that jobs call. */
export interface KnownFunction {
  /** Its number in `Relay.define`. */
  readonly id: number;
  /** Mean run time in milliseconds; undefined before the first. */
  meanTime: number | undefined;
}

/** Tells functions apart. */
export class KnownFunctions {
  readonly #handle: (request: RelayRequest) => void;
  /** The last one: the next one is mostly the same, and compared faster than hashed. */
  #last:
    | {
      readonly definition: DefinitionBody;
      readonly isSigned: boolean;
      readonly known: KnownFunction;
    }
    | undefined;
  /** Least recently used first. */
  readonly #known = new Map<string, KnownFunction>();
  #lastId = 0;

  /** @param handle Takes `Relay.define` and `Relay.forget`. */
  constructor(handle: (request: RelayRequest) => void) {
    this.#handle = handle;
  }

  /** The function, defined now where it was not known. */
  get(definition: DefinitionBody, isSigned: boolean): KnownFunction {
    const last = this.#last;
    if (
      last !== undefined && last.isSigned === isSigned &&
      isSame(last.definition, definition)
    ) return last.known;
    const { name, mutable, payload } = definition;
    const hash = createHash("sha256").update(payload).digest("base64");
    const key = `${isSigned} ${mutable} ${hash} ${name}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = { id: ++this.#lastId, meanTime: undefined };
      this.#handle({
        tag: Relay.define,
        definition: known.id,
        name,
        mutable,
        payload,
      });
      if (this.#known.size >= MAX_FUNCTIONS) this.#forgetOldest();
    } else this.#known.delete(key);
    this.#known.set(key, known);
    this.#last = { definition, isSigned, known };
    return known;
  }

  #forgetOldest(): void {
    const [[key, { id }]] = this.#known as Iterable<
      [string, KnownFunction]
    > as [
      [string, KnownFunction],
    ];
    this.#known.delete(key);
    this.#handle({ tag: Relay.forget, definition: id });
  }
}

/** Bytes up to which comparing is faster than hashing. */
const SHORT = 4096;

function isSame(a: DefinitionBody, b: DefinitionBody): boolean {
  const { length } = a.payload;
  if (
    length !== b.payload.length || length > SHORT || a.name !== b.name ||
    a.mutable !== b.mutable
  ) return false;
  for (let i = 0; i < length; i++) {
    if (a.payload[i] !== b.payload[i]) return false;
  }
  return true;
}
