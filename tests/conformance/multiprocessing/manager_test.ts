// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What CPython tests of managers (_test_multiprocessing.py: _TestContainers,
// TestSyncManagerTypes, _TestMyManager, _TestRemoteManager, _TestManagerRestart,
// TestInitializers), under Python's names.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  DictProxy,
  InvalidStateError,
  type IteratorProxy,
  ListProxy,
  Manager,
  NotSupportedError,
  ObjectProxy,
  Process,
  type Queue,
  SerializationError,
} from "../../../multiprocessing/mod.ts";
import { soon } from "../../_suites/_helpers.ts";

/** Runs a function in a process, to its end. */
async function inProcess<A extends unknown[], R>(
  target: (...args: A) => R | Promise<R>,
  ...args: A
): Promise<R> {
  const process = new Process({ target, args }).start();
  try {
    return await soon("the process", process.result()) as R;
  } finally {
    await process.join();
  }
}

// _TestContainers

Deno.test("_TestContainers: lists and sets of a manager", async (t) => {
  await using manager = await new Manager().start();

  await t.step("test_list", async () => {
    const a = await manager.list(Array.from({ length: 10 }, (_, i) => i));
    assertEquals(await a.slice(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const b = await manager.list<unknown>();
    assertEquals(await b.slice(), []);
    await b.extend([0, 1, 2, 3, 4]);
    assertEquals(await b.at(2), 2);
    assertEquals(await b.slice(2, 10), [2, 3, 4]);
    await b.repeat(2);
    assertEquals(await b.slice(), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    assertEquals([...await b.slice(), 5, 6].length, 12);
    // A list of lists: what is put there is a copy, what is a proxy stays one.
    const c = await manager.list<unknown>([a, b]);
    const inner = await c.at(0) as ListProxy<number>;
    assert(inner === a);
    await inner.push(10);
    assertEquals(await a.at(-1), 10);
    const d = await manager.list<unknown>([await a.slice()]);
    await a.push(11);
    assertEquals((await d.at(0) as number[]).length, 11);
  });

  await t.step("test_list_iter", async () => {
    const a = await manager.list([..."hello"]);
    assertEquals(await Array.fromAsync(a), [..."hello"]);
    // Python's would go on for ever, or end early: this is what was there.
    const seen: string[] = [];
    for await (const item of a) {
      seen.push(item);
      await a.push(item);
    }
    assertEquals(seen, [..."hello"]);
  });

  await t.step("test_list_proxy_in_list", async () => {
    const rows = await Promise.all(
      [1, 2, 3].map(() => manager.list<number>(Array(3).fill(0))),
    );
    const a = await manager.list(rows);
    for (const row of rows) assertEquals(await row.slice(), [0, 0, 0]);
    await (await a.at(-1) as typeof rows[0])!.set(-1, 55);
    assertEquals(await rows[2]!.slice(), [0, 0, 55]);
    // A process sees the same lists.
    await inProcess(async (list: typeof a) => {
      const last = await list.pop() as ListProxy<number>;
      await last.push(56);
    }, a);
    assertEquals(await rows[2]!.slice(), [0, 0, 55, 56]);
    assertEquals(await a.length(), 2);
    // A list that holds itself.
    const b = await manager.list<unknown>();
    await b.push(b);
    assert(await b.at(0) === b);
  });

  await t.step("test_dict", async () => {
    const d = await manager.dict<number, string>();
    const indices = Array.from({ length: 6 }, (_, i) => i + 65);
    await d.update(indices.map((i) => [i, String.fromCharCode(i)]));
    assertEquals(
      await d.copy(),
      new Map(indices.map((i) => [i, String.fromCharCode(i)])),
    );
    assertEquals((await d.keys()).sort(), indices);
    assertEquals((await d.values()).sort(), [..."ABCDEF"]);
    assertEquals((await d.entries())[0], [65, "A"]);
  });

  await t.step("test_dict_iter", async () => {
    const d = await manager.dict({ a: 1, b: 2 });
    const seen: string[] = [];
    // Python raises a RuntimeError where it is changed meanwhile.
    for await (const [key] of d) {
      seen.push(key);
      await d.set(`${key}${key}`, 0);
    }
    assertEquals(seen, ["a", "b"]);
    assertEquals(await d.size(), 4);
  });

  await t.step("test_list_isinstance, test_dict_isinstance", async () => {
    const proxies = [await manager.list([1]), await manager.dict({ a: 1 })];
    const kinds = (proxies: unknown[]) =>
      proxies.map((proxy) => [
        proxy instanceof ObjectProxy,
        proxy instanceof ListProxy,
        proxy instanceof DictProxy,
        Array.isArray(proxy),
      ]);
    const expected = [[true, true, false, false], [true, false, true, false]];
    assertEquals(kinds(proxies), expected);
    assertEquals(await inProcess(kinds, proxies), expected);
  });

  await t.step("test_dict_proxy_nested", async () => {
    const pets = await manager.dict<string, unknown>({
      ferrets: 2,
      hamster: 4,
    });
    const supplies = await manager.dict<string, number>({ water: 10 });
    const d = await manager.dict<string, unknown>({ pets, supplies });
    const inner = async (name: string) =>
      await d.get(name) as DictProxy<string, unknown>;
    assertEquals(await (await inner("supplies")).get("water"), 10);
    await (await inner("pets")).set("blanket", 5);
    assertEquals(await pets.get("blanket"), 5);
    await supplies.set("water", 7);
    assertEquals(await (await inner("supplies")).get("water"), 7);
    await inProcess(async (outer: typeof d) => {
      const supplies = await outer.get("supplies") as typeof pets;
      await supplies.set("marmots", 1);
    }, d);
    assertEquals(await supplies.get("marmots"), 1);
    await d.delete("supplies");
    assertEquals(await supplies.get("water"), 7);
    // An outer list with dicts.
    const outer = await manager.list<unknown>([pets, supplies]);
    await (await outer.at(-1) as typeof pets).set("food", "x");
    assertEquals(await supplies.keys(), ["water", "marmots", "food"]);
  });

  await t.step("test_nested_queue", async () => {
    const a = await manager.list<unknown>();
    const queue = await manager.queue<number>();
    await a.push(queue);
    await (await a.at(0) as Queue<number>).put(123);
    assertEquals(await queue.get(), 123);
    const b = await manager.dict<number, unknown>();
    await b.set(0, await manager.queue());
    await (await b.get(0) as Queue<number>).put(456);
    assertEquals(await (await b.get(0) as Queue<number>).get(), 456);
  });

  await t.step("test_namespace", async () => {
    const n = await manager.namespace<Record<string, string>>();
    await n.set("name", "Bob");
    await n.set("job", "Builder");
    await n.set("_hidden", "hidden");
    assertEquals([await n.get("name"), await n.get("job")], ["Bob", "Builder"]);
    await n.delete("job");
    assert(await n.has("name"));
    assert(!await n.has("job"));
    // No name is private here.
    assertEquals(await n.keys(), ["name", "_hidden"]);
  });
});

// TestSyncManagerTypes: what a process does with each of them.

Deno.test("TestSyncManagerTypes: locks and queues of a manager", async (t) => {
  await using manager = await new Manager().start();

  await t.step("test_event", async () => {
    const event = await manager.event();
    assert(!event.isSet());
    await inProcess((event) => {
      event.set();
    }, event);
    assert(await event.wait({ timeout: 60_000 }));
    event.clear();
    assert(!await event.wait({ timeout: 0 }));
  });

  await t.step("test_lock", async () => {
    const lock = await manager.lock();
    await inProcess(async (lock) => {
      await lock.acquire();
      lock.release();
    }, lock);
    assert(await lock.acquire({ timeout: 60_000 }));
    assert(lock.locked());
    lock.release();
    await rejects(() => lock.release());
  });

  await t.step("test_rlock", async () => {
    const lock = await manager.rlock();
    await inProcess(async (lock) => {
      await lock.acquire();
      await lock.acquire();
      lock.release();
      lock.release();
    }, lock);
    assert(await lock.acquire({ timeout: 60_000 }));
    lock.release();
    await rejects(() => lock.release());
  });

  await t.step("test_semaphore", async () => {
    const semaphore = await manager.semaphore(0);
    await inProcess((semaphore) => {
      semaphore.release();
    }, semaphore);
    assert(await semaphore.acquire({ timeout: 60_000 }));
    assert(!await semaphore.acquire({ timeout: 0 }));
  });

  await t.step("test_bounded_semaphore", async () => {
    const semaphore = await manager.boundedSemaphore(1);
    await inProcess(async (semaphore) => {
      await semaphore.acquire();
      semaphore.release();
    }, semaphore);
    assert(await semaphore.acquire({ timeout: 60_000 }));
    semaphore.release();
    await rejects(() => semaphore.release());
  });

  await t.step("test_condition", async () => {
    const condition = await manager.condition();
    await condition.acquire();
    const waiting = condition.wait();
    await inProcess(async (condition) => {
      using _ = await condition.guard();
      condition.notify();
    }, condition);
    assert(await soon("the notification", waiting));
    condition.release();
  });

  await t.step("test_barrier", async () => {
    const barrier = await manager.barrier(2);
    const turns = await Promise.all([
      barrier.wait({ timeout: 60_000 }),
      inProcess((barrier) => barrier.wait({ timeout: 60_000 }), barrier),
    ]);
    assertEquals(turns.sort(), [0, 1]);
  });

  await t.step("test_queue", async () => {
    const queue = await manager.queue<number>(2);
    await inProcess(async (queue) => {
      await queue.put(1);
      await queue.put(2);
    }, queue);
    assert(!await queue.put(3, { timeout: 0 }).then(() => true, () => false));
    assertEquals([await queue.get(), await queue.get()], [1, 2]);
  });

  await t.step("test_joinable_queue", async () => {
    const queue = await manager.joinableQueue<string>();
    await queue.put("task");
    await inProcess(async (queue) => {
      await queue.get();
      queue.taskDone();
    }, queue);
    await soon("join", queue.join());
  });
});

Deno.test("TestSyncManagerTypes: containers of a manager", async (t) => {
  await using manager = await new Manager().start();

  await t.step("test_value", async () => {
    const value = await manager.value("int32", 40);
    await inProcess(async (value) => void await value.add(2), value);
    assertEquals(await value.get(), 42);
  });

  await t.step("test_array", async () => {
    const array = await manager.array("float64", [0, 1.5, 2]);
    await inProcess(async (array) => void await array.set([9], 1), array);
    assertEquals([...await array.slice()], [0, 9, 2]);
  });

  await t.step("test_list", async () => {
    const list = await manager.list([1]);
    await inProcess(async (list) => {
      await list.push(4);
      await list.extend([5]);
      await list.insert(0, 0);
      await list.remove(5);
      await list.reverse();
    }, list);
    assertEquals(await list.slice(), [4, 1, 0]);
    await list.sort();
    assertEquals(await list.count(1), 1);
    assertEquals(await list.pop(), 4);
    await list.clear();
    assertEquals(await list.length(), 0);
  });

  await t.step("test_dict", async () => {
    const dict = await manager.dict<string, number>();
    await inProcess(async (dict) => {
      await dict.set("foo", 1);
      await dict.update({ bar: 2 });
    }, dict);
    assertEquals(await dict.copy(), new Map([["foo", 1], ["bar", 2]]));
    assertEquals(await dict.get("foo"), 1);
    assert(await dict.has("bar"));
    assertEquals(await dict.setDefault("baz", 0), 0);
    assertEquals(await dict.pop("foo"), 1);
    assertEquals(await dict.popItem(), ["baz", 0]);
    await dict.clear();
    assertEquals(await dict.size(), 0);
  });

  await t.step("test_namespace", async () => {
    const space = await manager.namespace<{ x?: number; y?: number }>({ x: 0 });
    await inProcess(async (space) => {
      await space.set("x", 1);
      await space.set("y", 2);
    }, space);
    assertEquals(await space.toObject(), { x: 1, y: 2 });
  });

  await t.step("test_set", async () => {
    const set = await manager.set([1]);
    await inProcess(async (set) => {
      await set.add(2);
      await set.update([3, 4]);
      await set.delete(1);
    }, set);
    assertEquals(await set.copy(), new Set([2, 3, 4]));
    assertEquals(await set.union([9]), new Set([2, 3, 4, 9]));
    assertEquals(await set.intersection([2, 3]), new Set([2, 3]));
    assertEquals(await set.difference([2]), new Set([3, 4]));
    assertEquals(await set.symmetricDifference([2, 5]), new Set([3, 4, 5]));
    assert(await set.isDisjointFrom([7]));
    assert(await set.isSubsetOf([2, 3, 4, 5]));
    assert(await set.isSupersetOf([2]));
  });

  await t.step("test_set_init", async () => {
    assertEquals(await (await manager.set("abc".split(""))).size(), 3);
    assertEquals(await (await manager.set([1, 1])).values(), [1]);
    assertEquals(await (await manager.set()).size(), 0);
    await assertRejects(
      // @ts-expect-error a number cannot be iterated over
      () => manager.set(1234),
      TypeError,
      "iterable",
    );
  });

  await t.step("test_set_contain_all_method", async () => {
    const set = await manager.set();
    const methods = Object.getOwnPropertyNames(Set.prototype)
      .filter((name) =>
        !["constructor", "forEach", "entries", "keys"].includes(name)
      );
    for (const name of methods) {
      assert(Reflect.has(set, name), `a set has ${name}`);
    }
  });
});

// _TestMyManager

class FooBar {
  f(): string {
    return "f()";
  }
  g(): never {
    throw new RangeError("g()");
  }
  _h(): string {
    return "_h()";
  }
}

function* baz(): Generator<number> {
  for (let i = 0; i < 10; i++) yield i * i;
}

async function common(manager: Manager): Promise<void> {
  const foo = await manager.create<FooBar>("Foo");
  const bar = await manager.create<FooBar>("Bar");
  const squares = await manager.create("baz");

  // What is exposed by default, and what by a list.
  assertEquals(await foo.f(), "f()");
  await assertRejects(() => foo.g(), RangeError, "g()");
  await assertRejects(
    () => foo.callMethod("_h"),
    NotSupportedError,
    "Cannot call '_h' of a Foo: it is not exposed",
  );
  assertEquals(await foo.callMethod("f"), "f()");
  assertEquals(await bar.f(), "f()");
  assertEquals(await bar._h(), "_h()");
  await assertRejects(() => bar.callMethod("g"), NotSupportedError);
  assertEquals(
    await Array.fromAsync(squares as unknown as IteratorProxy<number>),
    [0, 1, 4, 9, 16, 25, 36, 49, 64, 81],
  );
}

async function register(manager: Manager): Promise<void> {
  await manager.register("Foo", FooBar);
  await manager.register("Bar", FooBar, { exposed: ["f", "_h"] });
  class Squares {
    all(): Generator<number> {
      return baz();
    }
  }
  await manager.register("Squares", Squares, {
    methodsToProxies: { all: "iterator" },
  });
}

Deno.test("test_mymanager", async () => {
  const manager = new Manager();
  await register(manager);
  await manager.start();
  await withSquares(manager);
  await common(manager);
  await manager.shutdown();
  // Asking was enough: nobody had to end it.
  assert(await manager.join());
});

Deno.test("test_mymanager_context", async () => {
  await using manager = new Manager();
  await register(manager);
  await manager.start();
  await withSquares(manager);
  await common(manager);
});

Deno.test("test_mymanager_context_prestarted", async () => {
  const manager = await new Manager().start();
  await register(manager);
  await withSquares(manager);
  {
    await using same = manager;
    await common(same);
  }
  await assertRejects(() => manager.create("Foo"), InvalidStateError);
});

// _TestRemoteManager, _TestManagerRestart

Deno.test("test_remote", async () => {
  const address = `\0concurrent-parallel-test-remote-${Deno.pid}`;
  const authKey = crypto.getRandomValues(new Uint8Array(32));
  await using manager = new Manager({ address, authKey });
  await manager.register("queue", () => ["hello world", null, true, 2.25]);
  await manager.start();
  const queue = await manager.create<unknown[]>("queue");
  await manager.register("get_queue", () => queue);
  await inProcess(
    async (address, authKey) => {
      const visitor = await new Manager().connect({ address, authKey });
      const queue = await visitor.create<unknown[]>("get_queue");
      await queue.push(["in", "order"], 7);
    },
    address,
    authKey,
  );

  const visitor = await new Manager({ address, authKey }).connect();
  const same = await visitor.create<unknown[]>("get_queue");
  assert(same === queue);
  assertEquals(await same.slice(), [
    "hello world",
    null,
    true,
    2.25,
    ["in", "order"],
    7,
  ]);
  // What cannot travel is told at once, and changes nothing.
  await assertRejects(() => same.push(new WeakMap()), SerializationError);
  assertEquals((await same.slice()).length, 6);
});

Deno.test("test_rapid_restart", async () => {
  const authKey = "restart";
  // Where it can, at an address of its own: at that of all, somebody else might be
  // given the port between two rounds.
  const isLinux = Deno.build.os === "linux";
  let address = `127.0.0.${isLinux ? 2 + Deno.pid % 250 : 1}:0`;
  for (const round of [1, 2, 3]) {
    const manager = await new Manager({ address, authKey }).start();
    // The port that the system has found is asked for again.
    address = manager.address!;
    await manager.register("queue", () => [round]);
    const visitor = await new Manager({ address, authKey }).connect();
    const queue = await visitor.create<number[]>("queue");
    assertEquals(await queue.slice(), [round]);
    await manager.shutdown();
  }
});

// TestInitializers

Deno.test("test_manager_initializer", async () => {
  const namespace = { test: 0 };
  // @ts-expect-error a number is no function
  assertThrows(() => new Manager({ initializer: 1 }), TypeError);
  await using manager = await new Manager({
    initializer: (value: number) => {
      Reflect.set(globalThis, "test", namespace.test + value);
    },
    initArgs: [1],
  }).start();
  const list = await manager.list();
  assertEquals(await list.transact(() => Reflect.get(globalThis, "test")), 1);
  // It ran there, and not here.
  assertEquals(namespace.test, 0);
  assertEquals(Reflect.get(globalThis, "test"), undefined);
});

/** A type whose objects are iterators. */
async function withSquares(manager: Manager): Promise<void> {
  const squares = await manager.create<{ all(): unknown }>("Squares");
  await manager.register("baz", () => squares.all() as Promise<object>);
}

/** Releasing too often is an error, at once or as soon as the owner says so. */
async function rejects(fn: () => void | Promise<void>): Promise<void> {
  await assertRejects(async () => await fn());
}
