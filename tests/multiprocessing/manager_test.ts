// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { liveWorkers } from "../../_internal/base/registry.ts";
import {
  AuthenticationError,
  ConnectionClosedError,
  InvalidStateError,
  Listener,
  type ListProxy,
  Manager,
  Process,
  SerializationError,
  TimeoutError,
} from "../../multiprocessing/mod.ts";
import { Folder, socketsClosed, soon, until } from "../_suites/_helpers.ts";
import { Thread } from "../../threading/thread.ts";
import { isAlive } from "../_support/processes.ts";
import { Counter } from "./_managed_types.ts";

const PROGRAM = import.meta.resolve("./_manager_program.ts");

/** Runs a program that uses managers, to its end. */
async function program(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", PROGRAM, ...args],
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return decoder.decode(stdout).trim();
}

/** Collects garbage until the condition holds. */
async function untilCollected(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  await until(what, async () => {
    // What is looked at is kept for the length of the turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
    return await condition();
  });
}

Deno.test("Manager starts once, and serves between start() and shutdown()", async () => {
  const manager = new Manager({ name: "keeper" });
  assertEquals(manager.name, "keeper");
  await assertRejects(
    () => manager.dict(),
    InvalidStateError,
    "Cannot create a 'dict': manager 'keeper' was not started",
  );
  await assertRejects(
    () => manager.shutdown(),
    InvalidStateError,
    "Cannot shut down manager 'keeper': it was not started",
  );
  await assertRejects(() => manager.join(), InvalidStateError);
  assert(await manager.start() === manager);
  await assertRejects(
    () => manager.start(),
    InvalidStateError,
    "Cannot start manager 'keeper': it was started before",
  );
  const { pid } = manager;
  const dict = await manager.dict({ a: 1 });
  assert(!await manager.join({ timeout: 0 }));
  await Promise.all([manager.shutdown(), manager.shutdown()]);
  await manager.shutdown();
  assert(await manager.join());
  assert(!isAlive(pid!));
  await assertRejects(() => dict.get("a"), ConnectionClosedError);
  await assertRejects(() => manager.dict(), InvalidStateError, "was shut down");
  assertThrows(
    () => new Process({ args: [manager] }).start(),
    SerializationError,
    "Cannot send args[0]: it was not started, or was shut down",
  );
});

Deno.test("Manager checks its options", async () => {
  // @ts-expect-error no options
  assertThrows(() => new Manager(1), TypeError, "'options'");
  // @ts-expect-error no function
  assertThrows(() => new Manager({ initializer: 1 }), TypeError);
  // @ts-expect-error no array
  assertThrows(() => new Manager({ initArgs: 1 }), TypeError, "'initArgs'");
  assertThrows(() => new Manager({ shutdownTimeout: -1 }), RangeError);
  // @ts-expect-error no address
  assertThrows(() => new Manager({ address: 1 }), TypeError, "'address'");
  // @ts-expect-error no key
  assertThrows(() => new Manager({ authKey: 1 }), TypeError, "'authKey'");
  const manager = new Manager();
  await assertRejects(() => manager.connect(), TypeError, "'address'");
  await assertRejects(
    () => manager.connect({ address: "/tmp/x" }),
    TypeError,
    "'authKey'",
  );
  await assertRejects(() => manager.register("", Counter), TypeError, "'name'");
  await assertRejects(
    // @ts-expect-error no factory
    () => manager.register("Counter", 1),
    TypeError,
    "'factory'",
  );
});

