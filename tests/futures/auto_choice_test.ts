// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Where the automatic executor runs what, and that nobody can tell by the values.
// What is decided from what: `tests/_internal/auto/`.

import { AsyncLocalStorage } from "node:async_hooks";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertNotStrictEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  AutoExecutor,
  type AutoOptions,
  InvalidStateError,
  NotSupportedError,
  SerializationError,
  TaskTimeoutError,
  ThreadPoolExecutor,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { cpu, current, io, task } from "../../mod.ts";
import { Value } from "../../multiprocessing/mod.ts";
import { Barrier } from "../../threading/mod.ts";
import { computing } from "../_internal/pool/_budget_tasks.ts";
import { captureErrors } from "../_suites/_console.ts";
import { errorOf, Folder, soon, until } from "../_suites/_helpers.ts";
import { throughGate } from "../_suites/_tasks.ts";

/** Keeps its thread busy. */
function spin(millions: number): number {
  let x = 1;
  for (let i = 0; i < millions * 1e6; i++) {
    x = (x * 1103515245 + i) % 2147483648;
  }
  return x;
}

/** As short as its argument is small. */
function sum(n: number): number {
  let sum = 0;
  for (let i = 0; i <= n; i++) sum += i;
  return sum;
}

const sleep = async (milliseconds: number) => {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return milliseconds;
};

const block = (milliseconds: number) => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
  return milliseconds;
};

/** Tells whether it runs on this event loop. */
const isHere = () => Reflect.get(globalThis, "autoChoiceHome") === true;
Reflect.set(globalThis, "autoChoiceHome", true);

async function many<A extends unknown[], R>(
  executor: AutoExecutor,
  count: number,
  fn: (...args: A) => R,
  ...args: A
): Promise<void> {
  for (let left = count; left > 0; left -= 100) {
    await Promise.all(
      Array.from(
        { length: Math.min(left, 100) },
        () => executor.submit(fn, ...args),
      ),
    );
  }
}

/** Calls it until it runs on this event loop: a machine that interrupts it has it sent for a while. */
async function manyUntilHere<A extends unknown[], R>(
  executor: AutoExecutor,
  count: number,
  fn: (...args: A) => R,
  ...args: A
): Promise<void> {
  await many(executor, count, fn, ...args);
  for (let i = 0; executor.explain(fn).backend !== "inline" && i < 100; i++) {
    await many(executor, 100, fn, ...args);
  }
}

Deno.test("AutoExecutor runs what is plainly short on this event loop, from the first call on", async () => {
  await using executor = new AutoExecutor();
  const add = (a: number, b: number) => a + b;
  assertEquals(await executor.submit(add, 20, 22), 42);
  const { backend, measured, runnerUp } = executor.explain(add);
  assertEquals(backend, "inline");
  assertEquals(measured?.calls, { inline: 1, thread: 0, process: 0 });
  assertEquals(runnerUp?.backend, "thread");
  assertEquals(executor.stats().perBackend.inline?.completed, 1);
});

Deno.test("AutoExecutor has any number of calls wait on this event loop", async () => {
  await using executor = new AutoExecutor();
  await many(executor, 300, sleep, 5);
  const { backend, measured } = executor.explain(sleep);
  assertEquals(backend, "inline");
  assertEquals(measured?.calls, { inline: 300, thread: 0, process: 0 });
  assertEquals(executor.stats().perBackend.thread?.workers ?? 0, 0);
});

Deno.test("AutoExecutor sends what computes to threads, and says so", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 2 });
  await many(executor, 12, spin, 5);
  const { backend, reason, measured, runnerUp } = executor.explain(spin);
  assertEquals(backend, "thread");
  assertEquals(measured!.calls.inline, 0);
  // Beside other programs it has too little of a processor to be told apart.
  if (measured!.cpuTime > measured!.time * 0.4) {
    assertStringIncludes(reason, "computes");
  }
  assertMatch(runnerUp!.reason, /hold up the event loop|not known/);
});

Deno.test("AutoExecutor brings what turns out to be short to this event loop", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  await manyUntilHere(executor, 1000, sum, 10);
  const { backend, measured, cost, runnerUp } = executor.explain(sum);
  assertEquals(backend, "inline");
  assert(measured!.calls.thread > 0 && measured!.calls.inline > 0);
  assertEquals(runnerUp?.backend, "thread");
  assert(runnerUp!.cost! > cost!, `${runnerUp!.cost} and ${cost}`);
});

