// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { Bell } from "../../../_internal/memory/bell.ts";
import { RingPump } from "../../../_internal/wire/ring_pump.ts";

/** Runs JavaScript for longer than a pump keeps the event loop waiting. */
function handleMessage(): void {
  const end = performance.now() + 9;
  while (performance.now() < end);
}

Deno.test("RingPump gives the event loop a turn during a flood of messages", async () => {
  const bell = new Bell(new Int32Array(new SharedArrayBuffer(4)));
  const pump = new RingPump(bell, 1, 0);
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = 20;
  let turns = 0;
  const channel = {
    get pending() {
      return left > 0;
    },
    drain(): number {
      if (left === 0) return 0;
      handleMessage();
      if (--left === 0) resolve();
      return 1;
    },
  };
  const timer = setInterval(() => turns++, 1);

  pump.add(channel);
  await promise;
  clearInterval(timer);
  pump.remove(channel);
  // The last message leaves the pump running, or parked: it stops either way.
  pump.wake();

  assertEquals(left, 0);
  assert(turns >= 5, `timers had ${turns} turns during 20 messages`);
});
