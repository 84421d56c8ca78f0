// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import { prepare } from "../../../_internal/wire/functions/revive.ts";
import { decode, Descriptions, encode } from "./_codec_helpers.ts";

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

const KEYS = [
  "a",
  "b",
  "id",
  "name",
  "__proto__",
  "\u00e9",
  "a long key that is no short string",
];

const VIEWS = [Uint8Array, Int32Array, DataView, Float64Array] as unknown as (
  new (buffer: ArrayBuffer) => ArrayBufferView
)[];

/** A random graph of what structured clone and the codec treat alike. */
function randomGraph(random: (limit: number) => number): unknown {
  const made: object[] = [];
  const buffers: ArrayBuffer[] = [];
  const note = <T extends object>(object: T): T => {
    made.push(object);
    return object;
  };
  const value = (depth: number): unknown => {
    const kind = random(depth > 6 ? 12 : 24);
    switch (kind) {
      case 0:
        return undefined;
      case 1:
        return null;
      case 2:
        return random(2) === 0;
      case 3:
      case 4:
        return random(300) - 100;
      case 5:
        return (random(2 ** 31) - 2 ** 30) * 4;
      case 6:
        return random(1000) / 7 || -0;
      case 7:
        return [NaN, Infinity, -Infinity, 2 ** 53][random(4)];
      case 8:
        return "text\u20ac".slice(0, random(6)).repeat(random(20));
      case 9:
        return String.fromCharCode(random(65536), random(256));
      case 10:
        return BigInt(random(2 ** 31)) ** BigInt(random(9)) * -1n;
      case 11:
        return made.length === 0 ? 0 : made[random(made.length)];
      case 12:
      case 13: {
        const object: Record<string, unknown> = note({});
        for (let n = random(5); n > 0; n--) {
          Object.defineProperty(object, KEYS[random(KEYS.length)]!, {
            value: value(depth + 1),
            enumerable: true,
            configurable: true,
            writable: true,
          });
        }
        return object;
      }
      case 14: {
        const array: unknown[] = note([]);
        for (let n = random(7); n > 0; n--) {
          if (random(8) === 0) array.length++;
          else array.push(value(depth + 1));
        }
        return array;
      }
      case 15:
        return note(Array.from({ length: random(20) }, () => random(9) - 4));
      case 16:
        return note(Array.from({ length: random(20) }, () => random(9) / 4));
      case 17: {
        const map = note(new Map());
        for (let n = random(4); n > 0; n--) {
          map.set(value(depth + 1), value(depth + 1));
        }
        return map;
      }
      case 18: {
        const set = note(new Set());
        for (let n = random(4); n > 0; n--) set.add(value(depth + 1));
        return set;
      }
      case 19:
        return note(new Date(random(2 ** 31)));
      case 20:
        return note(new RegExp("a+", ["g", "i", ""][random(3)]));
      case 21: {
        const buffer = new Uint8Array(8).fill(random(256)).buffer;
        buffers.push(buffer);
        return note(buffer);
      }
      case 22: {
        const buffer = buffers.length > 0 && random(2) === 0
          ? buffers[random(buffers.length)]!
          : new ArrayBuffer(16);
        const View = VIEWS[random(4)]!;
        return note(new View(buffer));
      }
      default:
        return note(Object([1, "s", true, 5n][random(4)]));
    }
  };
  return [value(0), value(0), value(0)];
}

/** Compares two graphs: types, values and which objects are the same. */
function assertSameGraph(a: unknown, b: unknown): void {
  const pairs = new Map<object, object>();
  const queue: [unknown, unknown][] = [[a, b]];
  const compare = (left: unknown, right: unknown) => {
    queue.push([left, right]);
  };
  for (const [left, right] of queue) {
    if (typeof left !== "object" || left === null) {
      assert(Object.is(left, right), `${String(left)}, ${String(right)}`);
      continue;
    }
    assert(typeof right === "object" && right !== null);
    if (pairs.has(left)) {
      assertStrictEquals(pairs.get(left), right);
      continue;
    }
    pairs.set(left, right);
    assertStrictEquals(
      Object.getPrototypeOf(left),
      Object.getPrototypeOf(right),
    );
    if (left instanceof Map && right instanceof Map) {
      compare([...left], [...right]);
    } else if (left instanceof Set && right instanceof Set) {
      compare([...left], [...right]);
    } else if (ArrayBuffer.isView(left) && ArrayBuffer.isView(right)) {
      assertEquals(left.byteOffset, right.byteOffset);
      assertEquals(left.byteLength, right.byteLength);
      compare(left.buffer, right.buffer);
    } else if (left instanceof ArrayBuffer && right instanceof ArrayBuffer) {
      assertEquals(new Uint8Array(left), new Uint8Array(right));
    } else if (!("length" in left) || Array.isArray(left)) {
      assertEquals(String(Object.keys(left)), String(Object.keys(right)));
      if (Array.isArray(left)) {
        assertEquals(left.length, (right as unknown[]).length);
      }
      for (const key of Object.keys(left)) {
        compare(
          Object.getOwnPropertyDescriptor(left, key)!.value,
          Object.getOwnPropertyDescriptor(right, key)!.value,
        );
      }
    }
    if (
      left instanceof Date ||
      /Number|String|Boolean|BigInt/.test(left.constructor?.name ?? "")
    ) {
      if (!("BYTES_PER_ELEMENT" in left)) {
        assertEquals(left.valueOf(), right.valueOf());
      }
    }
    if (left instanceof RegExp) assertEquals(String(left), String(right));
  }
}

