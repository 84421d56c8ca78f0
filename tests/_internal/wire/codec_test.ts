// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import { ByteWriter } from "../../../_internal/wire/bytes.ts";
import { encodeValue } from "../../../_internal/wire/codec.ts";
import { registerShareable } from "../../../_internal/wire/shareables.ts";
import { copy, decode, encode } from "./_codec_helpers.ts";

function assertRefused(
  value: unknown,
  path: string,
  reason: string,
): SerializationError {
  const error = assertThrows(() => encode(value), SerializationError);
  assertEquals(error.path, path);
  assert(
    error.reason.includes(reason),
    `${error.reason} does not hold: ${reason}`,
  );
  assert(error.message.startsWith(`Cannot send ${path}: `), error.message);
  return error;
}

Deno.test("encodeValue() keeps every primitive", () => {
  const values = [
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    127,
    128,
    -1,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 31,
    2 ** 53,
    Number.MAX_VALUE,
    5e-324,
    0.1,
    NaN,
    Infinity,
    -Infinity,
    0n,
    -1n,
    255n,
    2n ** 200n,
    -(2n ** 64n),
    Symbol.for("key"),
    Symbol.iterator,
    Symbol.asyncDispose,
  ];
  for (const value of values) {
    assert(Object.is(copy(value), value), String(value));
    assert(Object.is(copy([value])[0], value), String(value));
  }
});

Deno.test("encodeValue() keeps every string", () => {
  const all = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i));
  const strings = [
    "",
    "a",
    "\u0080\u0085\u009f",
    "\ufeffbom",
    "\ud800",
    "a\udc00b",
  ];
  for (
    const unit of [
      ...all,
      "x",
      "\u00e9",
      "\u20ac",
      "\u{1f600}",
      "\ud83d",
      "\ufeff",
    ]
  ) {
    for (const length of [1, 7, 8, 23, 24, 31, 32, 33, 300, 20_000]) {
      if (length < 300 || all.indexOf(unit) % 50 === 0) {
        strings.push(unit.repeat(length), "a".repeat(length) + unit);
      }
    }
  }
  strings.push(all.join(""), all.join("").repeat(50));
  for (const text of strings) {
    assert(copy(text) === text, JSON.stringify(text.slice(0, 40)));
    assert(copy({ [text]: text })[text] === text);
  }
});

Deno.test("encodeValue() keeps the language's objects as structuredClone does", () => {
  class Hidden {}
  const values = [
    new Date(0),
    new Date(NaN),
    /a\/b/giu,
    new Map<unknown, unknown>([[1, { a: 1 }], [{ k: 1 }, "v"], [NaN, -0]]),
    new Set([1, "a", { b: 2 }]),
    { a: 1, b: { c: [1, 2, 3] } },
    [1, 2, 3, 4, 5],
    [1.5, 2, 3, -0, NaN],
    [1, 2, 3, 4, "x", null],
    new ArrayBuffer(9),
    new Uint8Array([1, 2, 3]),
    new Float32Array([1.5, NaN]),
    new BigInt64Array([1n, -1n]),
    new Float16Array([1.5]),
    new DataView(new ArrayBuffer(4)),
    Object(1),
    Object("boxed"),
    Object(true),
    Object(10n),
    [new Hidden() && {}, [], {}, new Map(), new Set()],
  ];
  for (const value of values) {
    const received = copy(value);
    assertEquals(received, structuredClone(value));
    assertStrictEquals(
      Object.getPrototypeOf(received),
      Object.getPrototypeOf(value),
    );
  }
  const pattern = /x/gy;
  pattern.lastIndex = 7;
  assertEquals(copy(pattern).lastIndex, 7);
  assertEquals(typeof copy(Object(Symbol.for("a"))), "object");
});

Deno.test("encodeValue() keeps identity and cycles", () => {
  const shared = { n: 1 };
  const graph: Record<string, unknown> = {
    a: shared,
    b: [shared],
    m: new Map(),
  };
  graph.self = graph;
  (graph.m as Map<unknown, unknown>).set(graph, graph.b);
  const received = copy(graph);
  assertStrictEquals(received.self, received);
  assertStrictEquals(received.b[0], received.a);
  assertStrictEquals(received.m.get(received), received.b);
});

