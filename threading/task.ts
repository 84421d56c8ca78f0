// Copyright 2026 the @concurrent/parallel authors. MIT license.

export {
  type AnyFunction,
  cpu,
  fromModule,
  io,
  type ModuleFunctions,
  type Task,
  task,
  type TaskKind,
  type TaskOptions,
} from "../_internal/wire/functions/task.ts";
export {
  type Current,
  current,
  type WorkerInfo,
} from "../_internal/worker/current.ts";
export type { WorkerKind } from "../_internal/worker/host.ts";
