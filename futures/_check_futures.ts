// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { describe } from "../_internal/base/validation.ts";
import { Future } from "./_future_core.ts";

/** The futures, each once. */
export function checkFutures<T>(
  verb: string,
  futures: Iterable<Future<T>>,
): Set<Future<T>> {
  if (typeof futures?.[Symbol.iterator] !== "function") {
    throw new TypeError(
      `Cannot ${verb} as 'futures' must be iterable: current value is ${
        describe(futures)
      }`,
    );
  }
  const all = new Set(futures);
  for (const future of all) {
    if (!(future instanceof Future)) {
      throw new TypeError(
        `Cannot ${verb} as 'futures' must hold futures only: current value is ${typeof future}`,
      );
    }
  }
  return all;
}
