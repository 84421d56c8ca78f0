// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What can be put in a queue, and what comes out. Priority queues and stacks
// write the same records as queues: here is one class for all.

import { AsyncLocalStorage } from "node:async_hooks";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  Event,
  Lock,
  NotSupportedError,
  Queue,
  SerializationError,
  SharedArray,
  SimpleQueue,
  type Task,
  task,
  Thread,
} from "../../threading/mod.ts";
import { half } from "../_fixtures/functions/module.ts";
import { soon } from "../_suites/_helpers.ts";
import { unreachable } from "./_fixtures/failing_module.ts";
import { twice } from "./_fixtures/waiting_module.ts";

const scale = 3;

class Point {
  constructor(public x: number, public y: number) {}
  get sum(): number {
    return this.x + this.y + scale;
  }
}

/** Values that come out equal. */
function values(): Record<string, unknown[]> {
  const cycle: Record<string, unknown> = { name: "cycle" };
  cycle["self"] = cycle;
  return {
    numbers: [0, -0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 1.5, NaN],
    extremes: [Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER],
    primitives: [true, false, null, undefined, 10n ** 30n, -5n],
    symbols: [Symbol.iterator, Symbol.for("queue")],
    texts: ["", "a", "\x7f", "\x80", "ä", "語", "\ud800", "x\0y"],
    lengths: [16, 17, 127, 128, 129, 4096].map((n) => "q".repeat(n)),
    containers: [[], {}, [1, "two", [3]], { a: { b: [null] } }, [, 1]],
    maps: [new Map([["a", new Set([1, 2])]]), new Set(["x"])],
    dates: [new Date(5), /a+/gi, new URL("https://deno.com/x?y=1")],
    bytes: [new Uint8Array([1, 2]), new Float64Array(3), new ArrayBuffer(4)],
    cycles: [cycle],
  };
}

/** Sends what it gets back. */
async function echo(
  from: Queue<unknown>,
  to: Queue<unknown>,
  isSync: boolean,
): Promise<void> {
  if (!isSync) {
    for await (const item of from) await to.put(item);
    return;
  }
  try {
    for (;;) to.putSync(from.getSync());
  } catch (error) {
    if ((error as Error).name !== "QueueShutDownError") throw error;
  }
}

Deno.test("Queue items of every kind come out equal in the same thread", async () => {
  const queue = new Queue<unknown>();
  for (const [kind, items] of Object.entries(values())) {
    for (const item of items) {
      queue.putSync(item);
      assertEquals(queue.getSync(), item, kind);
      await queue.put(item);
      assertEquals(await queue.get(), item, kind);
      queue.tryPut(item);
      assertEquals(queue.tryGet(), item, kind);
    }
  }
});

for (const isSync of [true, false]) {
  Deno.test(`Queue items of every kind go to a thread and back (${isSync ? "blocking" : "suspended"})`, async () => {
    const [there, back] = [new Queue<unknown>(), new Queue<unknown>()];
    const thread = new Thread({ target: echo, args: [there, back, isSync] })
      .start();
    for (const [kind, items] of Object.entries(values())) {
      for (const item of items) {
        there.putSync(item);
        assertEquals(isSync ? back.getSync() : await back.get(), item, kind);
      }
    }
    const error = new RangeError("it is too much", { cause: { at: 1 } });
    there.putSync(error);
    const got = await back.get();
    assertInstanceOf(got, RangeError);
    assertEquals(got.message, error.message);
    assertEquals(got.cause, { at: 1 });
    there.putSync(task((x: number) => x * scale, { retries: 2 }));
    const passed = await back.get() as Task<[x: number], number>;
    assertEquals([passed(2), passed.options], [6, { retries: 2 }]);
    there.shutdown();
    await soon("the thread", thread.result());
    await thread.join();
  });
}

Deno.test("Queue items may be large, and many", async () => {
  const [there, back] = [new Queue<unknown>(), new Queue<unknown>()];
  const thread = new Thread({ target: echo, args: [there, back, true] })
    .start();
  const text = "5 MB of text ".repeat(400_000);
  const floats = Float64Array.from({ length: 200_000 }, (_, i) => i / 7);
  there.putSync(text);
  there.putSync(floats);
  for (let i = 0; i < 20_000; i++) there.putSync({ i });
  there.putSync(text + "ü");
  assert(back.getSync() === text);
  assertEquals(back.getSync(), floats);
  for (let i = 0; i < 20_000; i++) {
    assertStrictEquals((back.getSync() as { i: number }).i, i);
  }
  assert(back.getSync() === text + "ü");
  there.shutdown();
  await thread.join();
});

