// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  activeCount,
  currentThread,
  DeadlockError,
  enumerate,
  Event,
  getIdent,
  InvalidStateError,
  Lock,
  mainThread,
  NotSupportedError,
  SerializationError,
  Thread,
} from "../../threading/mod.ts";
import { ThreadPoolExecutor } from "../../futures/mod.ts";
import { PlusOne, Reporter, Secretive } from "../_fixtures/thread_classes.ts";
import { activitySuite } from "../_suites/activity_suite.ts";
import { errorOf, Folder, soon, until } from "../_suites/_helpers.ts";
import { hotLoop, workerInfo } from "../_suites/_tasks.ts";

activitySuite(Thread);

Deno.test("Thread.ident is 0 before start(), then the number of the thread", async () => {
  const threads = [1, 2].map(() => new Thread({ target: workerInfo }));
  assertEquals(threads.map(({ ident }) => ident), [0, 0]);
  for (const thread of threads) thread.start();
  for (const thread of threads) {
    assert(thread.ident > 0);
    assertEquals((await thread.result()).id, thread.ident);
    await thread.join();
  }
  assert(threads[0]!.ident !== threads[1]!.ident);
});

Deno.test("Thread with 'permissions' is refused", () => {
  assertThrows(
    () => new Thread({ permissions: "none" }),
    NotSupportedError,
  );
});

Deno.test("Thread.terminate() leaves a hot loop that looks", async () => {
  using folder = new Folder();
  const thread = new Thread({ target: hotLoop, args: [folder.file("log")] })
    .start();
  const result = thread.result().catch(() => {});
  await until("it runs", () => folder.lines("log").length === 1);
  await soon("the end", thread.terminate());
  await result;
});

Deno.test("Thread names are numbered where none is given", async () => {
  const [first, second] = [new Thread(), new Thread()];
  assertNotEquals(first.name, second.name);
  assert(/^Thread-\d+$/.test(first.name));
  assertEquals(new Thread({ name: "loader" }).name, "loader");
  // In a thread they go on from there.
  const inner = new Thread({ target: () => new Thread().name }).start();
  const name = await inner.result();
  await inner.join();
  assert(![first.name, second.name, inner.name].includes(name));
});

// -- joinSync --

Deno.test("Thread.joinSync() blocks the main thread until the thread has ended", async () => {
  const thread = new Thread({ target: () => 5 }).start();
  assertEquals(thread.joinSync(), true);
  assertEquals(thread.isAlive(), false);
  assertEquals(await thread.result(), 5);
  await thread.join();
});

Deno.test("Thread.joinSync() returns false when the timeout passes, and polls with 0", async () => {
  const event = new Event();
  const thread = new Thread({ target: () => event.waitSync() }).start();
  assertEquals(thread.joinSync({ timeout: 0 }), false);
  assertEquals(thread.joinSync({ timeout: 20 }), false);
  assertEquals(thread.isAlive(), true);
  event.set();
  assertEquals(thread.joinSync(), true);
  assertEquals(thread.joinSync({ timeout: 0 }), true);
  await thread.join();
});

Deno.test("Thread.joinSync() returns for a thread that failed, called Deno.exit(), or was never answered for", async () => {
  const failed = new Thread({
    target: () => {
      throw new RangeError("No such table");
    },
  });
  const failure = errorOf(failed.start().result());
  assertEquals(failed.joinSync(), true);
  assertInstanceOf(await failure, RangeError);
  const left = new Thread({ target: () => Deno.exit(3) });
  const end = errorOf(left.start().result());
  assertEquals(left.joinSync(), true);
  await end;
  await failed.join();
  await left.join();
});

Deno.test("Thread.join() and joinSync() refuse the current thread and one that was not started", async () => {
  assertThrows(() => currentThread().joinSync(), InvalidStateError);
  await assertRejects(() => currentThread().join(), InvalidStateError);
  assertThrows(() => new Thread().joinSync(), InvalidStateError);
  await assertRejects(() => new Thread().join(), InvalidStateError);
  const self = new Thread({
    target: () => {
      try {
        currentThread().joinSync();
        return "joined";
      } catch (error) {
        return (error as Error).name;
      }
    },
  }).start();
  assertEquals(await self.result(), "InvalidStateError");
  await self.join();
});

Deno.test("Thread.joinSync() of threads that wait for each other is a DeadlockError", async () => {
  const thread = new Thread({
    target: () => mainThread().joinSync(),
  }).start();
  const error = errorOf(thread.result());
  // Whichever of the two is blocked last is told.
  try {
    thread.joinSync();
  } catch (own) {
    assertInstanceOf(own, DeadlockError);
    await thread.terminate();
  }
  await error;
  await thread.join();
});

Deno.test("Thread.join() of many joiners, on several threads, ends for all", async () => {
  const event = new Event();
  const target = new Thread({ target: () => event.waitSync() }).start();
  const joiners = Array.from(
    { length: 3 },
    () => new Thread({ target: (t: Thread) => t.joinSync(), args: [target] }),
  );
  for (const joiner of joiners) joiner.start();
  const here = [target.join(), target.join(), target.join({ timeout: 60_000 })];
  event.set();
  assertEquals(await Promise.all(here), [true, true, true]);
  for (const joiner of joiners) {
    assertEquals(await joiner.result(), true);
    await joiner.join();
  }
});

