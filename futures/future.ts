// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * The result of a task that may not have run yet: {@linkcode Future}.
 *
 * @module
 */

export {
  Future,
  type FutureState,
  type FutureWaitOptions,
} from "./_future_core.ts";
export type { Progress } from "./_progress.ts";