Deno.test("Queue items are copied when they are put", async () => {
  const queue = new Queue<number[]>(1);
  const item = [1];
  await queue.put(item);
  const waits = queue.put(item);
  item.push(2);
  assertEquals(queue.getSync(), [1]);
  await waits;
  assertEquals(queue.getSync(), [1]);
});

Deno.test("Queue items may be functions and classes, with what they captured", async () => {
  const queue = new Queue<unknown>();
  const back = new Queue<number>();
  let counter = 5;
  queue.putSync((n: number) => n * scale + counter);
  queue.putSync(half);
  queue.putSync(Point);
  queue.putSync(new Point(1, 2));
  counter = 100;
  const thread = new Thread({
    target: async (isSync: boolean) => {
      const next = async () => isSync ? queue.getSync() : await queue.get();
      const closure = await next() as (n: number) => number;
      const exported = await next() as (n: number) => number;
      const There = await next() as typeof Point;
      const point = await next() as Point;
      for (
        const n of [
          closure(2),
          exported(8),
          new There(1, 1).sum,
          point.sum,
        ]
      ) back.putSync(n);
      // A function that a thread puts.
      const more = 1000;
      await (back as Queue<unknown>).put((n: number) => n + more);
    },
    args: [true],
  }).start();
  const got = [1, 2, 3, 4].map(() => back.getSync());
  assertEquals(got, [11, 4, 5, 6]);
  const fn = await back.get() as unknown as (n: number) => number;
  assertEquals(fn(1), 1001);
  await thread.result();
  await thread.join();
});

for (const isSync of [true, false]) {
  const how = isSync ? "getSync()" : "get()";

  Deno.test(`Queue.${how} gives shared objects that mean the same`, async () => {
    const queue = new Queue<unknown>();
    const inner = new Queue<number>();
    const lock = new Lock();
    const array = new SharedArray("int32", 2);
    const event = new Event();
    const plain = new SharedArrayBuffer(8);
    lock.acquireSync();
    queue.putSync({ inner, lock, array, plain, again: lock });
    queue.putSync(() => {
      array.view[1] = 4;
      event.set();
    });
    const thread = new Thread({
      target: async (queue: Queue<unknown>, isSync: boolean) => {
        const item = (isSync ? queue.getSync() : await queue.get()) as {
          inner: Queue<number>;
          lock: Lock;
          again: Lock;
          array: SharedArray;
          plain: SharedArrayBuffer;
        };
        const run = (isSync ? queue.getSync() : await queue.get()) as () =>
          void;
        item.array.view[0] = 9;
        new Int32Array(item.plain)[1] = 8;
        run();
        await item.inner.put(item.lock.locked() ? 1 : 0);
        // What comes from a thread is the same object here.
        await queue.put([item.lock, item.inner]);
        return item.lock === item.again;
      },
      args: [queue, isSync],
    }).start();
    assertEquals(await soon("the thread", thread.result()), true);
    await thread.join();
    assertEquals([...array.view], [9, 4]);
    assertEquals(new Int32Array(plain)[1], 8);
    assert(event.isSet());
    assertEquals(inner.getSync(), 1);
    const [sameLock, sameInner] = queue.getSync() as unknown[];
    assertStrictEquals(sameLock, lock);
    assertStrictEquals(sameInner, inner);
    lock.release();
  });
}

Deno.test("Queue may hold itself", () => {
  const queue = new SimpleQueue<unknown>();
  queue.putSync({ queue });
  assertStrictEquals((queue.getSync() as { queue: unknown }).queue, queue);
});

Deno.test("Queue items that are dropped come back as they were", () => {
  const queue = new Queue<unknown>();
  const lock = new Lock();
  const items = ["one", "two", { lock }, half, [3], 4];
  for (const item of items) queue.putSync(item);
  const dropped = queue.shutdown({ immediate: true });
  assertEquals(dropped.length, items.length);
  assertEquals(dropped.slice(0, 2), ["one", "two"]);
  assertStrictEquals((dropped[2] as { lock: Lock }).lock, lock);
  assertEquals((dropped[3] as typeof half)(3), 1.5);
  assertEquals(dropped.slice(4), [[3], 4]);
});

