// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import { threadBackend } from "../../../_internal/pool/backend.ts";
import { createLane } from "../../../_internal/pool/lane.ts";
import { MapRun } from "../../../_internal/pool/map_run.ts";
import type { TaskOptions } from "../../../_internal/wire/functions/task.ts";

/** Counts what is pulled for the window of a map whose calls take half a millisecond, on two places. */
async function countWindow(
  options: TaskOptions,
  item: unknown,
): Promise<number> {
  const lane = createLane(
    "Pool",
    { maxWorkers: 1 },
    (concurrency) => threadBackend({ concurrency }),
    64,
  );
  let pulled = 0;
  const items = (function* () {
    for (;;) {
      pulled++;
      yield item;
    }
  })();
  const run = new MapRun(undefined, {
    lane: { ...lane, pace: () => ({ meanTime: 0.5, places: 2 }) },
    fn: (x: unknown) => x,
    options,
    items,
    isListed: false,
  }, {});
  try {
    // A busy machine takes a turn in between: then it is not full at once.
    for (let before = -1; before < pulled;) {
      before = pulled;
      run.fill();
    }
    return pulled;
  } finally {
    await run.end();
    await lane.scheduler.shutdown(true);
  }
}

Deno.test("MapRun.fill() has as much time under way where calls go one by one as in a chunk", async () => {
  // Eight milliseconds for each place.
  assertEquals(await countWindow({ retries: 1 }, 1), 32);
  assertEquals(await countWindow({ timeout: 60_000 }, 1), 32);
  // Nobody knows how much is transferred: three for each place.
  assertEquals(await countWindow({ transfer: [] }, 1), 6);
});

Deno.test("MapRun.fill() has few large calls under way", async () => {
  const item = "x".repeat(1 << 14);
  assertEquals(await countWindow({ retries: 1 }, item), 6);
  assertEquals(await countWindow({ retries: 1 }, item.slice(1 << 13)), 14);
});