Deno.test("AutoExecutor sends arguments that are larger than what was measured", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  await manyUntilHere(executor, 1000, sum, 10);
  assertEquals(executor.explain(sum).backend, "inline");
  const before = executor.explain(sum).measured!.calls;
  await executor.submit(sum, 1e8);
  const after = executor.explain(sum).measured!.calls;
  assertEquals(after.thread - before.thread, 1);
  assertEquals(after.inline, before.inline);
});

Deno.test("AutoExecutor runs what blocks in more threads than cores", async () => {
  await using executor = new AutoExecutor();
  await many(executor, 32, block, 5);
  const { backend, reason } = executor.explain(block);
  assertEquals(backend, "thread");
  assertStringIncludes(reason, "Atomics.wait");
  assert(executor.stats().workers > navigator.hardwareConcurrency);
});

Deno.test("AutoExecutor obeys what is declared, whatever it measures", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const declared = cpu((n: number) => n + 1);
  await many(executor, 300, declared, 1);
  assertEquals(executor.explain(declared).measured?.calls.thread, 300);
  const waits = io(async () => {
    await null;
    spin(1);
  });
  await many(executor, 20, waits);
  assertEquals(executor.explain(waits).measured?.calls.inline, 20);
});

Deno.test("AutoExecutor keeps apart what one function is declared to be, and has I/O overlap from its first call on", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1, maxBlocking: 2 });
  const meet = (barrier: Barrier) => barrier.waitSync({ timeout: 30_000 });
  assertEquals(await executor.submit(cpu(meet), new Barrier(1)), 0);
  const barrier = new Barrier(2);
  const places = [io(meet), io(meet)].map((fn) => executor.submit(fn, barrier));
  assertEquals(
    (await soon("both meet", Promise.all(places))).sort(),
    [0, 1],
  );
});

Deno.test("AutoExecutor runs what must be stopped in a process, and stops it", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1, cancelGrace: 1 });
  const endless = task(() => {
    for (;;);
  }, { timeout: 50 });
  assertEquals(executor.explain(endless).backend, "process");
  await assertRejects(
    () => soon("the timeout", executor.submit(endless)),
    TaskTimeoutError,
  );
  assertEquals(executor.stats().stuck, 0);
});

Deno.test("AutoExecutor has threads and processes share its cores", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const inThread = cpu(computing);
  const inProcess = task(inThread, { timeout: 60_000 });
  const running = new Value("int32");
  // Both know it, and are up.
  for (const fn of [inProcess, inThread]) await executor.submit(fn, running, 0);
  const calls = [inThread, inProcess].flatMap((fn) =>
    Array.from({ length: 8 }, () => executor.submit(fn, running, 3))
  );
  assertEquals(await soon("all end", Promise.all(calls)), Array(16).fill(1));
  const { thread, process } = executor.stats().perBackend;
  assertEquals([thread?.completed, process?.completed], [9, 9]);
});

Deno.test("AutoExecutor leaves what only waits here, with a timeout too", async () => {
  await using executor = new AutoExecutor();
  const waits = task(sleep, { timeout: 5 });
  assertEquals(executor.explain(waits).backend, "inline");
  await assertRejects(() => executor.submit(waits, 300), TaskTimeoutError);
  // Nothing stops it here: it is left to itself.
  await sleep(300);
});

Deno.test("AutoExecutor sends to a thread what has a timeout and cannot travel to a process", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const store = task((into: Int32Array, n: number) => {
    for (let i = 0; i < n; i++) into[0] = n;
  }, { timeout: 60_000 });
  await executor.submit(store, shared, 7);
  assertEquals(shared[0], 7);
});

for (
  const options of [
    { permissions: { net: false } },
    { resourceLimits: { maxOldGenerationSizeMb: 128 } },
  ] satisfies AutoOptions[]
) {
  const [name] = Object.keys(options);
  Deno.test(`AutoExecutor with '${name}' runs everything in processes`, async () => {
    await using executor = new AutoExecutor({ maxWorkers: 1, ...options });
    const fn = () => Deno.pid;
    assert(await executor.submit(fn) !== Deno.pid);
    const { backend, reason } = executor.explain(fn);
    assertEquals(backend, "process");
    assertStringIncludes(reason, "only a process");
    // Sent to a thread, which nothing narrows, it decides the same.
    await using threads = new ThreadPoolExecutor({ maxWorkers: 1 });
    const pid = await threads.submit(
      async (executor: AutoExecutor) => await executor.submit(() => Deno.pid),
      executor,
    );
    assert(pid !== Deno.pid);
    assertThrows(
      () => new AutoExecutor({ ...options, backends: ["inline", "thread"] }),
      NotSupportedError,
    );
  });
}

