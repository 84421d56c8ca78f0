// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What becomes of objects between processes when one of those ends that have to do
// with them. That a holder or a waiter dies beside the owner is in the suites.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  AbandonedLockError,
  BrokenBarrierError,
  ConnectionClosedError,
} from "../../multiprocessing/errors.ts";
import {
  Barrier,
  Event,
  Lock,
  Process,
  Queue,
  Semaphore,
} from "../../multiprocessing/mod.ts";
import { Thread } from "../../threading/mod.ts";
import { untilWaiting } from "../_suites/_crew.ts";
import { errorOf, scaled, soon } from "../_suites/_helpers.ts";

/** A process that makes objects, and serves them until it is stopped. */
async function owner<T>(
  make: () => T,
): Promise<{ made: T; process: Process; stop(): Promise<void> }> {
  const out = new Queue<T>();
  const process = new Process({
    target: async (out: Queue<T>, make: () => T) => {
      await out.put(make());
      await new Promise(() => setInterval(() => {}, 1_000));
    },
    args: [out, make],
  }).start();
  process.result().catch(() => {});
  const made = await soon("the objects", out.get());
  return {
    made,
    process,
    async stop() {
      await process.kill();
    },
  };
}

Deno.test("Lock whose owner is killed rejects who waits and who comes, within a second", async () => {
  const { made: lock, stop } = await owner(() => new Lock());
  await lock.acquire();
  const waits = [errorOf(lock.acquire()), errorOf(lock.acquire())];
  const blocked = new Thread({
    target: (lock: Lock) => {
      try {
        lock.acquireSync();
        return "acquired";
      } catch (error) {
        return (error as Error).name;
      }
    },
    args: [lock],
  }).start();
  // It has come through to the owner behind this one.
  assertFalse(await lock.acquire({ timeout: 100 }));
  const start = performance.now();
  await stop();
  for (const error of await soon("the ends", Promise.all(waits))) {
    assertInstanceOf(error, ConnectionClosedError);
  }
  assertEquals(
    await soon("the thread", blocked.result()),
    "ConnectionClosedError",
  );
  assert(performance.now() - start < scaled(1_000));
  await blocked.join();
  await assertRejects(() => lock.acquire(), ConnectionClosedError);
});

Deno.test("Queue whose owner is killed rejects who waits and who comes", async () => {
  const { made: [queue, full], stop } = await owner(() => {
    const full = new Queue<number>(1);
    full.putSync(0);
    return [new Queue<number>(), full] as const;
  });
  const waits = [
    errorOf(queue.get()),
    errorOf(queue.get()),
    errorOf(full.put(1)),
  ];
  assertEquals(await queue.join({ timeout: 0 }), true);
  await stop();
  for (const error of await soon("the ends", Promise.all(waits))) {
    assertInstanceOf(error, ConnectionClosedError);
  }
  await assertRejects(() => queue.get(), ConnectionClosedError);
  await assertRejects(() => queue.put(1), ConnectionClosedError);
});

Deno.test("Semaphore and Event whose owner is killed reject who waits", async () => {
  const { made: [semaphore, event], stop } = await owner(() =>
    [new Semaphore(0), new Event()] as const
  );
  const waits = [errorOf(semaphore.acquire()), errorOf(event.wait())];
  assertEquals(semaphore.value, 0);
  await stop();
  for (const error of await soon("the ends", Promise.all(waits))) {
    assertInstanceOf(error, ConnectionClosedError);
  }
});

Deno.test("Queue that is served while its owner is blocked is used by others", async () => {
  const [queue, done] = [new Queue<number>(), new Event()];
  const process = new Process({
    target: async () => {
      for (let i = 0; i < 100; i++) await queue.put(i);
      let sum = 0;
      for (let i = 0; i < 100; i++) sum += await queue.get();
      done.set();
      return sum;
    },
  }).start();
  // A process comes up only while this thread does not block.
  await soon(
    "it is up",
    (async () => {
      while (queue.empty && !done.isSet()) {
        await new Promise((r) => setTimeout(r));
      }
    })(),
  );
  assert(done.waitSync({ timeout: 60_000 }));
  assertEquals(await process.result(), 4950);
  await process.join();
});

Deno.test("Queue gets all that a process has put which is killed after a pause", async () => {
  const [queue, put] = [new Queue<number>(), new Event()];
  const process = new Process({
    target: async () => {
      for (let i = 0; i < 1_000; i++) await queue.put(i);
      // The size is asked of the owner: what was put is there before it.
      if (queue.size === 1_000) put.set();
      await new Promise(() => {});
    },
  }).start();
  process.result().catch(() => {});
  assert(await put.wait({ timeout: 60_000 }));
  await process.kill();
  assertEquals(queue.size, 1_000);
  for (let i = 0; i < 1_000; i++) assertStrictEquals(queue.tryGet(), i);
});

