// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import { Lock, Process, Queue } from "../../multiprocessing/mod.ts";

Deno.test("Queue keeps its order where a process takes fast, and then not for a while", async () => {
  const count = 400;
  // Full and not full: putters wait in between.
  for (const maxSize of [6, 0]) {
    const queue = new Queue<number>(maxSize);
    const child = new Process({
      target: async () => {
        const items: number[] = [];
        for (let i = 0; i < count; i++) {
          items.push(await queue.get());
          // What was fetched ahead goes back meanwhile, or is about to.
          if (i % 9 === 0) {
            await new Promise((resolve) => setTimeout(resolve, i % 7));
          }
        }
        return items;
      },
    }).start();
    for (let i = 0; i < count; i++) await queue.put(i);
    assertEquals(
      await child.result(),
      Array.from({ length: count }, (_, i) => i),
    );
    await child.join();
  }
});

Deno.test("Queue gives each item to one of several processes that pause and go on", async () => {
  const count = 600;
  const queue = new Queue<number>();
  const take = async (seed: number) => {
    const items: number[] = [];
    for await (const item of queue) {
      items.push(item);
      if ((items.length + seed) % 25 === 0) {
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
    }
    return items;
  };
  const children = [3, 11].map((seed) =>
    new Process({ target: take, args: [seed] }).start()
  );
  for (let i = 0; i < count; i++) await queue.put(i);
  queue.shutdown();
  const taken = await Promise.all(children.map((child) => child.result()));
  for (const child of children) await child.join();
  // Nothing is lost or taken twice.
  assertEquals(
    taken.flat().sort((a, b) => a - b),
    Array.from({ length: count }, (_, i) => i),
  );
});

Deno.test("Queue hands out objects that are there for whoever has taken them", async () => {
  const tasks = new Queue<Lock | null>();
  const results = new Queue<string>();
  const child = new Process({
    target: async () => {
      for (;;) {
        const lock = await tasks.get();
        if (lock === null) return;
        try {
          lock.release();
          await lock.acquire();
          await results.put("acquired");
        } catch (error) {
          await results.put(String(error));
        }
      }
    },
  }).start();
  for (let i = 0; i < 2_000; i++) {
    const lock = new Lock();
    lock.acquireSync();
    await tasks.put(lock);
    assertEquals(await results.get(), "acquired", `lock ${i}`);
  }
  await tasks.put(null);
  await child.result();
  await child.join();
});
