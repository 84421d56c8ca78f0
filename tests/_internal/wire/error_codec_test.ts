// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
} from "@std/assert";
import * as errors from "../../../_internal/base/errors.ts";
import { ByteReader, ByteWriter } from "../../../_internal/wire/bytes.ts";
import {
  decodeError,
  encodeError,
} from "../../../_internal/wire/error_codec.ts";
import { copy } from "./_codec_helpers.ts";

// deno-lint-ignore no-explicit-any -- tests look into whatever arrives
function send(thrown: unknown): any {
  const w = new ByteWriter();
  encodeError(w, thrown, { root: "error", modules: new Set() });
  const r = new ByteReader(w.bytes().slice());
  const received = decodeError(r, { attachments: [], modules: new Map() });
  assertEquals(r.remaining, 0);
  return received;
}

Deno.test("encodeError() keeps the class, name, message and stack of built-in errors", () => {
  for (
    const error of [
      new Error("m"),
      new Error(),
      new TypeError("m"),
      new RangeError("m", { cause: 1 }),
      new SyntaxError("m"),
      new URIError("m"),
      new EvalError("m"),
      new ReferenceError("m"),
      new AggregateError([1], "m"),
      new WebAssembly.CompileError("m"),
      new Deno.errors.NotFound("m"),
      new Deno.errors.PermissionDenied("m"),
      new DOMException("m", "AbortError"),
      new errors.CancelledError("m"),
      new errors.BrokenProcessPoolError("m"),
    ]
  ) {
    const received = send(error);
    assertStrictEquals(received.constructor, error.constructor);
    assertInstanceOf(received, Error);
    assertEquals(received.name, error.name);
    assertEquals(received.message, error.message);
    assertEquals(received.stack, error.stack);
    assertEquals(
      Object.hasOwn(received, "cause"),
      Object.hasOwn(error, "cause"),
    );
    assert(Error.isError(received) || error instanceof DOMException);
    assertEquals(Object.keys(received), Object.keys(error));
  }
  assertEquals(send(new DOMException("m", "AbortError")).code, 20);
});

Deno.test("encodeError() keeps the fields of the library's errors", () => {
  const crash = send(
    new errors.WorkerCrashedError("m", { worker: "w", signal: "SIGKILL" }),
  );
  assertInstanceOf(crash, errors.WorkerCrashedError);
  assertEquals([crash.worker, crash.exitCode, crash.signal], [
    "w",
    undefined,
    "SIGKILL",
  ]);
  const refused = send(
    new errors.SerializationError("m", { path: "a", reason: "r" }),
  );
  assertEquals([refused.path, refused.reason], ["a", "r"]);
});

Deno.test("encodeError() keeps own properties, causes and members", () => {
  const inner = Object.assign(new TypeError("inner"), { code: "E", at: [1] });
  const outer = new AggregateError(
    [inner, "x", () => 1, new Map([[1, inner]])],
    "outer",
    {
      cause: inner,
    },
  );
  const received = send(outer);
  assertEquals(received.cause.code, "E");
  assertEquals(received.cause.at, [1]);
  assertStrictEquals(received.errors[0], received.cause);
  assertEquals(received.errors[1], "x");
  assertEquals(typeof received.errors[2], "string");
  assertStrictEquals(received.errors[3].get(1), received.cause);
  assertEquals(Object.keys(received), []);
});

Deno.test("encodeError() sends an unknown class as the nearest built-in one with its name", () => {
  class Named extends Error {
    override name = "Custom";
  }
  class Unnamed extends RangeError {}
  class OnPrototype extends Error {}
  OnPrototype.prototype.name = "Proto";
  const named = send(new Named("m"));
  assertStrictEquals(named.constructor, Error);
  assertEquals([named.name, named.message], ["Custom", "m"]);
  const unnamed = send(new Unnamed("m"));
  assertStrictEquals(unnamed.constructor, RangeError);
  assertEquals(unnamed.name, "Unnamed");
  assertEquals(send(new OnPrototype("m")).name, "Proto");
});