Deno.test("Barrier breaks where a process of the last round is killed, and not where it ends", async () => {
  const barrier = new Barrier(2);
  const other = new Process({
    target: async () => {
      await barrier.wait();
    },
  }).start();
  await soon("the round", barrier.wait());
  await other.join();
  assertFalse(barrier.broken);
  const doomed = new Process({
    target: async () => {
      await barrier.wait();
      await new Promise(() => setInterval(() => {}, 1_000));
    },
  }).start();
  doomed.result().catch(() => {});
  await soon("the round", barrier.wait());
  const mine = errorOf(barrier.wait());
  await untilWaiting("Barrier", 1);
  await doomed.kill();
  assertInstanceOf(await soon("this one", mine), BrokenBarrierError);
});

Deno.test("Lock of a grandchild that is killed is told to this process", async () => {
  const [lock, held] = [new Lock(), new Event()];
  const child = new Process({
    target: async () => {
      const grandchild = new Process({
        target: async (lock: Lock, held: Event) => {
          await lock.acquire();
          held.set();
          await new Promise(() => setInterval(() => {}, 1_000));
        },
        args: [lock, held],
      }).start();
      grandchild.result().catch(() => {});
      await held.wait();
      await grandchild.kill();
    },
  }).start();
  await soon("it is held", held.wait());
  assertInstanceOf(
    await soon("the lock", errorOf(lock.acquire())),
    AbandonedLockError,
  );
  lock.release();
  await child.result();
  await child.join();
});

Deno.test("Lock of a thread of another process is abandoned by its end", async () => {
  const lock = new Lock();
  const child = new Process({
    target: async () => {
      const thread = new Thread({
        target: (lock: Lock) => void lock.acquireSync(),
        args: [lock],
      }).start();
      await thread.join();
      try {
        await lock.acquire();
      } catch (error) {
        lock.release();
        return (error as Error).name;
      }
      return "acquired";
    },
  }).start();
  assertEquals(await soon("it", child.result()), "AbandonedLockError");
  await child.join();
  assert(lock.tryAcquire());
  lock.release();
});

Deno.test("Lock that goes from child to child outlives the first, and comes home as itself", async () => {
  const lock = new Lock();
  const [first, second] = [new Queue<Lock>(), new Queue<Lock>()];
  await first.put(lock);
  const one = new Process({
    target: async () => await second.put(await first.get()),
  }).start();
  await one.result();
  await one.join();
  const two = new Process({
    target: async () => {
      const lock = await second.get();
      await lock.acquire();
      lock.release();
      return lock;
    },
  }).start();
  assertStrictEquals(await soon("it", two.result()), lock);
  await two.join();
});

Deno.test("Lock that is given up by timeouts and aborts in a hurry is granted to nobody", async () => {
  const lock = new Lock();
  const process = new Process({
    target: async () => {
      let taken = 0;
      const attempt = async (i: number) => {
        const options = i % 2 === 0
          ? { timeout: i % 3 / 4 }
          : { signal: AbortSignal.timeout(i % 3) };
        if (!await lock.acquire(options).catch(() => false)) return;
        taken++;
        lock.release();
      };
      for (let round = 0; round < 60; round++) {
        await Promise.all([0, 1, 2, 3, 4, 5].map(attempt));
      }
      return taken;
    },
  }).start();
  let isOver = false;
  const result = process.result().finally(() => isOver = true);
  while (!isOver) {
    await soon("the lock", lock.acquire());
    await new Promise((resolve) => setTimeout(resolve, 1));
    lock.release();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert(await result >= 0);
  await process.join();
  assert(lock.tryAcquire());
  lock.release();
  await untilWaiting("Lock", 0);
});

Deno.test("Queue whose getters give up in a hurry keeps every item", async () => {
  const queue = new Queue<number>();
  const process = new Process({
    target: async () => {
      let sum = 0;
      const attempt = async (i: number) => {
        const options = i % 2 === 0
          ? { timeout: i % 3 / 2 }
          : { signal: AbortSignal.timeout(i % 3) };
        const got = await queue.get(options).catch(() => 0);
        sum += got;
      };
      for (let round = 0; round < 60; round++) {
        await Promise.all([0, 1, 2, 3].map(attempt));
      }
      return sum;
    },
  }).start();
  let put = 0;
  let isOver = false;
  const result = process.result().finally(() => isOver = true);
  while (!isOver) {
    queue.putSync(1);
    put++;
    await new Promise((resolve) => setTimeout(resolve, put % 3));
  }
  const got = await result;
  await process.join();
  assertEquals(got + queue.size, put);
});
