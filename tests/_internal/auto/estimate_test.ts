// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Estimate, MovingMean } from "../../../_internal/auto/estimate.ts";

Deno.test("MovingMean forgets the first value, for which everything was compiled", () => {
  const mean = new MovingMean();
  mean.add(1);
  for (let i = 0; i < 30; i++) mean.add(0.001);
  assertAlmostEquals(mean.value!, 0.001, 0.001);
});

Deno.test("MovingMean follows what changes, and not what was interrupted once", () => {
  const mean = new MovingMean();
  for (let i = 0; i < 50; i++) mean.add(1);
  mean.add(1000);
  assert(mean.value! < 3, `${mean.value}`);
  for (let i = 0; i < 50; i++) mean.add(20);
  assertAlmostEquals(mean.value!, 20, 1);
});

Deno.test("Estimate tells a function that computes from one that blocks", () => {
  for (const cpu of [20, 0.1]) {
    const estimate = new Estimate();
    for (let i = 0; i < 10; i++) {
      estimate.measured(1, { time: 20, sync: 20, cpu });
      estimate.ran(1, 20);
    }
    assertAlmostEquals(estimate.share!, cpu / 20, 1e-9);
    assertAlmostEquals(estimate.cpu!, cpu, 1e-9);
  }
});

Deno.test("Estimate takes a synchronous function to compute until it is known", () => {
  const estimate = new Estimate();
  estimate.measured(1, { time: 5, sync: 5, cpu: undefined });
  estimate.ran(1, 5);
  assertEquals(estimate.share, undefined);
  assertEquals(estimate.cpu, 5);
});

Deno.test("Estimate knows of a promise what came before it, and then all of it", () => {
  const estimate = new Estimate();
  estimate.measured(1, { time: 30, sync: 1, cpu: undefined });
  estimate.ran(1, 30);
  assertEquals(estimate.cpu, 1);
  for (let i = 0; i < 9; i++) {
    estimate.measured(1, { time: 30, sync: 1, cpu: 10 });
    estimate.ran(1, 30);
  }
  assertAlmostEquals(estimate.cpu!, 10, 1e-9);
});

Deno.test("Estimate adds up ticks of processor time", () => {
  const estimate = new Estimate();
  // A call of 2 ms meets a tick of 10 ms once in five.
  for (let i = 0; i < 100; i++) {
    estimate.measured(1, { time: 2, sync: 2, cpu: i % 5 === 0 ? 10 : 0 });
    estimate.ran(1, 2);
  }
  assertAlmostEquals(estimate.share!, 1, 0.1);
});

Deno.test("Estimate forgets what a function was", () => {
  const estimate = new Estimate();
  for (let i = 0; i < 100; i++) {
    estimate.measured(1, { time: 20, sync: 0, cpu: 0 });
    estimate.ran(1, 20);
  }
  for (let i = 0; i < 100; i++) {
    estimate.measured(1, { time: 20, sync: 20, cpu: 20 });
    estimate.ran(1, 20);
  }
  assert(estimate.share! > 0.9, `${estimate.share}`);
});
