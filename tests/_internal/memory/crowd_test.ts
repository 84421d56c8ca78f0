// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { Crowd, CROWD_WORDS } from "../../../_internal/memory/crowd.ts";

function createCrowd(cores: number): Crowd {
  return new Crowd(new Int32Array(CROWD_WORDS), cores);
}

Deno.test("Crowd has a spare core while fewer are awake than there are cores", () => {
  const crowd = createCrowd(2);
  const places = [crowd.enter(), crowd.enter()] as const;
  assert(crowd.hasSpareCore);
  crowd.wakes(places[0]);
  crowd.wakes(places[0]);
  assert(crowd.hasSpareCore);
  crowd.wakes(places[1]);
  assertEquals(crowd.hasSpareCore, false);
  crowd.sleeps(places[0]);
  assert(crowd.hasSpareCore);
});

Deno.test("Crowd does not count who died awake", () => {
  const crowd = createCrowd(1);
  const place = crowd.enter();
  crowd.wakes(place);
  assertEquals(crowd.hasSpareCore, false);
  crowd.leave(place);
  assert(crowd.hasSpareCore);
  assertEquals(crowd.enter(), place);
});

Deno.test("Crowd counts in every word", () => {
  const crowd = createCrowd(100);
  const places = Array.from({ length: 100 }, () => crowd.enter());
  assertEquals(new Set(places).size, 100);
  for (const place of places.slice(1)) crowd.wakes(place);
  assert(crowd.hasSpareCore);
  crowd.wakes(places[0]!);
  assertEquals(crowd.hasSpareCore, false);
});

Deno.test("Crowd counts those whom it has met", () => {
  const crowd = createCrowd(2);
  const other = createCrowd(2);
  crowd.meet(other);
  crowd.wakes(crowd.enter());
  assert(crowd.hasSpareCore);
  other.wakes(other.enter());
  assertEquals(crowd.hasSpareCore, false);
  assert(other.hasSpareCore);
});
