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
import {
  type AnyFunction,
  type EncodeContext,
  encodeValue,
} from "../../../_internal/wire/codec.ts";
import { privateMember } from "../../../_internal/wire/_codec_private_members.ts";
import {
  closeInspector,
  createCaptureContext,
  describeFunction,
} from "../../../_internal/wire/functions/describe.ts";
import { prepare } from "../../../_internal/wire/functions/revive.ts";
import { decode, Descriptions, encode } from "./_codec_helpers.ts";

const constant = (name: string, value: unknown, eager = false) => ({
  name,
  value,
  eager,
});

Deno.test("encodeValue() sends functions that capture each other", () => {
  const d = new Descriptions();
  function isEven(n: number): boolean {
    return n === 0 || isOdd(n - 1);
  }
  function isOdd(n: number): boolean {
    return n !== 0 && isEven(n - 1);
  }
  d.set(isEven, { constants: [constant("isOdd", isOdd)] });
  d.set(isOdd, { constants: [constant("isEven", isEven)] });
  const [even, odd] = d.copy([isEven, isOdd]);
  assert(even(10));
  assert(odd(7));
});

Deno.test("encodeValue() sends an object whose method captures the object", () => {
  const d = new Descriptions();
  const counter = { n: 41, next: () => ++counter.n };
  d.set(counter.next, { constants: [constant("counter", counter)] });
  const received = d.copy(counter);
  assertEquals(received.next(), 42);
  assertEquals(received.n, 42);
  assertEquals(counter.n, 41);
});

Deno.test("encodeValue() shares a captured cell between functions", () => {
  const d = new Descriptions();
  const cell = { v: 0 };
  // The test's reviver binds the box by its name.
  const box = cell;
  const up = () => ++box.v;
  const read = () => box.v;
  const capture = { box: "box", name: "n", cell, eager: false };
  d.set(up, { cells: [capture] });
  d.set(read, { cells: [capture] });
  const received = d.copy({ up, read });
  received.up();
  received.up();
  assertEquals(received.read(), 2);
});

Deno.test("encodeValue() reads eager captures before it makes the function", () => {
  const d = new Descriptions();
  class A {
    make(): unknown {
      return new B();
    }
  }
  class B extends A {}
  d.set(A, { constants: [constant("B", B)] });
  d.set(B, { constants: [constant("A", A, true)] });
  for (const graph of [[A, B], [B, A]]) {
    const received = d.copy(graph);
    const [a, b] = graph[0] === A ? received : received.toReversed();
    assertInstanceOf(new a().make(), b);
    assertInstanceOf(new b(), a);
  }
});

Deno.test("encodeValue() gives an initializer what it needs while its class is pending", () => {
  const d = new Descriptions();
  const factor = 3;
  const helper = () => [factor, () => Holder];
  class Holder {
    static made = helper()[0];
  }
  d.set(helper, {
    constants: [constant("factor", factor), constant("Holder", Holder)],
  });
  d.set(Holder, { constants: [constant("helper", helper, true)] });
  const received = d.copy({ Holder, helper });
  assertEquals(received.Holder.made, 3);
  assertStrictEquals(received.helper()[1](), received.Holder);

  // What the helper needs is taken back and sent later; nothing is sent twice.
  const box = { Holder, tail: {} };
  const deep = () => box;
  class Other {
    static made = typeof deep;
  }
  d.set(deep, { constants: [constant("box", { ...box, Other, box })] });
  d.set(Other, { constants: [constant("deep", deep, true)] });
  const second = d.copy([Other, deep, box]);
  assertEquals(second[0].made, "function");
  assertStrictEquals(second[1]().Other, second[0]);
  assertStrictEquals(second[1]().box, second[2]);
});

Deno.test("encodeValue() refuses an initializer that needs its own class", () => {
  const d = new Descriptions();
  const registry: unknown[] = [];
  class Self {
    static x = registry.length;
  }
  registry.push(Self);
  d.set(Self, { constants: [constant("registry", registry, true)] });
  const error = assertThrows(() => d.copy(Self), SerializationError);
  assert(error.message.includes("Self"), error.message);
  assert(error.message.includes("registry"), error.message);
});

Deno.test("encodeValue() names function and variable of a capture that cannot travel", () => {
  const d = new Descriptions();
  const inner = () => conn;
  const conn = { socket: new WeakMap() };
  const outer = () => inner;
  d.set(inner, { constants: [constant("conn", conn)] });
  d.set(outer, { constants: [constant("inner", inner)] });
  const error = assertThrows(() => d.copy([outer]), SerializationError);
  assertEquals(error.path, "conn.socket");
  assert(error.message.includes("function 'inner'"), error.message);
  assert(error.message.includes("a WeakMap"), error.message);
  assert(error.message.includes("fromModule()"), error.message);
});

