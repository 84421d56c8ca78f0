// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's test_init.py, and what test_interpreter_pool.py says of
// initializers, under their names.

import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { BrokenExecutorError, SerializationError } from "../../futures/mod.ts";
import { errorOf, Folder, soon } from "./_helpers.ts";
import type { Subject } from "./executor_suite.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

/** Tests of `initializer`. */
export function pythonInitSuite({ name, create }: Subject): void {
  const test = testsOf(`${name} `);

  test("test_initializer: each worker is initialized before its first task", async () => {
    using folder = new Folder();
    await using executor = create({
      maxWorkers: 2,
      initializer: tasks.initialize,
      initArgs: ["initialized", folder.file("log")],
    });
    const futures = Array.from(
      { length: 8 },
      () => executor.submit(tasks.initialValue),
    );
    assertEquals(
      await soon("all", Promise.all(futures)),
      Array(8).fill("initialized"),
    );
    await executor.ready();
    assertEquals(folder.lines("log").length, executor.stats().workers);
  });

  test("test_initializer (failing): what waits and what comes is refused, with the cause", async () => {
    await using executor = create({
      maxWorkers: 2,
      initializer: tasks.failingInitializer,
      initArgs: ["error in initializer"],
    });
    const futures = [1, 2, 3].map((x) => executor.submit(tasks.square, x));
    for (const future of futures) {
      const error = await soon("the end", errorOf(future));
      assertInstanceOf(error, BrokenExecutorError);
      assertInstanceOf(error.cause, TypeError);
      assertEquals(error.cause.message, "error in initializer");
    }
    assertThrows(
      () => executor.submit(tasks.square, 1),
      BrokenExecutorError,
      "error in initializer",
    );
  });

  test("FailingInitializerResourcesTest.test_spawn: nothing is left of a failing start", async () => {
    // The leak check of every test looks for workers, children, files.
    const executor = create({
      maxWorkers: 3,
      initializer: tasks.failingInitializer,
      initArgs: ["no"],
    });
    await assertRejects(() => executor.ready(), BrokenExecutorError);
    assertEquals(executor.stats().queued, 0);
    await soon("the end", executor.shutdown());
    assertEquals(executor.stats().workers, 0);
  });

  test("test_init_func and test_init_closure: any function initializes", async () => {
    const local = { value: "captured" };
    await using executor = create({
      maxWorkers: 1,
      initializer: (suffix: string) => {
        Reflect.set(globalThis, "madeByInit", local.value + suffix);
      },
      initArgs: ["!"],
    });
    assertEquals(
      await executor.submit(() => Reflect.get(globalThis, "madeByInit")),
      "captured!",
    );
  });

  test("test_init_instance_method: a method initializes, bound to nothing", async () => {
    const script = {
      spam() {
        Reflect.set(globalThis, "thisOfInit", typeof this);
      },
    };
    await using executor = create({
      maxWorkers: 1,
      initializer: script.spam,
    });
    assertEquals(
      await executor.submit(() => Reflect.get(globalThis, "thisOfInit")),
      "undefined",
    );
    assertThrows(
      () => create({ maxWorkers: 1, initializer: script.spam.bind(script) }),
      SerializationError,
    );
  });

  test("test_init_exception_in_func: the error is the cause, as it was thrown", async () => {
    await using executor = create({
      maxWorkers: 1,
      initializer: tasks.failWell,
    });
    const error = await soon(
      "the end",
      errorOf(executor.submit(tasks.square, 1)),
    );
    assertInstanceOf(error, BrokenExecutorError);
    const cause = error.cause as TypeError & { code: number };
    assertInstanceOf(cause, TypeError);
    assertEquals(cause.code, 42);
    assertInstanceOf(cause.cause, RangeError);
  });
}
