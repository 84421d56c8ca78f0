// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every executor does with generators.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  CancelledError,
  InvalidStateError,
  SerializationError,
  TaskTimeoutError,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import type { TaskOptions } from "../../mod.ts";
import {
  collect,
  collected,
  errorOf,
  Folder,
  HeldTimers,
  soon,
  until,
} from "./_helpers.ts";
import * as streams from "./_stream_tasks.ts";
import * as tasks from "./_tasks.ts";
import { declare, type Subject } from "./executor_suite.ts";
import { testsOf } from "./_tests_of.ts";

// deno-lint-ignore no-explicit-any -- functions of every signature
type AnyFunction = (...args: any[]) => any;

/** Values that a generator may be ahead of a consumer that is not fast, and of one that is. */
const MOST_AHEAD = 64;
const MOST_AHEAD_OF_FAST = 512;
/** Far longer than a worker may take to hear that a stream is left, in ms. */
const PATIENT = 60_000;
/** A time of no other timer, in ms. */
const LIMIT = 54_321;

/** The values up to the error, and the error. */
async function valuesAndError(
  items: AsyncIterable<unknown>,
): Promise<{ values: unknown[]; error: unknown }> {
  const values: unknown[] = [];
  try {
    for await (const item of items) values.push(item);
  } catch (error) {
    return { values, error };
  }
  throw new RangeError("it was expected to fail");
}