Deno.test("encodeValue() adds the path to what describe() refuses", () => {
  const describe = () => {
    throw new SerializationError("Cannot send function 'fn' as it is bound", {
      reason: "is bound",
    });
  };
  const error = assertThrows(
    () => encode([{ fn: () => 1 }], { describe }),
    SerializationError,
    "Cannot send function 'fn' as it is bound",
  );
  assertEquals([error.path, error.reason], ["value[0].fn", "is bound"]);
});

Deno.test("encodeValue() says whether captures reach anything mutable", () => {
  const d = new Descriptions();
  const cell = { v: 1 };
  const g = () => 1;
  const cases: [Parameters<Descriptions["set"]>[1], boolean][] = [
    [{ constants: [constant("n", 1), constant("s", "x")] }, false],
    [{ constants: [constant("g", g)] }, false],
    [{ constants: [constant("o", {})] }, true],
    [{ constants: [constant("d", new Date())] }, true],
    [{ cells: [{ box: "b", name: "n", cell, eager: false }] }, true],
  ];
  for (const [captures, mutable] of cases) {
    const fn = () => 1;
    d.set(fn, captures);
    const c: EncodeContext = {
      root: "fn",
      modules: new Set(),
      describe: d.describe,
    };
    encodeValue(new ByteWriter(), [fn, {}], c);
    assertEquals(c.mutable ?? false, mutable);
  }
});

Deno.test("encodeValue() sends references and collects their modules", () => {
  const d = new Descriptions();
  const exported = () => 1;
  d.reference(exported, "file:///m.ts", "exported");
  const modules = new Set<string>();
  const bytes = encode([exported, exported], { describe: d.describe, modules });
  assertEquals([...modules], ["file:///m.ts"]);
  const c = { modules: new Map([["file:///m.ts", { exported }]]) };
  assertEquals(decode(bytes, c), [exported, exported]);
  for (const namespace of [{}, { exported: 1 }]) {
    assertThrows(
      () => decode(bytes, { modules: new Map([["file:///m.ts", namespace]]) }),
      SerializationError,
      "module file:///m.ts",
    );
  }
  assertThrows(() => decode(bytes), SerializationError, "is not loaded");
});

Deno.test("decodeValue() refuses functions by value where it has no reviver", () => {
  const d = new Descriptions();
  const bytes = encode(() => 1, { describe: d.describe });
  assertThrows(() => decode(bytes), SerializationError, "not accepted here");
});

Deno.test("encodeValue() restores instances without running their constructor", () => {
  const d = new Descriptions();
  class Point {
    static made = 0;
    readonly x: number;
    constructor(x: number) {
      this.x = x;
      Point.made++;
    }
    set y(_: number) {
      throw new Error("set");
    }
    double(): number {
      return this.x * 2;
    }
  }
  class Stack extends Array<number> {
    label = "s";
  }
  class Dict extends Map<string, unknown> {
    label = "m";
    override get(): string {
      return "fooled";
    }
  }
  class Bag extends Set<unknown> {}
  class Failure extends TypeError {
    code = 7;
  }
  const point = new Point(4);
  Object.defineProperty(point, "y", { value: 1, enumerable: true });
  const stack = Stack.from([1, 2]) as Stack;
  const dict = new Dict([["self", point]]);
  const bag = new Bag([point]);
  const failure = new Failure("m", { cause: point });
  const graph = [point, stack, dict, bag, failure, point];
  const received = d.copy(graph);
  // deno-lint-ignore no-explicit-any -- tests look into whatever arrives
  const [p, s, m, b, f]: any[] = received;
  assertStrictEquals(received[5], p);
  assertEquals([p.x, p.y, p.double()], [4, 1, 8]);
  assertEquals(p.constructor.made, 0);
  assertEquals(Array.isArray(s), true);
  assertEquals([s[0], s.length, s.label, s.constructor.name], [
    1,
    2,
    "s",
    "Stack",
  ]);
  s.push(3);
  assertEquals(s.length, 3);
  assertEquals([m.size, m.label, m.get("self")], [1, "m", "fooled"]);
  assertStrictEquals(Map.prototype.get.call(m, "self"), p);
  assert(b.has(p));
  assertEquals(f instanceof TypeError, true);
  assertEquals(Error.isError(f), true);
  assertEquals([f.constructor.name, f.code, f.message], ["Failure", 7, "m"]);
  assertStrictEquals(f.cause, p);
  assertEquals(f.stack, failure.stack);
});

