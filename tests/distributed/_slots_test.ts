// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import { Slots } from "../../distributed/_slots.ts";

/** How many jobs there are once there is room for no more. */
function fill(slots: Slots, time: number | undefined): number {
  let count = 0;
  while (slots.enough > count && count < 1000) {
    slots.enter(time, "share");
    count++;
  }
  return count;
}

Deno.test("Slots.enough is one job for each worker where they are long or not known", () => {
  for (const time of [undefined, 10, 1000]) {
    assertEquals(fill(new Slots(3, 0), time), 3);
  }
});

Deno.test("Slots.enough is more where jobs are short, up to 17 for each worker", () => {
  assertEquals(fill(new Slots(2, 0), 5), 4);
  assertEquals(fill(new Slots(2, 0), 0.01), 34);
  assertEquals(fill(new Slots(1, 0), 0), 17);
});

Deno.test("Slots.enough takes the next job to be like the last one", () => {
  const slots = new Slots(2, 0);
  assertEquals(slots.enough, 2);
  const short = slots.enter(0.01, "share");
  assertEquals(slots.enough, 34);
  // What takes nothing says nothing of others.
  slots.enter(undefined, "nothing");
  assertEquals(slots.enough, 35);
  const long = slots.enter(undefined, "share");
  assertEquals(slots.enough, 3);
  slots.leave(short);
  slots.leave(long);
  assertEquals(slots.enough, 3);
});

Deno.test("Slots.enough counts what waits by its places, and one for what computes", () => {
  const slots = new Slots(1, 3);
  const shares = [];
  for (const count of [1, 2, 3]) {
    // The first one is not known to be one that waits.
    assertEquals(slots.enough, count === 1 ? 1 : 3);
    shares.push(slots.enter(undefined, "place"));
  }
  assertEquals(slots.enough, 3);
  slots.leave(shares[0]!);
  assertEquals(slots.enough, 3);
  // It has the worker: what waits is not fetched either.
  slots.enter(undefined, "share");
  assertEquals(slots.enough, 3);
});

Deno.test("Slots.enough is no more where all places are taken, whatever came last", () => {
  const slots = new Slots(2, 1);
  const place = slots.enter(undefined, "place");
  slots.enter(undefined, "share");
  // The next one may be one that waits.
  assertEquals(slots.enough, 2);
  slots.leave(place);
  assertEquals(slots.enough, 2);
});

Deno.test("Slots.growing doubles, from one job on", () => {
  const slots = new Slots(2, 0);
  assertEquals(slots.growing, 1);
  for (const expected of [3, 5, 7]) {
    slots.enter(0.01, "share");
    assertEquals(slots.growing, expected);
  }
});

Deno.test("Slots.outlast() makes a worker of what was taken to be short", () => {
  const slots = new Slots(2, 0);
  const shares = Array.from({ length: 34 }, () => slots.enter(0.01, "share"));
  assertEquals([slots.isOverfull, slots.enough], [false, 34]);
  const first = slots.outlast(shares[0]!);
  assertEquals(slots.isOverfull, true);
  // Once is enough.
  assertEquals(slots.outlast(first), first);
  // 33 short ones beside a long one are 16 too many.
  const dropped = shares.slice(1, 17).map((it) => slots.drop(it));
  assertEquals(slots.isOverfull, false);
  assertEquals(slots.enough, 34);
  for (const share of dropped) slots.leave(share);
  assertEquals(slots.enough, 18);
  for (const share of [first, ...shares.slice(17)]) slots.leave(share);
  // The next one is taken to be like the long one.
  assertEquals(slots.enough, 2);
});

Deno.test("Slots.outlast() leaves what takes no worker alone", () => {
  const slots = new Slots(1, 2);
  const place = slots.enter(undefined, "place");
  const nothing = slots.enter(undefined, "nothing");
  assertEquals(slots.outlast(place), place);
  assertEquals(slots.outlast(nothing), nothing);
  assertEquals(slots.isOverfull, false);
});
