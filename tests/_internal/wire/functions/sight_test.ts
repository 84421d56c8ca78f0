// Copyright 2026 the @concurrent/parallel authors. MIT license.
// deno-lint-ignore-file -- the functions are read, most of them never run

import {
  assert,
  assertEquals,
  assertFalse,
  assertStrictEquals,
  equal,
} from "@std/assert";
import {
  type Sight,
  sightOf,
} from "../../../../_internal/wire/functions/sight.ts";
import {
  type AnyFunction,
  fromModule,
  task,
  unwrapTask,
} from "../../../../_internal/wire/functions/task.ts";
import { current } from "../../../../_internal/worker/current.ts";
import { currentThread, Lock } from "../../../../threading/mod.ts";
import * as fixtures from "./fixtures/sighted.ts";

type Row<T> = readonly [fn: AnyFunction, expected: T];

/** One test for each table. */
function check<K extends keyof Sight>(
  title: string,
  key: K,
  rows: readonly Row<Sight[K]>[],
): void {
  Deno.test(`sightOf().${key} ${title}`, () => {
    // All that are wrong are told at once.
    const wrong = rows.flatMap(([fn, expected]) => {
      const actual = sightOf(fn)[key];
      return equal(actual, expected) ? [] : [[String(fn), actual, expected]];
    });
    assertEquals(wrong, []);
  });
}

/** Makes a function of text that the compiler has not written anew: it gives shadowing names others. */
function make(source: string): AnyFunction {
  return new Function(`"use strict"; return (${source})`)();
}

const alias = Deno.readTextFileSync;
const { exit: leave } = Deno;
const D = Deno;
const settings = { depth: 1 };
const frozen = Object.freeze({ depth: 1, list: Object.freeze([1, 2]) });
const lock = new Lock();
const RE = /x/;
const STICKY = /x/g;
const small = (x: number) => x + 1;
const reads = () => alias("x");
const readsDeep = () => reads();
const pauses = (ms: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, ms));
const spins = async () => 1;
const opaque = Math.max.bind(Math);
let changing = 0;
const change = () => ++changing;
const countDown = (n: number): number => n === 0 ? 0 : countDown(n - 1);
const ping = (n: number): number => n === 0 ? 0 : pong(n - 1);
const pong = (n: number): number => ping(n);
class Thing {
  static made = 0;
  value = 1;
  method(x: number) {
    return x + 1;
  }
  get current() {
    return this.value;
  }
}
const own = { current: { worker: 1 } };

Deno.test("sightOf() tells async functions and generators", () => {
  const rows: [AnyFunction, boolean, boolean][] = [
    [() => 1, false, false],
    [async () => 1, true, false],
    [function* () {}, false, true],
    [async function* () {}, true, true],
    [Thing.prototype.method, false, false],
    [{ async *walk() {} }.walk, true, true],
    [fixtures.load, true, false],
    [() => async () => 1, false, false],
    [Math.max, false, false],
    [(async () => 1).bind(null), true, false],
  ];
  for (const [fn, isAsync, isGenerator] of rows) {
    const sight = sightOf(fn);
    assertEquals(
      [sight.isAsync, sight.isGenerator, String(fn)],
      [isAsync, isGenerator, String(fn)],
    );
  }
});

