// Copyright 2026 the @concurrent/parallel authors. MIT license.

export {
  Future,
  type FutureState,
  type FutureWaitOptions,
  type Progress,
} from "./_future_core.ts";
