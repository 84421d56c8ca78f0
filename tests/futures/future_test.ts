// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a future is in JavaScript: a promise, and how its errors surface. The
// behaviours of Python's futures are in tests/conformance/futures/.

import { inspect } from "node:util";
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
  asCompleted,
  CancelledError,
  Future,
  InvalidStateError,
  TimeoutError,
  wait,
} from "../../futures/mod.ts";
import { captureErrors, captureRejections } from "../_suites/_console.ts";
import {
  collect,
  collected,
  errorOf,
  scaled,
  soon,
} from "../_suites/_helpers.ts";

const FALSY = [undefined, null, 0, -0, NaN, "", false, 0n];

Deno.test("Future.result() ends with the reason of its signal, the future goes on", async () => {
  const future = new Future<number>();
  const controller = new AbortController();
  const waiting = future.result({ signal: controller.signal });
  const reason = new RangeError("enough");
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => waiting), reason);
  await assertRejects(
    () => future.exception({ signal: AbortSignal.abort(reason) }),
    RangeError,
  );
  assertEquals(future.state, "pending");
  future.setResult(1);
  assertEquals(await future, 1);
});

Deno.test("Future.exception() gives what was thrown, whatever it is", async () => {
  for (const value of [undefined, null, 0, NaN, "", false]) {
    const future = new Future();
    future.addDoneCallback(() => {});
    future.setException(value);
    assertEquals(await future.exception(), value);
  }
});

Deno.test("Future is a promise", async () => {
  const future = new Future<number>();
  const seen = [
    future.then((x) => x + 1),
    future.finally(() => {}),
    Promise.all([future]),
    Promise.race([future, new Promise(() => {})]),
    (async () => await future)(),
  ];
  future.setResult(1);
  assertEquals(await Promise.all(seen), [2, 1, [1], 1, 1]);
  const failing = new Future<number>();
  const caught = failing.catch((error) => (error as Error).message);
  failing.setException(new RangeError("caught"));
  assertEquals(await caught, "caught");
});

Deno.test("Future of a promise or a thenable settles with what that gives", async () => {
  const future = new Future<number>();
  future.setResult(Promise.resolve(7) as unknown as number);
  assertEquals(await future, 7);
});

Deno.test("Future.progress ends when the future settles, in whatever way", async () => {
  for (
    const settle of [
      (f: Future<number>) => f.setResult(1),
      (f: Future<number>) => f.cancel(),
      (f: Future<number>) => {
        f.addDoneCallback(() => {});
        f.setException(new RangeError());
      },
    ]
  ) {
    const future = new Future<number>();
    const ended = Array.fromAsync(future.progress);
    settle(future);
    assertEquals(await ended, []);
  }
});

Deno.test("Future whose failure nobody looks at surfaces once", async () => {
  using rejections = captureRejections();
  const error = new RangeError("nobody looks");
  const future = new Future<number>();
  future.setException(error);
  await rejections.turn();
  assertEquals(rejections.reasons, [error]);
  // Too late: it has surfaced, and does so once.
  assertStrictEquals(await future.exception(), error);
  await assertRejects(() => future.result(), RangeError);
  future.addDoneCallback(() => {});
  await wait([future]);
  await rejections.turn();
  assertEquals(rejections.reasons, [error]);
});

/** Each way of looking at a future. What is returned is waited for. */
const LOOKS: Record<string, (future: Future<number>) => unknown> = {
  "addDoneCallback()": (future) => future.addDoneCallback(() => {}),
  "wait()": (future) => wait([future]),
  "wait() that polls": (future) => wait([future], { timeout: 0 }),
  "asCompleted()": (future) => collect(asCompleted([future])),
  "exception()": (future) => future.exception(),
  "exception() that polls": (future) =>
    future.exception({ timeout: 0 }).catch(() => {}),
  "result() that polls": (future) =>
    future.result({ timeout: 0 }).catch(() => {}),
  "result() with an aborted signal": (future) =>
    future.result({ signal: AbortSignal.abort() }).catch(() => {}),
  "catch()": (future) => future.catch(() => {}),
  "then()": (future) => future.then(() => {}, () => {}),
  "Promise.allSettled()": (future) => Promise.allSettled([future]),
  "Promise.race()": (future) => Promise.race([Promise.resolve(1), future]),
};

