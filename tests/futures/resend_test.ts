// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What is sent ahead, put back, sent again, or encoded early: where a call's
// values could be lost on the way.

import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  AutoExecutor,
  CancelledError,
  InvalidStateError,
  io,
  ProcessPoolExecutor,
  SerializationError,
  task,
  TaskTimeoutError,
  ThreadPoolExecutor,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { errorOf, Folder, soon } from "../_suites/_helpers.ts";

const pools = [
  ["ThreadPoolExecutor", ThreadPoolExecutor],
  ["ProcessPoolExecutor", ProcessPoolExecutor],
] as const;

const byteLength = task((buffer: ArrayBuffer) => buffer.byteLength, {
  transfer: (buffer) => [buffer],
});

Deno.test("ThreadPoolExecutor.submit() moves buffers in a burst, each once", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
  for (let round = 0; round < 10; round++) {
    const futures = Array.from(
      { length: 100 },
      (_, i) => pool.submit(byteLength, new ArrayBuffer(i + 1)),
    );
    const urgent = pool.submit(
      task((buffer: ArrayBuffer) => buffer.byteLength, {
        transfer: (buffer) => [buffer],
        priority: 5,
      }),
      new ArrayBuffer(7),
    );
    assertEquals(
      await soon("the burst", Promise.all(futures)),
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    assertEquals(await urgent, 7);
  }
});

Deno.test("ThreadPoolExecutor.submit() keeps the error of a retried task that moved a buffer", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const buffer = new ArrayBuffer(8);
  const failing = task((buffer: ArrayBuffer) => {
    throw new RangeError(`the real error, ${buffer.byteLength}`);
  }, { transfer: [buffer], retries: 2 });
  const future = pool.submit(failing, buffer);
  assertEquals(buffer.byteLength, 0);
  await assertRejects(() => soon("the end", future), RangeError, "error, 8");
});

Deno.test("ThreadPoolExecutor.submit() refuses a transfer list that names an object twice, and takes nothing away", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const buffer = new ArrayBuffer(8);
  assertThrows(
    () =>
      pool.submit(
        task((b: ArrayBuffer) => b.byteLength, { transfer: [buffer, buffer] }),
        buffer,
      ),
    SerializationError,
    "twice",
  );
  assertEquals(buffer.byteLength, 8);
  const aborted = task((b: ArrayBuffer) => b.byteLength, {
    transfer: [buffer],
    signal: AbortSignal.abort(),
  });
  await assertRejects(() => pool.submit(aborted, buffer).result());
  assertEquals(buffer.byteLength, 8);
});

