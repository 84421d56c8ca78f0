// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Histogram } from "../../../_internal/pool/histogram.ts";

Deno.test("Histogram.stats() of nothing is zeros", () => {
  assertEquals(new Histogram().stats(), {
    count: 0,
    min: 0,
    mean: 0,
    p50: 0,
    p99: 0,
    max: 0,
  });
});

Deno.test("Histogram.stats() is exact but for the percentiles, which are within 5 %", () => {
  const histogram = new Histogram();
  for (let i = 1; i <= 1000; i++) histogram.add(i);
  const { count, min, mean, p50, p99, max } = histogram.stats();
  assertEquals([count, min, mean, max], [1000, 1, 500.5, 1000]);
  assertAlmostEquals(p50, 500, 25);
  assertAlmostEquals(p99, 990, 50);
});

Deno.test("Histogram.stats() holds over the whole range, ends included", () => {
  for (const time of [0, 0.0005, 0.02, 1, 60_000, 3_600_000, 1e12]) {
    const histogram = new Histogram();
    histogram.add(time, 3);
    const { count, min, p50, p99, max } = histogram.stats();
    assertEquals([count, min, p50, p99, max], [3, time, time, time, time]);
  }
});

Deno.test("Histogram.add() with a count weighs a time", () => {
  const histogram = new Histogram();
  histogram.add(1, 98);
  histogram.add(100, 2);
  const { count, mean, p50, p99 } = histogram.stats();
  assertEquals(count, 100);
  assertAlmostEquals(mean, 2.98);
  assertAlmostEquals(p50, 1, 0.05);
  assertAlmostEquals(p99, 100, 5);
});

Deno.test("Histogram.merge() is the same as adding the times of both", () => {
  const [a, b, both] = [new Histogram(), new Histogram(), new Histogram()];
  for (let i = 0; i < 100; i++) {
    const time = (i * 37) % 100;
    (i % 3 === 0 ? a : b).add(time);
    both.add(time);
  }
  a.merge(b);
  a.merge(new Histogram());
  assertEquals(a.stats(), both.stats());
  assert(a.stats().count === 100);
});
