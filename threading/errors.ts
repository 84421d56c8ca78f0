// Copyright 2026 the @concurrent/parallel authors. MIT license.

export {
  BrokenExecutorError,
  BrokenProcessPoolError,
  BrokenThreadPoolError,
  CancelledError,
  InvalidStateError,
  NotSupportedError,
  ParallelError,
  SerializationError,
  TaskTimeoutError,
  TimeoutError,
  type WorkerCrashDetails,
  WorkerCrashedError,
} from "../_internal/base/errors.ts";
