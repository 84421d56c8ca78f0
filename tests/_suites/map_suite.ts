// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  InvalidStateError,
  SerializationError,
  TimeoutError,
} from "../../futures/mod.ts";
import { MAX_CHUNK } from "../../_internal/pool/map_run.ts";
import { collect, errorOf, Folder, scaled, soon, until } from "./_helpers.ts";
import { declare, type Subject } from "./executor_suite.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

/** An input that says what became of it. */
class Source implements Iterator<number>, Iterable<number> {
  pulled = 0;
  closed = 0;
  readonly #end: number;

  constructor(end = Infinity) {
    this.#end = end;
  }

  next(): IteratorResult<number> {
    if (this.pulled >= this.#end) return { done: true, value: undefined };
    return { done: false, value: this.pulled++ };
  }

  return(): IteratorResult<number> {
    this.closed++;
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): Iterator<number> {
    return this;
  }
}

async function* slowly(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield i;
  }
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** Tests of `map` and `starmap`. */
export function mapSuite(subject: Subject): void {
  const { name, create, backend } = subject;
  // deno-lint-ignore no-explicit-any -- functions of every signature
  const on = <F extends (...args: any[]) => any>(fn: F): F =>
    declare(subject, fn);
  const test = testsOf(`${name}.`);
  const squares = (n: number) => upTo(n).map((x) => x * x);

  test("map() gives the results in the order of the items", async () => {
    await using executor = create({ maxWorkers: 2 });
    assertEquals(
      await collect(executor.map(on(tasks.square), upTo(200))),
      squares(200),
    );
    for (const chunkSize of [1, 7, 200, 1000, "auto"] as const) {
      assertEquals(
        await collect(executor.map(on(tasks.square), upTo(50), { chunkSize })),
        squares(50),
        `chunkSize ${chunkSize}`,
      );
    }
    for (const bufferSize of [1, 2, 50, 100]) {
      assertEquals(
        await collect(executor.map(on(tasks.square), upTo(50), { bufferSize })),
        squares(50),
        `bufferSize ${bufferSize}`,
      );
    }
  });

  test("map() keeps numbers among other items, and what an array has become", async () => {
    await using executor = create({ maxWorkers: 2 });
    const items = [1, 2, 0.5, -0, "x", 3, NaN, { a: [4] }, 2 ** 40, null, 5];
    for (const chunkSize of [1, 3, 5, 100, "auto"] as const) {
      const results = await collect(
        executor.map(on(tasks.identity<unknown>), items, { chunkSize }),
      );
      assertEquals(results, items, `chunkSize ${chunkSize}`);
      assert(Object.is(results[3], -0));
    }
    const gaps = [1, , 3];
    assertEquals(
      await collect(
        executor.map(on(tasks.identity<unknown>), gaps, { chunkSize: 3 }),
      ),
      [1, undefined, 3],
    );
    // As with the iterator of an array: its length is asked at each step.
    const growing = [0];
    const found: number[] = [];
    for await (
      const n of executor.map(on(tasks.identity<number>), growing, {
        bufferSize: 1,
      })
    ) {
      found.push(n);
      if (n < 5) growing.push(n + 1);
    }
    assertEquals(found, [0, 1, 2, 3, 4, 5]);
  });

  test("map() of nothing ends at once", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(await collect(executor.map(on(tasks.square), [])), []);
    assertEquals(
      await collect(executor.map(on(tasks.square), slowly(0))),
      [],
    );
    assertEquals(executor.stats().workers, 0);
  });

  test("map() checks its arguments at the call", async () => {
    await using executor = create({ maxWorkers: 1 });
    const map = (options: object, items: unknown = [1]) =>
      executor.map(on(tasks.square), items as number[], options);
    for (
      const options of [
        { chunkSize: 0 },
        { chunkSize: -1 },
        { chunkSize: 1.5 },
        { bufferSize: 0 },
        { timeout: -1 },
        { timeout: NaN },
      ]
    ) assertThrows(() => map(options), RangeError);
    for (
      const options of [
        { chunkSize: "many" },
        { bufferSize: "1" },
        { onError: "ignore" },
        { onProgress: 1 },
        { signal: {} },
      ]
    ) assertThrows(() => map(options), TypeError);
    for (const items of [null, 1, {}]) {
      assertThrows(() => map({}, items), TypeError);
    }
    assertThrows(
      () => executor.map(undefined as unknown as () => void, [1]),
      TypeError,
    );
    if (backend !== "inline") {
      const promise = Promise.resolve();
      assertThrows(
        () => executor.map(on(() => promise), [1]),
        SerializationError,
      );
    }
  });

  test("map() pulls nothing before the first step, and no more than it needs", async () => {
    await using executor = create({ maxWorkers: 2 });
    const source = new Source();
    const results = executor.map(on(tasks.square), source, { bufferSize: 4 });
    assertEquals(source.pulled, 0);
    assertEquals((await results.next()).value, 0);
    assert(source.pulled <= 5, `${source.pulled} pulled`);
    assertEquals((await results.next()).value, 1);
    assert(source.pulled <= 6, `${source.pulled} pulled`);
    await results.return?.();
    assertEquals(source.closed, 1);
  });

