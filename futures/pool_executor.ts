// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What the executors over threads and processes share: {@linkcode PoolExecutor}.
 *
 * @module
 */

export {
  type Decision,
  PoolExecutor,
  type PoolKind,
  type RunnerUp,
  type TaskMeasurements,
} from "./_pool_executor.ts";
