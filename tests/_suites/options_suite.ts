// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every executor does with a task that it is not to run, but that it
// sends: as an argument, or captured.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  CancelledError,
  SerializationError,
  TaskTimeoutError,
} from "../../futures/mod.ts";
import { cpu, io, type Task, task, type TaskOptions } from "../../mod.ts";
import { collect, errorOf, Folder, soon, until } from "./_helpers.ts";
import * as options from "./_options_tasks.ts";
import * as tasks from "./_tasks.ts";
import { declare, type Subject } from "./executor_suite.ts";
import { testsOf } from "./_tests_of.ts";

// deno-lint-ignore no-explicit-any -- functions of every signature
type AnyFunction = (...args: any[]) => any;

/** Tests of tasks that travel. Not for tasks that run in place. */
export function optionsSuite(subject: Subject): void {
  const { name, create, backend } = subject;
  const on = <F extends AnyFunction>(fn: F, options?: TaskOptions): F =>
    declare(subject, fn, options);
  const test = testsOf(`${name}.`);

  const offset = 3;
  const plain = {
    kind: "io",
    name: "adder",
    timeout: 4_000,
    priority: -2.5,
    retries: 7,
  } as const;
  const adder = () => task((x: number) => x + offset, plain);

  test("submit() passes a task with its options", async () => {
    await using executor = create({ maxWorkers: 1 });
    const passed = adder();
    assertEquals(
      await executor.submit(on(options.see), passed),
      { ...plain, isFrozen: true },
    );
    assertEquals(await executor.submit(on(options.call), passed, 1), 4);
    assertEquals(
      await executor.submit(
        on((fn: AnyFunction) => [fn.name, fn.length]),
        task(function two(a: number, b: number) {
          return a + b + offset;
        }),
      ),
      ["two", 2],
    );
  });

  test("submit() passes the signal and the transfer function of a task", async () => {
    await using executor = create({ maxWorkers: 1 });
    const controller = new AbortController();
    const transfer = (buffer: ArrayBuffer) => offset > 0 ? [buffer] : [];
    const passed = task((x: unknown) => x, {
      signal: controller.signal,
      transfer,
    });
    const seen = { isFrozen: true, transfer: "function" };
    assertEquals(
      await executor.submit(on(options.see), passed),
      { ...seen, signal: "AbortSignal quiet" },
    );
    assert(
      await executor.submit(
        on(options.call),
        task((signal: AbortSignal, fn: options.AnyTask) =>
          fn.options.signal === signal
        ),
        controller.signal,
        passed,
      ),
    );
    controller.abort();
    assertEquals(
      await executor.submit(on(options.see), passed),
      { ...seen, signal: "AbortSignal fired" },
    );
  });

  test("submit() lets a function capture a task with its options", async () => {
    await using executor = create({ maxWorkers: 1 });
    const captured = adder();
    const wrapped = () => [captured(1), captured.options];
    for (let i = 0; i < 2; i++) {
      assertEquals(await executor.submit(on(wrapped)), [4, plain]);
    }
    const controller = new AbortController();
    const stoppable = task(() => 1, { signal: controller.signal });
    const look = () => stoppable.options.signal!.aborted;
    assertEquals(await executor.submit(on(look)), false);
    controller.abort();
    assertEquals(await executor.submit(on(look)), true);
  });

  test("submit() passes a task that refers to itself", async () => {
    await using executor = create({ maxWorkers: 1 });
    const factorial: Task<[n: number], number> = task(
      (n: number): number => n < 2 ? 1 : n * factorial(n - 1),
      { priority: 1 },
    );
    const moving: options.AnyTask = task(() => moving.options.name, {
      name: "moving",
      transfer: () => [moving.options.name as unknown as Transferable],
    });
    assertEquals(await executor.submit(on(factorial), 5), 120);
    assertEquals(await executor.submit(on(options.call), factorial, 6), 720);
    assertEquals(await executor.submit(on(options.call), moving), "moving");
    assertEquals(
      await executor.submit(
        on((fn: options.AnyTask) =>
          (fn.options.transfer as AnyFunction)() as unknown
        ),
        moving,
      ),
      ["moving"],
    );
  });

  test("submit() passes a task as one object, wherever it is", async () => {
    await using executor = create({ maxWorkers: 1 });
    const key = adder();
    assertEquals(
      await executor.submit(
        on(options.lookUp),
        new Map([[key, "found"]]),
        key,
      ),
      ["found", true, { ...plain, isFrozen: true }],
    );
    // The function that it was made of is another one.
    const fn = (x: number) => x + offset;
    assertEquals(
      await executor.submit(
        on((a: AnyFunction, b: AnyFunction, c: AnyFunction) => [
          a === b,
          "options" in a,
          b === c,
          (b as options.AnyTask).options,
        ]),
        fn,
        cpu(fn),
        io(fn),
      ),
      [false, false, false, { kind: "cpu" }],
    );
  });

  test("submit() passes what was set on a task", async () => {
    await using executor = create({ maxWorkers: 1 });
    const labelled = Object.assign(adder(), { label: { n: 1 } });
    const read = () => labelled.label.n;
    assertEquals(
      await executor.submit(
        on((fn: typeof labelled) => fn.label),
        labelled,
      ),
      { n: 1 },
    );
    assertEquals(await executor.submit(on(read)), 1);
    labelled.label.n = 2;
    assertEquals(await executor.submit(on(read)), 2);
    labelled.label = { n: 3 };
    assertEquals(await executor.submit(on(read)), 3);
  });

  test("submit() passes an exported task as the module's own", async () => {
    await using executor = create({ maxWorkers: 1 });
    const { heavy, pure } = options;
    assertEquals(await executor.submit(on(options.isOwn), heavy, pure), [
      true,
      true,
    ]);
    assertEquals(await executor.submit(on(options.see), heavy), {
      kind: "cpu",
      name: "heavy",
      priority: 4,
      isFrozen: true,
    });
    // One with more options is another one.
    const slow = task(heavy, { timeout: 9_000 });
    assertEquals(await executor.submit(on(options.isOwn), slow, pure), [
      false,
      true,
    ]);
    assertEquals(await executor.submit(on(options.see), slow), {
      kind: "cpu",
      name: "heavy",
      priority: 4,
      timeout: 9_000,
      isFrozen: true,
    });
  });

  test("submit() gives a task back as the very same", async () => {
    await using executor = create({ maxWorkers: 1 });
    const fn = (x: number) => x + offset;
    const passed = task(fn, plain);
    const sent = [passed, fn, options.heavy, task(options.same), options.same];
    const back = await executor.submit(on(options.same), sent) as unknown[];
    for (const [i, value] of sent.entries()) assertStrictEquals(back[i], value);
    const captured = await executor.submit(on(() => [passed, fn]));
    assertStrictEquals(captured[0], passed);
    assertStrictEquals(captured[1], fn);
    assertNotStrictEquals(captured[0], captured[1] as unknown);
  });

  test("map() passes tasks with their options", async () => {
    await using executor = create({ maxWorkers: 1 });
    const priorities = Array.from({ length: 40 }, (_, i) => i);
    const found = await collect(executor.map(
      on((fn: options.AnyTask) => [fn.options.priority, fn(1) as number]),
      priorities.map((priority) =>
        task((x: number) => x + priority, { priority })
      ),
    ));
    assertEquals(found, priorities.map((it) => [it, it + 1]));
  });

  test("submit() of a task by a task heeds its timeout", async () => {
    await using executor = create({ maxWorkers: 2, cancelGrace: 60_000 });
    using folder = new Folder();
    const error = await errorOf(
      soon(
        "the timeout",
        executor.submit(
          on(options.submitIt),
          executor,
          task(tasks.untilAborted, { timeout: 30, name: "limited" }),
          folder.file("log"),
        ),
      ),
    );
    assertInstanceOf(error, TaskTimeoutError);
    assertStringIncludes(error.message, "limited");
  });

  test("submit() of a task by a task heeds its retries", async () => {
    await using executor = create({ maxWorkers: 2 });
    using folder = new Folder();
    const submit = (file: string, retries: number) =>
      executor.submit(
        on(options.submitIt),
        executor,
        task(options.flaky, { retries }),
        folder.file(file),
        3,
      );
    assertEquals(await submit("enough", 2), 3);
    await assertRejects(() => submit("few", 1), RangeError, "call 2");
    assertEquals(folder.lines("few").length, 2);
  });

  test("submit() of a task by a task heeds its priority", async () => {
    await using executor = create({ maxWorkers: 1 });
    await using other = create({ maxWorkers: 1 });
    using folder = new Folder();
    const log = folder.file("log");
    const held = other.submit(
      on(options.hold),
      folder.file("begun"),
      folder.file("gate"),
    );
    await until("it is held", () => folder.lines("begun").length === 1);
    const write = (path: string, i: number) => tasks.mark(path, String(i));
    const submitted = executor.submit(
      on(options.submitAll),
      other,
      folder.file("submitted"),
      [0, 2, 1, 3].map((priority) => task(write, { priority })),
      log,
    );
    await until(
      "all are submitted",
      () =>
        folder.lines("submitted").length === 1 && other.stats().queued === 4,
    );
    folder.open("gate");
    await soon("the end", submitted);
    await held;
    assertEquals(folder.lines("log"), ["3", "1", "2", "0"]);
  });

  test("submit() of a task by a task heeds its signal", async () => {
    await using executor = create({ maxWorkers: 2, cancelGrace: 60_000 });
    using folder = new Folder();
    const controller = new AbortController();
    const submitted = errorOf(executor.submit(
      on(options.submitIt),
      executor,
      task(tasks.untilAborted, { signal: controller.signal }),
      folder.file("log"),
    ));
    await until("it runs", () => folder.lines("log").length > 0);
    controller.abort(new RangeError("enough"));
    const error = await soon("the end", submitted);
    assertInstanceOf(error, CancelledError);
    assertInstanceOf(error.cause, RangeError);
    assertEquals(error.cause.message, "enough");
  });

  test("submit() of a task by a task heeds its transfer function", async () => {
    await using executor = create({ maxWorkers: 2 });
    assertEquals(
      await executor.submit(
        on(options.submitBuffer),
        executor,
        task(options.sizeOf, { transfer: options.first }),
      ),
      // Processes get copies of everything.
      backend === "process"
        ? { size: 64, left: 64, detached: false }
        : { size: 64, left: 0, detached: true },
    );
  });

  test("submit() refuses to pass a task with a list to transfer", async () => {
    await using executor = create({ maxWorkers: 1 });
    const listed = task((x: ArrayBuffer) => x.byteLength + offset, {
      transfer: [new ArrayBuffer(8)],
    });
    const error = assertThrows(
      () => void executor.submit(on(options.same), { fns: [listed] }),
      SerializationError,
      "a function of the arguments",
    );
    assertEquals(error.path, "args[0].fns[0].options.transfer");
    const captured = assertThrows(
      () => void executor.submit(on(() => listed.name)),
      SerializationError,
      "a function of the arguments",
    );
    assertStringIncludes(captured.message, "listed.options.transfer");
    // It is no loss where it lists nothing.
    assertEquals(
      await executor.submit(
        on(options.see),
        task(() => offset, { transfer: [] }),
      ),
      { transfer: "list", isFrozen: true },
    );
  });

  if (backend === "thread") {
    test("submit() passes tasks of native functions by their global name", async () => {
      await using executor = create({ maxWorkers: 1 });
      const max = task(Math.max, { priority: 1 });
      assertEquals(await executor.submit(on(options.call), max, 1, 5), 5);
      assertStrictEquals(
        await executor.submit(on(options.same), max),
        max as unknown,
      );
    });
  }
}
