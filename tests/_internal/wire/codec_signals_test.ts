// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import { decode, encode } from "./_codec_helpers.ts";

const table = () => {
  const made = new Map<number, AbortSignal>();
  const signal = (index: number) => {
    let known = made.get(index);
    if (known === undefined) {
      made.set(index, known = new AbortController().signal);
    }
    return known;
  };
  return { made, signal };
};

Deno.test("encodeValue() numbers the signals of a message", () => {
  const a = new AbortController().signal;
  const b = AbortSignal.abort();
  const signals: AbortSignal[] = [];
  const bytes = encode([a, { b }, a, new Map([[b, a]])], { signals });
  assertEquals(signals.length, 2);
  assertStrictEquals(signals[0], a);
  assertStrictEquals(signals[1], b);
  const { made, signal } = table();
  // deno-lint-ignore no-explicit-any -- whatever arrives
  const value = decode(bytes, { signal }) as any;
  assertEquals(made.size, 2);
  assertStrictEquals(value[0], made.get(0));
  assertStrictEquals(value[2], made.get(0));
  assertStrictEquals(value[1].b, made.get(1));
  assertStrictEquals(value[3].get(made.get(1)), made.get(0));
});

Deno.test("encodeValue() keeps the numbers over the values of one payload", () => {
  const a = new AbortController().signal;
  const b = new AbortController().signal;
  const signals: AbortSignal[] = [];
  const first = encode([a], { signals });
  const second = encode([b, a], { signals });
  assertEquals(signals.length, 2);
  const { signal } = table();
  const [one] = decode(first, { signal }) as AbortSignal[];
  const [other, again] = decode(second, { signal }) as AbortSignal[];
  assertStrictEquals(again, one);
  assertEquals(other === one, false);
});

Deno.test("encodeValue() leaves no signal behind where it throws", () => {
  const signals: AbortSignal[] = [];
  assertThrows(
    () => encode([new AbortController().signal, new WeakMap()], { signals }),
    SerializationError,
    "WeakMap",
  );
  assertEquals(signals, []);
});

Deno.test("decodeValue() refuses a signal where there is no call", () => {
  const bytes = encode([new AbortController().signal], { signals: [] });
  assertThrows(() => decode(bytes), SerializationError, "an AbortSignal");
});
