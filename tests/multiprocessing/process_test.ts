// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { CancelledError, WorkerCrashedError } from "../../futures/mod.ts";
import { Process } from "../../multiprocessing/mod.ts";
import { activitySuite } from "../_suites/activity_suite.ts";
import { errorOf, Folder, soon, until } from "../_suites/_helpers.ts";
import { deaf, mark, throughGate } from "../_suites/_tasks.ts";
import { denoExit, ownPid } from "../faults/_fixtures/faulty.ts";

activitySuite(Process);

/** Listens to SIGTERM and goes on. */
async function ignoreSigterm(path: string): Promise<never> {
  Deno.addSignalListener("SIGTERM", () => mark(path, "heard"));
  return await deaf(path);
}

function silentError(): never {
  throw Object.assign(new RangeError("silent"), { stack: "(a stack)" });
}

Deno.test("Process.pid is the child's", async () => {
  const process = new Process({ target: ownPid });
  assertEquals(process.pid, undefined);
  assertEquals(process.exitCode, null);
  process.start();
  const { pid } = process;
  assertEquals(await process.result(), pid);
  assertNotEquals(pid, Deno.pid);
  await process.join();
  assertEquals(process.pid, pid);
});

Deno.test("Process.exitCode is null, 0, 1 or what the child says", async () => {
  using folder = new Folder();
  const waiting = new Process({
    target: throughGate<number>,
    args: [folder.file("gate"), 1],
  }).start();
  assertEquals(waiting.exitCode, null);
  folder.open("gate");
  await waiting.join();
  assertEquals(waiting.exitCode, 0);

  const failing = new Process({ target: silentError }).start();
  await assertRejects(() => failing.result(), RangeError);
  await failing.join();
  assertEquals(failing.exitCode, 1);

  for (const code of [0, 1, 7, 255]) {
    const exiting = new Process({ target: denoExit, args: [code] }).start();
    const error = await errorOf(exiting.result());
    assertInstanceOf(error, WorkerCrashedError);
    await exiting.join();
    assertEquals(exiting.exitCode, code);
  }
});

Deno.test("Process.terminate() ends it with SIGTERM, kill() with SIGKILL", async () => {
  for (const [how, code] of [["terminate", -15], ["kill", -9]] as const) {
    using folder = new Folder();
    const process = new Process({ target: deaf, args: [folder.file("log")] });
    process.start();
    await until("it runs", () => folder.lines("log").length === 1);
    const result = errorOf(process.result());
    await soon("the end", process[how]());
    assertEquals(process.exitCode, code);
    assertInstanceOf(await result, CancelledError);
  }
});

Deno.test("Process.kill() ends a child that ignores terminate()", async () => {
  using folder = new Folder();
  const process = new Process({
    target: ignoreSigterm,
    args: [folder.file("log")],
  }).start();
  const result = errorOf(process.result());
  await until("it runs", () => folder.lines("log").length === 1);
  const terminated = process.terminate();
  await until("it hears", () => folder.lines("log").includes("heard"));
  assert(process.isAlive());
  await soon("the end", process.kill());
  await soon("the end", terminated);
  assertEquals(process.exitCode, -9);
  await result;
});

Deno.test("Process that is killed from outside has its signal as exit code", async () => {
  using folder = new Folder();
  const process = new Process({ target: deaf, args: [folder.file("log")] });
  process.start();
  await until("it runs", () => folder.lines("log").length === 1);
  const result = errorOf(process.result());
  Deno.kill(process.pid!, "SIGKILL");
  const error = await soon("the end", result);
  assertInstanceOf(error, WorkerCrashedError);
  assertEquals(error.signal, "SIGKILL");
  await process.join();
  assertEquals(process.exitCode, -9);
});

Deno.test("Process.start() hands 'env' and 'cwd' over", async () => {
  using folder = new Folder();
  const path = await Deno.realPath(folder.path);
  for (const cwd of [path, new URL(`file://${path}/`)]) {
    const process = new Process({
      target: () => [
        Deno.env.get("PARALLEL_TEST"),
        Deno.env.has("PATH"),
        Deno.cwd(),
      ],
      env: { PARALLEL_TEST: "yes" },
      cwd,
    }).start();
    assertEquals(await process.result(), ["yes", true, path]);
    await process.join();
  }
});

Deno.test("Process with fewer permissions has fewer", async () => {
  const process = new Process({
    target: () =>
      (["net", "read", "write", "run", "env"] as const).map((name) =>
        Deno.permissions.querySync({ name }).state
      ),
    permissions: {
      net: false,
      read: true,
      write: false,
      run: false,
      env: true,
    },
  }).start();
  const [net, read, write, run, env] = await process.result();
  assert(net !== "granted");
  assertEquals(read, "granted");
  assert(write !== "granted");
  assert(run !== "granted");
  assertEquals(env, "granted");
  await process.join();
});

Deno.test("Process.start() throws where the working directory is missing", () => {
  const process = new Process({ target: ownPid, cwd: "/no/such/folder" });
  assertThrows(() => process.start(), Deno.errors.NotFound);
  assertEquals(process.isAlive(), false);
});

Deno.test("Process refuses permissions that this program does not have", async () => {
  const module = new URL("../../multiprocessing/mod.ts", import.meta.url);
  const program = `
    import { Process } from ${JSON.stringify(module.href)};
    try {
      new Process({ permissions: { net: true } });
    } catch (error) {
      console.log(error instanceof TypeError, error.message.includes("net"));
    }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-read",
      "--allow-write",
      "--allow-run",
      `data:application/typescript,${encodeURIComponent(program)}`,
    ],
    stdout: "piped",
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "true true");
});