Deno.test("encodeError() sends whatever was thrown as itself", () => {
  for (const thrown of [undefined, null, 0, -0, NaN, "", "x", false, 1n]) {
    assert(Object.is(send(thrown), thrown));
  }
  assertEquals(send({ a: 1 }), { a: 1 });
});

Deno.test("encodeError() describes a thrown value that cannot travel", () => {
  for (
    const thrown of [
      () => 1,
      Symbol("s"),
      new WeakMap(),
      { deep: [Promise.resolve()] },
      new Proxy({}, {
        ownKeys() {
          throw new Error("trap");
        },
        getPrototypeOf() {
          throw new Error("trap");
        },
        get() {
          throw new Error("trap");
        },
      }),
    ]
  ) {
    const received = send(thrown);
    assertInstanceOf(received, errors.SerializationError);
    assert(received.message.startsWith("Cannot send what was thrown: "));
  }
});

Deno.test("encodeError() survives hostile errors", () => {
  const hostile = new Error("m");
  for (const key of ["name", "message", "stack", "cause", "errors", "own"]) {
    Object.defineProperty(hostile, key, {
      enumerable: true,
      get() {
        throw new Error(`no ${key}`);
      },
    });
  }
  const received = send(hostile);
  assert(received instanceof Error);
  assertEquals(
    Reflect.get(received, "own"),
    "<reading it threw Error: no own>",
  );

  const odd = Object.assign(new Error("m"), { message: 1, name: {}, stack: 3 });
  assertInstanceOf(send(odd), Error);

  const mixed = send(
    Object.assign(new Error("m"), {
      fn: () => 1,
      socket: new WeakMap(),
      ok: { a: 1 },
      map: new Map([["bad", Symbol("s")]]),
    }),
  );
  assertEquals(mixed.ok, { a: 1 });
  assertEquals(mixed.fn, "[function fn]");
  assertEquals(mixed.socket, "[object WeakMap]");
  assertEquals(mixed.map, "[object Map]");
});

Deno.test("encodeError() survives cyclic and endless causes", () => {
  const cyclic: Error & { self?: unknown } = new Error("cyclic");
  cyclic.cause = cyclic;
  cyclic.self = { cyclic };
  const received = send(cyclic);
  assertStrictEquals(received.cause, received);
  assertStrictEquals(received.self.cyclic, received);

  let chain = new Error("0");
  for (let i = 1; i < 20_000; i++) {
    chain = new Error(String(i), { cause: chain });
  }
  let depth = 0;
  let link = send(chain);
  for (; link instanceof Error; link = link.cause) depth++;
  assert(depth > 100);
  assertEquals(typeof link, "string");
});

Deno.test("encodeError() leaves the library's own frames out at the end of a stack", () => {
  const library = new URL("../../../_internal/", import.meta.url).href;
  const error = new RangeError("deep");
  const own = "RangeError: deep\n    at task (file:///main.ts:1:1)";
  error.stack = `${own}\n    at Guest.run (${library}worker/guest.ts:1:1)`;
  assertEquals(send(error).stack, own);
  // Nothing would be left of an error that the library threw.
  const internal =
    `RangeError: deep\n    at Guest.run (${library}worker/guest.ts:1:1)`;
  error.stack = internal;
  assertEquals(send(error).stack, internal);
});

Deno.test("encodeError() keeps the remote stack", () => {
  const received = send(new Error("remote"));
  assert(received.stack.includes("error_codec_test.ts"));
  assertEquals(
    Object.getOwnPropertyDescriptor(received, "stack")!.enumerable,
    false,
  );
});

Deno.test("encodeValue() keeps errors in graphs", () => {
  const error = new TypeError("m");
  const received = copy({ a: error, b: [error] });
  assertInstanceOf(received.a, TypeError);
  assertStrictEquals(received.b[0], received.a);
});
