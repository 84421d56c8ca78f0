// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Queues between processes, named after CPython's _TestQueue and _TestSimpleQueue.

import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  Event,
  JoinableQueue,
  Process,
  Queue,
  QueueEmptyError,
  QueueFullError,
  QueueShutDownError,
  SerializationError,
  SimpleQueue,
} from "../../../multiprocessing/mod.ts";
import { scaled } from "../../_suites/_helpers.ts";

/** How long is waited for what does not come. */
const SOON = 20;

async function finished(process: Process): Promise<void> {
  await process.result();
  await process.join();
}

Deno.test("test_put: a full queue makes putters wait until the child takes", async () => {
  const queue = new Queue<number>(6);
  const canStart = new Event();
  const canContinue = new Event();
  const child = new Process({
    target: async () => {
      await canStart.wait();
      const items: number[] = [];
      for (let i = 0; i < 6; i++) items.push(await queue.get());
      canContinue.set();
      return items;
    },
  }).start();
  assert(queue.empty);
  assertFalse(queue.full);
  for (const item of [1, 2, 3]) await queue.put(item);
  assert(queue.tryPut(4));
  queue.putSync(5);
  await queue.put(6, { timeout: 0 });
  assert(queue.full);
  assertFalse(queue.tryPut(7));
  assertThrows(() => queue.putSync(7, { timeout: 0 }), QueueFullError);
  await assertRejects(() => queue.put(7, { timeout: SOON }), QueueFullError);
  canStart.set();
  await canContinue.wait();
  assertEquals(await child.result(), [1, 2, 3, 4, 5, 6]);
  assert(queue.empty);
  await child.join();
});

Deno.test("test_get: what the child has put comes in order; then the queue is empty", async () => {
  const queue = new Queue<number>();
  const child = new Process({
    target: async () => {
      for (const item of [2, 3, 4, 5]) await queue.put(item);
    },
  }).start();
  await finished(child);
  assertEquals(queue.size, 4);
  assertEquals(await queue.get(), 2);
  assertEquals(queue.getSync(), 3);
  assertEquals(queue.tryGet(), 4);
  assertEquals(await queue.get({ timeout: 0 }), 5);
  assert(queue.empty);
  assertEquals(queue.tryGet(), undefined);
  assertThrows(() => queue.getSync({ timeout: 0 }), QueueEmptyError);
  await assertRejects(() => queue.get({ timeout: SOON }), QueueEmptyError);
});

Deno.test("test_qsize: counts what processes put and take", async () => {
  const queue = new Queue<number>();
  assertEquals(queue.size, 0);
  const child = new Process({
    target: async () => {
      await queue.put(1);
      await queue.put(5);
      const sizes = [queue.size];
      await queue.get();
      sizes.push(queue.size);
      return sizes;
    },
  }).start();
  assertEquals(await child.result(), [2, 1]);
  assertEquals(queue.size, 1);
  await child.join();
});

Deno.test("test_task_done: join() waits for the workers, and once too often is an error", async () => {
  const queue = new JoinableQueue<number | undefined>();
  const work = async () => {
    for (
      let item = await queue.get();
      item !== undefined;
      item = await queue.get()
    ) {
      queue.taskDone();
    }
  };
  const workers = [work, work].map((target) => new Process({ target }).start());
  for (let i = 0; i < 10; i++) await queue.put(i);
  assert(await queue.join());
  for (const _ of workers) await queue.put(undefined);
  for (const worker of workers) await finished(worker);
  queue.taskDone();
  queue.taskDone();
  assertThrows(() => queue.taskDone(), Error, "every item is done already");
});

Deno.test("test_timeout: a wait takes as long as it may", async () => {
  const queue = new Queue();
  const start = performance.now();
  await assertRejects(() => queue.get({ timeout: 200 }), QueueEmptyError);
  const taken = performance.now() - start;
  assert(taken >= 195 && taken < scaled(1_000), `it took ${taken} ms`);
});

Deno.test("test_queue_feeder_donot_stop_onexc: what cannot travel is refused at the put, and takes no place", async () => {
  const queue = new Queue<unknown>(1);
  await assertRejects(
    () => queue.put(new WeakMap()),
    SerializationError,
  );
  assertEquals(queue.size, 0);
  await queue.put("next", { timeout: 0 });
  assertEquals(await queue.get(), "next");
});

Deno.test("test_closed_queue_put_get_exceptions: after shutdown() puts fail, and gets when it is empty", async () => {
  for (const queue of [new Queue<string>(), new JoinableQueue<string>()]) {
    await queue.put("foo");
    queue.shutdown();
    await assertRejects(() => queue.put("bar"), QueueShutDownError);
    assertEquals(await queue.get(), "foo");
    await assertRejects(() => queue.get(), QueueShutDownError);
    const child = new Process({
      target: async () => {
        const put = await queue.put("foo").then(() => "", (e) => e.name);
        const got = await queue.get().then(() => "", (e) => e.name);
        return [put, got];
      },
    }).start();
    assertEquals(await child.result(), [
      "QueueShutDownError",
      "QueueShutDownError",
    ]);
    await child.join();
  }
});

Deno.test("test_closed_queue_empty_exceptions: a queue that was shut down still says how much is in it", () => {
  const queue = new Queue<string>();
  queue.putSync("foo");
  queue.shutdown();
  assertFalse(queue.empty);
  assertEquals(queue.size, 1);
});

Deno.test("test_empty: a simple queue is empty until the child has put", async () => {
  const queue = new SimpleQueue<boolean>();
  const canStart = new Event();
  const child = new Process({
    target: async () => {
      await canStart.wait();
      await queue.put(true);
      await queue.put(false);
    },
  }).start();
  assert(queue.empty);
  canStart.set();
  await finished(child);
  assertFalse(queue.empty);
  assertEquals(await queue.get(), true);
  assertEquals(await queue.get(), false);
  assert(queue.empty);
});

Deno.test("test_close: a simple queue is shut down once or twice", async () => {
  const queue = new SimpleQueue<string>();
  queue.shutdown();
  queue.shutdown();
  assert(queue.isShutdown);
  await assertRejects(() => queue.put("foo"), QueueShutDownError);
});