// -- Current and all threads --

Deno.test("currentThread() is the main thread here, and the same object in a thread each time", async () => {
  assertStrictEquals(currentThread(), mainThread());
  assertEquals(currentThread().name, "MainThread");
  assertEquals(getIdent(), mainThread().ident);
  const thread = new Thread({
    name: "looker",
    target: () => {
      const current = currentThread();
      return {
        same: current === currentThread(),
        name: current.name,
        ident: getIdent(),
        main: mainThread().name,
        isMain: current === mainThread(),
        alive: current.isAlive(),
      };
    },
  }).start();
  assertEquals(await thread.result(), {
    same: true,
    name: "looker",
    ident: thread.ident,
    main: "MainThread",
    isMain: false,
    alive: true,
  });
  await thread.join();
});

Deno.test("enumerate() has the threads that live, with those of pools, and not those that ended", async () => {
  const event = new Event();
  const unstarted = new Thread();
  const thread = new Thread({ target: () => event.waitSync(), daemon: true })
    .start();
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1, name: "crew" });
  await pool.submit(() => 1);
  const threads = enumerate();
  assert(threads.includes(mainThread()));
  assert(threads.includes(thread));
  assert(!threads.includes(unstarted));
  assert(threads.some(({ name }) => name === "crew"));
  assertEquals(activeCount(), threads.length);
  const seenThere = new Thread({ target: () => enumerate().map((t) => t.name) })
    .start();
  const names = await seenThere.result();
  for (const name of ["MainThread", thread.name, "crew", seenThere.name]) {
    assert(names.includes(name), `${name} is missing in ${names}`);
  }
  await seenThere.join();
  event.set();
  await thread.join();
  assert(!enumerate().includes(thread));
});

Deno.test("Thread that was terminated, or could not be started, is in no list", async () => {
  const before = activeCount();
  const thread = new Thread({ target: () => new Promise(() => {}) }).start();
  assertEquals(activeCount(), before + 1);
  await thread.terminate();
  assertEquals(activeCount(), before);
  assertThrows(
    () => new Thread({ target: () => {}, args: [new WeakMap()] }).start(),
    SerializationError,
  );
  assertEquals(activeCount(), before);
});

// -- Subclasses --

Deno.test("Thread subclass runs its own run() over there, with its fields", async () => {
  const thread = new Reporter("a").start();
  const { ident, ...rest } = await thread.result();
  assertEquals(rest, {
    label: "a",
    count: 2,
    name: "reporter",
    isCurrent: true,
    isReporter: true,
    isAlive: true,
  });
  assertEquals(ident, thread.ident);
  // What it changes there stays there.
  assertEquals(thread.nested.count, 1);
  await thread.join();
});

Deno.test("Thread subclass can call the run() that it overrides", async () => {
  const thread = new PlusOne({ target: (x: number) => x, args: [41] }).start();
  assertEquals(await thread.result(), 42);
  await thread.join();
  assertEquals(new PlusOne({ target: () => 1 }).run(), 2);
});

Deno.test("Thread subclass of the main module travels with what it captured", async () => {
  const factor = 3;
  class Times extends Thread<number> {
    value = 5;
    override run(): number {
      return this.value * factor;
    }
  }
  const thread = new Times().start();
  assertEquals(await thread.result(), 15);
  await thread.join();
});

Deno.test("Thread subclass with private members is refused by name", () => {
  const error = assertThrows(
    () => new Secretive().start(),
    SerializationError,
    "#secret",
  );
  assertEquals(error.path, "this.#secret");
});

// -- Threads of threads --

Deno.test("Thread started by a thread runs, gives its result, and is a Worker of main", async () => {
  const outer = new Thread({
    target: async () => {
      // A Worker that a Worker starts would come up half a second late.
      Object.defineProperty(globalThis, "Worker", {
        value: class {
          constructor() {
            throw new TypeError("a Worker of this thread");
          }
        },
      });
      const inner = new Thread({ target: (n: number) => n * 2, args: [21] });
      const value = await inner.start().result();
      await inner.join();
      return value;
    },
  }).start();
  assertEquals(await outer.result(), 42);
  await outer.join();
});

Deno.test("Thread started by a thread comes up while the main thread is blocked", async () => {
  const outer = new Thread({
    target: () => {
      const inner = new Thread({ target: () => 7 }).start();
      return inner.joinSync();
    },
  }).start();
  assertEquals(outer.joinSync({ timeout: 60_000 }), true);
  assertEquals(await outer.result(), true);
  await outer.join();
});

Deno.test("Thread three levels deep, with locks from the top", async () => {
  const lock = new Lock();
  const order: string[] = [];
  const outer = new Thread({
    target: async () => {
      const middle = new Thread({
        target: async () => {
          const inner = new Thread({
            target: () => {
              using _ = lock.guardSync();
              return "inner";
            },
          }).start();
          const value = await inner.result();
          await inner.join();
          return `${value} middle`;
        },
      }).start();
      const value = await middle.result();
      await middle.join();
      return `${value} outer`;
    },
  }).start();
  order.push(await outer.result());
  await outer.join();
  assertEquals(order, ["inner middle outer"]);
});

