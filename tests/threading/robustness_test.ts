// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What must hold whatever a program does: with a full stack, with threads that
// come and go, with things that cannot be moved.

import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  Event,
  Lock,
  Queue,
  SerializationError,
  SharedValue,
  Thread,
} from "../../threading/mod.ts";
import { ThreadPoolExecutor } from "../../futures/mod.ts";
import { errorOf, soon } from "../_suites/_helpers.ts";

/** Calls `fn` in ever less deep frames of a stack that is full, until it does not throw any more. */
function nearTheEnd(fn: () => void): number {
  let failures = 0;
  let isDone = false;
  const dive = (): void => {
    try {
      dive();
    } catch {
      // The stack was full below.
    }
    if (isDone) return;
    try {
      fn();
      isDone = true;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      failures++;
    }
  };
  dive();
  return failures;
}

Deno.test("Lock.release() with a full stack does nothing, or all of it", async () => {
  const lock = new Lock();
  // The first time in order: what is called is compiled by then.
  for (let i = 0; i < 5; i++) {
    await lock.acquire();
    const next = lock.acquire();
    if (i === 0) lock.release();
    else nearTheEnd(() => lock.release());
    assertEquals(await soon("the lock", next), true);
    lock.release();
    assertEquals(lock.locked(), false);
  }
});

Deno.test("Event.set() with a full stack does nothing, or wakes all", async () => {
  for (let i = 0; i < 5; i++) {
    const event = new Event();
    const waits = [event.wait(), event.wait()];
    if (i === 0) event.set();
    else nearTheEnd(() => event.set());
    assertEquals(await soon("both", Promise.all(waits)), [true, true]);
  }
});

Deno.test("Queue.tryPut() with a full stack does nothing, or wakes a getter", async () => {
  for (let i = 0; i < 5; i++) {
    const queue = new Queue<number>();
    const got = queue.get();
    if (i === 0) queue.tryPut(i);
    else nearTheEnd(() => queue.tryPut(i));
    assertEquals(await soon("the item", got), i);
    assertEquals(queue.size, 0);
  }
});

Deno.test("Lock.acquire() with a full stack leaves no wait behind", async () => {
  const lock = new Lock();
  await lock.acquire();
  const waits: Promise<boolean>[] = [lock.acquire({ timeout: 1 })];
  nearTheEnd(() => {
    waits.push(lock.acquire({ timeout: 1 }));
  });
  await Promise.allSettled(waits);
  lock.release();
  assertEquals(lock.tryAcquire(), true);
  lock.release();
});

Deno.test("Thread.joinSync() of a thread that ends right now is no deadlock", async () => {
  const ended = new SharedValue("int32", 0);
  for (let i = 1; i <= 60; i++) {
    const thread = new Thread({
      target: (n: number) => {
        ended.value = n;
      },
      args: [i],
    }).start();
    while (ended.value !== i);
    const until = performance.now() + (i % 20) * 0.02;
    while (performance.now() < until);
    assertEquals(thread.joinSync(), true);
    await thread.join();
  }
});

Deno.test("Thread after thread can wait for many things at once", async () => {
  // Room for waits is given back: all of them would not fit.
  for (let i = 0; i < 6; i++) {
    const thread = new Thread({
      target: async () => {
        const event = new Event();
        const waits = Array.from({ length: 60_000 }, () => event.wait());
        event.set();
        return (await Promise.all(waits)).length;
      },
    }).start();
    assertEquals(await thread.result(), 60_000);
    await thread.join();
  }
});

Deno.test("Queue.put() of a port that was moved before is refused, and nothing else suffers", async () => {
  const queue = new Queue<MessagePort>();
  const { port1, port2 } = new MessageChannel();
  await queue.put(port1, { transfer: [port1] });
  const error = await assertRejects(
    () => queue.put(port1, { transfer: [port1] }),
    SerializationError,
  );
  assert(error.message.startsWith("Cannot send"), error.message);
  assertEquals(queue.size, 1);
  const thread = new Thread({
    target: async (queue: Queue<MessagePort>) => {
      const port = await queue.get();
      port.postMessage("hello");
      port.close();
    },
    args: [queue],
  }).start();
  const heard = new Promise((resolve) => {
    port2.onmessage = ({ data }) => resolve(data);
  });
  assertEquals(await soon("the message", heard), "hello");
  port2.close();
  await thread.join();
  const event = new Event();
  setTimeout(() => event.set(), 1);
  assertEquals(await soon("a wait", event.wait()), true);
});

Deno.test("Error of a task carries a lock as a result does", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const lock = new Lock();
  const error = await errorOf(pool.submit((lock: Lock) => {
    throw Object.assign(new RangeError("held"), { lock, cause: lock });
  }, lock)) as RangeError & { lock: Lock };
  assertStrictEquals(error.lock, lock);
  assertStrictEquals(error.cause, lock);
  assertStrictEquals(
    await errorOf(pool.submit((lock: Lock) => {
      throw lock;
    }, lock)),
    lock,
  );
});

Deno.test("Options that are no object are refused, as Python's positional arguments", async () => {
  const lock = new Lock();
  lock.acquireSync();
  assertThrows(() => lock.acquireSync(5 as never), TypeError, "'options'");
  await assertRejects(() => lock.acquire(false as never), TypeError);
  await assertRejects(() => new Event().wait(100 as never), TypeError);
  assertThrows(() => new Thread((() => {}) as never), TypeError, "'options'");
  assertThrows(() => new Thread({ name: 5 as never }), TypeError, "'name'");
  lock.release();
});