Deno.test("encodeValue() keeps holes, sparse arrays and their length", () => {
  // deno-lint-ignore no-sparse-arrays -- holes are the subject
  const holes = [1, , 3, , ,];
  const received = copy(holes);
  assertEquals(Object.keys(received), ["0", "2"]);
  assertEquals(received.length, 5);
  const huge: unknown[] = [];
  huge[0] = "first";
  huge[4_000_000_000] = huge;
  huge.length = 4_294_967_295;
  const bytes = encode(huge);
  assert(bytes.length < 64);
  const back = decode(bytes) as unknown[];
  assertEquals(back.length, 4_294_967_295);
  assertStrictEquals(back[4_000_000_000], back);
  assertEquals(Object.keys(copy(new Array(3000))), []);
});

Deno.test("encodeValue() keeps a null prototype and is safe with __proto__", () => {
  const bare = Object.assign(Object.create(null), { a: 1 });
  assertStrictEquals(Object.getPrototypeOf(copy(bare)), null);
  const odd = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}');
  const received = copy([odd, odd])[1];
  assertEquals(Object.keys(received), ["__proto__", "constructor"]);
  assertEquals(received.polluted, undefined);
  assertStrictEquals(Object.getPrototypeOf(received), Object.prototype);
});

Deno.test("encodeValue() reads accessors and leaves symbol keys out", () => {
  const value = {
    get twice() {
      return 2;
    },
    [Symbol("s")]: 1,
  };
  assertEquals(copy(value), { twice: 2 });
  const error = assertRefused(
    {
      a: [{
        get bad() {
          throw new TypeError("no");
        },
      }],
    },
    "value.a[0].bad",
    "reading it threw",
  );
  assertInstanceOf(error.cause, TypeError);
});

Deno.test("encodeValue() survives a map that a getter changes", () => {
  const map = new Map<string, unknown>();
  map.set("a", {
    get x() {
      map.set("late", 1);
      return 1;
    },
  });
  assertEquals(
    copy(map),
    new Map<string, unknown>([["a", { x: 1 }], ["late", 1]]),
  );
});

Deno.test("encodeValue() lets views go on sharing and sends parts of unshared buffers", () => {
  const buffer = new ArrayBuffer(1 << 20);
  const part = new Uint8Array(buffer, 100, 10).fill(7);
  const bytes = encode(part);
  assert(bytes.length < 64, `${bytes.length}`);
  assertEquals(decode(bytes), new Uint8Array(10).fill(7));

  const other = new Uint16Array(buffer, 100, 5);
  for (
    const graph of [[part, other], [part, buffer], [buffer, part], [
      part,
      new Uint8Array(buffer),
    ]]
  ) {
    const [a, b] = copy(graph);
    const buffers = [a, b].map((it) => it.buffer ?? it);
    assertStrictEquals(buffers[0], buffers[1]);
    assertEquals(buffers[0].byteLength, 1 << 20);
    const view = a instanceof Uint8Array ? a : b;
    assertEquals(view.byteOffset, 100);
    assertEquals(view[0], 7);
  }
  assertEquals(copy([part, part]).length, 2);
  assert(encode([part, part]).length < 64);
});

Deno.test("encodeValue() keeps resizable buffers and the views that track them", () => {
  const buffer = new ArrayBuffer(4, { maxByteLength: 16 });
  const received = copy({ buffer, view: new Uint8Array(buffer) });
  assertEquals(received.buffer.maxByteLength, 16);
  received.buffer.resize(8);
  assertEquals(received.view.length, 8);
  const detached = new ArrayBuffer(4);
  detached.transfer();
  assertRefused({ detached }, "value.detached", "transferred before");
});

Deno.test("decodeValue() gives buffers of their own", () => {
  const bytes = encode(new Float64Array([1, 2, 3]));
  const received = decode(bytes) as Float64Array;
  bytes.fill(0);
  assertEquals([...received], [1, 2, 3]);
  assertEquals(received.buffer.byteLength, 24);
});

