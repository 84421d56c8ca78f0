// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { Bell, Door, nextTurn } from "../../../_internal/memory/bell.ts";
import { startPeer } from "./_fixtures/start_peer.ts";

function createBell(): { words: Int32Array<SharedArrayBuffer>; bell: Bell } {
  const words = new Int32Array(new SharedArrayBuffer(16));
  return { words, bell: new Bell(words) };
}

Deno.test("Bell.park() returns at once where it was rung after prepare()", () => {
  const { bell } = createBell();
  bell.prepare();
  bell.ring();
  assertEquals(bell.park(), undefined);
});

Deno.test("Bell.park() returns at once where nobody prepared", () => {
  const { bell } = createBell();
  assertEquals(bell.park(), undefined);
  bell.prepare();
  bell.cancel();
  assertEquals(bell.park(), undefined);
});

Deno.test("Bell.ring() wakes the sleeper, and only one that sleeps", async () => {
  const { bell, words } = createBell();
  bell.ring();
  assertEquals(words[0], 0);
  bell.prepare();
  const parked = bell.park();
  bell.ring();
  bell.ring();
  // The promise alone does not keep the event loop alive.
  const timer = setInterval(() => {}, 1000);
  assertEquals(await parked, "ok");
  clearInterval(timer);
  assertEquals(words[0], 0);
});

Deno.test("Bell loses no wake-up of another thread", async () => {
  const { bell, words } = createBell();
  const count = 3_000;
  const peer = startPeer({ what: "ring", words: words.buffer, count });
  let parks = 0;
  const stuck = Promise.withResolvers<never>();
  // By what has come, not by how long all of it takes: the other thread, which
  // never sleeps, may have the core that this one needs, each time.
  let before = -1;
  const timer = setInterval(() => {
    if (words[1] === before) {
      stuck.reject(new RangeError(`it sleeps on at ${before}`));
    }
    before = words[1]!;
  }, 30_000);
  try {
    for (let seen = 0; seen < count;) {
      bell.prepare();
      const now = Atomics.load(words, 1);
      if (now !== seen) {
        bell.cancel();
        assertEquals(now, seen + 1);
        seen = now;
        Atomics.store(words, 2, seen);
        continue;
      }
      const parked = bell.park();
      if (parked !== undefined) {
        parks++;
        await Promise.race([parked, stuck.promise]);
      }
    }
  } finally {
    clearInterval(timer);
  }
  await peer;
  assertEquals(parks > 0, true);
});

Deno.test("nextTurn() lets the event loop turn", async () => {
  let isFired = false;
  // Keeps the program alive too, which a turn does not.
  const timer = setInterval(() => isFired = true, 1);
  // Microtasks alone would keep the timer waiting until then.
  const end = performance.now() + 30_000;
  while (!isFired && performance.now() < end) await nextTurn();
  clearInterval(timer);
  assert(isFired);
});

Deno.test("Bell.watch() sees that a door was taken", () => {
  const { bell } = createBell();
  const words = new Int32Array(1);
  const door = new Door(words);
  bell.prepareWatch();
  door.prepareWatch();
  assertEquals(bell.watch(3, [door]), false);
  new Door(words).take();
  assert(bell.watch(3, [door]));
});

Deno.test("Door.take() asks for a wake-up only of who sleeps, and once", () => {
  const door = new Door(new Int32Array(1));
  assertEquals(door.take(), false);
  door.prepareWatch();
  assertEquals(door.take(), false);
  assert(door.isTaken);
  door.prepare();
  assertEquals(door.isTaken, false);
  assert(door.take());
  assert(door.isTaken);
  assertEquals(door.take(), false);
  door.prepare();
  door.cancel();
  assertEquals(door.take(), false);
});