  test("map() takes an infinite input; leaving the loop closes it", async () => {
    await using executor = create({ maxWorkers: 2 });
    const source = new Source();
    const found: number[] = [];
    for await (const x of executor.map(on(tasks.square), source)) {
      if (found.push(x) === 300) break;
    }
    assertEquals(found, squares(300));
    assertEquals(source.closed, 1);
    // What was taken and the window: three chunks for each worker.
    const most = 300 + 3 * 2 * MAX_CHUNK;
    assert(source.pulled <= most, `${source.pulled} pulled`);
  });

  test("map() takes an asynchronous input", async () => {
    await using executor = create({ maxWorkers: 2 });
    assertEquals(
      await collect(executor.map(on(tasks.square), slowly(30))),
      squares(30),
    );
    assertEquals(
      (await collect(
        executor.map(on(tasks.square), slowly(30), { ordered: false }),
      )).toSorted((a, b) => a - b),
      squares(30),
    );
  });

  test("map() does not hold results back for a slow input", async () => {
    await using executor = create({ maxWorkers: 1 });
    const never = Promise.withResolvers<void>();
    const results = executor.map(
      on(tasks.square),
      (async function* () {
        yield 3;
        await never.promise;
      })(),
    );
    assertEquals((await soon("the first", results.next())).value, 9);
    const ended = soon("the end", results.return!());
    never.resolve();
    await ended;
  });

  test("map() with 'ordered: false' gives results as they come", async () => {
    await using executor = create({ maxWorkers: 2 });
    using folder = new Folder();
    await executor.ready();
    const items: [string, number][] = [
      [folder.file("first"), 1],
      [folder.file("second"), 2],
    ];
    const results = executor.starmap(on(tasks.throughGate<number>), items, {
      ordered: false,
      chunkSize: 1,
    });
    folder.open("second");
    assertEquals((await soon("one", results.next())).value, 2);
    folder.open("first");
    assertEquals((await soon("other", results.next())).value, 1);
    assertEquals((await results.next()).done, true);
  });

