// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The most urgent tasks of all wait at a worker, and can be taken back.

import { assertEquals, assertInstanceOf } from "@std/assert";
import { CancelledError, ThreadPoolExecutor } from "../../futures/mod.ts";
import { task } from "../../mod.ts";
import { errorOf, soon, until } from "../_suites/_helpers.ts";
import { busy } from "../_suites/_tasks.ts";

const urgent = task(busy, { priority: Infinity });

Deno.test("ThreadPoolExecutor.cancel() loses no task with a priority of Infinity", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1, cancelGrace: 20 });
  // Short enough to be sent ahead.
  for (let i = 0; i < 20; i++) await pool.submit(busy, 0);
  // Longer than its worker has to answer.
  const first = pool.submit(busy, 1000);
  const others = [pool.submit(urgent, 0), pool.submit(urgent, 0)];
  await until("it runs", () => first.running());
  first.cancel();
  assertInstanceOf(await errorOf(first), CancelledError);
  await soon("the others", Promise.all(others));
});

Deno.test("ThreadPoolExecutor.shutdown() cancels what waits with a priority of Infinity", async () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  for (let i = 0; i < 20; i++) await pool.submit(busy, 0);
  const first = pool.submit(busy, 50);
  const other = pool.submit(urgent, 0);
  await until("it runs", () => first.running());
  await pool.shutdown({ cancelFutures: true });
  await first;
  assertEquals(other.cancelled(), true);
});
