// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  DeadlockError,
  Event,
  Lock,
  Once,
  SerializationError,
  SharedArray,
  SharedValue,
  Thread,
  TimeoutError,
} from "../../threading/mod.ts";
import { errorOf, soon, until } from "../_suites/_helpers.ts";

Deno.test("Once.run() runs the first function only", async () => {
  const once = new Once();
  const value = { a: 1 };
  assertFalse(once.done);
  assertStrictEquals(await once.run(() => value), value);
  assert(once.done);
  assertStrictEquals(await once.run(() => ({ a: 2 })), value);
  assertStrictEquals(once.runSync(() => ({ a: 3 })), value);
});

Deno.test("Once.runSync() runs the first function only", async () => {
  const once = new Once();
  const value = { a: 1 };
  assertStrictEquals(once.runSync(() => value), value);
  assertStrictEquals(once.runSync(() => ({ a: 2 })), value);
  assertStrictEquals(await once.run(() => ({ a: 3 })), value);
});

Deno.test("Once.run() gives all callers of a thread the end of one", async () => {
  const once = new Once();
  const gate = Promise.withResolvers<object>();
  let runs = 0;
  const run = () =>
    once.run(() => {
      runs++;
      return gate.promise;
    });
  const calls = [run(), run(), run()];
  assertFalse(once.done);
  const value = {};
  gate.resolve(value);
  for (const end of await Promise.all(calls)) assertStrictEquals(end, value);
  assertEquals(runs, 1);
});

Deno.test("Once.run() takes an error, of whatever kind, for the end", async () => {
  for (const error of [new RangeError("no"), undefined, 0]) {
    for (
      const fail of [() => {
        throw error;
      }, () => Promise.reject(error)]
    ) {
      const once = new Once();
      assertStrictEquals(await errorOf(once.run(fail)), error);
      assert(once.done);
      assertStrictEquals(await errorOf(once.run(() => 1)), error);
      let thrown: unknown = "nothing";
      try {
        once.runSync(() => 1);
      } catch (it) {
        thrown = it;
      }
      assertStrictEquals(thrown, error);
    }
  }
});

Deno.test("Once.run() keeps to timeout and signal", async () => {
  const once = new Once();
  const gate = Promise.withResolvers<number>();
  const first = once.run(() => gate.promise);
  await assertRejects(() => once.run(() => 2, { timeout: 1 }), TimeoutError);
  await assertRejects(() => once.run(() => 2, { timeout: 0 }), TimeoutError);
  await assertRejects(() => once.run(() => 2, { timeout: -1 }), RangeError);
  assertThrows(() => once.runSync(() => 2, { timeout: NaN }), RangeError);
  const reason = new SyntaxError("enough");
  const controller = new AbortController();
  const aborted = errorOf(
    once.run(() => 2, { signal: controller.signal }),
  );
  controller.abort(reason);
  assertStrictEquals(await aborted, reason);
  assertStrictEquals(
    await errorOf(once.run(() => 2, { signal: AbortSignal.abort(reason) })),
    reason,
  );
  gate.resolve(1);
  assertEquals(await first, 1);
});

Deno.test("Once refuses what is no function", async () => {
  const once = new Once();
  // deno-lint-ignore no-explicit-any -- wrong on purpose
  await assertRejects(() => once.run(1 as any), TypeError, "'fn'");
  // deno-lint-ignore no-explicit-any -- wrong on purpose
  assertThrows(() => once.runSync(undefined as any), TypeError, "'fn'");
  assertFalse(once.done);
});

Deno.test("Once.run() inside its own function is an error, not a hang", async () => {
  const once = new Once();
  const error = await errorOf(soon("it", once.run(() => once.run(() => 1))));
  assertInstanceOf(error, DeadlockError);
  assert(once.done);
  const sync = new Once();
  assertThrows(() => sync.runSync(() => sync.runSync(() => 1)), DeadlockError);
});