  test("map() throws the first error after the values before it", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const chunkSize of [1, 4]) {
      const found: number[] = [];
      const source = new Source();
      const error = await errorOf((async () => {
        for await (
          const x of executor.map(
            on((x: number) => {
              if (x === 3) throw new RangeError("three");
              return x;
            }),
            source,
            { chunkSize },
          )
        ) found.push(x);
      })());
      assertInstanceOf(error, RangeError);
      assertEquals(error.message, "three");
      assertEquals(found, [0, 1, 2]);
      assertEquals(source.closed, 1);
    }
    await until("nothing is left", () => executor.stats().queued === 0);
  });

  test("map() with 'onError: settle' goes on", async () => {
    await using executor = create({ maxWorkers: 2 });
    for (const chunkSize of [1, 3]) {
      const results = await collect(
        executor.map(on(tasks.squareUnlessOdd), upTo(5), {
          onError: "settle",
          chunkSize,
        }),
      );
      assertEquals(results.map(({ status }) => status), [
        "fulfilled",
        "rejected",
        "fulfilled",
        "rejected",
        "fulfilled",
      ]);
      const [, second] = results;
      assert(second?.status === "rejected");
      assertInstanceOf(second.reason, RangeError);
    }
  });

  test("map() throws falsy errors too", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const value of [undefined, null, 0, ""]) {
      const error = await errorOf(
        collect(executor.map(on(tasks.raise), [value])),
      );
      assertEquals(error, value);
    }
  });

  test("map() delivers what came before an error of its input", async () => {
    await using executor = create({ maxWorkers: 1 });
    const inputs = [
      () =>
        (function* () {
          yield 1;
          yield 2;
          throw new RangeError("the input");
        })(),
      () =>
        (async function* () {
          yield 1;
          yield 2;
          throw await Promise.resolve(new RangeError("the input"));
        })(),
    ];
    for (const input of inputs) {
      const found: number[] = [];
      const error = await errorOf((async () => {
        for await (const x of executor.map(on(tasks.square), input())) {
          found.push(x);
        }
      })());
      assertInstanceOf(error, RangeError);
      assertEquals(error.message, "the input");
      assertEquals(found, [1, 4]);
    }
  });

  test("map() ends when its timeout passes", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 10 });
    using folder = new Folder();
    const source = new Source(3);
    const paths = {
      *[Symbol.iterator]() {
        for (const i of source) yield folder.file(`log${i}`);
      },
    };
    await assertRejects(
      () =>
        soon(
          "the end",
          collect(executor.map(on(tasks.deaf), paths, { timeout: 100 })),
        ),
      TimeoutError,
    );
    assertEquals(await soon("next", executor.submit(on(tasks.square), 3)), 9);
  });

  test("map() ends when its timeout passes, though results are there", async () => {
    await using executor = create({ maxWorkers: 1 });
    const results = executor.map(on(tasks.square), new Source(), {
      timeout: 60,
    });
    const since = performance.now();
    const error = await soon(
      "the end",
      errorOf((async () => {
        for await (const _ of results) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })()),
    );
    assertInstanceOf(error, TimeoutError);
    const took = performance.now() - since;
    assert(took >= 55 && took < scaled(1_000), `${took} ms`);
  });

  test("map() ends with the reason of its signal", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 10 });
    using folder = new Folder();
    const controller = new AbortController();
    const path = folder.file("log");
    const results = errorOf(
      collect(
        executor.map(on(tasks.deaf), [path, path], {
          signal: controller.signal,
          chunkSize: 1,
        }),
      ),
    );
    // Both, where they may run beside each other.
    await until("it runs", () => folder.lines("log").length > 0);
    const reason = new RangeError("stop");
    controller.abort(reason);
    assertEquals(await soon("the end", results), reason);
    const source = new Source();
    await assertRejects(
      () =>
        collect(
          executor.map(on(tasks.square), source, {
            signal: AbortSignal.abort(reason),
          }),
        ),
      RangeError,
    );
    assertEquals(source.pulled, 0);
  });

  test("map() cancels the rest when the loop is left", async () => {
    await using executor = create({ maxWorkers: 1, cancelGrace: 10 });
    using folder = new Folder();
    const log = folder.file("log");
    folder.open("open");
    const items: [string, string, string][] = [
      [log, folder.file("open"), "a"],
      [log, folder.file("shut"), "b"],
      [log, folder.file("shut"), "c"],
    ];
    for await (
      const x of executor.starmap(on(tasks.markedGate), items, { chunkSize: 1 })
    ) {
      assertEquals(x, "a");
      break;
    }
    await until("nothing runs", () => executor.stats().running === 0);
    assertEquals(executor.stats().queued, 0);
    assertEquals(await executor.submit(on(tasks.square), 3), 9);
  });

  test("map() reports its progress", async () => {
    await using executor = create({ maxWorkers: 1 });
    const reports: number[] = [];
    await collect(
      executor.map(on(tasks.square), upTo(10), {
        chunkSize: 3,
        onProgress: (done) => reports.push(done),
      }),
    );
    assertEquals(reports, [3, 6, 9, 10]);
  });

  test("map() ends with what 'onProgress' throws", async () => {
    await using executor = create({ maxWorkers: 1 });
    await assertRejects(
      () =>
        soon(
          "the end",
          collect(
            executor.map(on(tasks.square), upTo(10), {
              onProgress: () => {
                throw new RangeError("of the callback");
              },
            }),
          ),
        ),
      RangeError,
      "of the callback",
    );
    assertEquals(await soon("next", executor.submit(on(tasks.square), 3)), 9);
  });

  test("map() respects 'queueLimit' instead of failing", async () => {
    await using executor = create({ maxWorkers: 2, queueLimit: 1 });
    assertEquals(
      await collect(executor.map(on(tasks.square), upTo(20), { chunkSize: 1 })),
      squares(20),
    );
  });

  test("map() that goes on after a shutdown throws, and loses nothing silently", async () => {
    const executor = create({ maxWorkers: 1 });
    const results = executor.map(on(tasks.square), new Source(), {
      bufferSize: 2,
      chunkSize: 1,
    });
    assertEquals((await results.next()).value, 0);
    const closed = executor.shutdown();
    await assertRejects(
      () => soon("the end", collect(results)),
      InvalidStateError,
    );
    await closed;
  });

  if (backend !== "inline") {
    test("map() fails the items that cannot travel, each in its place", async () => {
      await using executor = create({ maxWorkers: 1 });
      const items: unknown[] = [1, new WeakMap(), 3];
      const results = await collect(
        executor.map(on(tasks.identity<unknown>), items, {
          onError: "settle",
          chunkSize: 3,
        }),
      );
      assertEquals(results.map(({ status }) => status), [
        "fulfilled",
        "rejected",
        "fulfilled",
      ]);
    });
  }

  test("starmap() calls with lists of arguments", async () => {
    await using executor = create({ maxWorkers: 2 });
    const items: [number, number][] = [[1, 2], [3, 4], [5, 6]];
    assertEquals(
      await collect(executor.starmap(on(tasks.add), items)),
      [3, 7, 11],
    );
    async function* later(): AsyncGenerator<[number, number]> {
      for (const item of items) yield await Promise.resolve(item);
    }
    assertEquals(
      await collect(executor.starmap(on(tasks.add), later())),
      [3, 7, 11],
    );
  });

  test("map() runs beside another map and beside submits", async () => {
    await using executor = create({ maxWorkers: 2 });
    const [a, b, c] = await soon(
      "all",
      Promise.all([
        collect(executor.map(on(tasks.square), upTo(100))),
        collect(executor.map(on(tasks.square), upTo(100), { ordered: false })),
        Promise.all(upTo(50).map((x) => executor.submit(on(tasks.square), x))),
      ]),
    );
    assertEquals(a, squares(100));
    assertEquals(b.toSorted((x, y) => x - y), squares(100));
    assertEquals(c, squares(50));
  });
}
