// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The most urgent tasks of all wait at a worker, and can be taken back.

import { assertEquals, assertInstanceOf } from "@std/assert";
import { CancelledError, ThreadPoolExecutor } from "../../futures/mod.ts";
import { task } from "../../mod.ts";
import { errorOf, soon, until } from "../_suites/_helpers.ts";

/** Holds its thread while the number is 0; returns at once where there is none. */
const hold = (words?: Int32Array<SharedArrayBuffer>) => {
  while (words !== undefined && Atomics.load(words, 0) === 0);
};

const urgent = task(hold, { priority: Infinity });

function gate(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4));
}

Deno.test("ThreadPoolExecutor.cancel() loses no task with a priority of Infinity", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1, cancelGrace: 20 });
  const words = gate();
  try {
    // Short enough to be sent ahead.
    for (let i = 0; i < 20; i++) await pool.submit(hold);
    // Longer than its worker has to answer.
    const first = pool.submit(hold, words);
    const others = [pool.submit(urgent), pool.submit(urgent)];
    await until("it runs", () => first.running());
    first.cancel();
    assertInstanceOf(await errorOf(first), CancelledError);
    await soon("the others", Promise.all(others));
  } finally {
    Atomics.store(words, 0, 1);
  }
  await until("its end is known", () => pool.stats().stuck === 0);
});

Deno.test("ThreadPoolExecutor.shutdown() cancels what waits with a priority of Infinity", async () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const words = gate();
  for (let i = 0; i < 20; i++) await pool.submit(hold);
  const first = pool.submit(hold, words);
  const other = pool.submit(urgent);
  await until("it runs", () => first.running());
  const closed = pool.shutdown({ cancelFutures: true });
  // The one that runs ends when all is told.
  await new Promise((resolve) => setTimeout(resolve));
  Atomics.store(words, 0, 1);
  await soon("the shutdown", closed);
  await first;
  assertEquals(other.cancelled(), true);
});
