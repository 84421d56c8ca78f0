// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { Queue } from "../../multiprocessing/mod.ts";
import { PROCESSES } from "../_suites/_parties.ts";
import { queueSuite } from "../_suites/queue_suite.ts";
import { queueThreadsSuite } from "../_suites/queue_threads_suite.ts";

const kind = {
  name: "Queue",
  order: "fifo",
  parties: PROCESSES,
  isBounded: true,
  make: <T>(maxSize?: number) => new Queue<T>(maxSize),
} as const;

queueSuite(kind);
queueThreadsSuite(kind);
