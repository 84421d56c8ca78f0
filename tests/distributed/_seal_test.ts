// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertFalse, assertThrows } from "@std/assert";
import { createHmac } from "node:crypto";
import { parseAuthKey, Seal, SealError } from "../../distributed/_seal.ts";
import { places } from "../../distributed/_protocol.ts";
import { AuthenticationError } from "../../mod.ts";

const KEY = new TextEncoder().encode("secret");
const BODY = new Uint8Array([1, 2, 3]);
const PLACE = places.job("q");

function faultOf(open: () => unknown): string {
  const error = assertThrows(open, SealError);
  assertEquals(error instanceof AuthenticationError, true);
  return error.fault;
}

Deno.test("Seal.open() gives the body of what was closed with the same key", () => {
  const { body, isSigned } = new Seal(KEY).open(
    PLACE,
    new Seal(KEY.slice()).close(PLACE, BODY),
  );
  assertEquals([...body], [...BODY]);
  assertEquals(isSigned, true);
});

Deno.test("Seal.close() signs with HMAC-SHA256, under a key for each place", () => {
  const hmac = (key: Uint8Array, text: string | Uint8Array) =>
    createHmac("sha256", key).update(text).digest();
  const key = hmac(KEY, `@concurrent/parallel distributed 1 ${PLACE}`);
  for (const length of [0, 3, 55, 64, 1000]) {
    const body = new Uint8Array(length).fill(length);
    const message = new Seal(KEY).close(PLACE, body);
    assertEquals([...message.subarray(2, 34)], [...hmac(key, body)]);
  }
});

Deno.test("Seal.open() says that nothing is proved where there is no key", () => {
  for (const opener of [new Seal(undefined), new Seal(KEY)]) {
    const message = new Seal(undefined).close(PLACE, BODY);
    const { body, isSigned } = opener.open(PLACE, message);
    assertEquals([...body], [...BODY]);
    assertFalse(isSigned);
  }
});

Deno.test("Seal.open() refuses every message that was changed in one bit", () => {
  const seal = new Seal(KEY);
  const message = seal.close(PLACE, BODY);
  for (let bit = 0; bit < message.length * 8; bit++) {
    const changed = message.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    // A bit of the form may leave one that is not signed, and says so.
    if (changed[1] === 0) {
      assertFalse(seal.open(PLACE, changed).isSigned);
      continue;
    }
    faultOf(() => seal.open(PLACE, changed));
  }
});

Deno.test("Seal.open() refuses every message that was cut or made longer", () => {
  const seal = new Seal(KEY);
  const message = seal.close(PLACE, BODY);
  for (let length = 0; length < message.length; length++) {
    faultOf(() => seal.open(PLACE, message.subarray(0, length)));
  }
  faultOf(() => seal.open(PLACE, new Uint8Array([...message, 0])));
});

Deno.test("Seal.open() refuses what was closed with another key, or for another place", () => {
  const message = new Seal(KEY).close(PLACE, BODY);
  const other = new Seal(new TextEncoder().encode("Secret"));
  assertEquals(faultOf(() => other.open(PLACE, message)), "bad signature");
  for (
    const place of [
      places.job("r"),
      places.control("q"),
      places.answers("q", "client"),
    ]
  ) {
    const fault = faultOf(() => new Seal(KEY).open(place, message));
    assertEquals(fault, "bad signature");
  }
});

Deno.test("Seal.open() tells a missing key and another version apart", () => {
  const message = new Seal(KEY).close(PLACE, BODY);
  const opener = new Seal(undefined);
  assertEquals(faultOf(() => opener.open(PLACE, message)), "no key");
  message[0]!++;
  assertEquals(faultOf(() => new Seal(KEY).open(PLACE, message)), "version");
});

Deno.test("places are told apart whatever queues and clients are called", () => {
  const names = ["a", "a b", "b a", "b", "job a", "a:b"];
  const all = [
    ...names.flatMap((queue) => [places.job(queue), places.control(queue)]),
    ...names.flatMap((queue) => places.answers(queue, "client")),
  ];
  assertEquals(new Set(all).size, all.length);
});

Deno.test("parseAuthKey() takes text and bytes, copies them, and refuses the rest", () => {
  assertEquals(parseAuthKey("test", undefined), undefined);
  assertEquals([...parseAuthKey("test", "abc")!], [97, 98, 99]);
  const bytes = new Uint8Array([1]);
  const key = parseAuthKey("test", bytes)!;
  bytes[0] = 2;
  assertEquals([...key], [1]);
  assertThrows(() => parseAuthKey("test", 5), TypeError, "'authKey'");
  assertThrows(() => parseAuthKey("test", ""), RangeError, "'authKey'");
});
