// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
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
