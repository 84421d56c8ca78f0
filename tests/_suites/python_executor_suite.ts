// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's ExecutorTest (test_concurrent_futures/executor.py), under its
// names: `submit` and `map` of every executor.

import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  asCompleted,
  InvalidStateError,
  TimeoutError,
  wait,
} from "../../futures/mod.ts";
import { task } from "../../mod.ts";
import {
  collect,
  collected,
  errorOf,
  Folder,
  HeldTimers,
  soon,
} from "./_helpers.ts";
import type { Subject } from "./executor_suite.ts";
import { divmod, pow, raiseNothing, raiseOne } from "./_python_tasks.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

const FALSY = [undefined, null, 0, NaN, "", false, 0n, -0];

/** Numbers without end; says how many were taken. */
class Count implements IterableIterator<number> {
  taken = 0;

  next(): IteratorResult<number> {
    return { done: false, value: this.taken++ };
  }

  [Symbol.iterator](): this {
    return this;
  }
}

function* zip<A, B>(as: Iterable<A>, bs: Iterable<B>): Generator<[A, B]> {
  const rest = bs[Symbol.iterator]();
  for (const a of as) {
    const b = rest.next();
    if (b.done) return;
    yield [a, b.value];
  }
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) {
    found.push(item);
    if (found.length === count) break;
  }
  return found;
}

