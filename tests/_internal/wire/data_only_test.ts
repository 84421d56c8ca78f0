// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertMatch,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import { defineFunction } from "../../../_internal/pool/definitions.ts";
import { readAnswer, readError } from "../../../_internal/pool/answers.ts";
import { ByteWriter } from "../../../_internal/wire/bytes.ts";
import * as tags from "../../../_internal/wire/_codec_tags.ts";
import {
  admitAnswer,
  admitStrangersAnswer,
  checkPlainCall,
  checkPlainValue,
  referenceOf,
} from "../../../_internal/wire/data_only.ts";
import { CallMode, WHOLE_CALL } from "../../../_internal/wire/messages.ts";
import { encodePayload, ListPayload } from "../../../_internal/wire/payload.ts";
import { registerShareable } from "../../../_internal/wire/shareables.ts";
import { homeToken } from "../../../_internal/wire/functions/homes.ts";
import { task } from "../../../_internal/wire/functions/task.ts";
import { decode, encode } from "./_codec_helpers.ts";
import { visit } from "./functions/fixtures/values.ts";

const ONLY_DATA = /only plain data is taken without a signature$/;

class Thing {
  static arrivals = 0;
}
registerShareable("tests.DataOnlyThing", Thing, {
  encode: () => 1,
  decode: () => {
    Thing.arrivals++;
    return new Thing();
  },
});

/** Nested so deeply that its content comes after the root. */
function deep(leaf: unknown): unknown {
  let value = leaf;
  for (let i = 0; i < tags.DEPTH_LIMIT + 5; i++) value = [value];
  return value;
}

