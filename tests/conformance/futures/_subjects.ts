// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  AutoExecutor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../../futures/mod.ts";
import type { Subject } from "../../_suites/executor_suite.ts";

export const threads: Subject = {
  name: "ThreadPoolExecutor",
  create: (options) => new ThreadPoolExecutor(options),
  backend: "thread",
};

export const processes: Subject = {
  name: "ProcessPoolExecutor",
  create: (options) => new ProcessPoolExecutor(options),
  backend: "process",
};

/** Every executor. */
export const subjects: readonly Subject[] = [threads, processes, {
  name: "AutoExecutor",
  create: (options) => new AutoExecutor(options),
  backend: "thread",
}];
