// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { AutoExecutor, type PoolOptions } from "../../futures/mod.ts";
import { executorSuite } from "../_suites/executor_suite.ts";
import { mapSuite } from "../_suites/map_suite.ts";
import { poolSuite } from "../_suites/pool_suite.ts";

const create = (options?: PoolOptions) => new AutoExecutor(options);

executorSuite({ name: "AutoExecutor", create, backend: "thread" });
poolSuite({ name: "AutoExecutor", create, backend: "thread" });
mapSuite({ name: "AutoExecutor", create, backend: "thread" });
executorSuite({
  name: "AutoExecutor of cpu()",
  create,
  backend: "thread",
  kind: "cpu",
});
executorSuite({
  name: "AutoExecutor of io()",
  create,
  backend: "inline",
  kind: "io",
});