for (const [name, look] of Object.entries(LOOKS)) {
  Deno.test(`Future that fails after ${name} does not surface`, async () => {
    using rejections = captureRejections();
    const future = new Future<number>();
    const looking = look(future);
    await rejections.turn();
    future.setException(new RangeError("seen"));
    await looking;
    await rejections.turn();
    assertEquals(rejections.reasons, []);
  });

  Deno.test(`Future that fails before ${name} in the same turn does not surface`, async () => {
    using rejections = captureRejections();
    const future = new Future<number>();
    future.setException(new RangeError("seen"));
    await look(future);
    await rejections.turn();
    assertEquals(rejections.reasons, []);
  });
}

Deno.test("Future whose result() is asked for twice and dropped surfaces once", async () => {
  using rejections = captureRejections();
  const future = new Future<number>();
  future.result();
  future.result();
  future.setException(new RangeError("dropped"));
  await rejections.turn();
  assertEquals(rejections.reasons.length, 1);
});

Deno.test("Future with a callback surfaces in each promise that is made of it", async () => {
  using rejections = captureRejections();
  const future = new Future<number>();
  future.addDoneCallback(() => {});
  // As with any promise: this one has no handler.
  future.then(() => {});
  future.setException(new RangeError("derived"));
  await rejections.turn();
  assertEquals(rejections.reasons.length, 1);
});

Deno.test("Future that is cancelled does not surface", async () => {
  using rejections = captureRejections();
  new Future<number>().cancel();
  const asked = new Future<number>();
  asked.result();
  asked.cancel();
  await rejections.turn();
  assertEquals(rejections.reasons, []);
});

Deno.test("Future can be awaited any number of times", async () => {
  const [good, bad] = [new Future<number>(), new Future<number>()];
  good.setResult(1);
  const error = new RangeError("bad");
  bad.setException(error);
  for (let i = 0; i < 3; i++) {
    assertEquals(await good, 1);
    assertStrictEquals(await errorOf(bad), error);
    assertStrictEquals(await errorOf(bad.result()), error);
    assertStrictEquals(await errorOf(bad.result({ timeout: 0 })), error);
  }
});

Deno.test("Future that an async function returns gives its result", async () => {
  const future = new Future<number>();
  const outer = (() => Promise.resolve().then(() => future))();
  future.setResult(3);
  assertEquals(await outer, 3);
  const failing = new Future<number>();
  // deno-lint-ignore require-await -- returning it from an async function is the point
  const caught = (async () => failing)().catch((error) => error);
  failing.setException(0);
  assertEquals(await caught, 0);
});

Deno.test("Future gives plain promises, from a subclass too", async () => {
  class Labelled extends Future<number> {
    label = "mine";
  }
  const future = new Labelled();
  const derived = [future.then(), future.catch(), future.finally()];
  for (const promise of derived) {
    assertStrictEquals(Object.getPrototypeOf(promise), Promise.prototype);
  }
  assertStrictEquals(future.result(), future);
  future.setResult(1);
  assertEquals(await Promise.all(derived), [1, 1, 1]);
  assertEquals(
    Deno.inspect(future),
    "<Labelled state=finished returned Number>",
  );
});

Deno.test("Future is a promise that await takes as it is", async () => {
  const future = new Future<number>();
  assert(future instanceof Promise);
  assertStrictEquals(Promise.resolve(future), future);
  let hops = 0;
  let isAwaited = false;
  (async () => {
    await future;
    isAwaited = true;
  })();
  future.setResult(1);
  while (!isAwaited && hops < 10) {
    await undefined;
    hops++;
  }
  assertEquals(hops, 1);
});