Deno.test("AutoExecutor never runs here what has ended a worker", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const may = (ends: boolean) => {
    if (ends) Deno.exit(3);
    return 1;
  };
  assertEquals(await executor.submit(may, false), 1);
  await assertRejects(() => executor.submit(may, true), WorkerCrashedError);
  await many(executor, 50, may, false);
  const { backend, measured } = executor.explain(may);
  assertEquals(backend, "thread");
  assertEquals(measured?.calls.inline, 0);
  assertEquals(measured?.crashes, 1);
});

Deno.test("AutoExecutor gives a task copies of its arguments wherever it runs", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const mark = (value: { n: number }) => {
    value.n = 2;
    return value;
  };
  const value = { n: 1 };
  const results = [];
  for (let i = 0; i < 20; i++) results.push(await executor.submit(mark, value));
  assertEquals(value, { n: 1 });
  for (const result of results) {
    assertEquals(result, { n: 2 });
    assertNotStrictEquals(result, value);
  }
  // Where it is known what it takes, too.
  await many(executor, 200, mark, value);
  assertEquals(value, { n: 1 });
});

Deno.test("AutoExecutor does not let a task write into binary data of the caller", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const first = (data: Float64Array) => data[0] = data[0]! + 1;
  const data = new Float64Array([1]);
  for (let i = 0; i < 100; i++) {
    assertEquals(await executor.submit(first, data), 2);
  }
  assertEquals(data[0], 1);
});

Deno.test("AutoExecutor gives binary data that is only read as it is", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const total = (data: Float64Array) => {
    let total = 0;
    for (let i = 0; i < data.length; i += 1000) total += data[i]!;
    return total;
  };
  const data = new Float64Array(1_000_000).fill(1);
  const inline = () => executor.explain(total).measured?.calls.inline ?? 0;
  // A machine that interrupts it has it sent for a while.
  for (let i = 0; i < 40 || inline() <= 20 && i < 400; i++) {
    const future = executor.submit(total, data);
    // It is read as it was at the submit.
    data[0] = 5;
    assertEquals(await future, 1000);
    data[0] = 1;
  }
  assert(inline() > 20, `${inline()}`);
});

Deno.test("AutoExecutor gives the values that were captured at the submit", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  let n = 1;
  const take = () => n;
  const first = executor.submit(take);
  n = 2;
  assertEquals(await first, 1);
  const count = () => ++n;
  for (let i = 0; i < 20; i++) assertEquals(await executor.submit(count), 3);
  assertEquals(n, 2);
  assertStringIncludes(executor.explain(count).runnerUp!.reason, "captured");
});

Deno.test("AutoExecutor gives them also where the same code ran here before", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const make = (box: unknown) => () => Reflect.get(Object(box), "n") ?? 0;
  const here = make(5);
  for (let i = 0; i < 50; i++) assertEquals(await executor.submit(here), 0);
  assertEquals(executor.explain(make(6)).backend, "inline");
  for (const isDeclared of [false, true]) {
    const box = { n: 1 };
    const take = make(box);
    if (isDeclared) await executor.submit(cpu(take));
    for (let i = 1; i < 20; i++) {
      box.n = i;
      const future = executor.submit(take);
      box.n = -1;
      assertEquals(await future, i);
    }
  }
});

Deno.test("AutoExecutor gives each attempt of a task what was submitted", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const attempt = task(async (value: { n: number }) => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    value.n++;
    throw new RangeError(`${value.n}`);
  }, { retries: 2 });
  const error = await errorOf(executor.submit(attempt, { n: 0 }));
  assertEquals(executor.explain(attempt).backend, "inline");
  assertEquals((error as Error).message, "1");
});

