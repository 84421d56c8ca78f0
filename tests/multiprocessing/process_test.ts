// Copyright 2026 the @concurrent/parallel authors. MIT license.

import nodeProcess from "node:process";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  CancelledError,
  InvalidStateError,
  SerializationError,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { current } from "../../mod.ts";
import {
  activeChildren,
  currentProcess,
  parentProcess,
  Process,
} from "../../multiprocessing/mod.ts";
import { Thread } from "../../threading/mod.ts";
import {
  family,
  leave,
  PlusOne,
  Reporter,
  Secretive,
  surroundings,
} from "../_fixtures/process_classes.ts";
import { activitySuite } from "../_suites/activity_suite.ts";
import { errorOf, Folder, soon, until } from "../_suites/_helpers.ts";
import {
  deaf,
  hotLoop,
  mark,
  throughGate,
  untilAborted,
} from "../_suites/_tasks.ts";
import { isAlive } from "../_support/processes.ts";
import {
  denoExit,
  ownPid,
  rejectUnhandled,
} from "../faults/_fixtures/faulty.ts";

activitySuite(Process);

/** Listens to SIGTERM and goes on. */
async function ignoreSigterm(path: string): Promise<never> {
  Deno.addSignalListener("SIGTERM", () => mark(path, "heard"));
  return await deaf(path);
}