Deno.test("encodeValue() keeps the web's and Temporal's types", () => {
  assertEquals(copy(new URL("https://a.b/c?d#e")).href, "https://a.b/c?d#e");
  assertEquals(String(copy(new URLSearchParams("a=1&a=2"))), "a=1&a=2");
  const headers = new Headers([["a", "1"], ["set-cookie", "x"], [
    "set-cookie",
    "y",
  ]]);
  assertEquals([...copy(headers)], [...headers]);
  const { Temporal } = globalThis as unknown as {
    Temporal: Record<string, { from(text: string): object }>;
  };
  for (
    const [type, text] of [
      ["Instant", "2026-01-02T03:04:05.000000006Z"],
      ["PlainDate", "2026-01-02[u-ca=hebrew]"],
      ["ZonedDateTime", "2026-01-02T03:04:05+01:00[Europe/Paris]"],
      ["Duration", "P1DT2H"],
      ["PlainYearMonth", "2026-01"],
    ] as const
  ) {
    const value = Temporal[type]!.from(text);
    const received = copy(value);
    assertStrictEquals(received.constructor, value.constructor);
    assertEquals(String(received), String(value));
  }
  const buffer = (globalThis as unknown as {
    Buffer: {
      from(text: string): Uint8Array;
      isBuffer(value: unknown): boolean;
    };
  }).Buffer;
  assert(buffer.isBuffer(copy(buffer.from("hi"))));
});

Deno.test("encodeValue() names built-in functions and namespaces", () => {
  assertStrictEquals(copy(parseInt), parseInt);
  assertStrictEquals(copy({ f: Math.max }).f, Math.max);
  assertStrictEquals(copy([Math])[0], Math);
  assertRefused([eval], "value[0]", "a function cannot travel here");
});

Deno.test("encodeValue() keeps objects that inherit from objects", () => {
  const base = { greet: "hi" };
  const [a, b] = copy([Object.create(base), Object.create(base)]);
  assertEquals(a.greet, "hi");
  assertStrictEquals(Object.getPrototypeOf(a), Object.getPrototypeOf(b));
});

Deno.test("encodeValue() puts platform values beside the bytes", () => {
  const attachments: unknown[] = [];
  const { port1, port2 } = new MessageChannel();
  const memory = new SharedArrayBuffer(8);
  const moved = new ArrayBuffer(8);
  const blob = new Blob(["x"]);
  const value = {
    port1,
    blob,
    again: blob,
    view: new Int32Array(memory),
    moved: new Uint8Array(moved, 2, 2),
  };
  const bytes = encode(value, {
    attachments,
    transfer: new Set([port1, moved]),
  });
  assertEquals(attachments, [port1, blob, memory, moved]);
  const received = decode(bytes, { attachments }) as typeof value;
  assertStrictEquals(received.port1, port1);
  assertStrictEquals(received.again, blob);
  assertStrictEquals(received.view.buffer, memory);
  assertStrictEquals(received.moved.buffer, moved);
  assertEquals(received.moved.byteOffset, 2);
  const error = assertThrows(
    () => encode({ port2 }, { attachments }),
    SerializationError,
  );
  assert(error.message.includes("transfer list"), error.message);
  assertEquals(attachments.length, 4);
  assertRefused([memory], "value[0]", "processes do not share memory");
  assertRefused(
    { v: new Int8Array(memory) },
    "value.v",
    "processes do not share memory",
  );
  port1.close();
  port2.close();
});

Deno.test("encodeValue() refuses what belongs to its isolate and names the path", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const socket = await Deno.connect({ port: listener.addr.port });
  using _accepted = await listener.accept();
  assertRefused(
    [{ socket }],
    "value[0].socket",
    "a Deno.TcpConn belongs to the isolate that opened it",
  );
  socket.close();
  listener.close();
  using file = await Deno.open(new URL(import.meta.url));
  assertRefused({ file }, "value.file", "a Deno.FsFile belongs to the isolate");
  assertRefused({ p: Promise.resolve() }, "value.p", "await it first");
  assertRefused([new WeakMap()], "value[0]", "a WeakMap");
  assertRefused([new WeakRef({})], "value[0]", "a WeakRef");
  assertRefused(
    new Map([["k", Symbol("u")]]),
    'value<get("k")>',
    "Symbol.for()",
  );
  assertRefused(
    new Set([() => 1]),
    "value<member>",
    "a function cannot travel",
  );
  assertRefused([[].values()], "value[0]", "progress belongs");
  assertRefused([(function* () {})()], "value[0]", "generator");
  assertRefused([(async function* () {})()], "value[0]", "generator");
  assertRefused([new Request("http://a")], "value[0]", "a Request");
  assertRefused([new Response()], "value[0]", "a Response");
  assertRefused([AbortSignal.abort()], "value[0]", "an AbortSignal");
  assertRefused([new AbortController()], "value[0]", "send its signal");
  assertRefused([new ReadableStream()], "value[0]", "a ReadableStream");
  assertRefused([new Blob([])], "value[0]", "a Blob");
  assertRefused([new Intl.NumberFormat()], "value[0]", "a NumberFormat");
  assertRefused([globalThis], "value[0]", "Window");
  assertRefused(
    { "odd key": [[Symbol()]] },
    'value["odd key"][0][0]',
    "unique",
  );
  assertRefused(
    [(function () {
      return arguments;
    })()],
    "value[0]",
    "arguments",
  );
  assertRefused(
    [await import("./_codec_helpers.ts")],
    "value[0]",
    "module namespace",
  );
});