check("names what blocks a thread", "blocks", [
  [(p: string) => Deno.readFileSync(p), "Deno.readFileSync"],
  [(p: string) => Deno["readFileSync"](p), "Deno.readFileSync"],
  [(p: string) => globalThis.Deno.statSync(p), "Deno.statSync"],
  [(p: string) => [p].map(Deno.readTextFileSync), "Deno.readTextFileSync"],
  [(p: string) => D.readFileSync(p), "Deno.readFileSync"],
  [(p: string) => alias(p), "Deno.readTextFileSync"],
  [(p: string) => {
    const { readFileSync } = Deno;
    return readFileSync(p);
  }, "Deno.readFileSync"],
  [(p: string) => {
    const d = Deno, read = d.readFileSync;
    return read(p);
  }, "Deno.readFileSync"],
  [() => readsDeep(), "Deno.readTextFileSync"],
  [fixtures.readNow, "node:fs.readFileSync"],
  [() => new Deno.Command("ls").outputSync(), "outputSync"],
  [(a: Int32Array) => Atomics.wait(a, 0, 0), "Atomics.wait"],
  [() => alert("x"), "alert"],
  [() => lock.acquireSync(), "lock.acquireSync"],
  [(l: Lock) => () => l.acquireSync(), "l.acquireSync"],
  [async (o: { runSync(): Promise<void> }) => await o.runSync(), undefined],
  [(o: { isSync: boolean }) => o.isSync, undefined],
  [make(`(Deno) => Deno.readFile("x")`), undefined],
  [() => "Deno.readFileSync()", /* Deno.readFileSync() */ undefined],
  [(a: Int32Array) => Atomics.waitAsync(a, 0, 0), undefined],
  [make(`() => { const alert = (x) => 1; return alert("x"); }`), undefined],
  [async (p: string) => await Deno.readFile(p), undefined],
]);

check("names what ends a worker", "ends", [
  [() => Deno.exit(1), "Deno.exit"],
  [() => Deno["exit"](1), "Deno.exit"],
  [() => leave(1), "Deno.exit"],
  [() => D.exit(), "Deno.exit"],
  [() => {
    const { exit: quit } = Deno;
    quit();
  }, "Deno.exit"],
  [(x: number) => setTimeout(Deno.exit, x), "Deno.exit"],
  [() => process.abort(), "process.abort"],
  [fixtures.quit, "process.exit"],
  [() => fixtures.quit(), "process.exit"],
  [() => globalThis.close(), "close"],
  [() => close(), "close"],
  [() => self.close(), "self.close"],
  [async (f: { close(): void }) => f.close(), undefined],
  [make("(close) => close()"), undefined],
  [make("() => { const Deno = { exit() {} }; Deno.exit(); }"), undefined],
]);

check(
  "names what shows where it runs",
  "needsWorker",
  [
    [() => current.worker.id, "current.worker"],
    [() => [Math], "Math"],
    [(x: boolean) => (x ? console : null)?.log(1), "console"],
    [() => Object.freeze(Math), "Math"],
    [() => typeof Math === "object" && Math.abs(1), undefined],
    [() =>
      setTimeout(() => {
        throw 1;
      }, 1), "a timer whose callback throws"],
    [(resolve: () => void) => setTimeout(() => resolve(), 1), undefined],
    [() => current, "current"],
    [() => current.signal, undefined],
    [() => current.throwIfAborted(), undefined],
    [() => own.current.worker, undefined],
    [make("(current) => current.worker"), undefined],
    [() => currentThread(), "currentThread"],
    [fixtures.who, "node:worker_threads.threadId"],
    [() => self, "self"],
    [() => typeof self, "self"],
    [make("(self) => self"), undefined],
    [() => (globalThis as any).state, "globalThis.state"],
    [() => globalThis.fetch, undefined],
    [() => globalThis, "globalThis"],
    [() => {
      (globalThis as any).fetch = 1;
    }, "fetch"],
    [(k: string) => (Deno as any)[k](), "Deno.*"],
    [(f: (d: typeof Deno) => void) => f(Deno), "Deno"],
    [() => import.meta.main, "import.meta"],
    [() => import.meta.url, undefined],
    [() => import("node:path"), "import()"],
    [() => Deno.chdir("/"), "Deno.chdir"],
    [() => Deno.env.set("a", "b"), "Deno.env.set"],
    [() => {
      const { env } = Deno;
      env.set("a", "b");
    }, "Deno.env.set"],
    [() => Deno.env.get("a"), undefined],
    [() => {
      process.env.A = "b";
    }, "process.env.A"],
    [() => delete process.env.A, "process.env.A"],
    [() => process.env.A, undefined],
    [() => {
      (Array.prototype as any).x = 1;
    }, "Array.prototype.x"],
    [() => Object.assign(Math, { a: 1 }), "Math"],
    [() => Object.assign({}, { a: 1 }), undefined],
    [make("() => { [Math.PI] = [3]; }"), "Math.PI"],
    [make("() => undeclaredName"), "undeclaredName"],
    [make("() => { onmessage = null; }"), "onmessage"],
    [make("() => eval('1')"), "eval"],
    [make("() => new Function('Deno.exit()')()"), "Function"],
    [make("() => Reflect.get(Deno, 'exit')()"), "Deno"],
    [() => `self ${"globalThis.x"}`, undefined],
    [() => Deno.pid, "Deno.pid"],
    [Math.max, "its source cannot be read"],
    [() => opaque(1), "bound max"],
  ],
);