/** The tests that all executors of Python run. */
export function pythonExecutorSuite({ name, create }: Subject): void {
  const test = testsOf(`${name} `);

  test("test_submit", async () => {
    await using executor = create();
    assertEquals(await executor.submit(pow, 2, 8), 256);
  });

  test("test_submit_keyword: an object holds what keyword arguments are for", async () => {
    await using executor = create({ maxWorkers: 1 });
    const named = { base: 2, exponent: 8, fn: 1, self: 2, submit: 3 };
    assertEquals(
      await executor.submit(
        ({ base, exponent }: typeof named) => base ** exponent,
        named,
      ),
      256,
    );
    assertEquals(await executor.submit(tasks.list, 1, named), [1, named]);
    const submit = executor.submit.bind(executor) as (
      ...args: unknown[]
    ) => unknown;
    assertThrows(() => submit(), TypeError, "fn");
    assertThrows(() => submit({ fn: pow }, 1), TypeError, "fn");
  });

  test("test_map", async () => {
    await using executor = create({ maxWorkers: 2 });
    const expected = range(10).map((i) => i ** i);
    for (const chunkSize of [undefined, 3]) {
      const options = chunkSize === undefined ? {} : { chunkSize };
      assertEquals(
        await collect(
          executor.starmap(pow, zip(range(10), range(10)), options),
        ),
        expected,
      );
    }
  });

  test("test_map_exception: what comes before the error is delivered", async () => {
    await using executor = create({ maxWorkers: 2 });
    const results = executor.starmap(divmod, [[1, 1], [2, 1], [5, 0], [5, 1]]);
    assertEquals((await results.next()).value, [1, 0]);
    assertEquals((await results.next()).value, [2, 0]);
    await assertRejects(() => results.next(), RangeError, "division");
    // As in Python up to 3.15: it has ended, and no result is left out silently.
    assertEquals((await results.next()).done, true);
  });

  test("test_map_timeout: what is fast is delivered, then it ends", async () => {
    // A time of no other timer, which passes when it is told to.
    const timeout = 54_321;
    using time = new HeldTimers(timeout);
    await using executor = create({ maxWorkers: 1, cancelGrace: 10 });
    using folder = new Folder();
    folder.open("open");
    const items: [string, number][] = [
      [folder.file("open"), 1],
      [folder.file("open"), 2],
      [folder.file("shut"), 3],
    ];
    const results = executor.starmap(tasks.throughGate<number>, items, {
      timeout,
      chunkSize: 1,
    });
    assertEquals((await results.next()).value, 1);
    assertEquals((await results.next()).value, 2);
    const last = errorOf(results.next());
    assertEquals(time.size, 1);
    time.fire();
    assertInstanceOf(await soon("the end", last), TimeoutError);
    assertEquals((await results.next()).done, true);
  });

  test("test_map_buffersize_type_validation", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const bufferSize of ["foo", {}, true, null]) {
      assertThrows(
        () =>
          executor.map(tasks.square, [1], {
            bufferSize: bufferSize as unknown as number,
          }),
        TypeError,
        "bufferSize",
      );
    }
  });

  test("test_map_buffersize_value_validation", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const bufferSize of [0, -1, 1.5, NaN]) {
      assertThrows(
        () => executor.map(tasks.square, [1], { bufferSize }),
        RangeError,
        "bufferSize",
      );
    }
  });

  test("test_map_buffersize", async () => {
    await using executor = create({ maxWorkers: 2 });
    const items = range(4);
    for (const bufferSize of [1, 2, items.length, items.length * 2]) {
      assertEquals(
        await collect(executor.map(tasks.square, items, { bufferSize })),
        [0, 1, 4, 9],
      );
    }
  });

  test("test_map_buffersize_on_multiple_iterables", async () => {
    await using executor = create({ maxWorkers: 2 });
    for (const bufferSize of [1, 2, 4, 8]) {
      assertEquals(
        await collect(
          executor.starmap(tasks.add, zip(range(4), range(4)), { bufferSize }),
        ),
        [0, 2, 4, 6],
      );
    }
  });

  test("test_map_buffersize_on_infinite_iterable", async () => {
    await using executor = create({ maxWorkers: 2 });
    const results = executor.map(tasks.square, new Count(), { bufferSize: 2 });
    assertEquals(await take(results, 3), [0, 1, 4]);
  });

  test("test_map_buffersize_on_multiple_infinite_iterables", async () => {
    await using executor = create({ maxWorkers: 2 });
    const results = executor.starmap(
      tasks.add,
      zip(new Count(), new Count()),
      { bufferSize: 2 },
    );
    assertEquals(await take(results, 3), [0, 2, 4]);
  });

  test("test_map_buffersize_on_empty_iterable", async () => {
    await using executor = create({ maxWorkers: 2 });
    const results = executor.map(tasks.square, [], { bufferSize: 2 });
    assertEquals((await results.next()).done, true);
  });

  test("test_map_buffersize_without_iterable: an input there must be", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertThrows(
      () =>
        executor.map(tasks.square, undefined as unknown as [], {
          bufferSize: 2,
        }),
      TypeError,
      "items",
    );
  });

  test("test_map_buffersize_when_buffer_is_full: no more is pulled", async () => {
    await using executor = create({ maxWorkers: 2 });
    const input = new Count();
    const results = executor.map(tasks.square, input, { bufferSize: 4 });
    assertEquals(input.taken, 0);
    assertEquals((await results.next()).value, 0);
    assertEquals(input.taken, 4);
    await executor.submit(tasks.square, 1);
    assertEquals(input.taken, 4);
    await results.next();
    assertEquals(input.taken, 5);
    await results.return?.();
  });

  test("test_map_buffersize_raise_on_shutdown: the input is not cut short silently", async () => {
    const executor = create({ maxWorkers: 1 });
    const results = executor.map(tasks.square, range(10), {
      bufferSize: 2,
      chunkSize: 1,
    });
    assertEquals((await results.next()).value, 0);
    await executor.shutdown();
    const found: number[] = [];
    const error = await errorOf((async () => {
      for await (const value of results) found.push(value);
    })());
    assertInstanceOf(error, InvalidStateError);
    assertEquals(found, [1]);
  });

  test("test_shutdown_race_issue12456: a map and a shutdown do not hang", async () => {
    const executor = create({ maxWorkers: 2 });
    const results = executor.map(tasks.square, range(3), { chunkSize: 1 });
    const first = results.next();
    const closed = executor.shutdown();
    const found = [(await soon("the first", first)).value];
    let error: unknown;
    try {
      for await (const value of results) found.push(value);
    } catch (thrown) {
      error = thrown;
    }
    // All of it, or the reason why not: what was not pulled by then is refused.
    assertEquals(found, [0, 1, 4].slice(0, found.length));
    if (found.length < 3) assertInstanceOf(error, InvalidStateError);
    await soon("the end", closed);
  });

  test("test_max_workers_negative", () => {
    for (const maxWorkers of [0, -1, 0.5, NaN]) {
      assertThrows(() => create({ maxWorkers }), RangeError, "maxWorkers");
    }
    assertThrows(
      () => create({ maxWorkers: "2" as unknown as number }),
      TypeError,
    );
    return Promise.resolve();
  });

  test("test_swallows_falsey_exceptions: submit", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const [i, value] of FALSY.entries()) {
      const future = executor.submit(raiseOne, i);
      assertStrictEquals(await errorOf(future), value);
      assertStrictEquals(await errorOf(future.result()), value);
      assertStrictEquals(await future.exception(), value);
      assertStrictEquals(await future.catch((error) => error), value);
      assertEquals(future.state, "finished");
    }
    assertEquals(executor.stats().failed, FALSY.length);
  });

  test("test_swallows_falsey_exceptions: map", async () => {
    await using executor = create({ maxWorkers: 1 });
    for (const chunkSize of [1, 4]) {
      const outcomes = await collect(
        executor.map(raiseOne, FALSY.keys(), { chunkSize, onError: "settle" }),
      );
      assertEquals(
        outcomes,
        FALSY.map((reason) => ({ status: "rejected" as const, reason })),
      );
      for (const [i, value] of FALSY.entries()) {
        const results = executor.map(raiseOne, [i], { chunkSize });
        assertStrictEquals(await errorOf(collect(results)), value);
      }
    }
  });

  test("test_swallows_falsey_exceptions: wait, asCompleted, retries", async () => {
    await using executor = create({ maxWorkers: 1 });
    using folder = new Folder();
    const futures = FALSY.map((_, i) => executor.submit(raiseOne, i));
    const never = executor.submit(
      tasks.throughGate<number>,
      folder.file("gate"),
      1,
    );
    const { done } = await soon(
      "a failure",
      wait([...futures, never], { returnWhen: "firstException" }),
    );
    assertEquals(done.has(never), false);
    const found: unknown[] = [];
    for (const future of await collect(asCompleted(futures))) {
      found.push(await future.exception());
    }
    assertEquals(found, FALSY);
    folder.open("gate");
    assertEquals(await never, 1);
    const again = task(raiseNothing, { retries: 2 });
    assertEquals(await executor.submit(again, folder.file("good"), 2), 3);
    const bad = executor.submit(again, folder.file("bad"), 9);
    assertStrictEquals(await errorOf(bad), undefined);
    assertEquals(folder.lines("bad").length, 3);
  });

  test("test_free_reference: map keeps no result but the last", async () => {
    await using executor = create({ maxWorkers: 1 });
    const results = executor.map(
      tasks.identity<object>,
      range(6).map((i) => ({ i })),
      { bufferSize: 3, chunkSize: 1 },
    );
    const step = async () => {
      const { value } = await results.next();
      return new WeakRef(value as object);
    };
    const refs = [await step(), await step(), await step()];
    // The last one is held by the step that it is.
    await collected(...refs.slice(0, -1));
    assertEquals((await results.next()).value, { i: 3 });
    await results.return?.();
  });

  test("test_no_stale_references: nothing of a call is kept when it has ended", async () => {
    await using executor = create({ maxWorkers: 1 });
    const call = async () => {
      const argument = { big: new Uint8Array(100) };
      const fn = (value: typeof argument) => ({ value });
      const future = executor.submit(fn, argument);
      const result = await future;
      return [argument, fn, result, future].map((it) => new WeakRef(it));
    };
    const [argument, , result, future] = await call();
    await executor.submit(tasks.square, 1);
    await collected(argument!, result!, future!);
    assertEquals(executor.stats().completed, 2);
  });
}
