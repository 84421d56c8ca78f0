// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { LifoQueue } from "../../threading/lifo_queue.ts";
import { THREADS } from "../_suites/_parties.ts";
import { queueSuite } from "../_suites/queue_suite.ts";
import { queueThreadsSuite } from "../_suites/queue_threads_suite.ts";

const kind = {
  name: "LifoQueue",
  order: "lifo",
  parties: THREADS,
  isBounded: true,
  make: <T>(maxSize?: number) => new LifoQueue<T>(maxSize),
} as const;

queueSuite(kind);
queueThreadsSuite(kind);
