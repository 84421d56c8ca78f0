// Copyright 2026 the @concurrent/parallel authors. MIT license.

export {
  type Decision,
  PoolExecutor,
  type PoolKind,
} from "./_pool_executor.ts";
