// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's test_shutdown.py, under its names.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { InvalidStateError } from "../../futures/mod.ts";
import { cpu } from "../../mod.ts";
import { Folder, soon, until } from "./_helpers.ts";
import type { Subject } from "./executor_suite.ts";
import * as tasks from "./_tasks.ts";
import { testsOf } from "./_tests_of.ts";

/** Longer than any of the programs may take, in milliseconds. */
const LIMIT = 120_000;
const PROGRAM =
  new URL("../conformance/futures/_fixtures/program.ts", import.meta.url).href;

/** Runs a program with an executor to its end. */
async function run(
  mode: string,
  name: string,
): Promise<{ code: number; lines: string[]; errors: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", PROGRAM, mode, name],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = new TextDecoder();
  return {
    code,
    lines: text.decode(stdout).split("\n").slice(0, -1),
    errors: text.decode(stderr),
  };
}

/** Tests of `shutdown`, and of the end of programs. */
export function pythonShutdownSuite({ name, create }: Subject): void {
  // Declared: an automatic executor would have any number of them wait at a time.
  const gated = cpu(tasks.throughGate<number>);
  const test = testsOf(`${name} `);
  const program = (
    criterion: string,
    mode: string,
    lines: string[],
  ) =>
    test(criterion, async () => {
      assertEquals(await run(mode, name), { code: 0, lines, errors: "" });
    });

  test("test_run_after_shutdown", async () => {
    const executor = create({ maxWorkers: 1 });
    await executor.shutdown();
    assertThrows(() => executor.submit(tasks.square, 2), InvalidStateError);
    assertThrows(() => executor.map(tasks.square, [2]), InvalidStateError);
  });

  program(
    "test_interpreter_shutdown: a program ends when its jobs have",
    "interpreterShutdown",
    ["apple"],
  );

  test("test_submit_after_interpreter_shutdown: the program does not wait for what is submitted at `unload`", async () => {
    const { code, lines, errors } = await run("submitAtTheEnd", name);
    assertEquals({ code, errors }, { code: 0, errors: "" });
    assertEquals(lines[0], "in time");
    assert(lines.includes("accepted"));
    // Its worker may be faster than the end of the program, and often is not.
    assert(lines.length <= 3, lines.join());
  });

  test("test_hang_issue12364: fifty jobs, then a shutdown", async () => {
    const executor = create({ maxWorkers: 2 });
    const futures = Array.from(
      { length: 50 },
      (_, i) => executor.submit(tasks.square, i),
    );
    await soon("the end", executor.shutdown());
    for (const [i, future] of futures.entries()) {
      assert(future.done());
      assertEquals(await future, i * i);
    }
  });

  test("test_cancel_futures: what has not begun is cancelled, the rest is done", async () => {
    const executor = create({ maxWorkers: 2 });
    using folder = new Folder();
    const gate = folder.file("gate");
    const futures = Array.from(
      { length: 50 },
      (_, i) => executor.submit(gated, gate, i),
    );
    await until("two run", () => executor.stats().running === 2);
    const closed = executor.shutdown({ cancelFutures: true });
    const cancelled = futures.filter((future) => future.cancelled());
    assertEquals(cancelled.length, 48);
    folder.open("gate");
    await soon("the end", closed);
    const others = futures.filter((future) => !future.cancelled());
    assertEquals(others.length, 2);
    for (const future of others) {
      assert(future.done());
      assertEquals(await future.exception(), undefined);
    }
  });

  program(
    "test_cancel_futures_wait_false: the program ends after what runs",
    "cancelFuturesWaitFalse",
    ["apple"],
  );

  program(
    "test_hang_gh83386: the program ends after what runs",
    "hangGh83386",
    ["apple"],
  );

  test("test_hang_gh94440: a job that is cancelled just before a shutdown does not hang it", async () => {
    for (let i = 0; i < 5; i++) {
      const executor = create({ maxWorkers: 1 });
      executor.submit(tasks.square, 1).cancel();
      await soon("the end", executor.shutdown());
      assertEquals(executor.stats().workers, 0);
    }
    const executor = create({ maxWorkers: 1 });
    await executor.submit(tasks.square, 1);
    executor.submit(tasks.square, 2).cancel();
    await soon("the end", executor.shutdown());
  });

  test("test_threads_terminate and test_processes_terminate: no worker is left", async () => {
    const executor = create({ maxWorkers: 3 });
    using folder = new Folder();
    const futures = [1, 2, 3].map((i) =>
      executor.submit(gated, folder.file("gate"), i)
    );
    await until("three run", () => executor.stats().running === 3);
    assertEquals(executor.stats().workers, 3);
    folder.open("gate");
    await executor.shutdown();
    assertEquals(executor.stats().workers, 0);
    assertEquals(await Promise.all(futures), [1, 2, 3]);
  });

  test("test_context_manager_shutdown: leaving the block shuts down", async () => {
    const items = [-5, -3, -1, 1];
    let left;
    {
      await using executor = create({ maxWorkers: 2 });
      left = executor;
      const found: number[] = [];
      for await (const x of executor.map(Math.abs, items)) found.push(x);
      assertEquals(found, [5, 3, 1, 1]);
    }
    assertEquals(left.stats().workers, 0);
    assertThrows(() => left.submit(tasks.square, 1), InvalidStateError);
  });

  program(
    "test_del_shutdown: an executor that is dropped finishes, and holds nothing up",
    "delShutdown",
    ["1 2 3"],
  );

  test("test_shutdown_no_wait: the results come all the same, and the workers go", async () => {
    const executor = create({ maxWorkers: 2 });
    const futures = [-5, -4, 3].map((x) => executor.submit(Math.abs, x));
    await executor.shutdown({ wait: false });
    assertEquals(await Promise.all(futures), [5, 4, 3]);
    await until("they are gone", () => executor.stats().workers === 0);
  });

  test("test_thread_names_assigned", async () => {
    await using executor = create({ maxWorkers: 3, name: "SpecialPool" });
    using folder = new Folder();
    const gate = folder.file("gate");
    const futures = [1, 2, 3].map(() =>
      executor.submit(cpu(tasks.workerTwice), gate)
    );
    await until("three run", () => executor.stats().running === 3);
    folder.open("gate");
    const names = (await Promise.all(futures)).map((found) => found.name);
    assertEquals(names.toSorted(), [0, 1, 2].map((i) => `SpecialPool_${i}`));
  });

  test("test_thread_names_default", async () => {
    await using executor = create({ maxWorkers: 2 });
    const { name: worker } = await executor.submit(tasks.workerInfo);
    assert(new RegExp(`^${name}-\\d+_[01]$`).test(worker), worker);
  });

  test("test_shutdown_gh_132969_case_1: a task that fails, and workers that run one each", async () => {
    const { code, lines, errors } = await run("gh132969Case1", name);
    assertEquals({ code, errors }, { code: 0, errors: "" });
    // The program writes the one, a worker the other.
    assertEquals(lines.toSorted(), ["of the task", "second"]);
  });

  test("test_shutdown_gh_132969_case_2: the same with more of them", async () => {
    const { code, lines, errors } = await run("gh132969Case2", name);
    assertEquals({ code, errors }, { code: 0, errors: "" });
    assertEquals(
      lines.toSorted(),
      ["of the task", "second", "second", "second"],
    );
  });
}