Deno.test("encodeValue() gives random graphs as structuredClone gives them", () => {
  for (let seed = 1; seed <= 4000; seed++) {
    const graph = randomGraph(randomOf(seed));
    const received = decode(encode(graph));
    try {
      assertSameGraph(structuredClone(graph), received);
      assertSameGraph(graph, received);
    } catch (cause) {
      throw new RangeError(`Cannot keep the graph of seed ${seed}`, { cause });
    }
  }
});

/** Decodes bytes that nobody encoded: a value or a SerializationError, nothing else. */
function decodeHostile(bytes: Uint8Array): void {
  try {
    decode(bytes, { attachments: [new ArrayBuffer(8)] });
  } catch (error) {
    if (error instanceof SerializationError) return;
    // The helper's own complaint about bytes that are left.
    if (error instanceof RangeError && /Cannot finish/.test(error.message)) {
      return;
    }
    throw error;
  }
}

Deno.test("decodeValue() refuses or reads random bytes, and nothing worse", () => {
  const random = randomOf(7);
  for (let i = 0; i < 40_000; i++) {
    const bytes = new Uint8Array(1 + random(60));
    for (let j = 0; j < bytes.length; j++) {
      // Mostly tags, so that the first bytes lead somewhere.
      bytes[j] = random(3) === 0 ? random(256) : random(0x2a);
    }
    decodeHostile(bytes);
  }
});

Deno.test("decodeValue() refuses or reads damaged messages, and nothing worse", () => {
  const random = randomOf(11);
  for (let seed = 1; seed <= 1500; seed++) {
    const bytes = encode(randomGraph(randomOf(seed)));
    for (let i = 0; i < 10; i++) {
      const damaged = bytes.slice();
      for (let n = 1 + random(3); n > 0; n--) {
        damaged[random(damaged.length)] = random(256);
      }
      decodeHostile(damaged);
      decodeHostile(damaged.subarray(0, random(damaged.length)));
    }
  }
  assertEquals(Reflect.get({}, "polluted"), undefined);
  assertEquals(Object.keys(Object.prototype), []);
});

Deno.test("decodeValue() refuses messages nested without end", () => {
  // Every tag that holds another value, repeated.
  for (let tag = 0; tag < 0x40; tag++) {
    for (const filler of [[], [1], [1, 0], [0, 1], [2, 1]]) {
      const unit = [tag, ...filler];
      const bytes = new Uint8Array(unit.length * 100_000);
      for (let i = 0; i < bytes.length; i++) bytes[i] = unit[i % unit.length]!;
      decodeHostile(bytes);
    }
  }
});

Deno.test("decodeValue() allocates no more than the message holds", () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
  const before = Deno.memoryUsage().rss;
  for (let tag = 0; tag < 0x40; tag++) {
    decodeHostile(new Uint8Array([tag, ...huge]));
    decodeHostile(new Uint8Array([tag, 1, ...huge]));
    decodeHostile(new Uint8Array([tag, 0, 0, ...huge]));
    decodeHostile(new Uint8Array([tag, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1]));
  }
  assert(Deno.memoryUsage().rss - before < 100 << 20);
});

Deno.test("decodeValue() gives random graphs of functions and classes", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomOf(seed);
    const d = new Descriptions();
    const fns = Array.from({ length: 2 + random(6) }, (_, i) => {
      const fn = { [`f${i}`]: () => links }[`f${i}`]!;
      const links: unknown = undefined;
      return fn;
    });
    const held = fns.map((fn) => ({ fn, others: [] as unknown[] }));
    fns.forEach((fn, i) => {
      const links = {
        i,
        to: fns.filter(() => random(3) === 0),
        box: held[random(held.length)],
      };
      // An eager capture may only lead to functions of a higher number: no cycle of them can be made.
      const needs = fns.filter((_, j) => j > i && random(3) === 0);
      d.set(fn, {
        source: "() => [links, needs]",
        constants: [
          { name: "links", value: links, eager: false },
          { name: "needs", value: needs, eager: true },
        ],
      });
    });
    const bytes = encode([fns, held], { describe: d.describe });
    const [received, boxes] = decode(bytes, { revive: prepare }) as [
      (() => [{ i: number; to: unknown[]; box: unknown }, unknown[]])[],
      { fn: unknown }[],
    ];
    received.forEach((fn, i) => {
      const [links, needs] = fn();
      assertEquals(links.i, i);
      for (const other of [...links.to, ...needs]) {
        assert(received.includes(other as typeof fn), `seed ${seed}`);
      }
      assert(boxes.includes(links.box as { fn: unknown }));
      assertStrictEquals(boxes[i]!.fn, fn);
    });
  }
});
