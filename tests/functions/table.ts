// Copyright 2026 the @concurrent/parallel authors. MIT license.
// deno-lint-ignore-file no-explicit-any no-namespace no-inner-declarations no-var no-import-prefix -- this is the zoo: functions as people write them

// Kinds of functions, and what must come out of a worker. `table_test.ts` sends
// each of them to a thread and to a process.

import { delay } from "@std/async/delay";
import * as acorn from "npm:acorn@^8";
import { createHash } from "node:crypto";
import process from "node:process";
import * as nodePath from "node:path";
import {
  CancelledError,
  cpu,
  current,
  fromModule,
  InvalidStateError,
  io,
  SerializationError,
  task,
} from "../../mod.ts";
import triple, {
  countCall,
  half,
  level,
  loads,
  Point,
  raise,
  renamed,
} from "../_fixtures/functions/module.ts";
import * as fixture from "../_fixtures/functions/module.ts";
import { everything, halve, thrice } from "../_fixtures/functions/reexport.ts";

/** A function of any signature. */
export type AnyFunction = (...args: any[]) => any;

/** How a task fails. */
export interface Failure {
  /** At the submit, or while the task runs. */
  readonly at: "submit" | "run";
  readonly class: new (...args: any[]) => Error;
  /** All of them must match the message. */
  readonly message: readonly RegExp[];
}

/** One row of the table. */
export interface Case {
  readonly name: string;
  /** Makes the function, anew for each backend. */
  readonly make: () => AnyFunction;
  readonly args?: () => unknown[];
  /** Runs between the submit and the answer. */
  readonly after?: () => void;
  /** What the task gives; absent where it fails. */
  readonly expected?: unknown;
  /** How it fails. */
  readonly error?: Failure;
}

const factor = 7;
const größe = "größe 🚀";
const ключ = { 値: 3 };

export function exported(x: number): number {
  return x + factor;
}
export const exportedArrow = (x: number): number => x - factor;
export async function* exportedStream(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) yield i;
}

function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
const even = (n: number): boolean => n === 0 || odd(n - 1);
const odd = (n: number): boolean => n !== 0 && even(n - 1);

enum Color {
  Red,
  Green = 5,
}
const enum Inlined {
  Big = 9,
}
namespace Geometry {
  export const sides = 4;
  export function area(a: number): number {
    return a * a;
  }
}
function overloaded(x: number): number;
function overloaded(x: string): string;
function overloaded(x: number | string): number | string {
  return typeof x === "number" ? x + factor : x + String(factor);
}

class Base {
  constructor(protected readonly start: number = 1) {}
  describe(): string {
    return `base ${this.start}`;
  }
}
class Derived extends Base {
  static made = 0;
  static readonly names = new Map([[1, "one"]]);
  #secret = factor;
  override describe(): string {
    return `derived of ${super.describe()}, ${this.#secret}`;
  }
  static create(start: number): Derived {
    Derived.made++;
    return new Derived(start);
  }
}
/** An instance without private members travels. */
class Account {
  history: number[] = [];
  constructor(public owner: string, public balance: number) {}
  deposit(amount: number): this {
    this.balance += amount;
    this.history.push(amount);
    return this;
  }
  get label(): string {
    return `${this.owner}: ${this.balance}`;
  }
}
class Vault {
  #content = 1;
  open(): number {
    return this.#content;
  }
}
class MyError extends RangeError {
  code = factor;
}
class Temperature {
  celsius = 20;
  get fahrenheit(): number {
    return this.celsius * 1.8 + 32;
  }
  [Symbol.toPrimitive](): number {
    return this.celsius;
  }
  *[Symbol.iterator](): Generator<number> {
    yield this.celsius;
  }
}

const sequence = Symbol.for("sequence");
const tools = {
  unit: "m",
  format(x: number) {
    return `${x} ${tools.unit}`;
  },
  formatThis(x: number) {
    return `${x} ${this.unit}`;
  },
  [sequence](n: number) {
    return [n, n + factor];
  },
  get ratio() {
    return factor / 2;
  },
};