Deno.test("Manager.create() makes objects of registered types", async () => {
  await using manager = new Manager();
  const step = 10;
  await manager.register("Counter", Counter, {
    methodsToProxies: { upTo: "iterator", copy: "Counter" },
  });
  await manager.register("stepped", () => new Counter(step));
  await manager.start();
  class Local {
    twice(n: number): number {
      return 2 * n;
    }
  }
  await manager.register("Local", Local);
  await manager.register("Number", () => 5 as unknown as object);

  const counter = await manager.create<Counter>("Counter", 5);
  assertEquals(await counter.addLater(1), 6);
  const stepped = await manager.create<Counter>("stepped");
  assertEquals(await stepped.add(1), 11);
  assertEquals(await (await manager.create<Local>("Local")).twice(4), 8);

  const values = await counter.callMethod("upTo", 3);
  assertEquals(await Array.fromAsync(values as AsyncIterable<number>), [
    6,
    7,
    8,
  ]);
  const copy = await counter.callMethod("copy") as typeof counter;
  await copy.add(1);
  assertEquals([await counter.add(0), await copy.add(0)], [6, 7]);

  await assertRejects(
    () => manager.create("Counter", -1),
    RangeError,
    "Cannot count from -1",
  );
  await assertRejects(() => manager.create("none"), TypeError, '"none"');
  await assertRejects(() => manager.create("Number"), TypeError, "an object");
  await manager.register("broken", Counter, {
    methodsToProxies: { add: "nothing" },
  });
  await assertRejects(
    () => manager.create("broken"),
    TypeError,
    "'methodsToProxies'",
  );
});

Deno.test("Manager's proxies are the same objects in children that use them at once", async () => {
  await using manager = await new Manager().start();
  const inner = await manager.list<number>();
  const dict = await manager.dict<string, unknown>({ inner, n: 0 });
  assert(await dict.get("inner") === inner);
  const target = async (id: number) => {
    const list = await dict.get("inner") as ListProxy<number>;
    for (let i = 0; i < 50; i++) {
      await dict.update("n", (n) => n as number + 1);
      await list.push(id);
    }
    // What it makes there outlives it.
    await dict.set(`of ${id}`, await manager.list([id]));
    return list === inner;
  };
  const children = [1, 2].map((id) =>
    new Process({ target, args: [id] }).start()
  );
  for (const child of children) {
    assert(await child.result());
    await child.join();
  }
  assertEquals(await dict.get("n"), 100);
  assertEquals(
    (await inner.slice()).sort().join(""),
    "1".repeat(50) + "2".repeat(50),
  );
  const left = await dict.get("of 1") as ListProxy<number>;
  assertEquals(await left.slice(), [1]);
});

Deno.test("Manager's objects can be put into those of another manager", async () => {
  await using one = await new Manager().start();
  await using two = await new Manager().start();
  const set = await one.set([1, 2]);
  const other = await two.set([2, 3]);
  assertEquals(await set.union(other), new Set([1, 2, 3]));
  await other.intersectionUpdate(set);
  assertEquals(await other.values(), [2]);
  const dict = await two.dict({ set });
  assert(await dict.get("set") === set);
  await one.shutdown();
  await assertRejects(() => set.size(), ConnectionClosedError);
  await assertRejects(
    () => other.union(set),
    SerializationError,
    "its manager is gone",
  );
  assertEquals(await other.size(), 1);
});

Deno.test("Manager that is killed fails every call, under way and later, and leaves nothing", async () => {
  const manager = await new Manager().start();
  await manager.register("Counter", Counter);
  const counter = await manager.create<Counter>("Counter");
  const list = await manager.list([1]);
  const child = new Process({
    target: async () => {
      await list.push(2);
      return await counter.never().catch((error) => error.name);
    },
  }).start();
  await until("the child has come", async () => await list.length() === 2);
  // Nothing that could be answered before it is killed.
  const calls = [
    counter.never(),
    list.transact(() => new Promise<number>(() => {})),
  ];
  const failed = Promise.all(
    calls.map((call) => assertRejects(() => call, ConnectionClosedError)),
  );
  Deno.kill(manager.pid!, "SIGKILL");
  await soon("calls fail", failed);
  assertEquals(
    await soon("the child's fails", child.result()),
    "ConnectionClosedError",
  );
  await child.join();
  await assertRejects(() => list.length(), ConnectionClosedError);
  await assertRejects(() => manager.dict(), ConnectionClosedError);
  assert(await manager.join());
  await manager.shutdown();
});

Deno.test("Manager.shutdown() lets calls that have begun end", async () => {
  const manager = await new Manager({ shutdownTimeout: 60_000 }).start();
  await manager.register("Counter", Counter);
  const counter = await manager.create<Counter>("Counter");
  const calls = [counter.addLater(1), counter.addLater(1)];
  await manager.shutdown();
  assertEquals(await Promise.all(calls), [1, 2]);
});