/** For each tag of plain data a value that is written with it. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  TAG_UNDEFINED: undefined,
  TAG_NULL: null,
  TAG_TRUE: true,
  TAG_FALSE: false,
  TAG_INT32: -1,
  TAG_FLOAT64: 0.5,
  TAG_STRING: "a text that is no short string at all",
  TAG_BIGINT: 1n,
  TAG_REF: (() => {
    const twice = {};
    return [twice, twice];
  })(),
  // deno-lint-ignore no-sparse-arrays -- one is meant
  TAG_HOLE: [1, , "2"],
  TAG_OBJECT: { a: 1 },
  TAG_SHAPED: [{ a: 1 }, { a: 2 }],
  TAG_ARRAY: [1, "2"],
  TAG_INT32_ARRAY: [1, 2, 3, 4000],
  TAG_FLOAT64_ARRAY: [1, 2, 3, 0.5],
  TAG_MAP: new Map([[1, 2]]),
  TAG_SET: new Set([1]),
  TAG_DATE: new Date(0),
  TAG_ARRAY_BUFFER: new ArrayBuffer(3),
  TAG_VIEW_PART: new Uint8Array(9).subarray(3),
  TAG_VIEW: new Float64Array(2),
  TAG_URL: new URL("https://example.com/"),
  TAG_URL_SEARCH_PARAMS: new URLSearchParams("a=1"),
  TAG_BOXED: Object(1),
  TAG_TEMPORAL: Reflect.get(globalThis, "Temporal").PlainDate.from(
    "2026-01-31",
  ),
  TAG_ERROR: new RangeError("r", { cause: new AggregateError([1], "a") }),
  TAG_LATER: deep({ a: new Map([[new Set(), []]]) }),
};

const TAGS = Object.entries(tags).filter(([name]) => name.startsWith("TAG_"));

Deno.test("checkPlainValue() takes plain data of every kind, and no other tag", () => {
  for (const [name, tag] of TAGS) {
    if (Object.hasOwn(SAMPLES, name)) {
      const bytes = encode(SAMPLES[name]);
      assert(bytes.includes(tag), `${name} is in its sample`);
      checkPlainValue(bytes);
      continue;
    }
    // What follows does not matter: nothing of it is read.
    const bytes = name === "TAG_SPARSE"
      ? [tags.TAG_ARRAY, 9, tag, 0, 0]
      : [tag, 0, 0];
    const error = assertThrows(
      () => checkPlainValue(new Uint8Array(bytes)),
      SerializationError,
    );
    assertMatch(error.reason, ONLY_DATA, name);
  }
});

Deno.test("checkPlainValue() finds what is no data wherever it lies", () => {
  const symbol = Symbol.for("tests.data_only");
  for (
    const value of [/a/, symbol, new Thing(), parseInt, Math, new Headers()]
  ) {
    for (
      const holder of [
        value,
        [1, value],
        { a: { b: value } },
        new Map<unknown, unknown>([[1, value]]),
        new Map<unknown, unknown>([[value, 1]]),
        new Set([value]),
        Object.assign(new Error("e"), { value }),
        new Error("e", { cause: value }),
        new AggregateError([value]),
        deep(value),
        deep({ a: value }),
      ]
    ) {
      const error = assertThrows(
        () => checkPlainValue(encode(holder)),
        SerializationError,
      );
      assertMatch(error.reason, ONLY_DATA);
    }
  }
  assertThrows(
    () => checkPlainValue(encode({ [symbol]: 1 })),
    SerializationError,
  );
  assertEquals(Thing.arrivals, 0);
});

Deno.test("checkPlainValue() refuses a map or set whose keys could be chosen to fall together", () => {
  const numbers = (length: number) => Array.from({ length }, (_, i) => i);
  const map = (length: number) => new Map(numbers(length).map((i) => [i, 0]));
  checkPlainValue(encode([new Set(numbers(1000)), map(1000)]));
  for (
    const value of [new Set(numbers(1001)), map(1001), deep(map(1001))]
  ) {
    assertThrows(
      () => checkPlainValue(encode(value)),
      SerializationError,
      "1001 entries in one collection",
    );
  }
});

function callOf(
  args: readonly unknown[],
  changes: Partial<Parameters<typeof checkPlainCall>[0]> = {},
): Parameters<typeof checkPlainCall>[0] {
  const describe = () => ({ kind: "reference", url: "", name: "" }) as const;
  const { bytes } = encodePayload(args, {
    root: "args",
    reach: "machine",
    describe,
  });
  return {
    mode: CallMode.single,
    definition: 1,
    contexts: false,
    signals: 0,
    calls: 1,
    payload: bytes,
    ...changes,
  };
}

Deno.test("checkPlainCall() takes calls with plain data alone", () => {
  checkPlainCall(callOf([1, { a: [new Date()] }]));
  checkPlainCall(callOf([1], { mode: CallMode.stream }));
  const refused = (call: Parameters<typeof checkPlainCall>[0], why: RegExp) => {
    const { reason } = assertThrows(
      () => checkPlainCall(call),
      SerializationError,
    );
    assertMatch(reason, why);
  };
  refused(callOf([], { definition: WHOLE_CALL }), /holds a function, and only/);
  refused(callOf([], { contexts: true }), /an AsyncLocalStorage, and only/);
  refused(callOf([], { signals: 1 }), /an AbortSignal, and only/);
  refused(callOf([], { mode: CallMode.main }), /a program, and only/);
  refused(callOf([], { calls: 2 }), /1 calls and says 2/);
  refused(callOf([() => 1]), /a module to import, and only/);
  refused(callOf([parseInt]), /a built-in function or namespace, and only/);
  const { payload } = callOf([1]);
  refused(
    callOf([], { payload: new Uint8Array([...payload, 0]) }),
    /something follows it/,
  );
  refused(callOf([], { payload: payload.subarray(0, -1) }), /it ends early/);
  refused(callOf([], { payload: new Uint8Array() }), /it ends early/);
  for (const value of ["text", 1, { length: 1 }]) {
    refused(
      callOf([], { payload: new Uint8Array([0, ...encode(value)]) }),
      /arguments are expected/,
    );
  }
});

Deno.test("checkPlainCall() takes chunks with plain data alone", () => {
  const chunk = (lists: readonly unknown[][], calls = lists.length) => {
    const describe = () => ({ kind: "reference", url: "", name: "" }) as const;
    const list = new ListPayload({ root: "args", reach: "machine", describe });
    for (const args of lists) {
      if (list.addNumbers(args, 0, args.length) === 0) list.add(args, describe);
    }
    const { bytes: payload } = list.finish();
    return callOf([], { mode: CallMode.chunk, payload, calls });
  };
  checkPlainCall(chunk([[1], [2.5]]));
  checkPlainCall(chunk([[1], ["a"], [{ b: 2 }, [3]]]));
  for (
    const call of [
      chunk([[1]], 2),
      chunk([["a"], [/a/]]),
      chunk([["a"], [() => 1]]),
      callOf([], {
        mode: CallMode.chunk,
        payload: new Uint8Array([0, 1, ...encode("text")]),
      }),
    ]
  ) assertThrows(() => checkPlainCall(call), SerializationError);
});

Deno.test("checkPlainValue() needs no more memory or time than the bytes are long", () => {
  const bytes: number[] = [tags.TAG_ARRAY, 100];
  // 31 million elements each that are not there: 25 GB, where there were room for them.
  const length = [0xc0, 0x8b, 0xe4, 0x0e];
  for (let i = 0; i < 100; i++) {
    bytes.push(tags.TAG_ARRAY, ...length, tags.TAG_SPARSE, 0);
  }
  const before = Deno.memoryUsage().rss;
  assertThrows(
    () => checkPlainValue(new Uint8Array(bytes)),
    SerializationError,
  );
  // Also where gaps are taken.
  const arrays = decode(new Uint8Array(bytes)) as unknown[][];
  assertEquals(arrays.map((it) => it.length), Array(100).fill(31_000_000));
  assert(Deno.memoryUsage().rss - before < 100 << 20);
});

/** A small generator of the same numbers for the same seed (mulberry32). */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