Deno.test("Future has what every promise class has", async () => {
  const made = Future.resolve(1);
  assert(made instanceof Future);
  assertEquals(await made, 1);
  const failed = Future.reject(new RangeError("no"));
  assertEquals(String(await errorOf(failed)), "RangeError: no");
  const thrown = new Future<number>(() => {
    throw new RangeError("thrown");
  });
  assertEquals(String(await errorOf(thrown)), "RangeError: thrown");
  const first = new Future<number>((resolve, reject) => {
    resolve(Promise.resolve(2));
    reject(new RangeError("late"));
  });
  assertEquals(await first, 2);
  assertEquals(
    await Future.all([made, 2, new Future((resolve) => resolve(3))]),
    [1, 2, 3],
  );
});

Deno.test("Future test of Promise.all, any, race and allSettled", async () => {
  const make = () => Array.from({ length: 3 }, () => new Future<number>());
  const settle = ([a, b, c]: Future<number>[]) => {
    b!.setException(new RangeError("b"));
    c!.setResult(3);
    a!.setResult(1);
  };
  const run = (
    join: (futures: Future<number>[]) => Promise<unknown>,
  ): Promise<unknown> => {
    const futures = make();
    const joined = join(futures);
    // They have the handlers when the microtasks have had their turn.
    setTimeout(() => settle(futures), 0);
    return joined;
  };
  assertInstanceOf(await errorOf(run((f) => Promise.all(f))), RangeError);
  assertInstanceOf(await errorOf(run((f) => Promise.race(f))), RangeError);
  assertEquals(await run((f) => Promise.any(f)), 3);
  assertEquals(
    (await run((f) => Promise.allSettled(f)) as { status: string }[])
      .map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
});

Deno.test("Future fails with any value, and says that it failed", async () => {
  for (const value of FALSY) {
    const future = new Future<number>();
    const caught = future.then(() => "no", (error) => [error]);
    future.setException(value);
    assertEquals(await caught, [value]);
    assertEquals(await future.exception(), value);
    assertEquals(await errorOf(future.result()), value);
    assertEquals(await errorOf(future.result({ timeout: 10 })), value);
    assertEquals(future.state, "finished");
    const { done } = await wait([future, new Future<number>()], {
      returnWhen: "firstException",
    });
    assertEquals([...done], [future]);
  }
});

Deno.test("Future.setResult() of a promise settles as that does, and is nobody else's", async () => {
  const inner = Promise.withResolvers<number>();
  const future = new Future<number>();
  future.setResult(inner.promise);
  assertEquals(future.state, "running");
  assert(future.running());
  assertFalse(future.done());
  assertFalse(future.cancel());
  assertThrows(() => future.setResult(2), InvalidStateError, "waits");
  assertThrows(() => future.setException(2), InvalidStateError, "waits");
  assertThrows(() => future.setRunningOrNotifyCancel(), InvalidStateError);
  await assertRejects(() => future.result({ timeout: 0 }), TimeoutError);
  let called = 0;
  future.addDoneCallback(() => called++);
  assertEquals(called, 0);
  inner.resolve(7);
  assertEquals(await future, 7);
  assertEquals([future.state, called], ["finished", 1]);
});

Deno.test("Future.setResult() of a promise that rejects is a failure like any other", async () => {
  using rejections = captureRejections();
  const error = new RangeError("inner");
  const future = new Future<number>();
  future.setResult(Promise.reject(error));
  assertStrictEquals(await future.exception(), error);
  const { done } = await wait([future, new Future<number>()], {
    returnWhen: "firstException",
  });
  assertEquals(done.size, 1);
  await rejections.turn();
  assertEquals(rejections.reasons, []);
  const dropped = new Future<number>();
  dropped.setResult(Promise.reject(error));
  await rejections.turn();
  assertEquals(rejections.reasons, [error]);
});

Deno.test("Future.setResult() takes odd thenables", async () => {
  const twice = new Future<number>();
  const greedy: PromiseLike<number> = {
    then(resolve?: ((value: number) => unknown) | null) {
      resolve?.(1);
      resolve?.(2);
      throw new RangeError("too late");
    },
  } as PromiseLike<number>;
  twice.setResult(greedy);
  assertEquals(await twice, 1);
  const unreadable = new Future<unknown>();
  const hostile = Object.defineProperty({}, "then", {
    get() {
      throw new RangeError("not to be read");
    },
  });
  unreadable.setResult(hostile);
  assertInstanceOf(await unreadable.exception(), RangeError);
  const nested = new Future<number>();
  const inner = new Future<number>();
  nested.setResult(inner);
  inner.setResult(5);
  assertEquals(await nested, 5);
  const self = new Future<unknown>();
  assertThrows(() => self.setResult(self), TypeError, "itself");
  assertEquals(self.state, "pending");
  const plain = new Future<unknown>();
  plain.setResult({ then: 1 });
  assertEquals(plain.state, "finished");
});

Deno.test("Future settles once, whoever tries again from a callback", () => {
  const future = new Future<number>();
  const seen: unknown[] = [];
  future.addDoneCallback((settled) => {
    seen.push(settled.cancel(), settled.state);
    assertThrows(() => settled.setResult(2), InvalidStateError);
    assertThrows(() => settled.setException(2), InvalidStateError);
    settled.addDoneCallback((again) => seen.push("inner", again === settled));
    seen.push("first");
  });
  future.addDoneCallback(() => seen.push("second"));
  future.setResult(1);
  assertEquals(seen, [false, "finished", "inner", true, "first", "second"]);
  const cancelled = new Future<number>();
  const found: boolean[] = [];
  cancelled.addDoneCallback((f) => found.push(f.cancel(), f.cancelled()));
  assert(cancelled.cancel());
  assertEquals(found, [true, true]);
});

Deno.test("Future shows what an async callback rejects with, and nothing surfaces", async () => {
  using rejections = captureRejections();
  using errors = captureErrors();
  const future = new Future<number>();
  // deno-lint-ignore require-await -- an async callback is the point
  future.addDoneCallback(async () => {
    throw new RangeError("in the callback");
  });
  future.setResult(1);
  await rejections.turn();
  assertEquals(rejections.reasons, []);
  assertEquals(errors.lines.length, 1);
});

Deno.test("Future.result() clears its timer and its listeners", async () => {
  // The sanitizers of the test see a timer that is left.
  const future = new Future<number>();
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const counted = new Proxy(signal, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (key === "addEventListener") listeners.add(args[1]);
        if (key === "removeEventListener") listeners.delete(args[1]);
        return value.apply(target, args);
      };
    },
  });
  const waits = [
    future.result({ timeout: 60_000 }),
    future.result({ timeout: 60_000, signal: counted }),
    future.exception({ timeout: 60_000, signal: counted }),
    wait([future], { timeout: 60_000, signal: counted }),
    collect(asCompleted([future], { timeout: 60_000, signal: counted })),
  ];
  assertEquals(listeners.size, 4);
  future.setResult(1);
  await Promise.all(waits);
  assertEquals(listeners.size, 0);
});

