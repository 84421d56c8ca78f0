// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { ThreadPoolExecutor } from "../../futures/mod.ts";
import { mapSuite } from "../_suites/map_suite.ts";
import { poolSuite } from "../_suites/pool_suite.ts";
import { contextSuite } from "../_suites/context_suite.ts";
import { executorSuite, type Subject } from "../_suites/executor_suite.ts";
import { nestedSuite } from "../_suites/nested_suite.ts";
import { optionsSuite } from "../_suites/options_suite.ts";
import { signalSuite } from "../_suites/signal_suite.ts";
import { streamSuite } from "../_suites/stream_suite.ts";

const subject: Subject = {
  name: "ThreadPoolExecutor",
  create: (options) => new ThreadPoolExecutor(options),
  backend: "thread",
};

executorSuite(subject);
poolSuite(subject);
mapSuite(subject);
signalSuite(subject);
contextSuite(subject);
nestedSuite(subject);
optionsSuite(subject);
streamSuite(subject);