check("names a captured variable that is not a copy here", "shares", [
  [() => changing, "changing"],
  [() => change(), "changing"],
  [() => settings.depth, "settings"],
  [() => frozen.list, undefined],
  [() => lock.locked(), undefined],
  [() => RE, undefined],
  [() => STICKY, "STICKY"],
  [() => small(1), undefined],
  [fixtures.next, "count"],
  [fixtures.look, "cache"],
  [fixtures.bump, "count"],
  [() => fixtures.bump(), "count"],
  [() => new Thing(), "static"],
  [() => {
    let changing = 0;
    return ++changing;
  }, undefined],
  [(settings: { depth: number }) => settings.depth, undefined],
  [Object.assign(() => 1, { calls: 0 }), "calls"],
  [() => {
    (small as any).calls = 1;
  }, "small"],
]);

check("is true where no stretch depends on what is given", "isBounded", [
  [(x: number) => x + 1, true],
  [(x: number) => Math.sqrt(x) * 2, true],
  [(x: number) => x ** 2, true],
  [(x: any, y: any) => x ** y, false],
  [() => 2n * 3n, false],
  [(x: string) => BigInt(x) * BigInt(x), false],
  [(x: string) => BigInt(x) + BigInt(x), false],
  [(x: { name: string }) => `${x.name}!`, true],
  [(x: number) => small(small(x)), true],
  [Thing.prototype.method, true],
  [(n: number) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += i;
    return sum;
  }, false],
  [(n: number) => {
    outer: while (true) {
      do {
        if (n-- < 0) break outer;
      } while (n);
    }
  }, false],
  [(o: object) => {
    for (const k in o) return k;
  }, false],
  [(x: number[]) => x.map((y) => y + 1), false],
  [(x: number[]) => x.length, true],
  [(x: string) => JSON.parse(x), false],
  [(x: unknown) => structuredClone(x), false],
  [(x: number[]) => Math.max(...x), false],
  [(x: number[]) => [...x], false],
  [(x: object) => ({ ...x }), false],
  [([a, ...rest]: number[]) => rest, false],
  [(...rest: number[]) => rest.length, true],
  [(n: number) => "x".repeat(n), false],
  [(n: number) => new Array(n), false],
  [() => new Uint8Array(16), true],
  [(n: number) => new Uint8Array(n), false],
  [(x: string) => /(a+)+b/.test(x), false],
  [(f: () => void) => f(), false],
  [(f: () => void) => setTimeout(f, 1), false],
  [(f: () => void) => setTimeout(() => f(), 1), false],
  [() => setTimeout(countDown as any, 1), false],
  [() => setTimeout(small as any, 1), true],
  [(p: Promise<void>, f: () => void) => p.then(f), false],
  [(p: Promise<void>) => p.then((x) => x), true],
  [make(`(fetch) => fetch("x")`), false],
  [
    make(
      "() => { const Math = { sqrt(n) { while (n); } }; return Math.sqrt(4); }",
    ),
    false,
  ],
  [countDown, false],
  [fixtures.fib, false],
  [fixtures.even, false],
  [(n: number) => ping(n), false],
  [function again(n: number): number {
    return n && again(n - 1);
  }, false],
  [(n: number) => {
    const inner = (m: number): number => m && inner(m - 1);
    return inner(n);
  }, false],
  [(n: number) => {
    function a(m: number): number {
      return b(m);
    }
    const b = (m: number): number => a(m);
    return a(n);
  }, false],
  [(n: number) => {
    const inner = (m: number) => m + 1;
    return inner(n);
  }, true],
  [(n: number) => {
    const tick = (): unknown => Promise.resolve().then(tick);
    return tick();
  }, false],
  [() => new Thing(), false],
  [() => settings.depth, true],
  [() => opaque(1), false],
  [function* () {
    yield 1;
  }, true],
  [function* (n: number) {
    while (n--) yield n;
  }, false],
  [function* (x: number[]) {
    yield* x;
  }, false],
  [async (urls: string[]) => {
    for (const url of urls) await fetch(url);
  }, true],
  [async (urls: string[]) => {
    for (const url of urls) if (url) await fetch(url);
  }, false],
  [async (urls: string[]) => {
    for (const url of urls) {
      if (url) continue;
      await fetch(url);
    }
  }, false],
  [async (n: number) => {
    for (let i = 0; i < n; i++) await null;
  }, false],
  [async (n: number) => {
    for (let i = 0; i < n; i++) (async () => await fetch("x"))();
  }, false],
  [async (n: number) => {
    for (let i = 0; i < n; i++) await pauses(1);
  }, true],
  [async (n: number) => {
    for (let i = 0; i < n; i++) await spins();
  }, false],
  [async (n: number) => {
    while (n--) {
      await fetch("x");
      for (let i = 0; i < n; i++);
    }
  }, false],
  [async (items: AsyncIterable<number>) => {
    for await (const _ of items);
  }, false],
  [async (path: string) => {
    for await (const entry of Deno.readDir(path)) console.log(entry.name);
  }, true],
  [async () => {
    const response = await fetch("x");
    for await (const _ of response.body!);
  }, true],
  [fixtures.half, true],
  [fixtures.load, true],
  [make("(x) => tagged`${x}`"), false],
]);