Deno.test("Once.runSync() while its thread runs it is an error, not a hang", async () => {
  const once = new Once();
  const gate = Promise.withResolvers<number>();
  const first = once.run(() => gate.promise);
  await until("it runs", () => !once.done);
  assertThrows(() => once.runSync(() => 2), DeadlockError);
  gate.resolve(1);
  assertEquals(await first, 1);
  assertEquals(once.runSync(() => 2), 1);
});

Deno.test("Once.runSync() of a function that returns a promise is not done", () => {
  const once = new Once();
  assertThrows(
    () => once.runSync(() => Promise.resolve(1)),
    TypeError,
    "must not return a promise",
  );
  assertFalse(once.done);
  assertEquals(once.runSync(() => 2), 2);
});

for (const threads of [2, 4, 8]) {
  for (const isSync of [true, false]) {
    const name = isSync ? "runSync" : "run";
    Deno.test(`Once.${name}() runs once with ${threads} threads`, async () => {
      const once = new Once();
      const runs = new SharedValue("int32");
      const ready = new SharedValue("int32");
      const start = new Event();
      const load = () => ({ run: runs.add(1), list: new Map([[1, "one"]]) });
      const running = Array.from({ length: threads }, () =>
        new Thread({
          target: () => {
            ready.add(1);
            start.waitSync();
            return isSync ? once.runSync(load) : once.run(load);
          },
        }).start());
      await until("all are there", () => ready.value === threads);
      start.set();
      for (const thread of running) {
        const { run, list } = await thread.result() as ReturnType<typeof load>;
        assertEquals([run, list.get(1)], [1, "one"]);
        await thread.join();
      }
      assertEquals(runs.value, 1);
      assertEquals((await once.run(load)).run, 1);
    });
  }
}

Deno.test("Once.run() waits for another thread, without and with blocking", async () => {
  const once = new Once();
  const entered = new Event();
  const go = new Event();
  const runner = new Thread({
    target: () =>
      once.run(async () => {
        entered.set();
        await go.wait();
        return [1, 2];
      }),
  }).start();
  await entered.wait();
  const blocked = new Thread({
    target: () => once.runSync(() => [3]),
  }).start();
  const waiting = once.run(() => [4]);
  await assertRejects(() => once.run(() => 5, { timeout: 1 }), TimeoutError);
  assertThrows(() => once.runSync(() => 5, { timeout: 0 }), TimeoutError);
  go.set();
  const ends: Promise<unknown>[] = [runner.result(), blocked.result(), waiting];
  for (const end of ends) {
    assertEquals(await soon("the end", end), [1, 2]);
  }
  assertStrictEquals(await once.run(() => [6]), await waiting);
  await runner.join();
  await blocked.join();
});

Deno.test("Once that has run before it is sent has its end there", async () => {
  const once = new Once();
  const failed = new Once();
  await once.run(() => new Date(5));
  await errorOf(failed.run(() => Promise.reject(new URIError("gone"))));
  const thread = new Thread({
    target: async () => {
      const date = once.runSync(() => new Date(6));
      if (date !== await once.run(() => date)) throw new TypeError("another");
      const error = await failed.run(() => undefined).catch((it) => it);
      return [once.done, date, error.name, error.message];
    },
  });
  assertEquals(await thread.start().result(), [
    true,
    new Date(5),
    "URIError",
    "gone",
  ]);
  await thread.join();
});

Deno.test("Once.run() gives the other threads the error too", async () => {
  const once = new Once();
  const thread = new Thread({
    target: async () => {
      await once.run(() => {
        throw new RangeError("no table", { cause: new TypeError("why") });
      }).catch(() => {});
    },
  });
  await thread.start().result();
  await thread.join();
  const error = await errorOf(once.run(() => 1));
  assertInstanceOf(error, RangeError);
  assertEquals(error.message, "no table");
  assertInstanceOf(error.cause, TypeError);
});

