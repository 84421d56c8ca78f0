// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every family exports for tasks, named once.

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
} from "../wire/functions/task.ts";
export { type Current, current, type WorkerInfo } from "../worker/current.ts";
export type { WorkerKind } from "../worker/host.ts";
