// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import { Crowd, CROWD_WORDS } from "../../../_internal/memory/crowd.ts";
import type { Knocker } from "../../../_internal/memory/knocker.ts";
import type { Mapping } from "../../../_internal/memory/mapping.ts";
import { ProcessRings } from "../../../_internal/wire/process_rings.ts";

Deno.test("ProcessRings.release() gives everything back where there never was a channel", () => {
  const done: string[] = [];
  const memory = new ArrayBuffer(1 << 16);
  const crowd = new Crowd(new Int32Array(CROWD_WORDS), 2);
  const place = crowd.enter();
  const rings = new ProcessRings({
    memory,
    // Only what is called of it.
    knocker: { close: () => done.push("knocker") } as unknown as Knocker,
    mapping: {
      buffer: memory,
      descriptor: -1,
      seal: () => {},
      unmap: () => done.push("mapping"),
    } satisfies Mapping,
    crowd,
    place,
  });
  rings.slots.queue(3);
  rings.release();
  assertEquals(done, ["knocker", "mapping"]);
  // What becomes of the calls is still known.
  assertEquals(rings.slots.revoke(3), true);
  assertEquals(crowd.enter(), place);
});
