// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Objects between processes that calls of pools name: their bytes may be sent to
// several workers, again after a crash, or to nobody. That nothing is kept for them
// afterwards is what the leak check tells.

import { assertEquals } from "@std/assert";
import { ProcessPoolExecutor, task } from "../../futures/mod.ts";
import { Lock, Pool } from "../../multiprocessing/mod.ts";
import { Folder } from "../_suites/_helpers.ts";

Deno.test("Lock that a function captured is there for every worker of a map", async () => {
  const lock = new Lock();
  await using executor = new ProcessPoolExecutor({ maxWorkers: 2 });
  const inside = (i: number) => {
    using _ = lock.guardSync();
    return i;
  };
  assertEquals(
    await Array.fromAsync(executor.map(inside, [1, 2, 3, 4], { chunkSize: 1 })),
    [1, 2, 3, 4],
  );
  // The definition is the same, and what it names was let go meanwhile.
  assertEquals(await executor.submit(inside, 5), 5);
});

Deno.test("Lock of a call that is made again after a crash is there again", async () => {
  const lock = new Lock();
  using folder = new Folder();
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1 });
  const dieOnce = task((lock: Lock, path: string) => {
    using _ = lock.guardSync();
    try {
      Deno.statSync(path);
      return "again";
    } catch {
      Deno.writeTextFileSync(path, "");
      lock.release();
      // Answered: the release is done. What is on its way dies with the process.
      lock.locked();
      Deno.kill(Deno.pid, "SIGKILL");
    }
  }, { retries: 1 });
  assertEquals(
    await executor.submit(dieOnce, lock, folder.file("dead")),
    "again",
  );
});

Deno.test("Lock of an initializer is there for every worker that comes", async () => {
  const lock = new Lock();
  await using pool = new Pool({
    processes: 1,
    maxTasksPerChild: 1,
    initializer: (lock: Lock) => {
      (globalThis as { lock?: Lock }).lock = lock;
    },
    initArgs: [lock],
  });
  for (let i = 0; i < 3; i++) {
    const name = await pool.apply(() => {
      const { lock } = globalThis as { lock?: Lock };
      using _ = lock!.guardSync();
      return lock!.constructor.name;
    });
    assertEquals(name, "Lock");
  }
});
