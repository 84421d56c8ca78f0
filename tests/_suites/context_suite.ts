// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a task finds in AsyncLocalStorage, on every executor.

import { AsyncLocalStorage } from "node:async_hooks";
import {
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { SerializationError } from "../../futures/mod.ts";
import type { TaskOptions } from "../../mod.ts";
import { currentRequest, named, requests } from "./_context_store.ts";
import * as contexts from "./_context_store.ts";
import * as tasks from "./_context_tasks.ts";
import { collect, Folder, soon, until } from "./_helpers.ts";
import { declare, type Subject } from "./executor_suite.ts";
import { testsOf } from "./_tests_of.ts";

// deno-lint-ignore no-explicit-any -- functions of every signature
type AnyFunction = (...args: any[]) => any;

const ofModule = new AsyncLocalStorage<unknown>();

/** Tests of the caller's context. */
export function contextSuite(subject: Subject): void {
  const { name, create, backend, isRemote } = subject;
  const on = <F extends AnyFunction>(fn: F, options?: TaskOptions): F =>
    declare(subject, fn, options);
  const test = testsOf(`${name}.`);
  /** Of tasks that get the executor: one over machines stays on this one. */
  const testNested: typeof test = (criterion, fn) => {
    if (!isRemote) test(criterion, fn);
  };

  test("submit() shows a task what captured storages hold", async () => {
    await using executor = create({ maxWorkers: 1 });
    const local = new AsyncLocalStorage<unknown>();
    const look = on(async () => {
      const before = [local.getStore(), ofModule.getStore()];
      await undefined;
      return [...before, local.getStore(), ofModule.getStore()];
    });
    const user = { id: 7 };
    const future = local.run(
      user,
      () => ofModule.run("module", () => executor.submit(look)),
    );
    assertEquals(await future, [user, "module", user, "module"]);
    assertEquals(await executor.submit(look), new Array(4).fill(undefined));
    assertEquals(
      await local.run("again", () => executor.submit(look)),
      ["again", undefined, "again", undefined],
    );
  });

  test("submit() shows a task what storages among the arguments hold", async () => {
    await using executor = create({ maxWorkers: 1 });
    const storage = new AsyncLocalStorage<unknown>();
    for (const store of ["one", undefined, ["two"]]) {
      assertEquals(
        await storage.run(
          store,
          () => executor.submit(on(tasks.storeOf), storage),
        ),
        store,
      );
    }
  });

  test("submit() shows a task what imported storages hold", async () => {
    await using executor = create({ maxWorkers: 1 });
    // deno-lint-ignore require-await -- only async functions may run in place
    const direct = on(async () => requests.getStore());
    // deno-lint-ignore require-await -- only async functions may run in place
    const ofNamespace = on(async () => contexts.requests.getStore());
    // deno-lint-ignore require-await -- only async functions may run in place
    const through = on(async () => currentRequest());
    for (const look of [direct, ofNamespace, through]) {
      assertEquals(
        await requests.run("request", () => executor.submit(look)),
        "request",
      );
      assertEquals(await executor.submit(look), undefined);
    }
  });

  test("submit() shows an exported task the storages of its module", async () => {
    await using executor = create({ maxWorkers: 1 });
    const submit = () => executor.submit(on(tasks.stores));
    assertEquals(
      await tasks.traces.run("t", () => requests.run("r", submit)),
      ["t", "r", "r"],
    );
    assertEquals(await submit(), [undefined, undefined, undefined]);
    assertEquals(
      await tasks.traces.run("t2", submit),
      ["t2", undefined, undefined],
    );
  });

  test("submit() means the same storage by every way", async () => {
    await using executor = create({ maxWorkers: 1 });
    // deno-lint-ignore require-await -- only async functions may run in place
    const look = on(async (passed: unknown) => [
      passed === requests,
      requests.getStore(),
    ]);
    assertEquals(
      await requests.run("r", () => executor.submit(look, requests)),
      [true, "r"],
    );
    const storage = new AsyncLocalStorage<unknown>();
    // deno-lint-ignore require-await -- only async functions may run in place
    const compare = on(async (...passed: unknown[]) =>
      passed.every((it) => it === storage)
    );
    assertEquals(await executor.submit(compare, storage, storage), true);
    for (const known of [storage, requests]) {
      assertStrictEquals(
        await executor.submit(on(tasks.giveBack<unknown>), known),
        known,
      );
    }
  });

  test("submit() shows a task the storages of a class of their own", async () => {
    await using executor = create({ maxWorkers: 1 });
    assertEquals(
      await named.run("Ada", () => executor.submit(on(tasks.label))),
      "named Ada",
    );
  });

  test("submit() leaves nothing of a task in the next one", async () => {
    await using executor = create({ maxWorkers: 1 });
    const enter = on(tasks.enterWith);
    assertEquals(await executor.submit(enter, "left over"), "left over");
    assertEquals(
      await tasks.traces.run("outer", () => executor.submit(enter, "mine")),
      "mine",
    );
    assertEquals((await executor.submit(on(tasks.stores)))[0], undefined);
    assertEquals(tasks.traces.getStore(), undefined);
  });

  test("submit() keeps the contexts of tasks that run at a time apart", async () => {
    await using executor = create({ maxWorkers: 1, concurrency: 4 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const futures = [1, 2, undefined, 4].map((store) =>
      tasks.traces.run(
        store,
        () => executor.submit(on(tasks.storesAround), gate),
      )
    );
    folder.open("gate");
    assertEquals(await soon("all of them", Promise.all(futures)), [
      [1, 1, true],
      [2, 2, true],
      [undefined, undefined, true],
      [4, 4, true],
    ]);
  });

  test("submit() gives each of the first tasks its own context", async () => {
    // All wait for the one worker, which comes up in the context of the first.
    await using executor = create({ maxWorkers: 1 });
    const futures = ["a", "b", undefined, "d"].map((store) =>
      tasks.traces.run(store, () => executor.submit(on(tasks.stores)))
    );
    assertEquals(
      (await Promise.all(futures)).map(([store]) => store),
      ["a", "b", undefined, "d"],
    );
  });

  for (const chunkSize of [1, 8]) {
    test(`map() has the context of its call in chunks of ${chunkSize}`, async () => {
      await using executor = create({ maxWorkers: 1 });
      const storage = new AsyncLocalStorage<unknown>();
      // deno-lint-ignore require-await -- only async functions may run in place
      const look = on(async (item: number) => [
        item,
        storage.getStore(),
        requests.getStore(),
      ]);
      const items = Array.from({ length: 20 }, (_, i) => i);
      const results = storage.run(
        "of the call",
        () =>
          requests.run(
            { id: 1 },
            () => executor.map(look, items, { chunkSize }),
          ),
      );
      const seen = await storage.run("of the loop", () => collect(results));
      assertEquals(seen, items.map((i) => [i, "of the call", { id: 1 }]));
      const exported = tasks.traces.run(
        "traced",
        () =>
          executor.starmap(on(tasks.stores), items.map((): [] => []), {
            chunkSize,
          }),
      );
      assertEquals(
        await collect(exported),
        items.map(() => ["traced", undefined, undefined]),
      );
      const passed = await storage.run(
        "passed",
        () =>
          collect(
            executor.map(on(tasks.storeOf), items.map(() => storage), {
              chunkSize,
            }),
          ),
      );
      assertEquals(passed, items.map(() => "passed"));
    });
  }

  test("submit() lets a signal in a store fire in the task", async () => {
    await using executor = create({ maxWorkers: 1 });
    const controller = new AbortController();
    const { signal } = controller;
    const future = requests.run(
      { signal },
      () => executor.submit(on(tasks.untilRequestEnds)),
    );
    controller.abort("the client has gone");
    assertEquals(await soon("the end", future), "the client has gone");
  });

  testNested(
    "submit() passes the context on to the tasks of a task",
    async () => {
      await using executor = create({ maxWorkers: 1 });
      const storage = new AsyncLocalStorage<unknown>();
      const found = await storage.run(
        "outer",
        () =>
          tasks.traces.run(
            "traced",
            () => executor.submit(on(tasks.storesBelow), storage),
          ),
      );
      assertEquals(found, ["outer", "traced", "inner"]);
    },
  );

  test("stream() has the context of its call", async () => {
    await using executor = create({ maxWorkers: 1 });
    const items = tasks.traces.run(
      "of the call",
      () => executor.stream(on(tasks.storesAtSteps), 20),
    );
    const seen = await tasks.traces.run("of the loop", () => collect(items));
    assertEquals(seen, new Array(20).fill("of the call"));
  });

  if (backend === "inline") return;

  testNested(
    "submit() passes context and signals through an executor that a task gets",
    async () => {
      await using executor = create({ maxWorkers: 1 });
      using folder = new Folder();
      const storage = new AsyncLocalStorage<unknown>();
      const found = await storage.run(
        "outer",
        () =>
          tasks.traces.run(
            "traced",
            () =>
              executor.submit(on(tasks.storesOfSiblings), executor, storage),
          ),
      );
      assertEquals(found, ["outer", "traced", "inner"]);
      const controller = new AbortController();
      const future = executor.submit(
        on(tasks.sendSignalUp),
        executor,
        folder.file("log"),
        controller.signal,
      );
      await until("it runs", () => folder.lines("log").length === 1);
      controller.abort("far down");
      assertEquals(await soon("the reason", future), "far down");
    },
  );

  testNested(
    "submit() shows a task nothing of the one whose place it uses",
    async () => {
      await using executor = create({ maxWorkers: 1 });
      using folder = new Folder();
      const gate = folder.file("gate");
      // Short enough to be sent ahead.
      for (let i = 0; i < 20; i++) {
        await executor.submit(on(tasks.storeInWorker));
      }
      const first = executor.submit(on(tasks.waitInContext), executor, gate);
      const others = Array.from(
        { length: 5 },
        () => executor.submit(on(tasks.storeInWorker)),
      );
      folder.open("gate");
      assertEquals(
        await soon("the stores", Promise.all(others)),
        new Array(5).fill(undefined),
      );
      await first;
    },
  );

  test("submit() encodes the context at once", async () => {
    await using executor = create({ maxWorkers: 1 });
    const store = { step: 1 };
    const future = tasks.traces.run(
      store,
      () => executor.submit(on(tasks.stores)),
    );
    store.step = 2;
    assertEquals((await future)[0], { step: 1 });
    assertEquals(store, { step: 2 });
  });

  test("submit() refuses a context that cannot travel", async () => {
    await using executor = create({ maxWorkers: 1 });
    const error = assertThrows(
      () =>
        tasks.traces.run(
          { user: { socket: new WeakMap() } },
          () => executor.submit(on(tasks.stores)),
        ),
      SerializationError,
    );
    assertEquals(error.path, "context.user.socket");
    assertStringIncludes(error.message, "Cannot send context.user.socket");
    assertEquals(
      (await tasks.traces.run("fine", () => executor.submit(on(tasks.stores))))[
        0
      ],
      "fine",
    );
  });
}