Deno.test("encodeValue() sends an instance that its own class captures", () => {
  const d = new Descriptions();
  class Single {
    self(): unknown {
      return instance;
    }
  }
  const instance = new Single();
  d.set(Single, { constants: [constant("instance", instance)] });
  const [a, b] = d.copy([instance, { instance }]);
  assertStrictEquals(a.self(), a);
  assertStrictEquals(b.instance, a);
});

Deno.test("encodeValue() sends linked instances of any depth", () => {
  const d = new Descriptions();
  class Node {
    next: unknown = null;
  }
  let head = new Node();
  for (let i = 0; i < 20_000; i++) {
    const node = new Node();
    node.next = head;
    head = node;
  }
  let link = d.copy(head);
  let length = 0;
  for (; link !== null; link = link.next) length++;
  assertEquals(length, 20_001);
});

Deno.test("encodeValue() refuses instances that only a constructor can make", () => {
  const d = new Descriptions();
  class Account {
    #balance = 1;
    get balance(): number {
      return this.#balance;
    }
  }
  class Savings extends Account {}
  class Moment extends Date {}
  class Emitter extends EventTarget {}
  class Fine {
    static #count = 0;
    text = "#no /* #no */";
    pattern = /#no/;
    where = `#no ${"#no" + `#no`}`;
    // #no
    static count(): number {
      return Fine.#count;
    }
  }
  const refusals: [unknown, string][] = [
    [new Account(), "private member #balance"],
    [new Savings(), "private member #balance"],
    [new Moment(), "extends Date"],
    [new Emitter(), "belongs to the isolate"],
  ];
  for (const [value, reason] of refusals) {
    const error = assertThrows(() => d.copy({ value }), SerializationError);
    assertEquals(error.path, "value.value");
    assert(error.message.includes(reason), error.message);
  }
  assertEquals(d.copy(new Fine()).text, "#no /* #no */");
});

Deno.test("privateMember() tells code from text", () => {
  const none = [
    "class A { a = '#no'; b = \"#no\"; c = `#no ${'#no'} #no`; }",
    "class A { a = `https://b/#no`; b = `x${{ a: `}#no` }}#no`; }",
    "class A { a = /#no/; b = x / y; c = [/[/]#no/g]; d() { return /#no'/; } }",
    "class A { // #no\n a /* #no */ = 1; b = 'it\\'s #no'; }",
    "class A { static #a = 1; static async *#b() { A.#a; } static get #c() {} }",
  ];
  for (const source of none) assertEquals(privateMember(source), undefined);
  const some = [
    "class A { #yes; }",
    "class A { a = `https://b`; #yes = 1; }",
    "class A { a = `${this.#yes}`; #yes = 1; }",
    "class A { a = 1 / 2; #yes = '/'; }",
    'class A { a = "" / 2; #yes = 1 / 3; }',
    "class A { static has(o) { return #yes in o; } #yes() {} }",
  ];
  for (const source of some) assertEquals(privateMember(source), "#yes");
});

Deno.test("encodeValue() sends what describeFunction() finds", () => {
  let count = 0;
  const settings = { step: 2 };
  class Base {
    tag = "base";
    next(): unknown {
      return new Derived();
    }
  }
  class Derived extends Base {
    up(): number {
      return count += settings.step;
    }
  }
  const read = () => count;
  const graph = { one: new Derived(), Base, read, settings };
  const context = createCaptureContext();
  const describe = (fn: AnyFunction) => describeFunction(fn, context);
  const bytes = encode(graph, { describe });
  closeInspector();
  const received = decode(bytes, { revive: prepare }) as typeof graph;
  assertEquals(received.one.up(), 2);
  received.settings.step = 40;
  assertEquals((received.one.next() as Derived).up(), 42);
  assertEquals(received.read(), 42);
  assertEquals(count, 0);
  assertInstanceOf(received.one, received.Base);
});

Deno.test("encodeValue() sends an error whose class cannot travel as its nearest built-in one", () => {
  class Local extends RangeError {}
  const describe = () => {
    throw new SerializationError("Cannot send function 'Local'");
  };
  const received = decode(encode([new Local("m")], { describe })) as Error[];
  assertStrictEquals(received[0]!.constructor, RangeError);
  assertEquals(received[0]!.name, "Local");
});