function forEver(): never {
  for (;;) current.throwIfAborted();
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

// -- Subclasses --

Deno.test("Process subclass runs its own run() over there, with its fields", async () => {
  const process = new Reporter("a").start();
  assertEquals(await process.result(), {
    label: "a",
    count: 2,
    name: "reporter",
    daemon: true,
    isCurrent: true,
    isReporter: true,
    isAlive: true,
    pid: process.pid,
    exitCode: null,
  });
  // What it changes there stays there.
  assertEquals(process.nested.count, 1);
  await process.join();
});

Deno.test("Process subclass can call the run() that it overrides", async () => {
  const process = new PlusOne({ target: (x: number) => x, args: [41] }).start();
  assertEquals(await process.result(), 42);
  await process.join();
  assertEquals(new PlusOne({ target: () => 1 }).run(), 2);
});

Deno.test("Process subclass of the main module travels with what it captured", async () => {
  const factor = 3;
  class Times extends Process<[number, boolean]> {
    value = 5;
    override run(): [number, boolean] {
      return [this.value * factor, currentProcess() === this];
    }
  }
  const process = new Times().start();
  assertEquals(await process.result(), [15, true]);
  await process.join();
});

Deno.test("Process subclass with private members is refused by name", () => {
  const process = new Secretive();
  const error = assertThrows(
    () => process.start(),
    SerializationError,
    `Cannot start process '${process.name}': private members do not travel, and Secretive has #secret`,
  );
  assertEquals(error.path, "this.#secret");
});

// -- Life --

Deno.test("Process.close() leaves nothing but the name", async () => {
  using folder = new Folder();
  const process = new Process({
    target: throughGate<number>,
    args: [folder.file("gate"), 1],
    name: "Ada",
  }).start();
  assertThrows(
    () => process.close(),
    InvalidStateError,
    "Cannot close process 'Ada': it has not ended",
  );
  folder.open("gate");
  await process.join();
  process.close();
  process.close();
  await process[Symbol.asyncDispose]();
  assertEquals([process.name, process.daemon], ["Ada", false]);
  for (
    const use of [
      () => process.start(),
      () => process.isAlive(),
      () => process.pid,
      () => process.ident,
      () => process.exitCode,
      () => process.sentinel,
      () => process.interrupt(),
    ]
  ) assertThrows(use, InvalidStateError, "process 'Ada': it is closed");
  for (
    const use of [
      () => process.join(),
      () => process.result(),
      () => process.terminate(),
      () => process.kill(),
    ]
  ) await assertRejects(use, InvalidStateError, "process 'Ada': it is closed");

  const unused = new Process();
  unused.close();
  assertThrows(() => unused.start(), InvalidStateError);
});

Deno.test("Process.terminate() and kill() after the end do nothing", async () => {
  const process = new Process({ target: ownPid }).start();
  await process.join();
  await process.terminate();
  await process.kill();
  assertEquals(process.exitCode, 0);
  assertEquals(process.pid, await process.result());
});

Deno.test("Process.sentinel resolves when it has ended", async () => {
  using folder = new Folder();
  const process = new Process({
    target: throughGate<number>,
    args: [folder.file("gate"), 1],
  });
  assertThrows(() => process.sentinel, InvalidStateError, "it was not started");
  process.start();
  let hasEnded = false;
  void process.sentinel.then(() => hasEnded = true);
  await assertRejects(
    () => process.join({ timeout: -1 }),
    RangeError,
  );
  assertEquals([await process.join({ timeout: 0 }), hasEnded], [false, false]);
  folder.open("gate");
  await soon("the end", process.sentinel);
  assertEquals([process.isAlive(), process.exitCode], [false, 0]);
});

Deno.test("Process whose target leaves a rejection behind ends with code 1", async () => {
  const process = new Process({ target: rejectUnhandled }).start();
  const error = await errorOf(process.result());
  assertInstanceOf(error, WorkerCrashedError);
  assertStringIncludes(error.message, "nobody looks");
  await process.join();
  assertEquals(process.exitCode, 1);
});

Deno.test("Process that sets Deno.exitCode ends with it", async () => {
  const process = new Process({ target: () => Deno.exitCode = 5 }).start();
  assertEquals(await process.result(), 5);
  await process.join();
  assertEquals(process.exitCode, 5);
});

// -- Interrupts --

async function interrupted<R>(
  target: (log: string) => R,
  log: string,
): Promise<{ readonly exitCode: number | null; readonly outcome: unknown }> {
  using folder = new Folder();
  const process = new Process({ target, args: [folder.file(log)] }).start();
  await until("it runs", () => folder.lines(log).length === 1);
  process.interrupt();
  const outcome = await soon(
    "the end",
    process.result().catch((error) => error),
  );
  await process.join();
  process.interrupt();
  return { exitCode: process.exitCode, outcome };
}

Deno.test("Process.interrupt() is what current tells the target", async () => {
  const [hot, waiting, clean] = await Promise.all([
    interrupted(hotLoop, "hot"),
    interrupted(untilAborted, "waiting"),
    interrupted((log) => untilAborted(log).catch((error) => error.cause), "ok"),
  ]);
  for (const { exitCode, outcome } of [hot, waiting]) {
    assertEquals(exitCode, 1);
    assertInstanceOf(outcome, CancelledError);
  }
  assertEquals(
    (waiting.outcome as Error).cause,
    "the process was interrupted (SIGINT)",
  );
  assertEquals(clean, {
    exitCode: 0,
    outcome: "the process was interrupted (SIGINT)",
  });
});

Deno.test("Process.interrupt() is a SIGINT for who listens for it", async () => {
  const viaDeno = interrupted((log) => {
    const heard = new Promise<string>((resolve) =>
      Deno.addSignalListener("SIGINT", () => resolve("Deno"))
    );
    mark(log, "begun");
    return heard;
  }, "deno");
  const viaNode = interrupted((log) => {
    const heard = new Promise<string>((resolve) =>
      nodeProcess.on("SIGINT", () => resolve("Node"))
    );
    mark(log, "begun");
    return heard;
  }, "node");
  assertEquals(await viaDeno, { exitCode: 0, outcome: "Deno" });
  assertEquals(await viaNode, { exitCode: 0, outcome: "Node" });
});

Deno.test("Process.interrupt() ends a target that does not care, busy or not", async () => {
  const all = await Promise.all([
    interrupted(deaf, "deaf"),
    interrupted((log) => {
      mark(log, "begun");
      for (;;);
    }, "busy"),
  ]);
  for (const { exitCode, outcome } of all) {
    assertEquals(exitCode, -2);
    assertInstanceOf(outcome, WorkerCrashedError);
    assertEquals(outcome.signal, "SIGINT");
  }
});

Deno.test("Process.interrupt() right after start() reaches the target", async () => {
  const process = new Process({ target: forEver }).start();
  process.interrupt();
  const error = await soon("the end", errorOf(process.result()));
  assertInstanceOf(error, CancelledError);
  await process.join();
  assertEquals(process.exitCode, 1);
});

// -- Who is who --

Deno.test("currentProcess() is the program's, and can only be looked at", async () => {
  const process = currentProcess();
  assertStrictEquals(currentProcess(), process);
  assertEquals(parentProcess(), null);
  const { name, pid, ident, exitCode, daemon } = process;
  assertEquals(
    { name, pid, ident, exitCode, daemon, isAlive: process.isAlive() },
    {
      name: "MainProcess",
      pid: Deno.pid,
      ident: Deno.pid,
      exitCode: null,
      daemon: false,
      isAlive: true,
    },
  );
  const message = "process 'MainProcess': it is the current process";
  assertThrows(() => process.start(), InvalidStateError, message);
  assertThrows(() => process.close(), InvalidStateError, message);
  assertThrows(() => process.interrupt(), InvalidStateError, message);
  for (const how of ["join", "result", "terminate", "kill"] as const) {
    await assertRejects(() => process[how](), InvalidStateError, message);
  }
  await process[Symbol.asyncDispose]();
});

Deno.test("Process of a process knows its name and its parent", async () => {
  const process = new Process({ target: family, args: [1], daemon: true });
  const number = /^Process-(\d+)$/.exec(process.name)![1];
  process.start();
  assertEquals(activeChildren(), [process]);
  const { child, ...outer } = await process.result();
  await process.join();
  assertEquals(activeChildren(), []);
  const inner = `Process-${number}:1`;
  assertEquals(outer, {
    name: process.name,
    pid: process.pid!,
    daemon: true,
    parent: "MainProcess",
    parentPid: Deno.pid,
    isParentAlive: true,
    children: [inner],
  });
  assertEquals([child!.name, child!.parent, child!.parentPid], [
    inner,
    process.name,
    process.pid,
  ]);
});

Deno.test("currentProcess() and parentProcess() in a thread are those of its process", async () => {
  const process = new Process({
    target: async () => {
      await using thread = new Thread({
        target: () => [currentProcess().name, parentProcess()?.pid],
      }).start();
      return await thread.result();
    },
    name: "Grace",
  }).start();
  assertEquals(await process.result(), ["Grace", Deno.pid]);
  await process.join();
});

Deno.test("ParentProcess.join() waits no longer than it is told", async () => {
  const process = new Process({
    target: async () => {
      const parent = parentProcess()!;
      const reason = new RangeError("enough");
      return [
        await parent.join({ timeout: 0 }),
        await parent.join({ timeout: 5 }),
        await parent.join({ signal: AbortSignal.abort(reason) })
          .catch((error) => error === reason),
      ];
    },
  }).start();
  assertEquals(await process.result(), [false, false, true]);
  await process.join();
});

Deno.test("Process of a process inherits 'env' and 'cwd', and what it may", async () => {
  using folder = new Folder();
  const cwd = await Deno.realPath(folder.path);
  const root = new URL("../../", import.meta.url);
  for (
    const [permissions, states] of [
      ["inherit", ["read", "env", "run", "net", "write"]],
      [{ read: true, env: true, run: true }, ["read", "env", "run"]],
      // Of a list too, which no program can find out about itself.
      [{ read: [root], env: true, run: [Deno.execPath()] }, ["env"]],
    ] as const
  ) {
    await using process = new Process({
      target: surroundings,
      args: [1],
      env: { PARALLEL_TEST: "yes" },
      cwd,
      permissions: permissions as Deno.PermissionOptions,
    }).start();
    assertEquals(await process.result(), { value: "yes", cwd, states });
  }
});

Deno.test("Process ends after those that it has started, and with its daemons", async () => {
  using folder = new Folder();
  const process = new Process({
    target: leave,
    args: [folder.file("log"), folder.file("gate")],
  }).start();
  await process.result();
  await until("both run", () => folder.lines("log").length === 2);
  assertEquals(await process.join({ timeout: 20 }), false);
  folder.open("gate");
  await soon("the end", process.join());
  assertEquals(process.exitCode, 0);
  const lines = folder.lines("log");
  assertEquals(lines.at(-1), "done");
  await until(
    "the daemon is gone",
    () => lines.slice(0, 2).every((pid) => !isAlive(Number(pid))),
  );
});

Deno.test("Process refuses 'env' and 'cwd' that the system would not take", () => {
  for (
    const [options, message] of [
      [{ env: 5 }, "'env' must be an object: current value is 5"],
      [{ env: { A: 1 } }, "'env.A' must be a string without NUL"],
      [{ env: { "A=B": "" } }, "'env' must be of names without '=' and NUL"],
      [{ cwd: 5 }, "'cwd' must be a path or a file: URL: current value is 5"],
      [
        { cwd: new URL("https://localhost/") },
        "'cwd' must be a path or a file: URL",
      ],
    ] as const
  ) {
    assertThrows(
      () => new Process(options as unknown as { cwd: string }),
      TypeError,
      `Cannot start process as ${message}`,
    );
  }
});
