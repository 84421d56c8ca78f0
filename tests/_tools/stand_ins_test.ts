// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Holds what `@std/*` resolves to, the real packages or the stand-ins of
// `_tools/stand_ins/`, to the documented behaviour of the real ones.

import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
  unreachable,
} from "@std/assert";
import { deadline, delay } from "@std/async";
import { parseArgs } from "@std/cli/parse-args";
import { ProgressBar } from "@std/cli/unstable-progress-bar";
import {
  basename,
  dirname,
  extname,
  fromFileUrl,
  isAbsolute,
  join,
  normalize,
  relative,
  resolve,
  toFileUrl,
} from "@std/path";

/** Its state shows in a getter only. */
class Hidden {
  #value: number;
  constructor(value: number) {
    this.#value = value;
  }
  get value(): number {
    return this.#value;
  }
}

/** Checked without the assertions under test. */
function mustFail(fn: () => void, name = "AssertionError"): void {
  try {
    fn();
  } catch (error) {
    if ((error as Error).name === name) return;
    throw error;
  }
  throw new TypeError("Cannot pass the test: the assertion did not fail");
}

Deno.test("assert() and assertFalse() look at truth", () => {
  assert(1);
  assertFalse(0);
  mustFail(() => assert(""));
  mustFail(() => assertFalse("x"));
  mustFail(() => fail());
  mustFail(() => unreachable());
});

Deno.test("assertEquals() compares deeply", () => {
  assertEquals({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] });
  assertEquals(NaN, NaN);
  assertEquals(0, -0);
  assertEquals(new Map([["a", { b: 1 }]]), new Map([["a", { b: 1 }]]));
  assertEquals(new Set([{ a: 1 }, { a: 2 }]), new Set([{ a: 2 }, { a: 1 }]));
  assertEquals(new Date(5), new Date(5));
  assertEquals(/a/g, /a/g);
  assertEquals(new URL("file:///a"), new URL("file:///a"));
  assertEquals(new Uint8Array([1, 2]), new Uint8Array([1, 2]));
  assertEquals(new Uint8Array(1e6), new Uint8Array(1e6));
  assertEquals(new ArrayBuffer(8), new ArrayBuffer(8));
  assertEquals(Object.create(null), {});
  assertEquals(new Hidden(1), new Hidden(1));
  const loop: Record<string, unknown> = {};
  loop.loop = loop;
  const other: Record<string, unknown> = {};
  other.loop = other;
  assertEquals(loop, other);
});

Deno.test("assertEquals() tells values apart", () => {
  for (
    const [a, b] of [
      [1, 2],
      [1, "1"],
      [null, undefined],
      [{ a: 1 }, { a: 1, b: undefined }],
      [[1], [1, 2]],
      [[1], { 0: 1 }],
      [new Map([["a", 1]]), new Map([["a", 2]])],
      [new Set([1]), new Set([2])],
      [new Date(5), new Date(6)],
      [/a/g, /a/],
      [new URL("file:///a"), new URL("file:///b")],
      [new Uint8Array([1]), new Uint8Array([2])],
      [new Uint8Array([1]), new Int8Array([1])],
      [new (class A {})(), new (class B {})()],
      [new Error("a"), new Error("b")],
      [new Hidden(1), new Hidden(2)],
    ]
  ) {
    mustFail(() => assertEquals<unknown>(a, b));
    assertNotEquals<unknown>(a, b);
  }
  mustFail(() => assertNotEquals({ a: 1 }, { a: 1 }));
});

Deno.test("assertStrictEquals() compares as Object.is() does", () => {
  assertStrictEquals(NaN, NaN);
  mustFail(() => assertStrictEquals({}, {}));
  mustFail(() => assertStrictEquals(0, -0));
});

Deno.test("assertExists() and assertInstanceOf() narrow", () => {
  const value: number[] | undefined = [1] as number[] | undefined;
  assertExists(value);
  assertEquals(value.length, 1);
  const thing: unknown = new Date(5);
  assertInstanceOf(thing, Date);
  assertEquals(thing.getTime(), 5);
  mustFail(() => assertExists(null));
  mustFail(() => assertInstanceOf(null, Date));
  mustFail(() => assertInstanceOf({}, Date));
});

