// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { ThreadPoolExecutor } from "../../futures/mod.ts";

/** Short calls, among them some that take long: longer and longer ones. */
function mostlyShort(n: number): number {
  if (n % 400 === 399) {
    const end = performance.now() + Math.min(60, n / 50);
    while (performance.now() < end);
  }
  return n;
}

Deno.test("Executor.map() loses no item when its chunks become smaller", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 2 });
  const items = Array.from({ length: 4_000 }, (_, i) => i);

  assertEquals(
    await Array.fromAsync(executor.map(mostlyShort, items)),
    items,
  );
});

Deno.test("Executor.map() stops pulling for a while where its input becomes slow", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 2 });
  let slow = 0;
  let longest = 0;
  function* input() {
    for (let i = 0; i < 2_000; i++) yield i;
    for (let i = 0; i < 150; i++) {
      const end = performance.now() + 1;
      while (performance.now() < end);
      // At the end of what runs without a break.
      if (slow === 0) queueMicrotask(() => slow = 0);
      longest = Math.max(longest, ++slow);
      yield i;
    }
  }
  let count = 0;
  for await (const _ of executor.map((n: number) => n, input())) count++;
  assertEquals(count, 2_150);
  // 8 ms, and an item of 1 ms may be the first of 16 that are not looked at.
  assert(longest <= 26, `${longest} items in one go`);
});

Deno.test("Executor.map() ends a chunk that has become long in bytes", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 2 });
  const items = Array.from({ length: 3_000 }, (_, i) => `${i}`.padEnd(1_024));
  const sizes: number[] = [];
  let before = 0;
  const results = executor.map((text: string) => text.length, items, {
    onProgress(done) {
      sizes.push(done - before);
      before = done;
    },
  });
  for await (const length of results) assertEquals(length, 1_024);
  // 64 KiB of them, each with its tags.
  const longest = Math.max(...sizes);
  assert(longest > 1 && longest <= 64, `${longest} items in a chunk`);
});