check("is true for what waits for the world outside", "waits", [
  [fixtures.load, true],
  [fixtures.readLater, true],
  [fixtures.pause, true],
  [(u: string) => fetch(u), true],
  [(u: string) => {
    return fetch(u).then((response) => response.text());
  }, true],
  [pauses, true],
  [(ms: number) => pauses(ms), true],
  [async (ms: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, ms);
    await promise;
  }, true],
  [async (p: string) => (await Deno.readTextFile(p)).length, true],
  [async (p: string) => JSON.parse(await Deno.readTextFile(p)), false],
  [async () => 1, false],
  [() => async () => await fetch("x"), false],
  [make("(fetch) => fetch(1)"), false],
  [async (p: string) => {
    await Deno.readFile(p);
    Deno.readFileSync(p);
  }, false],
  [(x: number) => x, false],
]);

const read = Deno.readTextFile;
const count = (text: string) => text.split("\n").length;
const parse = async (p: string) => JSON.parse(await read(p));

check(
  "is true for what takes time in proportion to what it waits for",
  "isLinear",
  [
    [async (p: string) => (await read(p)).length, true],
    [async (p: string) => (await read(p)).split("\n").length, true],
    [async (p: string) => (await Deno.readTextFile(p)).trim().slice(1), true],
    [async (p: string) => JSON.parse(await Deno.readTextFile(p)), true],
    [parse, true],
    [async (p: string) => (await parse(p)).name, true],
    [async (p: string) => count(await read(p)), true],
    [async (p: string) => {
      const text = new TextDecoder().decode(await Deno.readFile(p));
      return text.split(/\r?\n/).filter((l) => l.includes("x")).length;
    }, true],
    [async (p: string) => {
      const lines = (await read(p)).split("\n");
      return lines.map((l) => JSON.parse(l)).map((o) => ({ ...o, a: 1 }));
    }, true],
    [async (p: string) => (await read(p)).split(",").map(Number).sort(), true],
    [async (p: string) => {
      const cells = (await read(p)).split(",").map((c) => parseInt(c));
      return cells.toSorted((a, b) => a - b).reduce((a, b) => a + b, 0);
    }, true],
    [async (p: string) => (await read(p)).replaceAll("a", "b"), true],
    [async (p: string) => [...(await read(p)).matchAll(/\w+/g)].length, true],
    [async (urls: string[]) => {
      return await Promise.all(
        urls.map((u) => fetch(u).then((r) => r.json())),
      );
    }, true],
    [async (base: string, names: string[]) => {
      return await Promise.all(
        names.map(async (n) => (await read(`${base}/${n}`)).split("\n").length),
      );
    }, true],
    [async (p: string) => {
      const counts = new Map<string, number>();
      for (const word of (await read(p)).split(/\s+/)) {
        const key = word.toLowerCase();
        counts.set(key, 1);
      }
      return Object.fromEntries([...counts].sort());
    }, true],
    [async (p: string) => {
      let most = 0;
      const long = [];
      for (const line of (await read(p)).split("\n")) {
        const { length } = line.trim();
        if (length > most) most = length;
        if (length > 80) long.push(line);
      }
      return { most, text: long.join("\n") };
    }, true],
    [async (paths: string[]) => {
      let lines = 0;
      for (const path of paths) lines += (await read(path)).split("\n").length;
      return lines;
    }, true],
    // It has to wait for the world outside.
    [(x: string) => x.split(","), false],
    [async (x: string) => x.split(","), false],
    [async (x: string) => JSON.parse(await Promise.resolve(x)), false],
    // What is worse than linear, or has no end.
    [async (p: string, n: number) => (await read(p)).repeat(n), false],
    [async (p: string, n: number) => (await read(p)).padStart(n), false],
    [async (p: string) => Array(Number(await read(p))).fill(1), false],
    [async (p: string) => Array.from({ length: +(await read(p)) }), false],
    [async (p: string) => {
      const text = await read(p);
      let n = 0;
      for (let i = 0; i < text.length; i++) n++;
      return n;
    }, false],
    [async (p: string) => {
      let n = +(await read(p));
      while (n > 1) n = n % 2 ? n * 3 + 1 : n / 2;
    }, false],
    [async (p: string) => countDown((await read(p)).split("\n").length), false],
    [
      async (p: string, f: (l: string) => void) =>
        (await read(p)).split("\n").map(f),
      false,
    ],
    [
      async (p: string) => (await read(p)).split("\n").map(opaque as any),
      false,
    ],
    [async (p: string) => (await read(p)).split("").map(count), false],
    [
      async (p: string) => (await read(p)).split("").map((c) => countDown(+c)),
      false,
    ],
    [
      async (p: string) => (await read(p)).split("").map((c) => count(c)),
      false,
    ],
    [async (p: string) => JSON.parse(await read(p), (k, v) => v), false],
    [async (p: string) => BigInt(await read(p)) ** 2n, false],
    [async (p: string) => {
      let n = 1n;
      for (const c of await read(p)) n = n * n;
      return n;
    }, false],
    // Loops in loops, plain or hidden.
    [async (p: string) => {
      let n = 0;
      const text = await read(p);
      for (const a of text) for (const b of text) n++;
      return n;
    }, false],
    [async (p: string) => {
      const rows = (await read(p)).split("\n");
      return rows.map((r) => r.split(",").map((c) => c.length));
    }, false],
    [async (p: string) => {
      const rows = (await read(p)).split("\n");
      return rows.filter((r) => rows.includes(r));
    }, false],
    [async (p: string) => {
      const rows = (await read(p)).split("\n");
      return rows.map((r, i, all) => all.indexOf(r));
    }, false],
    [async (p: string) => {
      const rows = (await read(p)).split("\n");
      return rows.map((r) => rows).flat();
    }, false],
    [async (p: string) => {
      const text = await read(p);
      return text.split("").map(() => text).join("");
    }, false],
    [async (p: string) => {
      const text = await read(p);
      const all = () => text;
      return text.split("").map(() => all()).join("");
    }, false],
    [async (p: string) => {
      const text = await read(p);
      const search = (s: string) => text.includes(s);
      return text.split("").filter((c) => search(c));
    }, false],
    [
      async (p: string) =>
        (await read(p)).split("").reduce((a, c) => [...a, c], [] as string[]),
      false,
    ],
    [
      async (p: string) => (await read(p)).split("").reduce((a) => a + a),
      false,
    ],
    [async (p: string) => {
      const groups = new Map<string, string[]>();
      for (const l of (await read(p)).split("\n")) {
        const group = groups.get("a")!;
        if (!group.includes(l)) groups.set(l, []);
      }
    }, false],
    [async (p: string) => {
      let tree: unknown = 1;
      for (const _ of await read(p)) tree = [tree, tree];
      return JSON.stringify(tree);
    }, false],
    [async (p: string) => {
      const tail = await read(p);
      return tail.replaceAll("a", tail);
    }, false],
    [async (p: string) => (await read(p)).replaceAll("a", "$'"), false],
    // Loops over what they fill.
    [async (p: string) => {
      const rows = (await read(p)).split("\n");
      for (const row of rows) rows.push(row);
    }, false],
    [async (p: string) => {
      const rows: string[] = [];
      rows.push(await read(p));
      for (const row of rows) rows.push(row);
    }, false],
    [async (p: string) => {
      const seen = new Set<string>();
      const all = seen.add(await read(p));
      for (const row of all) seen.add(`${row}x`);
    }, false],
    [async (p: string) => {
      const counts = new Map<string, number>();
      counts.set(await read(p), 1);
      const entries = counts.entries();
      for (const [key] of entries) counts.set(`${key}x`, 1);
    }, false],
    [async (p: string) => {
      const queue: string[] = [];
      for (const path of [p, p]) {
        await read(path);
        for (const row of queue) queue.push("x");
      }
    }, false],
    [async (p: string, rows: any[]) => {
      await read(p);
      for (const row of rows) row.push(1);
    }, false],
    [async (p: string) => {
      const rows: any[] = [];
      rows[0] = await read(p);
      for (const row of rows) rows[rows.length] = 1;
    }, false],
    // Regular expressions that search anew from each character.
    [async (p: string) => (await read(p)).replace(/\s+$/, ""), false],
    [async (p: string) => (await read(p)).split(/(a+)+b/), false],
    [async (p: string) => (await read(p)).split(/a*b/), false],
    [async (p: string) => (await read(p)).split(/a?a?a?b/), false],
    [async (p: string) => (await read(p)).match(/x|a{2,}b/), false],
    [async (p: string) => (await read(p)).match(/[a\]]+?b/), false],
    [async (p: string) => (await read(p)).split(RE), false],
    [async (p: string) => /,\s*/.exec(await read(p)), false],
    [async (p: string) => /,\s*|;/.test(await read(p)), true],
    [async (p: string) => {
      const text = await read(p);
      Deno.writeTextFileSync(p, text.trim());
    }, false],
    [make("async (p, JSON) => JSON.parse(await Deno.readTextFile(p))"), false],
    [
      make("async function* (p) { yield (await Deno.readTextFile(p)).trim() }"),
      false,
    ],
  ],
);