Deno.test("Manager.shutdown() ends a process that does not listen", async () => {
  const manager = await new Manager({ shutdownTimeout: 20 }).start();
  await manager.register("Counter", Counter);
  const counter = await manager.create<Counter>("Counter");
  const spinning = assertRejects(() => counter.spin(), ConnectionClosedError);
  await soon("shutdown", manager.shutdown());
  await spinning;
  assert(!isAlive(manager.pid!));
});

Deno.test("Manager's initializer runs before anything else; its error is that of start()", async () => {
  await using manager = await new Manager({
    initializer: (n: number) => {
      (globalThis as Record<string, unknown>)["base"] = n;
    },
    initArgs: [7],
  }).start();
  const list = await manager.list<unknown>();
  const base = () => (globalThis as Record<string, unknown>)["base"];
  assertEquals(await list.transact(base), 7);

  const broken = new Manager({
    initializer: () => {
      throw new RangeError("no table");
    },
  });
  await assertRejects(() => broken.start(), RangeError, "no table");
  await assertRejects(() => broken.dict(), InvalidStateError);
  await broken[Symbol.asyncDispose]();
});

Deno.test("Manager may have fewer permissions than its program", async () => {
  await using manager = await new Manager({ permissions: { read: true } })
    .start();
  const list = await manager.list([1]);
  const write = () => {
    try {
      Deno.makeTempDirSync();
      return "made";
    } catch (error) {
      return (error as Error).name;
    }
  };
  assertEquals(await list.transact(write), "NotCapable");
  const child = new Process({
    target: () => list.push(2),
    permissions: { read: true },
  }).start();
  assertEquals(await child.result(), 2);
  await child.join();

  const blind = new Manager({ permissions: "none" });
  await assertRejects(() => blind.start(), TypeError, "--allow-read");
});

Deno.test("Manager does not hear Ctrl-C", async () => {
  await using manager = await new Manager().start();
  const list = await manager.list([1]);
  Deno.kill(manager.pid!, "SIGINT");
  assertEquals(await list.length(), 1);
});

Deno.test("Manager ends with a program that has forgotten it", async () => {
  const [pid, items] = (await program("forgets")).split(" ");
  assertEquals(items, "1,2");
  await until("its process is gone", () => !isAlive(Number(pid)));
});

Deno.test("Manager.connect() reaches a manager by address and key", async () => {
  using folder = new Folder();
  const address = folder.file("socket");
  const authKey = "sesame";
  await using manager = new Manager({ address, authKey });
  await manager.register("Counter", Counter);
  await manager.start();
  const shared = await manager.list<number>([1]);
  await manager.register("shared", () => shared);
  assertEquals(manager.address, address);
  assertEquals(manager.authKey, new TextEncoder().encode(authKey));

  assertEquals(await program("visits", address), "SerializationError");
  assertEquals(await shared.slice(), [1, 42]);

  await assertRejects(
    () => new Manager().connect({ address, authKey: "other" }),
    AuthenticationError,
  );
  const visitor = await new Manager({ address, authKey }).connect();
  assertEquals(await (await visitor.dict({ a: 1 })).get("a"), 1);
  await assertRejects(
    () => visitor.shutdown(),
    InvalidStateError,
    "is another process's",
  );
  await visitor[Symbol.asyncDispose]();
  assertEquals(await shared.length(), 2);

  const second = new Manager({ address, authKey });
  await assertRejects(() => second.start(), Deno.errors.AddrInUse);
  Deno.kill(manager.pid!, "SIGKILL");
  await manager.join();
  const third = await new Manager({ address, authKey }).start();
  assertEquals(await (await third.list([3])).slice(), [3]);
  await third.shutdown();
});

Deno.test("Manager.serve() serves what this process has", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const queue: number[] = [1];
  const manager = new Manager({ address: "127.0.0.1:0" });
  await manager.register("queue", () => queue);
  const serving = manager.serve({ signal });
  await until("it serves", () => manager.address !== undefined);
  const { address, authKey } = manager;
  const target = async () => {
    const visitor = await new Manager().connect({
      address: address!,
      authKey: authKey!,
    });
    const queue = await visitor.create<number[]>("queue");
    await queue.push(2);
    return visitor.dict({ made: "there" });
  };
  const child = new Process({ target }).start();
  const dict = await child.result();
  await child.join();
  assertEquals(queue, [1, 2]);
  assertEquals(await dict.get("made"), "there");
  controller.abort(new RangeError("enough"));
  await assertRejects(() => serving, RangeError, "enough");
  await assertRejects(() => manager.dict(), InvalidStateError);
  await manager.shutdown();
});

