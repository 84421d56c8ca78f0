// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import { ByteWriter } from "../../../_internal/wire/bytes.ts";
import {
  decodeFromBytes,
  encodeToBytes,
} from "../../../_internal/wire/values.ts";

Deno.test("decodeFromBytes() gives what encodeToBytes() was given", () => {
  const value = { list: [1, new Map([["k", 2n]])] };
  assertEquals(decodeFromBytes(encodeToBytes(value, "it"), "it"), value);
  const error = assertThrows(
    () => encodeToBytes({ map: new WeakMap() }, "it"),
    SerializationError,
  );
  assertEquals(error.path, "it.map");
});

Deno.test("decodeFromBytes() refuses bytes that end early, wherever that is", () => {
  const bytes = encodeToBytes({ text: "text", list: [1, 2.5] }, "it");
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(
      () => decodeFromBytes(bytes.subarray(0, length), "it"),
      SerializationError,
    );
  }
});

Deno.test("decodeFromBytes() tells of a module that cannot be loaded", async () => {
  for (let n = 0; n < 300; n++) {
    const w = new ByteWriter(64);
    w.varint(1);
    w.string(`file:///no/such/module_${n}.ts`);
    await assertRejects(
      () => decodeFromBytes(w.bytes(), "it") as Promise<unknown>,
      SerializationError,
      "cannot be loaded",
    );
  }
});
