// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { SerializationError } from "../_internal/base/errors.ts";
import { registerShareable } from "../_internal/wire/shareables.ts";

const REASON =
  "a pool stays where it was made: send an executor, which can be used anywhere";

/** Has a pool that is to be sent refused with words that help. */
export function keepAtHome<T extends object>(
  tag: string,
  ctor: new () => T,
): void {
  registerShareable<T>(tag, ctor, {
    encode() {
      throw new SerializationError(`Cannot send a pool: ${REASON}`, {
        reason: REASON,
      });
    },
    decode() {
      throw new SerializationError(`Cannot read a pool: ${REASON}`, {
        reason: REASON,
      });
    },
  });
}
