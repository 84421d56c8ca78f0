// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { Choice } from "../../../_internal/auto/choice.ts";
import { movingCost } from "../../../_internal/auto/cost_model.ts";
import type { Place } from "../../../_internal/auto/places.ts";

const isUp = () => true;

/** Weighs after each call until it moves; tells after how many. */
function callsUntilMoved(
  choice: Choice,
  costs: Partial<Record<Place, number>>,
  from: number,
): number {
  const list = new Map(Object.entries(costs) as [Place, number][]);
  for (let calls = 1; calls < 10_000; calls++) {
    if (choice.weigh(list, from + calls, isUp)) return calls;
  }
  return Infinity;
}

Deno.test("Choice.weigh() moves when to stay has cost as much as to move, and not before", () => {
  const choice = new Choice();
  assert(choice.take("compute", 0));
  const price = movingCost("block", true);
  assertEquals(
    callsUntilMoved(choice, { compute: 1.5, block: 1 }, 0),
    price / 0.5,
  );
  assertEquals(choice.place, "block");
});

Deno.test("Choice.weigh() counts the calls between two looks", () => {
  const choice = new Choice();
  choice.take("compute", 0);
  const costs = new Map<Place, number>([["compute", 1.5], ["block", 1]]);
  assertFalse(choice.weigh(costs, 1, isUp));
  assert(choice.weigh(costs, 9, isUp));
});

Deno.test("Choice.weigh() does not move to a process for what it costs", () => {
  const choice = new Choice();
  choice.take("compute", 0);
  const costs = { compute: 5, process: 1 };
  assertEquals(callsUntilMoved(choice, costs, 0), Infinity);
});

Deno.test("Choice.weigh() forgets what it regrets while it is right", () => {
  const choice = new Choice();
  choice.take("compute", 0);
  const worse = new Map<Place, number>([["compute", 1.5], ["block", 1]]);
  const better = new Map<Place, number>([["compute", 1], ["block", 1.5]]);
  for (let calls = 0; calls < 1000; calls++) {
    assertFalse(choice.weigh(calls % 2 === 0 ? worse : better, calls, isUp));
  }
});

Deno.test("Choice.weigh() takes twice as long each time that it comes back, and forgets that", () => {
  const choice = new Choice();
  choice.take("compute", 0);
  const there = { compute: 1.5, block: 1 };
  const back = { compute: 1, block: 1.5 };
  let calls = 0;
  const waits = [there, back, there, back].map((costs) => {
    const waited = callsUntilMoved(choice, costs, calls);
    calls += waited;
    return waited;
  });
  assertEquals(waits, [4, 4, 8, 16]);
  // It has stayed for long: one move, and the count begins anew.
  calls += 2000;
  choice.weigh(new Map([["compute", 1], ["block", 1]]), calls, isUp);
  calls += callsUntilMoved(choice, there, calls);
  assertEquals(callsUntilMoved(choice, back, calls), 4);
});

Deno.test("Choice.weigh() leaves at once what is ruled out by now", () => {
  const choice = new Choice();
  choice.take("inline", 0);
  assert(choice.weigh(new Map([["compute", 9], ["process", 10]]), 1, isUp));
  assertEquals(choice.place, "compute");
});

Deno.test("Choice.isDue() each time while a function is new, and then now and then", () => {
  const choice = new Choice();
  assert(choice.isDue(0));
  assert(choice.isDue(1));
  const looks = Array.from({ length: 80 }, () => choice.isDue(1));
  const count = looks.filter(Boolean).length;
  assert(count >= 8 && count <= 20, `${count}`);
  assert(choice.isDue(2));
});