Deno.test("AutoExecutor gives a task a copy of what an AsyncLocalStorage holds wherever it runs", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const storage = new AsyncLocalStorage<{ n: number }>();
  const store = { n: 1 };
  await storage.run(store, async () => {
    for (let i = 0; i < 20; i++) {
      assertEquals(await executor.submit(() => ++storage.getStore()!.n), 2);
    }
  });
  assertEquals(store.n, 1);
});

Deno.test("AutoExecutor fails the task that has left an error on this event loop, and no other", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const leave = async (error: unknown) => {
    Promise.reject(error);
    await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const wait = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return current.signal.aborted;
  };
  assertEquals(executor.explain(leave).backend, "inline");
  const other = executor.submit(wait);
  const error = await assertRejects(
    () => executor.submit(leave, new RangeError("left")),
    WorkerCrashedError,
    "Cannot finish task 'leave': nobody has caught its error (left)",
  );
  assertInstanceOf(error.cause, RangeError);
  assertEquals(await other, false);
  assertEquals(executor.explain(wait).backend, "inline");
  await assertRejects(() => executor.submit(leave, 1), WorkerCrashedError);
  assertEquals(executor.explain(leave).backend, "thread");
});

Deno.test("AutoExecutor lends the place of a task that waits for one that it runs in place", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const leaf = cpu((x: number) => x + 1);
  const middle = io(async (inner: AutoExecutor, x: number, fn: typeof leaf) =>
    await inner.submit(fn, x) + 10
  );
  const root = cpu(
    async (inner: AutoExecutor, fn: typeof middle, then: typeof leaf) =>
      await inner.submit(fn, inner, 100, then),
  );
  const nested = executor.submit(root, executor, middle, leaf);
  assertEquals(await soon("the nested task", nested), 111);
});

Deno.test("AutoExecutor refuses a result that cannot travel wherever it was made", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const make = () => new WeakMap();
  const error = await errorOf(executor.submit(make));
  assertInstanceOf(error, SerializationError);
  const loop = (n: number) => {
    for (let i = 0; i < n; i++);
    return new WeakMap();
  };
  const other = await errorOf(executor.submit(loop, 1));
  assertInstanceOf(other, SerializationError);
  assertEquals(error.message, other.message);
});

Deno.test("AutoExecutor knows a function by its code where it is made anew for each call", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const make = (from: number) => (n: number) => {
    let sum = from;
    for (let i = 0; i <= n; i++) sum += i;
    return sum;
  };
  const isInline = () => executor.explain(make(1)).backend === "inline";
  for (let i = 0; i < 300 || !isInline() && i < 5000; i++) {
    assertEquals(await executor.submit(make(i), 4), i + 10);
  }
  assert(isInline());
  // Not by that of its surroundings alone.
  const wrap = (fn: (n: number) => number) => (n: number) => fn(n);
  const short = wrap((n) => n + 1);
  const long = wrap((n) => spin(n));
  await many(executor, 100, short, 10);
  await many(executor, 10, long, 3);
  assertEquals(executor.explain(short).backend, "inline");
  assertEquals(executor.explain(long).backend, "thread");
  assertEquals(executor.explain(long).measured?.calls.inline, 0);
});

Deno.test("AutoExecutor with an initializer runs nothing here that was not declared", async () => {
  await using executor = new AutoExecutor({
    maxWorkers: 1,
    initializer: () => Reflect.set(globalThis, "autoChoiceSetUp", 7),
  });
  const read = () => Reflect.get(globalThis, "autoChoiceSetUp");
  for (let i = 0; i < 20; i++) assertEquals(await executor.submit(read), 7);
  const { backend, runnerUp } = executor.explain((n: number) => n + 1);
  assertEquals(backend, "thread");
  assertStringIncludes(runnerUp!.reason, "initializer");
});

Deno.test("AutoExecutor.explain() counts the calls that are under way", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const cost = () => executor.explain(sleep).cost!;
  await many(executor, 20, sleep, 5);
  const alone = cost();
  const all = many(executor, 100, sleep, 5);
  const beside = cost();
  await all;
  assert(beside < alone / 3, `${beside} and ${alone}`);
  assert(cost() > beside * 3, `${beside} and ${cost()}`);
});