Deno.test("assertThrows() returns the error and checks class and message", () => {
  const error = assertThrows(
    () => {
      throw new RangeError("too far");
    },
    RangeError,
    "far",
  );
  assertEquals(error.message, "too far");
  const thrown = assertThrows(() => {
    throw undefined;
  });
  assertEquals(thrown, undefined);
  mustFail(() => assertThrows(() => {}));
  mustFail(() => assertThrows(() => fail("x"), TypeError));
  mustFail(() => assertThrows(() => fail("x"), AssertionError, "y"));
  mustFail(() =>
    assertThrows(() => {
      throw "text";
    }, Error)
  );
});

Deno.test("assertRejects() resolves to the error and checks class and message", async () => {
  const error = await assertRejects(
    () => Promise.reject(new RangeError("too far")),
    RangeError,
    "far",
  );
  assertEquals(error.message, "too far");
  await assertRejects(() => assertRejects(() => Promise.resolve()));
  await assertRejects(
    () =>
      assertRejects(() => {
        throw new TypeError("sync");
      }),
    AssertionError,
    "throws when expected to reject",
  );
  await assertRejects(
    () => assertRejects(() => Promise.reject(new TypeError("x")), RangeError),
    AssertionError,
  );
});

Deno.test("assertMatch(), assertStringIncludes() and assertArrayIncludes() search", () => {
  assertMatch("abc", /b/);
  assertStringIncludes("abc", "bc");
  assertArrayIncludes([{ a: 1 }, { a: 2 }], [{ a: 2 }]);
  mustFail(() => assertMatch("abc", /d/));
  mustFail(() => assertStringIncludes("abc", "d"));
  mustFail(() => assertArrayIncludes([1, 2], [3]));
});

Deno.test("assertObjectMatch() looks at the expected properties only", () => {
  assertObjectMatch({ a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } });
  mustFail(() => assertObjectMatch({ a: 1 }, { a: 2 }));
  mustFail(() => assertObjectMatch({ a: 1 }, { b: undefined }));
  mustFail(() => assertObjectMatch({ b: { c: 1 } }, { b: { c: 2 } }));
});

Deno.test("assertGreater() and its kin compare numbers", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess(1, 2);
  assertLessOrEqual(2, 2);
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(10, 11, 1);
  mustFail(() => assertGreater(1, 1));
  mustFail(() => assertGreaterOrEqual(1, 2));
  mustFail(() => assertLess(1, 1));
  mustFail(() => assertLessOrEqual(2, 1));
  mustFail(() => assertAlmostEquals(1, 2));
  mustFail(() => assertAlmostEquals(10, 12, 1));
});

Deno.test("delay() waits and listens to its signal", async () => {
  const start = performance.now();
  await delay(20);
  assertGreaterOrEqual(performance.now() - start, 18);
  const reason = new TypeError("stop");
  await assertRejects(
    () => delay(10_000, { signal: AbortSignal.abort(reason) }),
    TypeError,
    "stop",
  );
  const controller = new AbortController();
  const waiting = delay(10_000, { signal: controller.signal });
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => waiting), reason);
});

Deno.test("deadline() rejects what takes too long", async () => {
  assertEquals(await deadline(Promise.resolve(1), 1000), 1);
  const error = await assertRejects(
    () => deadline(new Promise(() => {}), 5),
    DOMException,
  );
  assertEquals(error.name, "TimeoutError");
  const controller = new AbortController();
  const waiting = deadline(new Promise(() => {}), 10_000, {
    signal: controller.signal,
  });
  controller.abort(new TypeError("stop"));
  await assertRejects(() => waiting, TypeError, "stop");
});

Deno.test("parseArgs() guesses where nothing is said", () => {
  assertEquals(parseArgs(["--a", "1", "-b", "--c=x", "--", "-d", "e"]), {
    _: ["-d", "e"],
    a: 1,
    b: true,
    c: "x",
  });
  assertEquals(parseArgs(["-xyz", "word", "7"]), {
    _: [7],
    x: true,
    y: true,
    z: "word",
  });
});

