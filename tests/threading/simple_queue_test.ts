// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { SimpleQueue } from "../../threading/simple_queue.ts";
import { queueSuite } from "../_suites/queue_suite.ts";
import { queueThreadsSuite } from "../_suites/queue_threads_suite.ts";

const kind = {
  name: "SimpleQueue",
  order: "fifo",
  isBounded: false,
  make: <T>() => new SimpleQueue<T>(),
} as const;

queueSuite(kind);
queueThreadsSuite(kind);
