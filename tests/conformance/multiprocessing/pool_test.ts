// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { Pool, ThreadPool } from "../../../multiprocessing/mod.ts";
import { pythonMpPoolSuite } from "../../_suites/python_mp_pool_suite.ts";

pythonMpPoolSuite({ name: "Pool", create: (options) => new Pool(options) });
pythonMpPoolSuite({
  name: "ThreadPool",
  create: (options) => new ThreadPool(options),
});
