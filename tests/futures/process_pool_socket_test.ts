// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Processes that share no memory with their parent: all goes over the socket,
// as it does without --allow-ffi and where the system is not Linux. The suites
// of process_pool_executor_test.ts in which that makes a difference.

import { assertEquals } from "@std/assert";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../futures/mod.ts";
import type { Subject } from "../_suites/executor_suite.ts";
import { signalSuite } from "../_suites/signal_suite.ts";
import { streamSuite } from "../_suites/stream_suite.ts";

const permissions: Deno.PermissionOptionsObject = {
  env: true,
  ffi: false,
  import: "inherit",
  net: true,
  read: true,
  run: true,
  sys: true,
  write: true,
};

const subject: Subject = {
  name: "ProcessPoolExecutor without shared memory",
  create: (options) => new ProcessPoolExecutor({ ...options, permissions }),
  backend: "process",
};

signalSuite(subject);
streamSuite(subject);

Deno.test("Executor.stats() tells which workers share memory", async () => {
  const pools = [
    new ThreadPoolExecutor({ maxWorkers: 1 }),
    new ProcessPoolExecutor({ maxWorkers: 1 }),
    new ProcessPoolExecutor({ maxWorkers: 1, permissions }),
  ];
  const canShare = Deno.build.os === "linux" &&
    Deno.permissions.querySync({ name: "ffi" }).state === "granted";
  for (const [index, shares] of [true, canShare, false].entries()) {
    await using pool = pools[index]!;
    await pool.ready();
    const { perWorker } = pool.stats();
    assertEquals(perWorker.map((worker) => worker.sharesMemory), [shares]);
  }
});