function counter(start: number) {
  let n = start;
  return {
    inc: () => ++n,
    get: () => n,
  };
}
const compose = (f: AnyFunction, g: AnyFunction) => (x: number) => f(g(x));
const curry = (a: number) => (b: number) => (c: number) => [a, b, c, factor];

const longSource = new Function(
  "x",
  `let t = x; ${
    Array.from({ length: 6000 }, (_, i) => `t += ${i} % 3;`).join("\n")
  } return t;`,
) as AnyFunction;

const WAYS_OUT = [/as an argument/, /export the function/, /fromModule\(\)/];
const refused = (...message: RegExp[]): Failure => ({
  at: "submit",
  class: SerializationError,
  message: [...message, ...WAYS_OUT],
});

/** A resource that each case opens and the test closes. */
export const opened: Disposable[] = [];
function open<T extends Disposable>(resource: T): T {
  opened.push(resource);
  return resource;
}

let changing = 1;

export const table: Case[] = [
  // Plain shapes.
  {
    name: "arrow",
    make: () => (a: number, b: number) => a + b,
    args: () => [1, 2],
    expected: 3,
  },
  {
    name: "arrow with a captured constant",
    make: () => (a: number) => a * factor,
    args: () => [6],
    expected: 42,
  },
  {
    name: "function expression",
    make: () =>
      function (a: number) {
        return a * factor;
      },
    args: () => [2],
    expected: 14,
  },
  {
    name: "async arrow",
    make: () => async (a: number) => (await Promise.resolve(a)) * factor,
    args: () => [2],
    expected: 14,
  },
  {
    name: "function that gives a promise",
    make: () => (a: number) => Promise.resolve(a + factor),
    args: () => [1],
    expected: 8,
  },
  {
    name: "generator used inside",
    make: () => () => {
      function* upTo(n: number) {
        for (let i = 0; i < n; i++) yield i * factor;
      }
      return [...upTo(3)];
    },
    expected: [0, 7, 14],
  },
  {
    name: "captured generator function",
    make: () => {
      function* upTo(n: number): Generator<number> {
        for (let i = 0; i < n; i++) yield i * factor;
      }
      return () => [...upTo(3)];
    },
    expected: [0, 7, 14],
  },
  {
    name: "captured async generator function",
    make: () => {
      const stream = async function* (n: number) {
        for (let i = 0; i < n; i++) yield await i + factor;
      };
      return async () => {
        const all: number[] = [];
        for await (const x of stream(2)) all.push(x);
        return all;
      };
    },
    expected: [7, 8],
  },
  {
    name: "exported async generator used inside",
    make: () => async () => await Array.fromAsync(exportedStream(3)),
    expected: [0, 1, 2],
  },
  {
    name: "default parameters from captured values",
    make: () => (a = factor, b = a + Geometry.sides, { c = fib(6) } = {}) => [
      a,
      b,
      c,
    ],
    expected: [7, 11, 8],
  },
  {
    name: "rest and destructured parameters",
    make: () => ({ a, ...rest }: any, [b]: number[], ...more: number[]) => [
      a,
      rest,
      b,
      more,
    ],
    args: () => [{ a: 1, z: 2 }, [3], 4, 5],
    expected: [1, { z: 2 }, 3, [4, 5]],
  },
  { name: "recursion", make: () => fib, args: () => [12], expected: 144 },
  {
    name: "recursion by an arrow's own name",
    make: () => {
      const factorial = (n: number): number => n < 2 ? 1 : n * factorial(n - 1);
      return factorial;
    },
    args: () => [5],
    expected: 120,
  },
  {
    name: "mutual recursion",
    make: () => even,
    args: () => [11],
    expected: false,
  },
  {
    name: "closure of a closure of a closure",
    make: () => curry(1)(2),
    args: () => [3],
    expected: [1, 2, 3, 7],
  },
  {
    name: "composition of functions",
    make: () => compose((x: number) => x + factor, fib),
    args: () => [10],
    expected: 62,
  },
  {
    name: "very long source",
    make: () => longSource,
    args: () => [1],
    expected: 6001,
  },
  {
    name: "source that ends in a comment",
    make: () => new Function("a", "return a * 2 // twice") as AnyFunction,
    args: () => [4],
    expected: 8,
  },

  // Methods, classes, instances.
  {
    name: "method of a captured object, called on it",
    make: () => (x: number) => tools.format(x) + tools.formatThis(x),
    args: () => [5],
    expected: "5 m5 m",
  },
  {
    name: "method by itself",
    make: () => tools.format,
    args: () => [5],
    expected: "5 m",
  },
  {
    name: "method that needs its object, without it",
    make: () => tools.formatThis,
    args: () => [5],
    error: { at: "run", class: TypeError, message: [/undefined/] },
  },
  {
    name: "Symbol-named method",
    make: () => tools[sequence],
    args: () => [1],
    expected: [1, 8],
  },
  {
    name: "Symbol-named method through its object",
    make: () => () => tools[sequence](1),
    expected: [1, 8],
  },
  {
    name: "object literal that is iterable",
    make: () => {
      const range = {
        n: 3,
        *[Symbol.iterator]() {
          for (let i = 0; i < this.n; i++) yield i;
        },
      };
      return () => [...range];
    },
    expected: [0, 1, 2],
  },
  {
    name: "getter of a captured object",
    make: () => () => tools.ratio,
    expected: 3.5,
  },
  {
    name: "getter itself",
    make: () => Object.getOwnPropertyDescriptor(tools, "ratio")!.get!,
    expected: 3.5,
  },
  {
    name: "class captured, with a private member, super and statics",
    make: () => (start: number) => [
      Derived.create(start).describe(),
      Derived.made,
      Derived.names.get(1),
      new Derived() instanceof Base,
    ],
    args: () => [4],
    expected: ["derived of base 4, 7", 1, "one", true],
  },
  {
    name: "class passed as an argument",
    make: () => (C: typeof Account, owner: string) => new C(owner, 1).label,
    args: () => [Account, "Ada"],
    expected: "Ada: 1",
  },
  {
    name: "instance passed",
    make: () => (account: Account) => [
      account.deposit(5).label,
      account.history,
    ],
    args: () => [new Account("Ada", 1).deposit(2)],
    expected: ["Ada: 8", [2, 5]],
  },
  {
    name: "instance captured",
    make: () => {
      const account = new Account("Bob", 10);
      return (amount: number) => account.deposit(amount).label;
    },
    args: () => [5],
    expected: "Bob: 15",
  },
  {
    name: "instance with a getter, a Symbol-named and a generator method",
    make: () => {
      const room = new Temperature();
      return () => [room.fahrenheit, +(room as any), [...room]];
    },
    expected: [68, 20, [20]],
  },
  {
    name: "instance with private members",
    make: () => (vault: Vault) => vault.open(),
    args: () => [new Vault()],
    error: {
      at: "submit",
      class: SerializationError,
      message: [/args\[0\]/, /private/],
    },
  },
  {
    name: "class of another module, imported",
    make: () => () => new Point(3, 4).length,
    expected: 5,
  },
  {
    name: "error of a class of one's own",
    make: () => () => {
      throw new MyError("over there");
    },
    error: { at: "run", class: MyError, message: [/over there/] },
  },
  {
    name: "function with static props",
    make: () => {
      const hit = Object.assign((x: number) => x + hit.step, { step: 5 });
      return hit;
    },
    args: () => [1],
    expected: 6,
  },

  // Imports and modules.
  {
    name: "import from the standard library",
    make: () => async () => {
      await delay(1);
      return "waited";
    },
    expected: "waited",
  },
  {
    name: "import from npm",
    make: () => (source: string) =>
      acorn.parse(source, { ecmaVersion: 2024 }).body.length,
    args: () => ["a; b; c"],
    expected: 3,
  },
  {
    name: "named import of node:",
    make: () => (text: string) =>
      createHash("sha256").update(text).digest("hex").slice(0, 8),
    args: () => ["parallel"],
    expected: createHash("sha256").update("parallel").digest("hex").slice(0, 8),
  },
  {
    name: "default import of node:",
    make: () => () => typeof process.pid,
    expected: "number",
  },
  {
    name: "namespace import of node:",
    make: () => () => nodePath.posix.basename("/a/b"),
    expected: "b",
  },
  {
    name: "relative import: default, named, renamed",
    make: () => (x: number) => [triple(x), half(x), renamed(x)],
    args: () => [4],
    expected: [12, 2, 3],
  },
  {
    name: "namespace import of a neighbour",
    make: () => () => ({ fixture }).fixture.half(3),
    expected: 1.5,
  },
  {
    name: "import that another module re-exports",
    make: () => (x: number) => [thrice(x), halve(x), everything.half(x)],
    args: () => [4],
    expected: [12, 2, 2],
  },
  {
    name: "live binding of an import",
    make: () => () => {
      const before = level;
      raise();
      return level - before;
    },
    expected: 1,
  },
  {
    name: "exported function",
    make: () => exported,
    args: () => [1],
    expected: 8,
  },
  {
    name: "exported arrow",
    make: () => exportedArrow,
    args: () => [8],
    expected: 1,
  },
  {
    name: "exported function of another module",
    make: () => triple,
    args: () => [5],
    expected: 15,
  },
  {
    name: "re-exported function",
    make: () => thrice,
    args: () => [5],
    expected: 15,
  },
  {
    name: "function of node:",
    make: () => nodePath.basename,
    args: () => ["/a/c"],
    error: {
      at: "submit",
      class: SerializationError,
      message: [/belongs to the runtime/, /\(\.\.\.args\) =>/],
    },
  },
  {
    name: "module is evaluated once",
    make: () => () => [loads(), countCall() < countCall()],
    expected: [1, true],
  },
  {
    name: "fromModule()",
    make: () =>
      fromModule<typeof fixture>(
        import.meta.resolve("../_fixtures/functions/module.ts"),
      ).half,
    args: () => [9],
    expected: 4.5,
  },
  {
    name: "fromModule() of a missing export",
    make: () =>
      fromModule<{ gone: () => void }>(
        import.meta.resolve("../_fixtures/functions/module.ts"),
      ).gone,
    error: { at: "run", class: SerializationError, message: [/'gone'/] },
  },
  {
    name: "fromModule() of a missing module",
    make: () =>
      fromModule<{ gone: () => void }>(
        import.meta.resolve("../_fixtures/functions/missing.ts"),
      ).gone,
    error: { at: "run", class: TypeError, message: [/missing\.ts/] },
  },
  {
    name: "fromModule() of a module that throws",
    make: () =>
      fromModule<{ never: () => void }>(
        import.meta.resolve("../_fixtures/functions/broken.ts"),
      ).never,
    error: { at: "run", class: RangeError, message: [/cannot be evaluated/] },
  },
  {
    name: "function that imports a missing module",
    make: () => async () =>
      await import("../_fixtures/functions/missing.ts" as string),
    error: { at: "run", class: TypeError, message: [/missing\.ts/] },
  },
  {
    name: "import.meta",
    make: () => () => [
      import.meta.url.endsWith("/tests/functions/table.ts"),
      import.meta.filename!.endsWith("table.ts"),
      import.meta.resolve("./x.ts").endsWith("/tests/functions/x.ts"),
      import.meta.main,
    ],
    expected: [true, true, true, false],
  },
  {
    name: "relative dynamic import",
    make: () => async () =>
      (await import("../_fixtures/functions/module.ts")).half(5),
    expected: 2.5,
  },

  // TypeScript only.
  {
    name: "enum, const enum, namespace",
    make: () => () => [
      Color.Green,
      Color[0],
      Inlined.Big,
      Geometry.area(Geometry.sides),
    ],
    expected: [5, "Red", 9, 16],
  },
  {
    name: "satisfies, as, non-null, generics, overloads",
    make: () => <T extends number>(x: T) => {
      const options = { x } satisfies { x: number };
      return [overloaded(options.x as number), overloaded("a")!];
    },
    args: () => [1],
    expected: [8, "a7"],
  },
  {
    name: "parameter properties",
    make: () => () => {
      class Pair {
        constructor(public a: number, private readonly b = factor) {}
        sum = () => this.a + this.b;
      }
      return new Pair(1).sum();
    },
    expected: 8,
  },
  {
    name: "non-ASCII names and text",
    make: () => (ß: string) => `${größe} ${ключ.値} ${ß} \u{1F600}\u2028`,
    args: () => ["straße"],
    expected: "größe 🚀 3 straße 😀\u2028",
  },

  // What variables hold.
  {
    name: "counter snapshot: let n = 1; submit; n = 2",
    make: () => {
      changing = 1;
      return () => changing;
    },
    after: () => changing = 2,
    expected: 1,
  },
  {
    name: "variable of a closure, changed before the submit",
    make: () => {
      const { inc, get } = counter(1);
      inc();
      return get;
    },
    expected: 2,
  },
  {
    name: "variable that two functions share and assign",
    make: () => {
      const { inc, get } = counter(10);
      return () => {
        inc();
        inc();
        return get();
      };
    },
    expected: 12,
  },
  {
    name: "loop variable",
    make: () => {
      const made: AnyFunction[] = [];
      for (let i = 0; i < 3; i++) made.push(() => i);
      return made[1]!;
    },
    expected: 1,
  },
  {
    name: "var of a loop",
    make: () => {
      const made: AnyFunction[] = [];
      for (var i = 0; i < 3; i++) made.push(() => i);
      return made[1]!;
    },
    expected: 3,
  },
  {
    name: "captured object, mutated after the submit",
    make: () => {
      mutated.list = [1, 2];
      return () => mutated.list;
    },
    after: () => mutated.list.push(3),
    expected: [1, 2],
  },
  {
    name: "captured Map, Set, Date, typed array, BigInt",
    make: () => {
      const map = new Map([["a", new Set([1])]]);
      const data = Float64Array.of(1.5, 2.5);
      const day = new Date(0);
      const big = 2n ** 70n;
      return () => [map.get("a")!.has(1), data[1], day.getTime(), big];
    },
    expected: [true, 2.5, 0, 2n ** 70n],
  },
  {
    name: "captured cyclic object",
    make: () => {
      const node: any = { name: "loop" };
      node.self = node;
      return () => node.self.self === node && node.name;
    },
    expected: "loop",
  },
  {
    name: "captured regular expression and URL",
    make: () => {
      const pattern = /(\d+)/u;
      const url = new URL("https://example.com/a?b=1");
      return (s: string) => [pattern.exec(s)![1], url.searchParams.get("b")];
    },
    args: () => ["a12b"],
    expected: ["12", "1"],
  },
  {
    name: "function inside an argument object",
    make: () => (o: { f: AnyFunction; list: AnyFunction[] }) =>
      o.f(2) + o.list[0]!(3),
    args: () => [{ f: (x: number) => x * factor, list: [fib] }],
    expected: 16,
  },
  {
    name: "function as a Map key",
    make: () => (m: Map<AnyFunction, string>) =>
      Array.from(m, ([f, label]) => `${label} ${f(2)}`),
    args: () => [new Map([[(x: number) => x + factor, "sum"]])],
    expected: ["sum 9"],
  },
  {
    name: "callback as an argument",
    make: () => (list: number[], f: AnyFunction) => list.map(f),
    args: () => [[1, 2], (x: number) => x * factor],
    expected: [7, 14],
  },
  {
    name: "exported callback as an argument",
    make: () => (list: number[], f: AnyFunction) => list.map((x) => f(x)),
    args: () => [[1, 2], triple],
    expected: [3, 6],
  },
  {
    name: "native callback as an argument",
    make: () => (list: number[], f: AnyFunction) => list.map((x) => f(x)),
    args: () => [[1, 4], Math.sqrt],
    expected: [1, 2],
  },

  // Tasks and the library's own things.
  {
    name: "task()",
    make: () => task((x: number) => x + factor, { name: "labelled" }),
    args: () => [1],
    expected: 8,
  },
  {
    name: "cpu() and io(), captured and called",
    make: () => {
      const f = cpu((x: number) => x + 1);
      const g = io(async (x: number) => await x + factor);
      return async (x: number) => await g(f(x));
    },
    args: () => [1],
    expected: 9,
  },
  {
    name: "current, imported from the library",
    make: () => () => {
      current.throwIfAborted();
      return [
        current.worker.id > 0,
        current.worker.kind !== "inline",
        current.signal.aborted,
      ];
    },
    expected: [true, true, false],
  },
  {
    name: "an error of the library, thrown inside",
    make: () => () => {
      throw new InvalidStateError("not now");
    },
    error: { at: "run", class: InvalidStateError, message: [/not now/] },
  },
  {
    name: "an error class of the library, compared inside",
    make: () => () => {
      try {
        throw new CancelledError("stop");
      } catch (error) {
        return [error instanceof CancelledError, (error as Error).name];
      }
    },
    expected: [true, "CancelledError"],
  },

  // What cannot travel.
  {
    name: "native function as the task",
    make: () => Math.max,
    args: () => [1, 3],
    expected: 3,
  },
  {
    name: "bound function",
    make: () => fib.bind(null),
    args: () => [1],
    error: {
      at: "submit",
      class: SerializationError,
      message: [/native or bound/, /\(\.\.\.args\) =>/],
    },
  },
  {
    name: "captured socket",
    make: () => {
      const listener = open(Deno.listen({ port: 0, hostname: "127.0.0.1" }));
      return () => listener.addr;
    },
    error: refused(/'listener'/),
  },
  {
    name: "captured open file",
    make: () => {
      const file = open(Deno.openSync(new URL(import.meta.url)));
      return () => file.statSync().size;
    },
    error: refused(/'file'/),
  },
  {
    name: "captured promise",
    make: () => {
      const pending = Promise.resolve(1);
      return () => pending;
    },
    error: refused(/'pending'/, /[Pp]romise/),
  },
  {
    name: "captured iterator",
    make: () => {
      const live = [1, 2][Symbol.iterator]();
      return () => live.next().value;
    },
    error: refused(/'live'/, /[Ii]terator/),
  },
  {
    name: "captured generator under way",
    make: () => {
      const live = (function* () {
        yield 1;
      })();
      return () => live.next().value;
    },
    error: refused(/'live'/),
  },
  {
    name: "captured this",
    make: () =>
      new class {
        value = 1;
        get = () => this.value;
      }().get,
    error: refused(/this/),
  },
  {
    name: "captured timer handle",
    make: () => {
      const timer: any = setTimeout(() => {}, 1e6);
      opened.push({ [Symbol.dispose]: () => clearTimeout(timer) });
      return () => clearTimeout(timer);
    },
    error: refused(/'timer'/),
  },
  {
    name: "captured timer of node:timers",
    make: () => {
      const timer = process.getBuiltinModule("node:timers").setTimeout(
        () => {},
        1e6,
      );
      opened.push({ [Symbol.dispose]: () => timer.close() });
      return () => timer.hasRef();
    },
    error: refused(/'timer'/),
  },
  {
    name: "captured WeakMap",
    make: () => {
      const seen = new WeakMap<object, number>();
      return (key: object) => seen.get(key);
    },
    args: () => [{}],
    error: refused(/'seen'/, /WeakMap/),
  },
  {
    name: "captured object that holds a socket",
    make: () => {
      const config = {
        net: { socket: open(Deno.listen({ port: 0, hostname: "127.0.0.1" })) },
      };
      return () => config.net;
    },
    error: refused(/config/, /net/, /socket/),
  },
  {
    name: "captured function that captures a promise",
    make: () => {
      const pending = Promise.resolve(1);
      const inner = () => pending;
      return () => inner();
    },
    error: refused(/'pending'/),
  },
  {
    name: "captured AbortController",
    make: () => {
      const controller = new AbortController();
      return () => controller.abort();
    },
    error: refused(/'controller'/),
  },
  {
    name: "promise as an argument",
    make: () => (p: Promise<number>) => p,
    args: () => [Promise.resolve(1)],
    error: {
      at: "submit",
      class: SerializationError,
      message: [/args\[0\]/, /[Pp]romise/],
    },
  },
  {
    name: "captured Proxy",
    make: () => {
      const proxy: Record<string, string> = new Proxy({}, {
        get: (_, key) => String(key),
      });
      return () => proxy.host;
    },
    error: refused(/'proxy'/, /Proxy/),
  },
  {
    name: "generator function as the task",
    make: () =>
      function* () {
        yield 1;
      },
    error: {
      at: "submit",
      class: TypeError,
      message: [/generator function/],
    },
  },
  {
    name: "variable that is not initialised yet",
    make: () => {
      const early = () => later;
      if (factor === 7) return early;
      const later = 1;
      return early;
    },
    error: refused(/'later'/, /not initialized/),
  },
  {
    name: "arguments of an outer function",
    make: () =>
      function () {
        return () => arguments.length;
      }(),
    error: refused(/arguments/),
  },
  {
    name: "private method",
    make: () => Vault.prototype.open,
    error: refused(/#content/),
  },
  {
    name: "result that cannot travel",
    make: () => () => new WeakMap(),
    error: { at: "run", class: SerializationError, message: [/WeakMap/] },
  },
  {
    name: "result that is a function",
    make: () => (x: number) => () => x + factor,
    args: () => [1],
    error: {
      at: "run",
      class: SerializationError,
      message: [/function that was made in the worker/],
    },
  },

  // What function and arguments share, and what comes home.
  {
    name: "class of an argument, compared inside",
    make: () => (x: unknown) => [x instanceof Account, x instanceof Base],
    args: () => [new Account("Ada", 1)],
    expected: [true, false],
  },
  {
    name: "variable shared with a callback",
    make: () => (f: AnyFunction) => [f(), tally],
    args: () => [() => ++tally],
    expected: [1, 1],
  },
  {
    name: "result that is an instance of a class of one's own",
    make: () => (name: string) => new Account(name, 1).deposit(5),
    args: () => ["Ada"],
    expected: new Account("Ada", 1).deposit(5),
  },
  {
    name: "result that is an instance that was passed, changed",
    make: () => (accounts: Account[]) => accounts.map((it) => it.deposit(5)),
    args: () => [[new Account("Ada", 1)]],
    expected: [new Account("Ada", 1).deposit(5)],
  },
  {
    name: "result that is an instance of an imported class",
    make: () => () => new Point(3, 4),
    expected: new Point(3, 4),
  },
  {
    name: "result that is a function that was passed",
    make: () => (f: AnyFunction) => ({ f }),
    args: () => [fib],
    expected: { f: fib },
  },
  {
    name: "result that is a captured class",
    make: () => () => new Set([Account]),
    expected: new Set([Account]),
  },
  {
    name: "result that is an exported function",
    make: () => () => [triple, half, fixture.renamed],
    expected: [triple, half, renamed],
  },
  {
    name: "result that is an instance of a class made in the worker",
    make: () => () => {
      class Inner {}
      return [new Inner()];
    },
    error: {
      at: "run",
      class: SerializationError,
      message: [/result\[0\]/, /class Inner was made in the worker/],
    },
  },
  {
    name: "result that is an instance with private members",
    make: () => () => new Vault(),
    error: { at: "run", class: SerializationError, message: [/#content/] },
  },
];

let tally = 0;
const mutated = { list: [] as number[] };
