// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { LifoQueue } from "../../threading/lifo_queue.ts";
import { queueSuite } from "../_suites/queue_suite.ts";
import { queueThreadsSuite } from "../_suites/queue_threads_suite.ts";

const kind = {
  name: "LifoQueue",
  order: "lifo",
  isBounded: true,
  make: <T>(maxSize?: number) => new LifoQueue<T>(maxSize),
} as const;

queueSuite(kind);
queueThreadsSuite(kind);