check(
  "is true for parameters that are only read",
  "readsOnly",
  [
    [(a: Float64Array) => {
      let sum = 0;
      for (let i = 0; i < a.length; i++) sum += a[i]!;
      return sum;
    }, [true]],
    [(a: Float64Array, b: number) => {
      for (const x of a) if (x > b) return x;
    }, [true, false]],
    [(a: Float64Array) => a.reduce((x, y) => x + y, 0), [true]],
    [(a: Float64Array) => a.reduce((x, y, _, all) => (all[0] = x + y), 0), [
      false,
    ]],
    [(a: Float64Array) => a.map((x) => x * a.length), [true]],
    [(a: Float64Array) => a.forEach((_x, _i, all) => all), [false]],
    [(a: Float64Array) => a.forEach(console.log), [false]],
    [(a: Float64Array) => a.forEach((...all) => all), [false]],
    [(a: Float64Array) =>
      a.forEach(function () {
        return arguments[2][0] = 1;
      }), [false]],
    [(a: Float64Array) => a.sort(), [false]],
    [(a: Float64Array) => a.toSorted(), [true]],
    [(a: Float64Array) => a.subarray(1), [false]],
    [(a: Float64Array) => a.slice(1), [true]],
    [(a: Float64Array) => a, [false]],
    [(a: Float64Array) => ({ a }), [false]],
    [(a: Float64Array) => a[0] = 1, [false]],
    [(a: Float64Array) => a[0]!++, [false]],
    [(a: Float64Array) => {
      [a[0], a[1]] = [a[1]!, a[0]!];
    }, [false]],
    [(a: Float64Array) => {
      for (a[0] of [1]);
    }, [false]],
    [(a: Float64Array) => a.buffer, [false]],
    [(a: any, k: string) => a[k], [false, false]],
    [(a: any) => a["buffer"], [false]],
    [(a: any) => {
      let k: any = 0;
      k = "buffer";
      return a[k];
    }, [false]],
    [(a: any) => {
      for (const k in a) return a[k];
    }, [false]],
    [(a: Float64Array) => a[a.length - 1], [true]],
    [(a: Float64Array) => Math.max(...a), [true]],
    [(a: Float64Array) => ({ ...a }), [false]],
    [(a: Float64Array) => new Uint8Array(a), [false]],
    [(a: Float64Array) => () => a[0], [false]],
    [(a: Float64Array) => setTimeout(() => a[0], 1), [false]],
    [(a: Float64Array) => {
      const b = a;
      b[0] = 1;
    }, [false]],
    [(a: Float64Array) => {
      a = new Float64Array(1);
      return a.length;
    }, [false]],
    [(a: Float64Array = new Float64Array(1)) => a.length, [false]],
    [({ length }: Float64Array) => length, [false]],
    [(...a: number[]) => a.length, [false]],
    [(a: Float64Array, b = a) => b, [false, false]],
    [function (a: Float64Array) {
      return arguments.length + a.length;
    }, [false]],
    [make("(a) => eval('a') + a.length"), [false]],
    [make("(a) => { { let a = []; a[0] = 1; } return a[0]; }"), [true]],
    [make("(a) => { delete a[0]; }"), [false]],
    [make("(a) => { a.length = 0; }"), [false]],
    [make("(a) => a?.[0] ?? a?.length"), [true]],
    [make("(a) => a[0]`x`"), [false]],
    [make("(a) => a == null ? 0 : a.byteLength"), [true]],
    [make("(a, b) => a == b"), [false, false]],
    [(v: DataView) => v.getInt8(0), [true]],
    [(v: DataView) => v.setInt8(0, 1), [false]],
  ],
);

