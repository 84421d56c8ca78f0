// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import {
  CLOSED,
  DONE,
  QueueCore,
} from "../../../_internal/memory/queue_core.ts";
import { RingStore } from "../../../_internal/memory/queue_ring.ts";
import { QueueItem } from "../../../_internal/memory/queue_segment.ts";
import {
  RELAY_FULL,
  RelayStatus,
} from "../../../_internal/memory/relay_status.ts";
import type { Link } from "../../../_internal/objects/link.ts";
import { QueueRelay } from "../../../_internal/objects/queue_relay.ts";
import { until } from "../../_suites/_helpers.ts";

Deno.test("QueueRelay closes the way to an owner that has no memory for what was put, and throws nothing", async () => {
  const [outbox, inbox] = [new QueueCore(RingStore), new QueueCore(RingStore)];
  const status = new RelayStatus();
  const { promise: closed } = Promise.withResolvers<void>();
  const link = {
    closed,
    isClosed: false,
    call: () => Promise.reject(new RangeError("no memory")),
  };
  const relay = new QueueRelay(
    { link: link as unknown as Link, agent: 1 },
    5,
    { status: status.words, outbox, inbox },
  );
  assertEquals(outbox.tryPut(new QueueItem()), DONE);
  void relay.look();
  await until("it is known", () => status.state === RELAY_FULL);
  assertEquals(outbox.tryPut(new QueueItem()), CLOSED);
});