Deno.test("Future is waited for as long as the timeout says, and not much longer", async () => {
  const future = new Future<number>();
  const timeout = 50;
  const since = performance.now();
  const waits: Record<string, PromiseLike<unknown>> = {
    result: errorOf(future.result({ timeout })),
    exception: errorOf(future.exception({ timeout })),
    wait: wait([future], { timeout }),
    asCompleted: errorOf(collect(asCompleted([future], { timeout }))),
  };
  await Promise.all(
    Object.entries(waits).map(async ([name, waiting]) => {
      await soon(name, waiting);
      const took = performance.now() - since;
      assert(took >= 45 && took < scaled(1_000), `${name}: ${took} ms`);
    }),
  );
});

Deno.test("Future that is polled keeps nothing of it", async () => {
  const future = new Future<number>();
  const poll = async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const ends = [
      errorOf(future.result({ signal })),
      errorOf(future.exception({ signal })),
      errorOf(wait([future], { signal })),
      errorOf(collect(asCompleted([future], { signal }))),
    ];
    controller.abort();
    await Promise.all(ends);
    return new WeakRef(signal);
  };
  const lost: WeakRef<object>[] = [];
  for (let i = 0; i < 50; i++) lost.push(await poll());
  await collected(...lost);
  assertEquals(future.state, "pending");
});