Deno.test("sightOf().isPlain for what calls nothing, and is over when it returns", () => {
  for (
    const fn of [
      (a: number, b: number) => a * b / 2,
      function (a: number) {
        if (a > 3) return 1;
        return -a;
      },
    ]
  ) assert(sightOf(fn).isPlain, String(fn));
  for (
    const fn of [
      (a: number) => Math.abs(a),
      () => new Date(),
      async (a: number) => a,
      function* () {
        yield 1;
      },
      (a: number) => {
        let b = 0;
        while (b < a) b++;
        return b;
      },
      (a: string) => String.raw`${a}`,
    ]
  ) assertFalse(sightOf(fn).isPlain, String(fn));
});

Deno.test("sightOf() never throws, whatever it is given", () => {
  const sights = [
    make("function () { with }".replace("with", "")),
    Math.max,
    (() => 1).bind(null),
    class {} as unknown as AnyFunction,
    Object.assign(() => 1, { toString: null }),
    make(`() => [${"1,".repeat(20_000)}]`),
    new Proxy(() => 1, {}),
    Object.getOwnPropertyDescriptor(Thing.prototype, "current")!.get!,
  ].map(sightOf);

  assert(sights[5]!.needsWorker !== undefined);
  assert(!sights[5]!.isBounded);
  assert(!sights[6]!.isBounded);
});

