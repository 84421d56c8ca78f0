// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { ProcessPoolExecutor } from "../../futures/mod.ts";
import { executorSuite, type Subject } from "../_suites/executor_suite.ts";

const subject: Subject = {
  name: "ProcessPoolExecutor",
  create: (options) => new ProcessPoolExecutor(options),
  backend: "process",
};

executorSuite(subject);
