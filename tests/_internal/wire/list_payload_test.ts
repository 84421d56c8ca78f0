// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertThrows } from "@std/assert";
import { ByteReader, ByteWriter } from "../../../_internal/wire/bytes.ts";
import {
  readOutcomes,
  writeOutcomes,
} from "../../../_internal/wire/outcomes.ts";
import { ListPayload } from "../../../_internal/wire/payload.ts";
import {
  decodeListPayload,
  payloadModules,
} from "../../../_internal/wire/received_payload.ts";

const NO_MODULES = new Map<string, Record<string, unknown>>();

function describe(): never {
  throw new TypeError("no functions here");
}

function createList(): ListPayload {
  return new ListPayload({ root: "args", describe, reach: "process" });
}

function sent(list: ListPayload): unknown[] {
  const { bytes } = list.finish();
  const { offset } = payloadModules(bytes);
  return Array.from(decodeListPayload(bytes, offset, [], NO_MODULES));
}

const INTS = [0, 1, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31)];
const FLOATS = [0.5, -0, NaN, Infinity, 2 ** 31, Number.MAX_SAFE_INTEGER];

Deno.test("ListPayload.addNumbers() keeps every number, wherever the kinds change", () => {
  for (
    const numbers of [
      INTS,
      FLOATS,
      [...INTS, ...FLOATS, ...INTS],
      [...FLOATS, ...INTS],
      Array.from({ length: 20_000 }, (_, i) => i),
      Array.from({ length: 20_000 }, (_, i) => i < 19_999 ? i : 0.5),
    ]
  ) {
    const list = createList();
    const half = numbers.length >> 1;
    assertEquals(list.addNumbers(numbers, 0, half), half);
    assertEquals(
      list.addNumbers(numbers, half, numbers.length),
      numbers.length - half,
    );
    assertEquals(list.length, numbers.length);
    const values = sent(list);
    assertEquals(values.length, numbers.length);
    // -0 is not 0.
    assertEquals(
      values.findIndex((value, i) => !Object.is(value, numbers[i])),
      -1,
    );
  }
});

Deno.test("ListPayload.addNumbers() stops at what is no number", () => {
  const list = createList();
  assertEquals(list.addNumbers([1, 2, "3", 4], 0, 4), 2);
  assertEquals(list.addNumbers([0.5, undefined], 0, 2), 1);
  assertEquals(list.length, 3);
  assertEquals(sent(list), [1, 2, 0.5]);
});

Deno.test("ListPayload.add() goes on behind numbers", () => {
  for (const numbers of [[1, 2, 3], [1, 0.5, -0]]) {
    const list = createList();
    list.addNumbers(numbers, 0, 3);
    list.add(["text", 4], describe);
    assertEquals(list.addNumbers([5], 0, 1), 0);
    list.add([{ a: 1 }], describe);
    list.undo();
    list.add([[6]], describe);
    assertEquals(list.length, 5);
    assertEquals(sent(list), [...numbers, ["text", 4], [[6]]]);
  }
});

Deno.test("writeOutcomes() keeps numbers apart from everything else", () => {
  const none = new Set<number>();
  for (
    const [values, failed] of [
      [INTS, none],
      [FLOATS, none],
      [[...INTS, ...FLOATS], none],
      [[1, 2, "3"], none],
      [[1, undefined], none],
      [[1, 2, 3], new Set([1])],
    ] as [unknown[], Set<number>][]
  ) {
    const w = new ByteWriter();
    w.u8(7);
    writeOutcomes(w, { values, failed }, {
      root: "result",
      modules: new Set(),
    });
    const r = new ByteReader(w.bytes(), 1);
    const read = readOutcomes(r, { attachments: [], modules: NO_MODULES });
    assertEquals(r.remaining, 0);
    const found = Array.from(read.values);
    assertEquals(found.length, values.length);
    assertEquals(
      found.findIndex((value, i) => !Object.is(value, values[i])),
      -1,
    );
    assertEquals([...read.failed], [...failed]);
  }
});

Deno.test("readOutcomes() refuses numbers that are not there", () => {
  const w = new ByteWriter();
  writeOutcomes(w, { values: [1, 2, 3], failed: new Set() }, {
    root: "result",
    modules: new Set(),
  });
  const context = { attachments: [], modules: NO_MODULES };
  assertThrows(
    () => readOutcomes(new ByteReader(w.bytes().slice(0, -1)), context),
    RangeError,
  );
  const other = w.bytes().slice();
  other[1] = 0;
  assertThrows(() => readOutcomes(new ByteReader(other), context));
});
