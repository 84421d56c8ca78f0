// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import {
  type CallCosts,
  costAt,
  movingCost,
} from "../../../_internal/auto/cost_model.ts";
import type { Place } from "../../../_internal/auto/places.ts";
import type { WorkerKind } from "../../../_internal/worker/host.ts";

const machine = { cores: 4, blocking: 16 };

function call(costs: {
  readonly cpu: number;
  readonly time?: number;
  readonly backlog?: number;
  readonly isAsync?: boolean;
  readonly encoding?: number;
  readonly copying?: number;
  readonly batch?: number;
  readonly seen?: Partial<Record<WorkerKind, number>>;
}): CallCosts {
  const { cpu, time = cpu, backlog = 1, isAsync = false } = costs;
  return {
    isAsync,
    backlog,
    batch: costs.batch ?? 1,
    cpu,
    time,
    encoding: costs.encoding ?? 0.001,
    isSmall: costs.encoding === undefined,
    decoding: costs.encoding ?? 0.001,
    seen: (kind) => costs.seen?.[kind],
    copying: costs.copying ?? 0,
  };
}

function best(costs: CallCosts): Place {
  let best: Place = "inline";
  const places: readonly Place[] = costs.isAsync
    ? ["wait", "process"]
    : ["compute", "process"];
  for (const place of places) {
    if (costAt(place, costs, machine) < costAt(best, costs, machine)) {
      best = place;
    }
  }
  return best;
}

Deno.test("costAt() has a call run here that is cheaper run than sent", () => {
  assertEquals(best(call({ cpu: 0.001 })), "inline");
  assertEquals(best(call({ cpu: 0.001, backlog: 1000 })), "inline");
});

Deno.test("costAt() has a call sent that computes", () => {
  assertEquals(best(call({ cpu: 1 })), "compute");
  assertEquals(best(call({ cpu: 20, backlog: 1000 })), "compute");
});

Deno.test("costAt() has a call sent that is dearer than a message only where many come", () => {
  const cpu = 0.01;
  assertEquals(best(call({ cpu, backlog: 1 })), "inline");
  assertEquals(best(call({ cpu, backlog: 1000 })), "compute");
});

Deno.test("costAt() has calls wait here, whatever their number", () => {
  for (const backlog of [1, 100, 10_000]) {
    assertEquals(
      best(call({ cpu: 0.001, time: 20, isAsync: true, backlog })),
      "inline",
    );
  }
});

Deno.test("costAt() has calls that wait and compute share threads", () => {
  assertEquals(
    best(call({ cpu: 2, time: 20, isAsync: true, backlog: 100 })),
    "wait",
  );
});

Deno.test("costAt() weighs what it takes to send the arguments", () => {
  assertEquals(best(call({ cpu: 0.5, encoding: 4 })), "inline");
  assertEquals(best(call({ cpu: 0.5, encoding: 4, copying: 8 })), "compute");
});

Deno.test("costAt() has chunks sent whose calls would not be", () => {
  const costs = { cpu: 0.001, backlog: 1000 };
  assertEquals(best(call(costs)), "inline");
  assertEquals(best(call({ ...costs, batch: 1000 })), "compute");
});

Deno.test("costAt() believes what was seen more than the model, where many calls are under way", () => {
  const costs = { cpu: 2, seen: { thread: 4 } };
  assertEquals(best(call({ ...costs, backlog: 1 })), "compute");
  assertEquals(best(call({ cpu: 2, backlog: 50 })), "compute");
  assertEquals(best(call({ ...costs, backlog: 50 })), "process");
  const both = { thread: 4, process: 4 };
  assertEquals(best(call({ ...costs, seen: both, backlog: 50 })), "inline");
});

Deno.test("costAt() divides what blocks among the threads for it", () => {
  const costs = call({ cpu: 0, time: 16, backlog: 100, encoding: 0 });
  const one = costAt("block", costs, { cores: 4, blocking: 1 });
  const many = costAt("block", costs, machine);
  assert(one > 15 * many, `${one} and ${many}`);
});

Deno.test("movingCost() is less where workers are up", () => {
  for (const place of ["compute", "process"] as const) {
    assert(movingCost(place, true) < movingCost(place, false));
  }
  assert(movingCost("process", false) > movingCost("compute", false));
  assertEquals(movingCost("inline", true), movingCost("inline", false));
});
