// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  excepthook,
  type ExceptHookArgs,
  InvalidStateError,
  Thread,
  Timer,
} from "../../threading/mod.ts";
import { soon, until } from "../_suites/_helpers.ts";

const LONG = 1_000_000;

Deno.test("Timer runs its function once, with its arguments", async () => {
  const calls: unknown[][] = [];
  const timer = new Timer(
    1,
    (...args: [number, string]) => {
      calls.push(args);
    },
    { args: [1, "two"] },
  );
  assertFalse(timer.isAlive());
  assert(timer.start() === timer);
  assert(timer.isAlive());
  assertEquals(calls, []);
  assert(await soon("the end", timer.join()));
  assertEquals(calls, [[1, "two"]]);
  assertFalse(timer.isAlive());
});

Deno.test("Timer does not run before its interval has passed", async () => {
  const start = performance.now();
  let ran = 0;
  const timer = new Timer(30, () => {
    ran = performance.now();
  }).start();
  await soon("the end", timer.join());
  // The platform's timers count in whole milliseconds.
  assert(ran - start >= 28, `${ran - start}`);
});

Deno.test("Timer.cancel() before the interval has passed", async () => {
  let runs = 0;
  const timer = new Timer(1, () => runs++).start();
  assert(timer.cancel());
  assertFalse(timer.cancel());
  assertFalse(timer.isAlive());
  assert(await timer.join());
  // A timer of the same length that is set later runs later.
  await soon("a later one", new Timer(1, () => {}).start().join());
  assertEquals(runs, 0);
});

Deno.test("Timer.cancel() before start() means that it never runs", async () => {
  let runs = 0;
  const timer = new Timer(0, () => runs++);
  assert(timer.cancel());
  timer.start();
  assertFalse(timer.isAlive());
  assert(await timer.join());
  await soon("a later one", new Timer(0, () => {}).start().join());
  assertEquals(runs, 0);
});

Deno.test("Timer.cancel() after the end returns false", async () => {
  const timer = new Timer(0, () => {}).start();
  await timer.join();
  assertFalse(timer.cancel());
});

Deno.test("Timer.cancel() does not stop the run that has begun", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let state = "new";
  const timer = new Timer(0, async () => {
    state = "running";
    await promise;
    state = "done";
  }).start();
  await until("it runs", () => state === "running");
  assertFalse(timer.cancel());
  assert(timer.isAlive());
  assertFalse(await timer.join({ timeout: 1 }));
  resolve();
  assert(await timer.join());
  assertEquals(state, "done");
});

Deno.test("Timer.start() works once", () => {
  using timer = new Timer(LONG, () => {}).start();
  assertThrows(() => timer.start(), InvalidStateError);
  timer.cancel();
  assertThrows(() => timer.start(), InvalidStateError);
});

Deno.test("Timer.join() of a timer that was not started", async () => {
  const timer = new Timer(0, () => {});
  await assertRejects(() => timer.join(), InvalidStateError);
});

Deno.test("Timer.join() keeps to timeout and signal", async () => {
  using timer = new Timer(LONG, () => {}).start();
  assertFalse(await timer.join({ timeout: 0 }));
  const reason = new RangeError("enough");
  await assertRejects(
    () => timer.join({ signal: AbortSignal.abort(reason) }),
    RangeError,
    "enough",
  );
  await assertRejects(() => timer.join({ timeout: -1 }), RangeError);
  assert(timer.isAlive());
});

Deno.test("Timer repeats until it is cancelled, never beside itself", async () => {
  let runs = 0;
  let inside = 0;
  const timer: Timer = new Timer(0, async () => {
    assertEquals(++inside, 1);
    await Promise.resolve();
    inside--;
    if (++runs === 5) assert(timer.cancel());
  }, { repeat: true }).start();
  assert(await soon("the end", timer.join()));
  assertEquals([runs, inside], [5, 0]);
});

Deno.test("Timer[Symbol.dispose]() cancels it", async () => {
  let runs = 0;
  const three = Promise.withResolvers<void>();
  {
    using _ = new Timer(0, () => {
      if (++runs === 3) three.resolve();
    }, { repeat: true }).start();
    await soon("three runs", three.promise);
  }
  const seen = runs;
  await soon("a later one", new Timer(2, () => {}).start().join());
  assertEquals(runs, seen);
});

Deno.test("Timer gives its errors to excepthook, and ends", async () => {
  const seen: ExceptHookArgs[] = [];
  excepthook.handler = (args) => seen.push(args);
  try {
    for (
      const fail of [
        () => {
          throw new RangeError("at once");
        },
        () => Promise.reject(new RangeError("at once")),
      ]
    ) {
      const timer = new Timer(0, fail, { repeat: true }).start();
      assert(await soon("the end", timer.join()));
      const { error, thread } = seen.pop()!;
      assert(error instanceof RangeError);
      assert(thread === timer);
      assert(timer.name.startsWith("Timer-"));
    }
  } finally {
    excepthook.handler = excepthook.original;
  }
  assertEquals(seen, []);
});

Deno.test("Timer is cancelled by its signal", async () => {
  let runs = 0;
  const controller = new AbortController();
  const { signal } = controller;
  const timer = new Timer(LONG, () => runs++, { signal }).start();
  controller.abort();
  assert(await timer.join());
  const late = new Timer(0, () => runs++, { signal }).start();
  assertFalse(late.isAlive());
  assert(await late.join());
  assertEquals(runs, 0);
});

Deno.test("Timer() refuses what it cannot use", () => {
  // deno-lint-ignore no-explicit-any -- wrong on purpose
  const Any = Timer as any;
  for (const interval of [-1, NaN, -Infinity]) {
    assertThrows(() => new Any(interval, () => {}), RangeError, "'interval'");
  }
  assertThrows(() => new Any(undefined, () => {}), TypeError, "undefined");
  assertThrows(() => new Any("1", () => {}), TypeError, "'interval'");
  assertThrows(() => new Any(1), TypeError, "'fn'");
  assertThrows(() => new Any(1, () => {}, { args: 1 }), TypeError, "'args'");
  assertThrows(
    () => new Any(1, () => {}, { signal: 1 }),
    TypeError,
    "'signal'",
  );
});

Deno.test("Timer waits for longer than a platform's timer can", async () => {
  for (const interval of [2 ** 31, 2 ** 40, Infinity]) {
    let runs = 0;
    using timer = new Timer(interval, () => runs++).start();
    await soon("a later one", new Timer(2, () => {}).start().join());
    assert(timer.isAlive());
    assertEquals(runs, 0);
  }
});

Deno.test("Timer runs on the thread that starts it", async () => {
  const thread = new Thread({
    target: async () => {
      let runs = 0;
      const timer = new Timer(1, () => runs++).start();
      await timer.join();
      return runs;
    },
  });
  assertEquals(await thread.start().result(), 1);
  await thread.join();
});

for (
  const [daemon, interval, expected] of [
    [false, 100, "ran\n"],
    // A program that is slow to end must not see it run.
    [true, 60_000, ""],
  ] as const
) {
  Deno.test(`Timer as ${daemon ? "a" : "no"} daemon and the end of the program`, async () => {
    const mod = new URL("../../threading/mod.ts", import.meta.url).href;
    const { stdout, success } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { Timer } from ${JSON.stringify(mod)};
         new Timer(${interval}, () => console.log("ran"), { daemon: ${daemon} }).start();`,
      ],
      cwd: new URL("../../", import.meta.url),
    }).output();
    assert(success);
    assertEquals(new TextDecoder().decode(stdout), expected);
  });
}