Deno.test("parseArgs() knows booleans, strings, defaults and aliases", () => {
  const args = parseArgs(["-s", "--size", "12", "file"], {
    boolean: ["short", "long"],
    string: ["size", "url"],
    alias: { short: "s" },
    default: { url: "none" },
  });
  const isShort: boolean = args.short;
  const size: string | undefined = args.size;
  const url: string = args.url;
  assertEquals({ isShort, size, url }, {
    isShort: true,
    size: "12",
    url: "none",
  });
  assertEquals(args.long, false);
  assertEquals(args._, ["file"]);
});

Deno.test('parseArgs() leaves words as they are where "_" is a string', () => {
  const words = ["007", "--size", "1", "1e3", "--", "0x10"];
  const text = parseArgs(words, { string: ["_", "size"] });
  // The declared type of `_` is wider than an array of strings.
  const rest: unknown = text._;
  assertEquals(rest, ["007", "1e3", "0x10"]);
  assertEquals(text.size, "1");
  const kept: unknown = parseArgs(["007"], {
    string: ["_"],
    unknown: () => undefined,
  })._;
  assertEquals(kept, ["007"]);
  const numbers: unknown = parseArgs(["007"])._;
  assertEquals(numbers, [7]);
});

Deno.test("parseArgs() collects only what it is told to", () => {
  const args = parseArgs(["--a=1", "--a=2", "--b=1", "--b=2"], {
    string: ["a", "b", "c"],
    collect: ["a", "c"],
  });
  const collected: string[] = args.a;
  assertEquals(collected, ["1", "2"]);
  assertEquals(args.b, "2");
  assertEquals(args.c, []);
});

Deno.test("parseArgs() negates only what it is told to", () => {
  const args = parseArgs(["--no-color", "--no-cache"], {
    boolean: ["color"],
    negatable: ["color"],
    default: { color: true },
  });
  assertEquals(args.color, false);
  assertEquals(args["no-cache"], true);
  assertEquals(args.cache, undefined);
});

Deno.test("parseArgs() stops early and keeps what follows --", () => {
  assertEquals(
    parseArgs(["-a", "run", "--no-b"], {
      boolean: ["a"],
      stopEarly: true,
    })._,
    ["run", "--no-b"],
  );
  const args = parseArgs(["x", "--", "-y"], { "--": true });
  assertEquals(args._, ["x"]);
  assertEquals(args["--"], ["-y"]);
});

Deno.test("parseArgs() reports what it does not know", () => {
  const unknown: [string, string | undefined][] = [];
  const args = parseArgs(["--a", "--what=1", "word"], {
    boolean: ["a"],
    unknown: (arg, key) => {
      unknown.push([arg, key]);
      return key === undefined;
    },
  });
  assertEquals(unknown, [["--what=1", "what"], ["word", undefined]]);
  assertEquals(args.what, undefined);
  assertEquals(args._, ["word"]);
});

Deno.test("ProgressBar shows how far it has come", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const text = new Response(readable).text();
  const bar = new ProgressBar({
    writable,
    max: 4,
    barLength: 4,
    keepOpen: false,
    formatter: (x) => `${x.progressBar} ${x.value}/${x.max}`,
  });
  bar.value = 2;
  await bar.stop();
  const shown = await text;
  assertStringIncludes(shown, "---- 0/4");
  assert(shown.endsWith("##-- 2/4\n"));
});

Deno.test("paths are taken apart and put together", () => {
  const file = join(resolve("a"), "..", "b", "c.d.ts");
  assert(isAbsolute(file));
  assertFalse(isAbsolute("b"));
  assertEquals(file, resolve("b", "c.d.ts"));
  assertEquals(basename(file), "c.d.ts");
  assertEquals(basename(file, ".ts"), "c.d");
  assertEquals(extname(file), ".ts");
  assertEquals(dirname(file), resolve("b"));
  assertEquals(relative(resolve("b"), file), "c.d.ts");
  assertEquals(normalize("a//b/../c"), join("a", "c"));
});

Deno.test("file URLs and paths turn into each other", () => {
  const path = resolve("a b", "ü#?.ts");
  const url = toFileUrl(path);
  assertEquals(url.protocol, "file:");
  assertEquals(fromFileUrl(url), path);
  assertEquals(fromFileUrl(url.href), path);
  assertThrows(() => fromFileUrl("https://example.com/"), TypeError);
});
