// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { PriorityQueue } from "../../threading/priority_queue.ts";
import { queueSuite } from "../_suites/queue_suite.ts";
import { queueThreadsSuite } from "../_suites/queue_threads_suite.ts";

const kind = {
  name: "PriorityQueue",
  order: "lowest",
  isBounded: true,
  make: <T>(maxSize?: number) => new PriorityQueue<T>(maxSize),
} as const;

queueSuite(kind);
queueThreadsSuite(kind);