Deno.test("encodeValue() leaves the writer as it was where it throws", () => {
  const w = new ByteWriter();
  w.string("before");
  const { length } = w;
  assertThrows(
    () => encodeValue(w, ["x", Symbol()], { root: "args", modules: new Set() }),
    SerializationError,
    "Cannot send args[1]: Symbol()",
  );
  assertEquals(w.length, length);
});

Deno.test("encodeValue() sends graphs of any depth", () => {
  const depth = 100_000;
  let list: unknown[] = [];
  let linked: Record<string, unknown> | null = null;
  let maps: Map<string, unknown> = new Map();
  let sets: Set<unknown> = new Set();
  for (let i = 0; i < depth; i++) {
    list = [list];
    linked = { i, next: linked };
    maps = new Map([["m", maps]]);
    sets = new Set([sets]);
  }
  let [a, b, c, d] = copy([list, linked, maps, sets]);
  for (let i = 0; i < depth; i++) {
    a = a[0];
    assertEquals(b.i, depth - 1 - i);
    b = b.next;
    c = c.get("m");
    [d] = d;
  }
  assertEquals([a, b, c, d], [[], null, new Map(), new Set()]);
  const error = assertThrows(() => {
    let deep: unknown = [Symbol()];
    for (let i = 0; i < 5000; i++) deep = { deep };
    encode(deep);
  }, SerializationError);
  assert(error.message.length < 500, error.message);
});

Deno.test("registerShareable() lets a class travel by its payload", () => {
  class Handle {
    #id: number;
    constructor(id: number) {
      this.#id = id;
    }
    get id(): number {
      return this.#id;
    }
  }
  class Other {}
  registerShareable("test.handle", Handle, {
    encode: (handle) => ({ id: handle.id }),
    decode: (payload) => new Handle((payload as { id: number }).id),
  });
  const handle = new Handle(7);
  const [a, b] = copy([handle, { handle }]);
  assertInstanceOf(a, Handle);
  assertEquals(a.id, 7);
  assertStrictEquals(b.handle, a);
  assertThrows(
    () =>
      registerShareable("test.handle", Other, {
        encode: () => 0,
        decode: () => new Other(),
      }),
    TypeError,
    "Cannot register a shareable class as 'tag' must be unused",
  );
});

Deno.test("encodeValue() writes a short array of plain values as it does inside of others", () => {
  const arrays: unknown[][] = [
    [],
    [0],
    [-0, NaN, 2 ** 31],
    ["", "short", "é \ud800"],
    ["long ".repeat(20), 127, 128],
    [1, 2, 3],
  ];
  for (const array of arrays) {
    // Behind the head of the outer array: its tag and its length.
    const inner = encode([array]).subarray(2);
    assertEquals(encode(array), inner);
    const found = copy(array);
    assertEquals(found, array);
    assertEquals(Object.is(found[0], array[0]), true);
    for (let length = 0; length < inner.length; length++) {
      assertThrows(
        () => decode(inner.subarray(0, length)),
        SerializationError,
      );
    }
  }
});

Deno.test("encodeValue() names what an array of few items cannot send", () => {
  assertRefused([1, new WeakMap()], "value[1]", "WeakMap");
  const hostile = new Proxy([1], {
    get() {
      throw new RangeError("of the proxy");
    },
  });
  assertThrows(() => encode(hostile), SerializationError);
  // deno-lint-ignore no-sparse-arrays -- holes are what this is about
  assertEquals(copy([1, , 2]), [1, , 2]);
  class Other extends Array {}
  assertThrows(() => encode(Other.of(1)), SerializationError);
});