for (const [name, Pool] of pools) {
  Deno.test(`${name}.map() encodes an item when it is pulled`, async () => {
    await using pool = new Pool({ maxWorkers: 1 });
    const reused = new Uint8Array(4);
    function* input() {
      for (let i = 0; i < 2000; i++) {
        reused[0] = i % 251;
        yield reused;
      }
    }
    let i = 0;
    for await (const first of pool.map((b: Uint8Array) => b[0], input())) {
      assertEquals(first, i % 251);
      i++;
    }
    assertEquals(i, 2000);
  });

  Deno.test(`${name}.map() retries an item that throws`, async () => {
    await using pool = new Pool({ maxWorkers: 1 });
    const flaky = task((item: number) => {
      const scope = globalThis as unknown as { seen?: Set<number> };
      scope.seen ??= new Set();
      const isFirst = !scope.seen.has(item);
      scope.seen.add(item);
      if (isFirst) throw new RangeError("the first time");
      return item;
    }, { retries: 1 });
    const found = [];
    for await (const item of pool.map(flaky, [1, 2, 3], { chunkSize: 3 })) {
      found.push(item);
    }
    assertEquals(found, [1, 2, 3]);
  });

  Deno.test(`${name}.map() takes a string`, async () => {
    await using pool = new Pool({ maxWorkers: 1 });
    const found = [];
    for await (const c of pool.map((c: string) => c.toUpperCase(), "abc")) {
      found.push(c);
    }
    assertEquals(found, ["A", "B", "C"]);
  });

  Deno.test(`${name}.map() ends with an executor that is ended while the input hangs`, async () => {
    const pool = new Pool({ maxWorkers: 1 });
    async function* input() {
      yield 1;
      await new Promise(() => {});
    }
    const results = pool.map((x: number) => x, input());
    assertEquals((await results.next()).value, 1);
    const next = errorOf(results.next());
    await soon("the end", pool.terminate());
    assertInstanceOf(await soon("the step", next), CancelledError);
  });

  Deno.test(`${name}.map() does not pull from an input when the executor has ended`, async () => {
    const pool = new Pool({ maxWorkers: 1 });
    async function* input() {
      yield 1;
      await new Promise(() => {});
    }
    const early = pool.map((x: number) => x, input(), { bufferSize: 1 });
    assertEquals((await early.next()).value, 1);
    const late = pool.map((x: number) => x, input());
    await soon("the end", pool.shutdown());
    assertInstanceOf(
      await soon("the early step", errorOf(early.next())),
      InvalidStateError,
    );
    assertInstanceOf(
      await soon("the late step", errorOf(late.next())),
      InvalidStateError,
    );
  });

  Deno.test(`${name} gives up a worker whose event loop a task holds, with the calls beside it`, async () => {
    await using pool = new Pool({
      maxWorkers: 1,
      concurrency: 4,
      cancelGrace: 20,
    });
    using folder = new Folder();
    const beside = pool.submit(() => new Promise(() => {}));
    const holding = pool.submit(
      task((folder: string) => {
        // Until the test is over.
        try {
          for (;;) Deno.statSync(folder);
        } catch {
          // It is.
        }
      }, { timeout: 50 }),
      folder.path,
    );
    assertInstanceOf(
      await soon("the holding one", errorOf(holding)),
      TaskTimeoutError,
    );
    assertInstanceOf(
      await soon("the one beside", errorOf(beside)),
      WorkerCrashedError,
    );
    assertEquals(await soon("the next", pool.submit(() => 1)), 1);
  });

  Deno.test(`${name} ignores what its initializer returns`, async () => {
    await using pool = new Pool({
      maxWorkers: 1,
      initializer: () =>
        (globalThis as unknown as { five: unknown }).five = () => 5,
    });
    const five = () => (globalThis as unknown as { five: () => number }).five();
    assertEquals(await soon("the answer", pool.submit(five)), 5);
  });

  Deno.test(`${name}.submit() lets a hot loop see a stop that comes at once`, async () => {
    // Where the stop is not seen, it is not waited for so long.
    await using pool = new Pool({ maxWorkers: 1, cancelGrace: 120_000 });
    const { current } = await import("../../futures/mod.ts");
    const hot = () => {
      const end = Date.now() + 90_000;
      while (Date.now() < end) current.throwIfAborted();
    };
    await errorOf(pool.submit(task(hot, { timeout: 1 })));
    const future = pool.submit(hot);
    future.cancel();
    await assertRejects(() => soon("the end", future), CancelledError);
    await assertRejects(
      () => soon("the end", pool.submit(task(hot, { timeout: 20 }))),
      TaskTimeoutError,
    );
    assertEquals(pool.stats().restarts, 0);
  });
}

Deno.test("ThreadPoolExecutor.map() moves what the task's transfer says of each item", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const items = [new ArrayBuffer(1), new ArrayBuffer(2), new ArrayBuffer(3)];
  const found = [];
  for await (const length of pool.map(byteLength, items)) found.push(length);
  assertEquals(found, [1, 2, 3]);
  assertEquals(items.map((buffer) => buffer.byteLength), [0, 0, 0]);
});

Deno.test("ThreadPoolExecutor.terminate() from a callback settles the tasks beside", async () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, concurrency: 2 });
  const beside = pool.submit(() => new Promise(() => {}));
  const ending = pool.submit(() => Deno.exit(3));
  ending.addDoneCallback(() => void pool.terminate());
  await errorOf(soon("the ending one", ending));
  await errorOf(soon("the one beside", beside));
  assertEquals(beside.done(), true);
  await soon("the end", pool.terminate());
});

Deno.test("AutoExecutor runs tasks that wait for tasks of their own", async () => {
  await using executor = new AutoExecutor();
  const futures = Array.from(
    { length: 600 },
    (_, i) =>
      executor.submit(
        io(async (n: number): Promise<number> => {
          await undefined;
          // deno-lint-ignore require-await -- only async functions run in place
          return await executor.submit(io(async () => n));
        }),
        i,
      ),
  );
  const sum = (await soon("all", Promise.all(futures))).reduce((a, b) => a + b);
  assertEquals(sum, 600 * 599 / 2);
});
