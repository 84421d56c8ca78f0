// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import { ByteWriter } from "../../_internal/wire/bytes.ts";
import { encodeError } from "../../_internal/wire/error_codec.ts";
import { registerShareable } from "../../_internal/wire/shareables.ts";
import {
  Relay,
  type RelayRequest,
  writeRelay,
} from "../../_internal/wire/relay_messages.ts";
import { ControlBox, KEPT_TIME } from "../../distributed/_control_box.ts";
import { jobId, places, writeControl } from "../../distributed/_protocol.ts";
import { Seal } from "../../distributed/_seal.ts";
import { StoppedClock } from "./_stopped_clock.ts";

const QUEUE = "tests";
const KEY = new Seal(new TextEncoder().encode("the key"));
const NO_KEY = new Seal(undefined);

class Thing {}
registerShareable("tests.ControlBoxThing", Thing, {
  encode: () => 1,
  decode: () => new Thing(),
});

function cancelOf(number: number, reason: unknown, seal = KEY): Uint8Array {
  const w = new ByteWriter();
  writeRelay(w, { tag: Relay.cancel, ticket: number });
  encodeError(w, reason, { root: "reason", modules: new Set() });
  const message = w.bytes();
  const body = writeControl({ client: "client", number, message });
  return seal.close(places.control(QUEUE), body);
}

Deno.test("ControlBox.hear() passes on what is signed, and of strangers plain data", () => {
  const box = new ControlBox(QUEUE, KEY);
  const heard: [string, boolean][] = [];
  box.onMessage = (id, isSigned) => heard.push([id, isSigned]) > 0;
  box.hear(cancelOf(1, "because"));
  box.hear(cancelOf(2, new Thing()));
  box.hear(cancelOf(3, new RangeError("because"), NO_KEY));
  const nothing = [
    cancelOf(4, new Thing(), NO_KEY),
    cancelOf(5, parseInt, NO_KEY),
    cancelOf(6, "because", new Seal(new TextEncoder().encode("another key"))),
    KEY.close(places.job(QUEUE), cancelOf(7, "because").subarray(34)),
    cancelOf(8, "because", NO_KEY).subarray(0, -1),
    new Uint8Array(),
  ];
  for (const message of nothing) box.hear(message);
  assertEquals(heard, [["client-1", true], ["client-2", true], [
    "client-3",
    false,
  ]]);
});

Deno.test("ControlBox.take() gives what was said before a job was there, once", () => {
  const box = new ControlBox(QUEUE, KEY);
  box.hear(cancelOf(1, "a"));
  box.hear(cancelOf(1, "b", NO_KEY));
  const take = () =>
    box.take(jobId("client", 1)).map(({ request, isSigned }) =>
      [(request as RelayRequest).tag, isSigned] as const
    );
  assertEquals(take(), [[Relay.cancel, true], [Relay.cancel, false]]);
  assertEquals(take(), []);
});

Deno.test("ControlBox keeps no more than it has room for: the oldest goes first", () => {
  const box = new ControlBox(QUEUE, KEY);
  const reason = "r".repeat(60_000);
  const large = cancelOf(2, reason);
  box.hear(cancelOf(1, "small"));
  // A quarter of what there is room for.
  const count = Math.floor((1 << 24) / large.length);
  for (let i = 0; i < count; i++) box.hear(large);
  assertEquals(box.take(jobId("client", 1)).length, 1);
  box.hear(cancelOf(1, "small"));
  for (let i = 0; i < 4 * count; i++) box.hear(large);
  assertEquals(box.take(jobId("client", 1)), []);
  // Whoever says too much of one job is not heard at all.
  assertEquals(box.take(jobId("client", 2)).length < count, true);
  box.hear(cancelOf(3, "small"));
  assertEquals(box.take(jobId("client", 3)).length, 1);
  box.hear(cancelOf(4, "r".repeat(70_000)));
  assertEquals(box.take(jobId("client", 4)), []);
});

Deno.test("ControlBox.take() gives nothing that was said a minute ago, and no credit", () => {
  const box = new ControlBox(QUEUE, KEY);
  const take = (number: number) => box.take(jobId("client", number)).length;
  using clock = new StoppedClock();
  for (const number of [1, 2, 3]) box.hear(cancelOf(number, "why"));
  const w = new ByteWriter();
  writeRelay(w, { tag: Relay.credit, ticket: 4, items: 1 });
  const credit = { client: "client", number: 4, message: w.bytes() };
  box.hear(KEY.close(places.control(QUEUE), writeControl(credit)));
  clock.pass(KEPT_TIME - 1);
  assertEquals([take(1), take(4)], [1, 0]);
  // What was said again is kept for longer.
  box.hear(cancelOf(3, "why"));
  clock.pass(2);
  assertEquals([take(2), take(3)], [0, 2]);
});

Deno.test("ControlBox keeps what was said of so many jobs", () => {
  const box = new ControlBox(QUEUE, NO_KEY);
  for (let number = 0; number <= 10_000; number++) {
    const w = new ByteWriter();
    writeRelay(w, { tag: Relay.finish, ticket: number });
    const control = { client: "client", number, message: w.bytes() };
    box.hear(NO_KEY.close(places.control(QUEUE), writeControl(control)));
  }
  const kept = [0, 1, 10_000].map((it) => box.take(jobId("client", it)).length);
  assertEquals(kept, [0, 1, 1]);
});
