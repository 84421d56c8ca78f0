// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { DONE, QueueCore } from "../../../_internal/memory/queue_core.ts";
import { RingStore } from "../../../_internal/memory/queue_ring.ts";
import {
  ItemKind,
  QueueItem,
} from "../../../_internal/memory/queue_segment.ts";

function textItem(text: string): QueueItem {
  const item = new QueueItem();
  item.kind = ItemKind.text;
  item.int = text.length;
  item.text = text;
  return item;
}

Deno.test("QueueCore.putBack() keeps the order, wherever the ring stands", () => {
  // Seeded, so that what fails can be found again.
  let seed = 7;
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed % n;
  };
  const core = new QueueCore(RingStore);
  const expected: string[] = [];
  const item = new QueueItem();
  let next = 0;
  let inFront = 0;
  for (let round = 0; round < 20_000; round++) {
    const what = random(10);
    if (what < 5 && expected.length < 400) {
      const text = `${next++} ${"x".repeat(random(40))}`;
      assertEquals(core.tryPut(textItem(text)), DONE);
      expected.push(text);
    } else if (what < 8) {
      const taken: QueueItem[] = [];
      const count = random(12);
      core.takeMany((it) => {
        taken.push(textItem(it.text));
        return taken.length < count;
      });
      assertEquals(
        taken.map(({ text }) => text),
        expected.slice(0, taken.length),
      );
      // Some of them are used, the others go back.
      const used = random(taken.length + 1);
      expected.splice(0, used);
      core.putBack(taken.slice(used));
      if (used < taken.length) inFront++;
    } else if (expected.length > 0) {
      assertEquals(core.tryGet(item, () => true), DONE);
      assertEquals(item.text, expected.shift());
    }
    assertEquals(core.size, expected.length);
  }
  assert(inFront > 1_000);
});
