// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import { Throughput } from "../../../_internal/auto/throughput.ts";
import type { WorkerKind } from "../../../_internal/worker/host.ts";

/** So many calls together, of which one is answered every two milliseconds. */
function wave(
  throughput: Throughput,
  count: number,
  from: number,
  kindOf: (i: number) => WorkerKind = () => "thread",
): void {
  throughput.begin(from);
  for (let i = 1; i < count; i++) throughput.crowd();
  for (let i = 1; i <= count; i++) {
    throughput.ran(kindOf(i), 1, count - i, i, from + 2 * i);
  }
}

Deno.test("Throughput tells the time from one answer to the next, over short waves too", () => {
  const throughput = new Throughput();
  for (let i = 0; i < 2; i++) wave(throughput, 4, 1000 * i);
  assertEquals(throughput.at("thread", 4), undefined);
  wave(throughput, 4, 5000);
  assertEquals(throughput.at("thread", 4), 2);
  assertEquals(throughput.at("process", 4), undefined);
});

Deno.test("Throughput tells while there is no end", () => {
  const throughput = new Throughput();
  throughput.begin(0);
  throughput.crowd();
  for (let i = 1; i <= 30; i++) throughput.ran("thread", 1, 5, i, 3 * i);
  assertEquals(throughput.at("thread", 30), 3);
});

Deno.test("Throughput knows nothing by calls that were alone, or at two backends", () => {
  const throughput = new Throughput();
  for (let i = 0; i < 50; i++) wave(throughput, 1, 100 * i);
  wave(throughput, 50, 1e6, (i) => i % 2 === 0 ? "thread" : "inline");
  assertEquals(throughput.at("thread", 50), undefined);
  assertEquals(throughput.at("inline", 50), undefined);
});

Deno.test("Throughput forgets what was long ago", () => {
  const throughput = new Throughput();
  wave(throughput, 20, 0);
  assertEquals(throughput.at("thread", 2000), 2);
  assertEquals(throughput.at("thread", 5000), undefined);
});