Deno.test("Thread stays until the threads that it started have ended", async () => {
  using folder = new Folder();
  const event = new Event();
  const outer = new Thread({
    target: (log: string) => {
      new Thread({
        target: (log: string) => {
          event.waitSync();
          Deno.writeTextFileSync(log, "done\n");
        },
        args: [log],
      }).start();
      return "left";
    },
    args: [folder.file("log")],
  }).start();
  assertEquals(await outer.result(), "left");
  assertEquals(await outer.join({ timeout: 50 }), false);
  event.set();
  assertEquals(await outer.join(), true);
  assertEquals(folder.lines("log"), ["done"]);
});

Deno.test("Thread that is terminated takes the threads that it started with it", async () => {
  const before = activeCount();
  const outer = new Thread({
    target: async () => {
      new Thread({ target: () => new Promise(() => {}) }).start();
      await new Promise(() => {});
    },
  }).start();
  await until("both live", () => activeCount() === before + 2);
  await outer.terminate();
  await until("both are gone", () => activeCount() === before);
});

Deno.test("ThreadPoolExecutor in a thread works", async () => {
  const thread = new Thread({
    target: async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      const futures = [1, 2, 3].map((n) =>
        pool.submit((x: number) => x * x, n)
      );
      return await Promise.all(futures);
    },
  }).start();
  assertEquals(await thread.result(), [1, 4, 9]);
  await thread.join();
});

// -- Threads sent to threads --

Deno.test("Thread that was sent to a thread can be joined and looked at there, and comes back as itself", async () => {
  const event = new Event();
  const target = new Thread({ name: "target", target: () => event.waitSync() })
    .start();
  const looker = new Thread({
    target: async (thread: Thread) => {
      const seen = [thread.name, thread.ident, thread.isAlive()];
      const early = thread.joinSync({ timeout: 1 });
      event.set();
      const joined = await thread.join();
      let refused = "";
      try {
        await thread.result();
      } catch (error) {
        refused = (error as Error).name;
      }
      return { seen, early, joined, alive: thread.isAlive(), refused, thread };
    },
    args: [target],
  }).start();
  const { thread, ...rest } = await looker.result();
  assertStrictEquals(thread, target);
  assertEquals(rest, {
    seen: ["target", target.ident, true],
    early: false,
    joined: true,
    alive: false,
    refused: "NotSupportedError",
  });
  assertThrows(() => thread.start(), InvalidStateError);
  await looker.join();
  await target.join();
});

Deno.test("Thread that was not started cannot be sent", () => {
  const error = assertThrows(
    () => new Thread({ target: () => {}, args: [new Thread()] }).start(),
    SerializationError,
  );
  assertEquals(error.path, "args[0]");
});

Deno.test("Thread can be terminated by another thread, also while it is blocked", async () => {
  const event = new Event();
  const victim = new Thread({ target: () => event.waitSync() }).start();
  const result = errorOf(victim.result());
  const killer = new Thread({
    target: async (thread: Thread) => {
      await thread.terminate();
      return thread.isAlive();
    },
    args: [victim],
  }).start();
  assertEquals(await killer.result(), false);
  await killer.join();
  assertEquals(await soon("its end", victim.join()), true);
  await result;
  await assertRejects(() => mainThread().terminate(), InvalidStateError);
});

Deno.test("Thread.terminate() wakes a blocked thread, and what it held goes to the next", async () => {
  const lock = new Lock();
  const held = new Event();
  const never = new Event();
  const holder = new Thread({
    target: () => {
      lock.acquireSync();
      held.set();
      never.waitSync();
    },
  }).start();
  await held.wait();
  const waiting = errorOf(lock.acquire());
  await soon("its end", holder.terminate());
  assertEquals((await waiting as Error).name, "AbandonedLockError");
  assertEquals(lock.locked(), true);
  lock.release();
  // Told once.
  assertEquals(lock.tryAcquire(), true);
  lock.release();
});

// -- Blocked callers --

Deno.test("Thread of a pool runs what was submitted before its caller blocked", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const event = new Event();
  const future = pool.submit(() => event.set());
  // The pool's thread is not even up.
  assertEquals(event.waitSync({ timeout: 60_000 }), true);
  await future;
});

Deno.test("Future.cancel() ends a task that is blocked, before its thread is given up", async () => {
  await using pool = new ThreadPoolExecutor({
    maxWorkers: 1,
    cancelGrace: 60_000,
  });
  const started = new Event();
  const never = new Event();
  const future = pool.submit(() => {
    started.set();
    never.waitSync();
  });
  await started.wait();
  future.cancel();
  await soon("the end of the task", errorOf(future));
  // The same thread goes on.
  assertEquals(await pool.submit(() => 1), 1);
  assertEquals(pool.stats().restarts, 0);
});
