// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { SimpleQueue } from "../../threading/simple_queue.ts";
import { THREADS } from "../_suites/_parties.ts";
import { queueSuite } from "../_suites/queue_suite.ts";
import { queueThreadsSuite } from "../_suites/queue_threads_suite.ts";

const kind = {
  name: "SimpleQueue",
  order: "fifo",
  parties: THREADS,
  isBounded: false,
  make: <T>() => new SimpleQueue<T>(),
} as const;

queueSuite(kind);
queueThreadsSuite(kind);

Deno.test("SimpleQueue cannot be given a limit", () => {
  const queue = new SimpleQueue<number>();
  assertThrows(() => {
    (queue as { maxSize: number }).maxSize = 1;
  }, TypeError);
  for (let i = 0; i < 1_000; i++) assert(queue.tryPut(i));
  assert(!queue.full);
  assertEquals(queue.size, 1_000);
});