Deno.test("AutoExecutor has async functions that may compute wait together in one thread", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const meet = async (words: Int32Array, count: number) => {
    words[0]!++;
    while (words[0]! < count) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return current.worker?.kind;
  };
  const words = new Int32Array(new SharedArrayBuffer(4));
  const all = Array.from(
    { length: 20 },
    () => executor.submit(meet, words, 20),
  );
  assertEquals(
    await soon("all meet", Promise.all(all)),
    Array(20).fill("thread"),
  );
  assertEquals(executor.stats().perBackend.thread?.workers, 1);
});

Deno.test("AutoExecutor uses the backends only that it may", async () => {
  const fn = () => current.worker?.kind;
  for (const backend of ["inline", "thread", "process"] as const) {
    await using executor = new AutoExecutor({
      maxWorkers: 1,
      backends: [backend],
    });
    assertEquals(await executor.submit(fn), backend);
    assertEquals(await executor.submit(cpu(fn)), backend);
    assertEquals(executor.explain(fn).backend, backend);
    assertEquals(
      await Array.fromAsync(executor.map((n: number) => n + 1, [1, 2, 3])),
      [2, 3, 4],
    );
    assertEquals(Object.keys(executor.stats().perBackend), [backend]);
  }
});

Deno.test("AutoExecutor checks its options", () => {
  for (
    const [options, type] of [
      [{ backends: "thread" }, TypeError],
      [{ backends: ["threads"] }, TypeError],
      [{ backends: [] }, RangeError],
      [{ maxBlocking: 0 }, RangeError],
      [{ maxBlocking: "4" }, TypeError],
      [{ trace: true }, TypeError],
      [{ maxWorkers: 0 }, RangeError],
    ] as const
  ) {
    assertThrows(
      () => new AutoExecutor(options as unknown as AutoOptions),
      type,
      `'${Object.keys(options)[0]}'`,
    );
  }
});

Deno.test("AutoExecutor maps what is short here, in chunks, and what is long elsewhere", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 2 });
  const numbers = Array.from({ length: 20_000 }, (_, i) => i % 9);
  const expected = numbers.map(sum);
  let maps = 0;
  // What a call takes is known better the more of them there were.
  await until("some run here", async () => {
    maps++;
    assertEquals(await Array.fromAsync(executor.map(sum, numbers)), expected);
    const { inline, thread } = executor.stats().perBackend;
    const here = inline?.completed ?? 0;
    assertEquals(here + thread!.completed, maps * numbers.length);
    return here > 0;
  });
  // Items with which it was never quick go elsewhere, in their place.
  const before = executor.explain(sum).measured!.calls.thread;
  assertEquals(
    await Array.fromAsync(executor.map(sum, [1, 2, 3_000_000, 4])),
    [1, 3, 4500001500000, 10],
  );
  assertEquals(executor.explain(sum).measured!.calls.thread > before, true);
});

Deno.test("AutoExecutor maps with copies of items and results, wherever they are made", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const mark = (value: { n: number }) => {
    value.n = 2;
    return value;
  };
  assertEquals(executor.explain(mark).backend, "inline");
  const items = Array.from({ length: 30 }, () => ({ n: 1 }));
  const results = await Array.fromAsync(executor.map(mark, items));
  assertEquals(items[29], { n: 1 });
  for (const [i, result] of results.entries()) {
    assertEquals(result, { n: 2 });
    assertNotStrictEquals(result, items[i]);
  }
  const make = (_: number) => new WeakMap();
  assertEquals(executor.explain(make).backend, "inline");
  await assertRejects(
    () => Array.fromAsync(executor.map(make, [1, 2, 3], { chunkSize: 3 })),
    SerializationError,
  );
});

Deno.test("AutoExecutor streams from where the generator's type runs best", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const where = async function* (n: number) {
    for (let i = 0; i < n; i++) {
      await sleep(1);
      yield i;
    }
  };
  assertEquals(await Array.fromAsync(executor.stream(where, 3)), [0, 1, 2]);
  const computes = function* (n: number) {
    for (let i = 0; i < n; i++) yield isHere();
  };
  const values = await Array.fromAsync(executor.stream(computes, 3));
  assertEquals(values.length, 3);
});

