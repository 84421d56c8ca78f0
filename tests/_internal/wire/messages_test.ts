// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import { ByteWriter } from "../../../_internal/wire/bytes.ts";
import {
  CallMode,
  plainMessage,
  readGuestMessage,
  readHostMessage,
  Tag,
  writeHeader,
  writeMeasurement,
} from "../../../_internal/wire/messages.ts";

Deno.test("readHostMessage() tells each mode and flag of a call from the others", () => {
  for (const mode of Object.values(CallMode)) {
    for (const fired of [undefined, 0, 3]) {
      for (let flags = 0; flags < 4; flags++) {
        const call = {
          tag: Tag.call,
          slot: 200,
          mode,
          fired,
          contexts: (flags & 1) !== 0,
          isMeasured: (flags & 2) !== 0,
          definition: 7,
        };
        const { payload, ...header } = readHostMessage(
          plainMessage(call),
        ) as typeof call & { readonly payload: Uint8Array };
        assertEquals(header, call);
        assertEquals(payload.length, 0);
      }
    }
  }
});

Deno.test("readGuestMessage() finds what a call has cost in front of its answer", () => {
  for (const tag of [Tag.done, Tag.failed]) {
    for (const cpu of [undefined, 0, 1.25]) {
      const measurement = { time: 4000.5, sync: 0.0625, cpu };
      const w = new ByteWriter(64);
      writeMeasurement(w, measurement);
      writeHeader(w, { tag, slot: 3, time: 5000 });
      w.u8(42);
      const payload = new Uint8Array([42]);
      assertEquals(readGuestMessage(w.bytes()), {
        tag,
        slot: 3,
        time: 5000,
        measurement,
        payload,
      });
    }
  }
  // Where nobody has asked an answer is as long as ever: tag, slot, time.
  const plain = plainMessage({ tag: Tag.done, slot: 3, time: 0 });
  assertEquals(plain.length, 3);
});
