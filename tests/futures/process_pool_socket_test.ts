// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Processes that share no memory with their parent: all goes over the socket,
// as it does without --allow-ffi and where the system is not Linux. The suites
// of process_pool_executor_test.ts in which that makes a difference.

import { assertEquals } from "@std/assert";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../futures/mod.ts";
import { Folder, soon } from "../_suites/_helpers.ts";
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

/** What the socket carries also where the two share memory. */
function large(): Uint8Array {
  return new Uint8Array(3 << 20).fill(7);
}

/** Holds its worker up until the file exists, or until the test has failed. */
function blockedBy(path: string): string {
  const end = performance.now() + 60_000;
  while (performance.now() < end) {
    try {
      Deno.statSync(path);
      return "free";
    } catch {
      // Not yet.
    }
  }
  return "never";
}

Deno.test("ProcessPoolExecutor passes a large answer on before the next call holds its worker up", async () => {
  await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
  using folder = new Folder();
  // Measured functions are sent ahead.
  await pool.submit(large);
  folder.open("open");
  assertEquals(await pool.submit(blockedBy, folder.file("open")), "free");
  for (const name of ["first", "second"]) {
    const answer = pool.submit(large);
    const blocked = pool.submit(blockedBy, folder.file(name));
    assertEquals((await soon("the answer", answer)).at(-1), 7);
    folder.open(name);
    assertEquals(await soon("the other", blocked), "free");
  }
});