Deno.test("checkPlainValue() refuses or reads damaged messages, and nothing worse", () => {
  const random = randomOf(5);
  const samples = [
    ...Object.values(SAMPLES).filter((it) => it !== SAMPLES.TAG_LATER),
    [/a/g, new Headers({ a: "1" }), parseInt, new Thing(), Symbol.iterator],
    Object.values(SAMPLES).slice(0, -1),
  ].map((value) => encode(value));
  const all = TAGS.map(([, tag]) => tag);
  let refusals = 0;
  for (let i = 0; i < 6000; i++) {
    const bytes = samples[i % samples.length]!.slice();
    for (let n = 1 + random(3); n > 0; n--) {
      bytes[random(bytes.length)] = random(2) === 0
        ? random(256)
        : all[random(all.length)]!;
    }
    try {
      checkPlainValue(bytes);
    } catch (error) {
      refusals++;
      if (!(error instanceof SerializationError)) throw error;
    }
  }
  // It has met both.
  assert(refusals > 1000 && refusals < 6000, String(refusals));
  assertEquals(Thing.arrivals, 0);
  assertEquals(Object.keys(Object.prototype), []);
});

Deno.test("referenceOf() knows a definition that is an export, and no other", () => {
  const url = import.meta.resolve("./functions/fixtures/values.ts");
  const { payload: { bytes } } = defineFunction(visit, "machine");
  assertEquals(referenceOf(bytes), { url, name: "visit" });

  const others = [() => 1, task(visit), parseInt].map((fn) =>
    defineFunction(fn, "machine").payload.bytes
  );
  const w = new ByteWriter();
  const write = (modules: readonly string[], tail: readonly number[] = []) => {
    w.reset();
    w.varint(modules.length);
    for (const module of modules) w.string(module);
    w.u8(tags.TAG_FUNCTION_REFERENCE);
    w.string(url);
    w.string("visit");
    for (const byte of tail) w.u8(byte);
    return w.bytes().slice();
  };
  assertEquals(write([url]), bytes);
  for (
    const payload of [
      ...others,
      write([]),
      write(["file:///other.ts"]),
      write([url, "file:///other.ts"]),
      write(["file:///other.ts", url]),
      write([url, url]),
      write([url], [0]),
      bytes.subarray(0, -1),
      new Uint8Array(),
      new Uint8Array([0xff, 0xff, 0xff]),
      encode(visit, {
        describe: () => ({ kind: "reference", url, name: "visit" }),
      }),
    ]
  ) assertEquals(referenceOf(payload), undefined);
});

Deno.test("readAnswer() takes from another machine no object that it serves", () => {
  const read = (value: unknown) =>
    readAnswer(CallMode.single, encode(value), [], admitAnswer);
  assertEquals(read({ a: [/b/, new Headers()] }), { a: [/b/, new Headers()] });
  const { reason } = assertThrows(
    () => read([new Thing()]),
    SerializationError,
  );
  assertMatch(
    reason,
    /an object that is served where it was made, and it comes from another/,
  );
  const error = readError(encode(new Thing()), [], admitAnswer);
  assert(error instanceof SerializationError);
  const list = new Uint8Array([1, 1, ...encode(new Thing())]);
  assertThrows(
    () => readAnswer(CallMode.chunk, list, [], admitAnswer),
    SerializationError,
  );
  assertEquals(Thing.arrivals, 0);
});

Deno.test("readAnswer() takes functions home from a machine with the key, and from no other", () => {
  class OwnError extends Error {}
  const home = (fn: object) =>
    ({ kind: "token", token: homeToken(fn as () => void) }) as const;
  const callback = () => 1;
  const bytes = encode({ then: callback }, { home });
  const answer = readAnswer(CallMode.single, bytes, [], admitAnswer);
  assertStrictEquals((answer as { then: unknown }).then, callback);
  // Whoever awaits it would call `then`.
  assertThrows(
    () => readAnswer(CallMode.single, bytes, [], admitStrangersAnswer),
    SerializationError,
    "only plain data",
  );
  const thrown = encode(new OwnError("mine"), { home });
  assert(readError(thrown, [], admitStrangersAnswer) instanceof OwnError);
});