Deno.test("AutoExecutor notices that waiting has become computing", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 2 });
  const step = async (millions: number) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    let x = 1;
    for (let i = 0; i < millions * 1e6; i++) x = (x * 3 + i) % 65_536;
    return x;
  };
  await many(executor, 100, step, 0);
  const before = executor.explain(step);
  // Those that are under way tell when they have ended.
  for (let i = 0; i < 3; i++) await many(executor, 30, step, 5);
  const { backend, measured } = executor.explain(step);
  assertEquals([before.backend, backend], ["thread", "thread"]);
  assertEquals(measured!.calls.inline, 0);
  assert(measured!.cpuTime > 10 * before.measured!.cpuTime);
});

Deno.test("AutoExecutor waits here with what works in proportion to what it waits for, while that is little", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const directory = await Deno.makeTempDir();
  try {
    const small = `${directory}/small`;
    const large = `${directory}/large`;
    await Deno.writeTextFile(small, "1\n".repeat(100));
    const lines = async (path: string) =>
      (await Deno.readTextFile(path)).split("\n").length;
    await manyUntilHere(executor, 200, lines, small);
    const { measured, backend: place, reason } = executor.explain(lines);
    assertEquals(place, "inline");
    assert(measured!.calls.inline > measured!.calls.thread);
    assertStringIncludes(reason, "waits");
    await Deno.writeTextFile(
      large,
      JSON.stringify(Array.from({ length: 1e6 }, (_, i) => ({ number: i }))),
    );
    const parse = async (path: string) =>
      JSON.parse(await Deno.readTextFile(path)).length;
    for (let i = 0; i < 4; i++) {
      assertEquals(await executor.submit(parse, large), 1e6);
    }
    const { backend, measured: after } = executor.explain(parse);
    assertEquals(backend, "thread");
    assert(after!.calls.inline >= 1 && after!.calls.thread >= 1);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("AutoExecutor traces what it decides", async () => {
  const lines: string[] = [];
  await using executor = new AutoExecutor({
    maxWorkers: 1,
    trace: (line) => lines.push(line),
  });
  await manyUntilHere(executor, 500, sum, 5);
  // A machine that interrupts it has it move once more.
  assert(lines.length >= 2 && lines.length < 10, lines.join("\n"));
  assertMatch(lines[0]!, /^sum: thread \[compute\]: not known yet/);
  assertMatch(
    lines[1]!,
    /^sum: thread -> inline \[inline, .* a call\]: .*; not thread: /,
  );
});

Deno.test("AutoExecutor shows what its trace throws, and submits all the same", async () => {
  await using executor = new AutoExecutor({
    maxWorkers: 1,
    trace() {
      throw new RangeError("no trace");
    },
  });
  using errors = captureErrors();
  assertEquals(await executor.submit(sum, 5), 15);
  assertEquals(errors.lines.length, 1);
  assertEquals(errors.lines[0]![0], "Exception in the trace of an executor:");
});

Deno.test("AutoExecutor keeps this event loop turning", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const add = (a: number) => a + 1;
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  try {
    // Nothing but microtasks in between, for a while: of a core.
    let last = performance.now();
    for (let spent = 0; spent < 200;) {
      await executor.submit(add, 1);
      const now = performance.now();
      spent += Math.min(now - last, 1);
      last = now;
    }
  } finally {
    clearInterval(timer);
  }
  assert(turns >= 5, `${turns} turns`);
});

Deno.test("AutoExecutor decides in a task too", async () => {
  await using executor = new AutoExecutor({ maxWorkers: 1 });
  const outer = cpu(async (executor: AutoExecutor) => {
    const add = (a: number, b: number) => a + b;
    const sums = await Promise.all([
      executor.submit(add, 1, 2),
      executor.submit(cpu(add), 3, 4),
    ]);
    return [executor.explain(add).backend, ...sums];
  });
  assertEquals(await executor.submit(outer, executor), ["inline", 3, 7]);
});

Deno.test("AutoExecutor.shutdown() finishes what tasks submit to places that were not used yet", async () => {
  const executor = new AutoExecutor({ maxWorkers: 1 });
  using folder = new Folder();
  const late = async (pool: AutoExecutor, gate: string) => {
    await throughGate(gate, undefined);
    return await pool.submit(block, 1);
  };
  const future = executor.submit(late, executor, folder.file("gate"));
  await until("it runs", () => future.running());
  const closed = executor.shutdown();
  folder.open("gate");
  assertEquals(await soon("the result", future), 1);
  await soon("the end", closed);
  assertEquals(executor.stats().workers, 0);
  assertThrows(() => executor.submit(block, 1), InvalidStateError);
});