Deno.test("Future lets go of its callbacks when it settles", async () => {
  const future = new Future<number>();
  const held = (() => {
    const payload = { big: new Uint8Array(1000) };
    future.addDoneCallback(() => payload.big.length);
    return new WeakRef(payload);
  })();
  future.setResult(1);
  await collected(held);
  assertEquals(future.state, "finished");
});

Deno.test("Future costs less than a kilobyte, settled and with a callback", async () => {
  const count = 100_000;
  const before = Deno.memoryUsage().heapUsed;
  const futures = Array.from({ length: count }, (_, i) => {
    const future = new Future<number>();
    future.addDoneCallback(() => {});
    if (i % 2 === 0) future.setResult(i);
    return future;
  });
  const each = (Deno.memoryUsage().heapUsed - before) / count;
  assert(each < 1024, `${each} bytes`);
  for (const future of futures) if (!future.done()) future.setResult(0);
  assertEquals((await Promise.all(futures)).length, count);
});

Deno.test("Future shows itself as Python's repr does", () => {
  class Odd extends Error {
    override name = "Strange";
  }
  const refusing = new Proxy({}, {
    get() {
      throw new RangeError("no");
    },
  });
  const returned: [unknown, string][] = [
    [undefined, "undefined"],
    [null, "null"],
    [0, "Number"],
    ["", "String"],
    [false, "Boolean"],
    [1n, "BigInt"],
    [Symbol.iterator, "Symbol"],
    [[], "Array"],
    [new Map(), "Map"],
    [() => {}, "Function"],
    [{}, "Object"],
    [Object.create(null), "Object"],
    [new Odd(), "Strange"],
  ];
  for (const [value, name] of returned) {
    const good = new Future<unknown>();
    good.setResult(value);
    const bad = new Future<unknown>();
    bad.addDoneCallback(() => {});
    bad.setException(value);
    assertEquals(
      Deno.inspect(good),
      `<Future state=finished returned ${name}>`,
    );
    assertEquals(Deno.inspect(bad), `<Future state=finished raised ${name}>`);
    assertEquals(
      inspect({ bad }),
      `{ bad: <Future state=finished raised ${name}> }`,
    );
  }
  const bad = new Future<unknown>();
  bad.addDoneCallback(() => {});
  bad.setException(refusing);
  assertEquals(Deno.inspect(bad), "<Future state=finished raised Object>");
  assertEquals(Deno.inspect([new Future()]), "[ <Future state=pending> ]");
  assertEquals(Deno.inspect(Future.prototype), "Future {}");
  assertEquals(String(new Future()), "[object Future]");
  assertEquals(Object.keys(new Future()), []);
});

Deno.test("Future.progress that is left answers a step under way", async () => {
  const future = new Future<number>();
  const reports = future.progress[Symbol.asyncIterator]();
  const step = reports.next();
  assertEquals((await soon("the end", reports.return!())).done, true);
  assertEquals((await soon("the step", step)).done, true);
  assertEquals((await reports.next()).done, true);
  assertEquals(future.state, "pending");
});

Deno.test("Future.result() refuses odd options, as a rejection", async () => {
  const future = new Future<number>();
  future.setResult(1);
  for (
    const [options, type] of [
      [{ timeout: -1 }, RangeError],
      [{ timeout: NaN }, RangeError],
      [{ timeout: "1" }, TypeError],
      [{ signal: {} }, TypeError],
      [1, TypeError],
      [null, TypeError],
    ] as const
  ) {
    const wrong = options as unknown as { timeout: number };
    assertInstanceOf(await errorOf(future.result(wrong)), type);
    assertInstanceOf(await errorOf(future.exception(wrong)), type);
  }
});

Deno.test("Future.result() prefers an aborted signal to everything else", async () => {
  const future = new Future<number>();
  future.setResult(1);
  const signal = AbortSignal.abort("over");
  assertEquals(await errorOf(future.result({ signal })), "over");
  assertEquals(await errorOf(future.exception({ signal })), "over");
  assertInstanceOf(
    await errorOf(
      (() => {
        const cancelled = new Future<number>();
        cancelled.cancel();
        return cancelled.result({ timeout: 0 });
      })(),
    ),
    CancelledError,
  );
});