Deno.test("sightOf() reads what a task calls, and an export that is not loaded here", () => {
  const loaded = task(fixtures.load, { timeout: 5 });
  assertStrictEquals(sightOf(unwrapTask(loaded).fn), sightOf(fixtures.load));

  const module = fromModule<typeof fixtures>(
    import.meta.resolve("./fixtures/sighted.ts"),
  );
  const load = sightOf(module.load);
  assertEquals(
    [load.isAsync, load.waits, load.needsWorker],
    [true, true, "fromModule()"],
  );
  assertEquals(sightOf(module.half).isAsync, false);
  assertEquals(sightOf(module.readNow).blocks, "fs.readFileSync");
  assertEquals(sightOf(module.fib).isBounded, false);
  assertEquals(
    sightOf(fromModule<typeof fixtures>("file:///none.ts").half).isBounded,
    false,
  );
});

Deno.test("sightOf() knows a function by its text only where nothing else matters", () => {
  const plain = () => (x: number) => Math.abs(x) + 2;
  assertStrictEquals(sightOf(plain()), sightOf(plain()));

  const counted = Object.assign(plain(), {});
  assertEquals(sightOf(counted).shares, undefined);
  Object.assign(counted, { calls: 1 });
  assertEquals(sightOf(counted).shares, "calls");
  assertEquals(sightOf(plain()).shares, undefined);
  assertEquals(sightOf(() => counted(1)).shares, "calls");

  const around = (inner: AnyFunction) => (x: number) => inner(x);
  assertEquals(sightOf(around(small)).isBounded, true);
  assertEquals(sightOf(around(countDown)).isBounded, false);
  assertEquals(sightOf(around(alias)).blocks, "Deno.readTextFileSync");

  // One of the same text that calls another `fetch`.
  const shadowed =
    (make('(fetch) => (u) => fetch(u, "shadow")')(countDown)) as AnyFunction;
  assertEquals(sightOf(shadowed).waits, false);
  assertEquals(sightOf(make(shadowed.toString())).waits, true);
});

Deno.test("sightOf() sees less without the permission to ask V8, and nothing wrong", async () => {
  const program = `
    import { sightOf } from ${
    JSON.stringify(
      import.meta.resolve("../../../../_internal/wire/functions/sight.ts"),
    )
  };
    const helper = (x) => { while (x); };
    const Deno = { readFileSync() {}, };
    const rows = [
      (x) => Math.sqrt(x),
      (x) => helper(x),
      () => Deno.readFileSync("x"),
      async (u) => (await fetch(u)).text(),
    ];
    console.log(JSON.stringify(rows.map((fn) => {
      const { isBounded, blocks, waits, shares } = sightOf(fn);
      return [isBounded, blocks ?? null, waits, shares ?? null];
    })));
  `;
  const path = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await Deno.writeTextFile(path, program);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--allow-read", path],
    }).output();
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)), [
      [true, null, false, null],
      [false, null, false, "helper"],
      [false, "Deno.readFileSync", false, "Deno"],
      [true, null, true, null],
    ]);
  } finally {
    await Deno.remove(path);
  }
});