/** Tests of `stream`. */
export function streamSuite(subject: Subject): void {
  const { name, backend, isRemote } = subject;
  // What is left is given up after this time: that is the subject of one test only.
  const create: Subject["create"] = (options) =>
    subject.create({ cancelGrace: PATIENT, ...options });
  const on = <F extends AnyFunction>(fn: F, options?: TaskOptions): F =>
    declare(subject, fn, options);
  const test = testsOf(`${name}.`);
  /** Of tasks that get the executor: one over machines stays on this one. */
  const testNested: typeof test = (criterion, fn) => {
    if (!isRemote) test(criterion, fn);
  };

  for (const maxWorkers of [1, 2, navigator.hardwareConcurrency + 2]) {
    test(`stream() gives all values in order on ${maxWorkers} workers`, async () => {
      await using executor = create({ maxWorkers });
      const items = Array.from({ length: 2000 }, (_, i) => i);
      assertEquals(
        await collect(executor.stream(on(streams.count), 2000)),
        items,
      );
      const many = await Promise.all(
        Array.from(
          { length: 6 },
          (_, i) => collect(executor.stream(on(streams.count), i * 50)),
        ),
      );
      assertEquals(many.map((values) => values.length), [
        0,
        50,
        100,
        150,
        200,
        250,
      ]);
    });

    test(`stream() leaves room for submits in its loop on ${maxWorkers} workers`, async () => {
      await using executor = create({ maxWorkers });
      const twice = on(tasks.throughGate<number>);
      let sum = 0;
      for await (const item of executor.stream(on(streams.count), 60)) {
        sum += await executor.submit(twice, ".", item);
      }
      assertEquals(sum, 1770);
    });
  }

  test("stream() takes whatever can be iterated over", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(
      await collect(executor.stream(on(streams.countPlainly), 4)),
      [0, 1, 2, 3],
    );
    assertEquals(
      await collect(
        executor.stream(
          on(streams.listOf) as unknown as (x: number[]) => Iterable<number>,
          [3, 1, 2],
        ),
      ),
      [3, 1, 2],
    );
    const local = on(async function* (n: number) {
      for (let i = 0; i < n; i++) {
        await undefined;
        yield { i, of: [n] };
      }
    });
    assertEquals(await collect(executor.stream(local, 2)), [
      { i: 0, of: [2] },
      { i: 1, of: [2] },
    ]);
    const error = await errorOf(
      collect(
        executor.stream(
          on(streams.notIterable) as unknown as () => Iterable<number>,
        ),
      ),
    );
    assertInstanceOf(error, TypeError);
  });

  test("stream() begins with the first step, with the arguments of the call", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const args = [1, 2];
    const items = executor.stream(
      on(streams.listOf) as unknown as (x: number[]) => Iterable<number>,
      args,
    );
    args.push(3);
    // In place there is nothing to encode.
    assertEquals(
      await collect(items),
      backend === "inline" ? [1, 2, 3] : [1, 2],
    );
    const never = executor.stream(on(streams.endless), folder.file("log"));
    assertEquals(await never.return!(), { done: true, value: undefined });
    assertEquals(await never.next(), { done: true, value: undefined });
    assertEquals(folder.lines("log"), []);
    assertEquals(executor.stats().completed, 1);
  });

  test("stream() runs the generator's finally when the loop is left", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const seen: number[] = [];
    for await (
      const item of executor.stream(on(streams.endless), folder.file("log"))
    ) {
      seen.push(item);
      if (item === 20) break;
    }
    assertEquals(seen.length, 21);
    // It has run when the loop is left.
    assertEquals(folder.lines("log").length, 1);
    assert(
      Number(folder.lines("log")[0]) <= 21 + MOST_AHEAD_OF_FAST,
      folder.lines("log")[0],
    );
    await assertRejects(
      async () => {
        for await (
          const _ of executor.stream(on(streams.endless), folder.file("log"))
        ) throw new RangeError("of the loop");
      },
      RangeError,
      "of the loop",
    );
    assertEquals(folder.lines("log").length, 2);
  });

  test("stream() makes few values ahead of a consumer that does not take them", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const items = executor.stream(on(streams.endless), folder.file("log"));
    await items.next();
    // Tasks run there meanwhile: it had every chance to go on.
    for (let i = 0; i < 20; i++) {
      await executor.submit(on(tasks.throughGate<number>), ".", i);
    }
    await items.return!();
    const made = Number(folder.lines("log")[0]);
    assert(made >= 1 && made <= MOST_AHEAD, `${made}`);
  });

  test("stream() makes few large values ahead", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const bytes = 1_500_000;
    const items = executor.stream(
      on(streams.large),
      12,
      bytes,
      folder.file("log"),
    );
    const first = await items.next();
    assertEquals(first.value.length, bytes);
    for (let i = 0; i < 10; i++) {
      await executor.submit(on(tasks.throughGate<number>), ".", i);
    }
    assertEquals((await items.next()).value[0], 1);
    await items.return!();
    // A place has no bytes: what is made there is where it is.
    const most = backend === "inline" ? 12 : 5;
    const made = Number(folder.lines("log")[0]);
    assert(made >= 1 && made <= most, `${made}`);
    let sum = 0;
    for await (
      const item of executor.stream(
        on(streams.large),
        8,
        bytes,
        folder.file("log"),
      )
    ) sum += item[7]!;
    assertEquals(sum, 28);
  });

  test("stream() gives the values before an error, then the error", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    for (const thrown of [new RangeError("of the task"), undefined, 0, ""]) {
      const { values, error } = await valuesAndError(
        executor.stream(on(streams.failing), folder.file("log"), thrown),
      );
      assertEquals(values, [1, 2]);
      if (thrown instanceof RangeError) {
        assertInstanceOf(error, RangeError);
        assertEquals(error.message, "of the task");
      } else assertEquals(error, thrown);
    }
    assertEquals(folder.lines("log"), new Array(4).fill("finally"));
    const items = executor.stream(
      on(streams.failing),
      folder.file("log"),
      new RangeError("again"),
    );
    await errorOf(collect(items));
    assertEquals(await items.next(), { done: true, value: undefined });
  });

  test("stream() waits for the generator's finally and gives its error", async () => {
    using grace = new HeldTimers(LIMIT);
    await using executor = create({ maxWorkers: 1, cancelGrace: LIMIT });
    using folder = new Folder();
    await assertRejects(
      async () => {
        for await (const _ of executor.stream(on(streams.failingFinally))) {
          break;
        }
      },
      TypeError,
      "in finally",
    );
    const items = executor.stream(
      on(streams.slowFinally),
      folder.file("gate"),
      folder.file("log"),
    );
    await items.next();
    const left = items.return!();
    await until("it is on its way", () => folder.lines("log").length === 1);
    // No grace period any more: what it does there is not a stuck task.
    await until("it has all the time it needs", () => grace.size === 0);
    folder.open("gate");
    await soon("it is left", left);
    assertEquals(folder.lines("log"), ["leaving", "left"]);
    assertEquals(executor.stats().restarts, 0);
  });

  test("stream() answers steps that are asked for at a time in order", async () => {
    await using executor = create({ maxWorkers: 1 });
    const items = executor.stream(on(streams.count), 3);
    const steps = await Promise.all(
      [1, 2, 3, 4, 5].map(() => items.next()),
    );
    assertEquals(steps.map(({ done, value }) => done ? "end" : value), [
      0,
      1,
      2,
      "end",
      "end",
    ]);
  });

  test("stream() ends the steps that wait when it is left", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const items = executor.stream(on(streams.waiting), folder.file("log"));
    await items.next();
    const step = items.next();
    await until("it waits", () => folder.lines("log").length === 1);
    await soon("it is left", items.return!());
    assertEquals(await step, { done: true, value: undefined });
    assertEquals(folder.lines("log").at(-1), "finally");
  });

  test("stream() is left by throw() and by disposing it", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const thrown = executor.stream(on(streams.endless), folder.file("a"));
    await thrown.next();
    await assertRejects(
      () => thrown.throw!(new RangeError("thrown in")),
      RangeError,
      "thrown in",
    );
    assertEquals(folder.lines("a").length, 1);
    {
      const left = executor.stream(on(streams.endless), folder.file("b"));
      await using items = left as typeof left & AsyncDisposable;
      await items.next();
    }
    assertEquals(folder.lines("b").length, 1);
  });

  test("stream() is stopped by its signal, whether it computes or waits for its consumer", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const controller = new AbortController();
    const { signal } = controller;
    const items = executor.stream(
      on(streams.waiting, { signal }),
      folder.file("log"),
    );
    await items.next();
    const step = errorOf(items.next());
    await until("it waits", () => folder.lines("log").length === 1);
    controller.abort("enough");
    const error = await soon("the end", step);
    assertInstanceOf(error, CancelledError);
    assertEquals(error.cause, "enough");

    const other = new AbortController();
    const paused = executor.stream(
      on(streams.endless, { signal: other.signal }),
      folder.file("paused"),
    );
    await paused.next();
    await executor.submit(on(tasks.throughGate<number>), ".", 1);
    other.abort("not any more");
    await until("its finally ran", () => folder.lines("paused").length === 1);
    const { error: end } = await soon("the end", valuesAndError(paused));
    assertInstanceOf(end, CancelledError);
    assertEquals(end.cause, "not any more");
    const dead = executor.stream(
      on(streams.count, { signal: AbortSignal.abort("before") }),
      3,
    );
    assertInstanceOf(await errorOf(collect(dead)), CancelledError);
  });

  test("stream() is stopped by its timeout", async () => {
    using time = new HeldTimers(LIMIT);
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const items = executor.stream(
      on(streams.waiting, { timeout: LIMIT }),
      folder.file("log"),
    );
    assertEquals(await items.next(), { done: false, value: 1 });
    await until("it waits", () => folder.lines("log").length === 1);
    assertEquals(time.size, 1);
    time.fire();
    const { values, error } = await soon("the end", valuesAndError(items));
    assertEquals(values, []);
    assertInstanceOf(error, TaskTimeoutError);
  });

  test("stream() runs once, whatever 'retries' says", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const { values, error } = await valuesAndError(
      executor.stream(
        on(streams.failOnce, { retries: 3 }),
        folder.file("log"),
      ),
    );
    assertEquals(values, [1]);
    assertInstanceOf(error, RangeError);
    assertEquals(folder.lines("log"), ["run"]);
  });

  test("stream() shows the task where it runs", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(
      await collect(executor.stream(on(streams.workerAtSteps), 30)),
      new Array(30).fill(backend),
    );
    assertEquals(
      await collect(executor.stream(on(streams.progressing), 5)),
      [0, 1, 2, 3, 4],
    );
  });

  test("stream() is refused when the executor is closed", async () => {
    const executor = create({ maxWorkers: 1 });
    const early = executor.stream(on(streams.count), 2);
    await executor.shutdown();
    assertThrows(
      () => executor.stream(on(streams.count), 2),
      InvalidStateError,
    );
    assertInstanceOf(await errorOf(early.next()), InvalidStateError);
    assertEquals(await early.next(), { done: true, value: undefined });
  });

  test("shutdown() waits for a stream that is open", async () => {
    const executor = create({ maxWorkers: 1 });
    const items = executor.stream(on(streams.count), 100);
    await items.next();
    let isClosed = false;
    const closed = executor.shutdown().then(() => isClosed = true);
    assertEquals((await collect(items)).length, 99);
    await soon("the end", closed);
    assert(isClosed);
  });

  test("terminate() ends a stream that is open", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const items = executor.stream(on(streams.waiting), folder.file("log"));
    await items.next();
    const step = errorOf(items.next());
    await until("it waits", () => folder.lines("log").length === 1);
    await soon("the end", executor.terminate());
    assertInstanceOf(await step, CancelledError);
    assertEquals(await items.next(), { done: true, value: undefined });
    await items.return!();
  });

  test("stream() stops a generator that nobody can ask any more", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const begin = async () => {
      const items = executor.stream(on(streams.endless), folder.file("log"));
      await items.next();
      return new WeakRef(items);
    };
    await collected(await begin());
    await until("its finally ran", () => folder.lines("log").length === 1);
  });

  test("stream() gives the value of a step whose iterator nobody keeps", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const begin = () => {
      const items = executor.stream(
        on(streams.afterGate),
        folder.file("gate"),
        folder.file("log"),
      );
      return { step: items.next(), items: new WeakRef(items) };
    };
    const { step, items } = begin();
    await until("it runs", () => folder.lines("log").length === 1);
    for (let i = 0; i < 3; i++) await collected();
    folder.open("gate");
    assertEquals(await soon("the value", step), { done: false, value: 1 });
    await collected(items);
  });

  if (backend === "inline") return;

  testNested(
    "stream() sends values whose getters talk to the executor",
    async () => {
      await using executor = create({ maxWorkers: 1 });
      const value = { before: "it", value: 3, after: "it" };
      assertEquals(
        await soon(
          "the values",
          collect(executor.stream(on(streams.eager), executor)),
        ),
        [value],
      );
      assertEquals(
        await soon("it", executor.submit(on(streams.eagerValue), executor)),
        value,
      );
    },
  );

  test("stream() names a value that cannot travel", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const { values, error } = await valuesAndError(
      executor.stream(on(streams.unsendable), folder.file("log")),
    );
    assertEquals(values, [1]);
    assertInstanceOf(error, SerializationError);
    assertEquals(error.path, "item.socket");
    assertEquals(folder.lines("log"), ["finally"]);
    assertThrows(
      () => executor.stream(on(streams.count), new WeakMap() as never),
      SerializationError,
      "args[0]",
    );
  });

  test("stream() moves what is transferred", async () => {
    await using executor = create({ maxWorkers: 1 });
    const buffer = new ArrayBuffer(1 << 16);
    const items = executor.stream(
      on(streams.bytesOf, { transfer: (b: ArrayBuffer) => [b] }),
      buffer,
    );
    assertEquals(await collect(items), [1 << 16]);
    assertEquals(buffer.byteLength, backend === "process" ? 1 << 16 : 0);
  });

  test("stream() gives the values before a crash, then the crash", async () => {
    await using executor = create({ maxWorkers: 1 });
    const { values, error } = await soon(
      "the crash",
      valuesAndError(executor.stream(on(streams.crashing))),
    );
    assertEquals(values, [1, 2]);
    assertInstanceOf(error, WorkerCrashedError);
    assertEquals(error.exitCode, 5);
    assertEquals(
      await collect(executor.stream(on(streams.count), 3)),
      [0, 1, 2],
    );
  });

  test("stream() gives up a generator that does not heed its end", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 20 });
    const items = executor.stream(on(streams.deafLoop));
    assertEquals(await items.next(), { done: false, value: 1 });
    await soon("it is left", items.return!());
    assertEquals(
      await soon("the next task", executor.submit(on(tasks.square), 5)),
      25,
    );
  });

  testNested("stream() works inside tasks on a full pool", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    assertEquals(
      await soon(
        "the sum",
        executor.submit(on(streams.sumOfSquares), executor, 40),
      ),
      20_540,
    );
    assertEquals(
      await soon(
        "the values",
        collect(executor.stream(on(streams.doubled), executor, 50)),
      ),
      Array.from({ length: 50 }, (_, i) => i * 2),
    );
    assertEquals(
      await soon(
        "the end",
        executor.submit(on(streams.leaveBelow), executor, folder.file("log")),
      ),
      [0, 1, 2],
    );
    assertEquals(folder.lines("log").length, 1);
    assertEquals(
      await executor.submit(
        on(streams.errorBelow),
        executor,
        folder.file("error"),
      ),
      [1, 2, "RangeError", "below"],
    );
  });

  testNested("stream() ends with the task that reads from it", async () => {
    const executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    assertEquals(
      await executor.submit(
        on(streams.leaveOpen),
        executor,
        folder.file("log"),
      ),
      0,
    );
    // Nobody takes its values any more, and it has no end of its own.
    await soon("the pool is closed", executor.shutdown());
    assertEquals(folder.lines("log").length, 1);
  });
}