Deno.test("Queue items with shared objects that cannot be put leave no trace", async () => {
  const queue = new Queue<unknown>(1);
  const lock = new Lock();
  queue.putSync([lock]);
  assert(!queue.tryPut([lock]));
  await queue.put([lock], { timeout: 1 }).catch(() => {});
  assertThrows(() => queue.putSync([lock], { timeout: 1 }));
  const put = queue.put([2, lock]);
  assertStrictEquals((queue.getSync() as [Lock])[0], lock);
  await put;
  assertEquals(queue.getSync(), [2, lock]);
  queue.shutdown();
  assertThrows(() => queue.putSync([lock]));
});

Deno.test("Queue.getSync() leaves an item whose module must be awaited for get()", async () => {
  const queue = new Queue<unknown>();
  queue.putSync(twice);
  queue.putSync("next");
  const thread = new Thread({
    target: async () => {
      const refused: string[] = [];
      for (const attempt of [() => queue.getSync(), () => queue.tryGet()]) {
        try {
          attempt();
        } catch (error) {
          refused.push((error as Error).name);
        }
      }
      const { size } = queue;
      const fn = await queue.get() as (n: number) => number;
      return [...refused, size, fn(4), queue.getSync()];
    },
  }).start();
  assertEquals(await soon("the thread", thread.result()), [
    NotSupportedError.name,
    NotSupportedError.name,
    2,
    8,
    "next",
  ]);
  await thread.join();
});

Deno.test("Queue goes on after an item that cannot be read", async () => {
  for (const isSync of [true, false]) {
    const queue = new Queue<unknown>();
    queue.putSync(unreachable);
    queue.putSync({ next: true });
    const thread = new Thread({
      target: async (queue: Queue<unknown>, isSync: boolean) => {
        try {
          return isSync ? queue.getSync() : await queue.get();
        } catch (error) {
          const { name, cause } = error as Error;
          return [name, (cause as Error).name, queue.getSync()];
        }
      },
      args: [queue, isSync],
    }).start();
    assertEquals(await soon("the thread", thread.result()), [
      SerializationError.name,
      RangeError.name,
      { next: true },
    ]);
    await thread.join();
  }
});

Deno.test("Queue.put() moves what 'transfer' names", async () => {
  const queue = new Queue<unknown>();
  const back = new Queue<number>();
  const bytes = new Uint8Array([1, 2, 3]);
  const { port1, port2 } = new MessageChannel();
  await queue.put(bytes, { transfer: [bytes.buffer] });
  assertEquals(bytes.length, 0);
  queue.putSync({ port: port2 }, { transfer: [port2] });
  const thread = new Thread({
    target: async () => {
      const bytes = queue.getSync() as Uint8Array;
      const { port } = await queue.get() as { port: MessagePort };
      back.putSync(bytes.length);
      port.postMessage("from the thread");
      port.close();
    },
  }).start();
  const message = new Promise((resolve) =>
    port1.onmessage = ({ data }) => resolve(data)
  );
  assertEquals(await back.get(), 3);
  assertEquals(await soon("a message", message), "from the thread");
  await thread.join();
  port1.close();
});

Deno.test("Queue refuses what no thread can have", async () => {
  const queue = new Queue<unknown>();
  const { port1, port2 } = new MessageChannel();
  for (const bad of [new WeakMap(), Promise.resolve(), Symbol("own"), port1]) {
    const error = await assertRejects(
      () => queue.put({ bad }),
      SerializationError,
    );
    assert(error.message.includes("item"), error.message);
    assertThrows(() => queue.putSync({ bad }), SerializationError);
  }
  port1.close();
  port2.close();
  assert(queue.empty);
});

Deno.test("Queue refuses a signal, which belongs to a call", () => {
  const queue = new Queue<unknown>();
  const { signal } = new AbortController();
  const error = assertThrows(
    () => queue.putSync([signal]),
    SerializationError,
    "an AbortSignal only travels to a task",
  );
  assertEquals(error.path, "item[0]");
  assertEquals(queue.size, 0);
});

Deno.test("Queue hands on which AsyncLocalStorage it was, not what it holds", async () => {
  const storage = new AsyncLocalStorage<string>();
  const [to, from] = [new Queue<unknown>(), new Queue<unknown>()];
  const thread = new Thread({ target: echo, args: [to, from, false] }).start();
  storage.run("here", () => to.putSync(storage));
  assertStrictEquals(await soon("the storage", from.get()), storage);
  to.shutdown();
  await thread.join();
});