Deno.test("Manager gives out locks and queues that its process owns", async () => {
  await using manager = await new Manager().start();
  const before = liveWorkers();
  // What waits for locks of other processes ends when nobody has one any more.
  await (async () => {
    const lock = await manager.lock();
    const queue = await manager.queue<unknown>();
    const dict = await manager.dict<string, unknown>({ lock, queue });
    assert(await dict.get("lock") === lock);
    const child = new Process({
      target: async (shared: typeof dict) => {
        const mine = await shared.get("lock") as typeof lock;
        await mine.acquire();
        const there = await shared.get("queue") as typeof queue;
        await there.put({ from: "child" });
        mine.release();
      },
      args: [dict],
    }).start();
    assertEquals(await queue.get(), { from: "child" });
    await child.join();
    assert(!lock.locked());
  })();
  await untilCollected("the broker has ended", () => liveWorkers() <= before);
});

Deno.test("Manager drops objects when nobody has a proxy of them", async () => {
  await using manager = await new Manager().start();
  // What watches lives at the manager.
  class Keeper {
    #kept: WeakRef<object>[] = [];
    make(): { ping(): string } {
      class Kept {
        ping(): string {
          return "pong";
        }
      }
      const kept = new Kept();
      this.#kept.push(new WeakRef(kept));
      return kept;
    }
    async count(): Promise<number> {
      const { setFlagsFromString } = await import("node:v8");
      const { runInNewContext } = await import("node:vm");
      setFlagsFromString("--expose-gc");
      runInNewContext("gc")();
      await new Promise((resolve) => setTimeout(resolve, 0));
      return this.#kept.filter((ref) => ref.deref() !== undefined).length;
    }
  }
  await manager.register("any", () => ({}));
  await manager.register("Keeper", Keeper, {
    methodsToProxies: { make: "any" },
  });
  const keeper = await manager.create<Keeper>("Keeper");
  const list = await manager.list<unknown>();
  await (async () => {
    await list.push(await keeper.callMethod("make"));
    await keeper.callMethod("make");
  })();
  // The one in the list stays, for whoever reads it.
  const count = async () => await keeper.count() === 1;
  await untilCollected("one is dropped", count);
  const kept = await list.at(0) as { ping(): Promise<string> };
  assertEquals(await kept.ping(), "pong");
  await list.clear();
  assertEquals(await kept.ping(), "pong");
});

Deno.test("Manager and its proxies can be used by threads, here and in children", async () => {
  await using manager = await new Manager().start();
  const list = await manager.list<string>();
  const target = async (name: string) => {
    await list.push(name);
    return await manager.dict({ name });
  };
  const here = new Thread({ target, args: ["thread"] }).start();
  const there = new Process({
    target: async () => {
      const thread = new Thread({ target, args: ["there"] }).start();
      const dict = await thread.result();
      await thread.join();
      return dict;
    },
  }).start();
  const dicts = [await here.result(), await there.result()];
  await here.join();
  await there.join();
  assertEquals(await dicts[0]!.get("name"), "thread");
  assertEquals(await dicts[1]!.get("name"), "there");
  assertEquals((await list.slice()).sort(), ["there", "thread"]);
});

Deno.test("Manager.connect() gives up after its timeout, at its signal, and can be tried again", async () => {
  // Takes connections, and says nothing: first of all, then once it knows who is there.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listener = new Listener({ family: "tcp", authKey: "key" });
  const manager = new Manager({ authKey: "key" });
  for (
    const address of [`127.0.0.1:${silent.addr.port}`, listener.address]
  ) {
    await assertRejects(
      () => manager.connect({ address, timeout: 50 }),
      TimeoutError,
    );
    const signal = AbortSignal.timeout(50);
    const error = await assertRejects(
      () => manager.connect({ address, signal }),
    );
    assertEquals(error, signal.reason);
  }
  await assertRejects(
    () => manager.connect({ address: listener.address, timeout: -1 }),
    RangeError,
  );
  listener.close();
  await socketsClosed();
});
