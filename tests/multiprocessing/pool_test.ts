// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { Pool, ThreadPool } from "../../multiprocessing/mod.ts";
import { mpPoolSuite } from "../_suites/mp_pool_suite.ts";

mpPoolSuite({ name: "Pool", create: (options) => new Pool(options) });
mpPoolSuite({
  name: "ThreadPool",
  create: (options) => new ThreadPool(options),
});
