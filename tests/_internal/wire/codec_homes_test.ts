// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import { ByteReader, ByteWriter } from "../../../_internal/wire/bytes.ts";
import { TAG_OWN_ERROR } from "../../../_internal/wire/_codec_tags.ts";
import { encodeError } from "../../../_internal/wire/error_codec.ts";
import {
  exportsOf,
  functionAt,
  homeToken,
  rememberExport,
} from "../../../_internal/wire/functions/homes.ts";
import { homes } from "../../../_internal/wire/functions/homecoming.ts";
import {
  type Home,
  homeOf,
  type Homes,
} from "../../../_internal/wire/functions/origins.ts";
import { prepare } from "../../../_internal/wire/functions/revive.ts";
import { decodeValue } from "../../../_internal/wire/codec.ts";
import { decode, Descriptions, encode } from "./_codec_helpers.ts";

class Point {
  constructor(readonly x: number) {}
}
class Failure extends RangeError {}

/** A receiver that has nothing. */
const nobody: Homes = {
  byToken: () => undefined,
  byReference: () => undefined,
};

const token = (fn: object): Home => ({
  kind: "token",
  token: homeToken(fn as () => unknown),
});

Deno.test("encodeValue() names what the receiver has: functions, classes, instances", () => {
  const fn = () => 1;
  const value = { fn, list: [fn, Point, new Point(3)] };
  const bytes = encode(value, { home: token });
  // deno-lint-ignore no-explicit-any -- what arrives is looked into
  const copy: any = decode(bytes, { homes });
  assertStrictEquals(copy.fn, fn);
  assertStrictEquals(copy.list[0], fn);
  assertStrictEquals(copy.list[1], Point);
  assertEquals(copy.list[2], new Point(3));
});

Deno.test("encodeValue() refuses what the receiver does not have", () => {
  const home = () => undefined;
  assertThrows(
    () => encode({ f: () => 1 }, { home }),
    SerializationError,
    "Cannot send value.f: a function that was made in the worker",
  );
  assertThrows(
    () => encode([new Point(1)], { home }),
    SerializationError,
    "Cannot send value[0]: its class Point was made in the worker",
  );
});

Deno.test("a function that arrived goes home under the token that it came with", () => {
  const fn = () => 1;
  const descriptions = new Descriptions();
  const sent = encode(fn, {
    describe: descriptions.describe,
    token: homeToken,
  });
  const arrived = decode(sent, { revive: prepare }) as () => number;
  assertEquals(arrived(), 1);
  const answer = encode([arrived], { home: homeOf });
  assertEquals(decode(answer, { homes }), [fn]);
  assertThrows(
    () => decode(answer, { homes: nobody }),
    SerializationError,
    "this side has let go of it",
  );
});

Deno.test("encodeError() names the class; without it the nearest one takes its place", () => {
  const w = new ByteWriter();
  const error = Object.assign(new Failure("over there"), { code: 7 });
  encodeError(w, error, { root: "error", modules: new Set(), home: token });
  const context = { attachments: [], modules: new Map() };
  const bytes = w.bytes().slice();
  const own = decodeValue(new ByteReader(bytes), { ...context, homes });
  assertInstanceOf(own, Failure);
  assertEquals([own.name, own.message], ["RangeError", "over there"]);
  assertEquals(Object.entries(own), [["code", 7]]);
  for (const other of [{ ...context, homes: nobody }, context]) {
    const near = decodeValue(new ByteReader(bytes), other);
    assertInstanceOf(near, RangeError);
    assertEquals(near instanceof Failure, false);
    assertEquals([near.name, near.message], ["Failure", "over there"]);
  }
  // A home that is no class of errors is not believed.
  const odd = decodeValue(new ByteReader(bytes), {
    ...context,
    homes: { ...nobody, byToken: () => () => 1 },
  });
  assertInstanceOf(odd, RangeError);
});

Deno.test("encodeError() describes a function that the receiver may not have", () => {
  const error = Object.assign(new Error("x"), { f: Point });
  const w = new ByteWriter();
  encodeError(w, error, {
    root: "error",
    modules: new Set(),
    home: () => ({
      kind: "reference",
      url: "file:///a.ts",
      name: "Point",
      sent: false,
    }),
  });
  const copy = decode(w.bytes().slice(), { homes: nobody }) as typeof error;
  assertEquals(String(copy.f), "[function Point]");
});

Deno.test("decodeValue() refuses a malformed home", () => {
  for (const kind of [2, 255]) {
    assertThrows(
      () => decode(new Uint8Array([TAG_OWN_ERROR, kind, 0, 0])),
      SerializationError,
      "named in an unknown way",
    );
  }
  assertThrows(
    () => decode(new Uint8Array([TAG_OWN_ERROR, 0, 200])),
    SerializationError,
  );
});

Deno.test("homeToken() is one token for each function", () => {
  const a = () => 1;
  const b = () => 1;
  assertEquals(homeToken(a), homeToken(a));
  assertEquals(homeToken(a) === homeToken(b), false);
  assertStrictEquals(functionAt(homeToken(a)), a);
  assertEquals(functionAt("nobody's"), undefined);
});

Deno.test("rememberExport() keeps functions and namespaces, the first under a name", () => {
  const fn = () => 1;
  const reference = { url: "test:homes", name: "fn" };
  rememberExport(reference, fn);
  rememberExport(reference, () => 2);
  rememberExport({ ...reference, name: "n" }, 1);
  assertEquals([...exportsOf("test:homes")], [["fn", fn]]);
});

Deno.test("homes.byReference() looks into modules that are here, and nowhere else", () => {
  const namespace = { f: () => 1, n: 1 };
  rememberExport({ url: "test:space", name: "*" }, namespace);
  assertStrictEquals(homes.byReference("test:space", "f"), namespace.f);
  assertEquals(homes.byReference("test:space", "n"), undefined);
  assertEquals(homes.byReference("test:other", "f"), undefined);
  assertEquals(
    homes.byReference("data:text/javascript,export class A {}", "A"),
    undefined,
  );
});