Deno.test("Once.run() makes shared objects that are the same for all", async () => {
  const once = new Once();
  const make = () => ({
    array: new SharedArray("int32", 1),
    lock: new Lock(),
    read: (array: SharedArray) => array.view[0],
  });
  const work = async (isSync: boolean) => {
    const { array, lock, read } = isSync
      ? once.runSync(make)
      : await once.run(make);
    for (let i = 0; i < 500; i++) {
      using _ = lock.guardSync();
      array.view[0]!++;
    }
    return read(array)!;
  };
  const threads = [true, false, true].map((isSync) =>
    new Thread({ target: work, args: [isSync] }).start()
  );
  for (const thread of threads) await soon("a result", thread.result());
  for (const thread of threads) await thread.join();
  const { array, lock } = await once.run(make);
  assertEquals([array.view[0], lock.locked()], [1_500, false]);
});

Deno.test("Once.run() of what cannot travel is an error for the other threads", async () => {
  const once = new Once();
  const value = { cache: new WeakMap() };
  assertStrictEquals(await once.run(() => value), value);
  const thread = new Thread({
    target: async () => {
      const error = await once.run(() => 1).catch((it) => it);
      return [error.name, error.path, error.message];
    },
  });
  const [name, path, message] = await thread.start().result() as string[];
  await thread.join();
  assertEquals([name, path], ["SerializationError", "value.cache"]);
  assert(message!.includes("value.cache"), message);
  assertStrictEquals(await once.run(() => value), value);
});

Deno.test("Once.run() of what one thread only can have is an error for the others", async () => {
  const once = new Once();
  const thread = new Thread({
    target: async () => {
      await once.run(() => new ReadableStream());
    },
  });
  await thread.start().result();
  await thread.join();
  await assertRejects(
    () => once.run(() => 1),
    SerializationError,
    "ReadableStream",
  );
});

Deno.test("Once.run() of a large value", async () => {
  const once = new Once();
  const thread = new Thread({
    target: async () => {
      await once.run(() => new Float64Array(1_000_000).fill(7));
    },
  });
  await thread.start().result();
  await thread.join();
  const value = await once.run(() => new Float64Array());
  assertEquals([value.length, value[999_999]], [1_000_000, 7]);
});

for (const isSync of [true, false]) {
  const name = isSync ? "blocked" : "waiting";
  Deno.test(`Once.run() of a thread that dies is run by the next ${name} one`, async () => {
    const once = new Once();
    const entered = new Event();
    const queued = new SharedValue("int32");
    const dying = new Thread({
      target: () =>
        once.run(() => {
          entered.set();
          return new Promise<string>(() => {});
        }),
    }).start();
    const gone = dying.result().catch(() => "gone");
    await entered.wait();
    const next = new Thread({
      target: () => {
        queued.add(1);
        return isSync ? once.runSync(() => "next") : once.run(() => "next");
      },
    }).start();
    await until("it is there", () => queued.value === 1);
    const last = once.run(() => "last");
    await soon("the end", dying.terminate());
    assertEquals(await gone, "gone");
    const ends = [
      await soon("the next one", next.result()),
      await soon("the last one", last),
    ];
    // Who came first is a matter of luck; there is one end.
    assertEquals(new Set(ends).size, 1);
    assert(ends[0] === "next" || ends[0] === "last");
    await next.join();
  });
}

Deno.test("Once.run() of a thread that has ended in order is run by the next one", async () => {
  const once = new Once();
  const thread = new Thread({
    target: () => {
      // Nobody waits for it.
      once.run(() => new Promise<number>(() => {}));
    },
  });
  await thread.start().result();
  await thread.join();
  assertFalse(once.done);
  assertEquals(await soon("the end", once.run(() => 2)), 2);
});

Deno.test("Once comes back as the same object", async () => {
  const once = new Once();
  const thread = new Thread({
    target: (it: Once) => [it, once],
    args: [once],
  });
  const [a, b] = await thread.start().result();
  await thread.join();
  assert(a === once && b === once);
});
