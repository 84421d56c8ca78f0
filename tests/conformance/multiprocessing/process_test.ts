// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What CPython's _TestProcess, _TestSubclassingProcess, TestNoForkBomb, TestFlags
// and _TestAtExit ask for, under their names.

import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  CancelledError,
  InvalidStateError,
  WorkerCrashedError,
} from "../../../futures/mod.ts";
import { current } from "../../../mod.ts";
import {
  activeChildren,
  cpuCount,
  currentProcess,
  parentProcess,
  Process,
} from "../../../multiprocessing/mod.ts";
import { Thread } from "../../../threading/mod.ts";
import { PlusOne } from "../../_fixtures/process_classes.ts";
import { denoExit } from "../../faults/_fixtures/faulty.ts";
import { Folder, soon, until } from "../../_suites/_helpers.ts";
import { deaf, list, mark, throughGate } from "../../_suites/_tasks.ts";

/** Runs a mode of the program; `read` says whether anybody reads what it prints. */
async function program(
  mode: string,
  { read = true, args = [] }: { read?: boolean; args?: string[] } = {},
): Promise<{ code: number; lines: string[]; errors: string }> {
  const url = new URL("./_fixtures/process_program.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", url.href, mode, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const text = (stream: ReadableStream<BufferSource>) =>
    Array.fromAsync(stream.pipeThrough(new TextDecoderStream()))
      .then((chunks) => chunks.join(""));
  const [{ code }, output, errors] = await Promise.all([
    child.status,
    read ? text(child.stdout) : child.stdout.cancel().then(() => ""),
    text(child.stderr),
  ]);
  return { code, lines: output.split("\n").slice(0, -1), errors };
}

/** Recursion as in Python's test: each adds its path and starts two more. */
export async function recurse(
  log: string,
  path: readonly number[],
): Promise<void> {
  mark(log, path.join(""));
  if (path.length === 2) return;
  for (const i of [0, 1]) {
    const process = new Process({ target: recurse, args: [log, [...path, i]] });
    await process.start().join();
  }
}

/** What this process has open that another one could have left it: the runtime opens its caches when it likes. */
function openFiles(): number {
  const folder = "/proc/self/fd";
  return Array.from(Deno.readDirSync(folder), ({ name }) => {
    try {
      return Deno.readLinkSync(`${folder}/${name}`);
    } catch {
      // The descriptor with which the folder was read.
      return "/";
    }
  }).filter((link) => !link.startsWith("/") || link.startsWith("/memfd:"))
    .length;
}

Deno.test("test_current", () => {
  const process = currentProcess();
  assert(process.isAlive());
  assertEquals(process.daemon, false);
  assertEquals(process.ident, Deno.pid);
  assertEquals(process.exitCode, null);
});

Deno.test("test_args_argument", async () => {
  for (
    const args of [
      [],
      [1],
      [1, "two"],
      [undefined, null, new Map([[1, { two: [3] }]])],
    ]
  ) {
    const process = new Process({ target: list, args }).start();
    assertEquals(await process.result(), args);
    await process.join();
  }
});

Deno.test("test_daemon_argument", () => {
  assertEquals(new Process({ target: list }).daemon, false);
  assertEquals(new Process({ target: list, daemon: true }).daemon, true);
  assertThrows(
    () => new Process({ daemon: 1 as unknown as boolean }),
    TypeError,
  );
});

Deno.test("test_parent_process_attributes", async () => {
  assertEquals(parentProcess(), null);
  const process = new Process({
    target: () => [parentProcess()?.pid, parentProcess()?.name],
  }).start();
  assertEquals(await process.result(), [Deno.pid, currentProcess().name]);
  await process.join();
});

Deno.test("test_parent_process: who sees its parent die dies with it", async () => {
  using folder = new Folder();
  const child = new Process<unknown>({
    target: async (log: string) => {
      new Process({
        target: async (log: string) => {
          const parent = parentProcess()!;
          mark(log, `${Deno.pid} ${parent.isAlive()}`);
          await parent.join();
          mark(log, "outlived it");
        },
        args: [log],
      }).start();
      await new Promise(() => setInterval(() => {}, 1000));
    },
    args: [folder.file("log")],
  }).start();
  await until("it runs", () => folder.lines("log").length === 1);
  const [pid, wasAlive] = folder.lines("log")[0]!.split(" ");
  assertEquals(wasAlive, "true");
  await child.kill();
  await until("the grandchild is gone", () => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/stat`).includes(") Z ");
    } catch {
      return true;
    }
  });
  assertEquals(folder.lines("log").length, 1);
});

Deno.test("test_process: the whole life", async () => {
  using folder = new Folder();
  const process = new Process({
    target: throughGate<unknown>,
    args: [folder.file("gate"), [1, 2]],
    name: "Ada",
    daemon: true,
  });
  assertFalse(process.isAlive());
  assertFalse(activeChildren().includes(process));
  assertEquals([process.exitCode, process.pid], [null, undefined]);
  process.start();
  assertEquals(process.exitCode, null);
  assert(process.isAlive());
  assert(activeChildren().includes(process));
  folder.open("gate");
  assertEquals(await process.result(), [1, 2]);
  assertEquals(await process.join(), true);
  assertEquals(process.exitCode, 0);
  assertFalse(process.isAlive());
  assertFalse(activeChildren().includes(process));
  assertEquals([process.name, process.daemon], ["Ada", true]);
});

Deno.test("test_interrupt", async () => {
  const process = new Process({
    target: () => {
      for (;;) current.throwIfAborted();
    },
  }).start();
  process.interrupt();
  await assertRejects(() => process.result(), CancelledError);
  await process.join();
  assertEquals(process.exitCode, 1);
});

Deno.test("test_interrupt_no_handler", async () => {
  using folder = new Folder();
  const process = new Process({ target: deaf, args: [folder.file("log")] });
  process.start();
  await until("it runs", () => folder.lines("log").length === 1);
  process.interrupt();
  await assertRejects(() => process.result(), WorkerCrashedError);
  await process.join();
  assertEquals(process.exitCode, -2);
});

async function endsBy(how: "terminate" | "kill", code: number) {
  using folder = new Folder();
  const process = new Process({
    target: deaf,
    args: [folder.file("log")],
    daemon: true,
  }).start();
  process.result().catch(() => {});
  await until("it runs", () => folder.lines("log").length === 1);
  assertEquals(await process.join({ timeout: 0 }), false);
  // Python takes -1 for 0.
  await assertRejects(() => process.join({ timeout: -1 }), RangeError);
  assert(process.isAlive());
  await soon("the end", process[how]());
  assertEquals(await process.join(), true);
  assertFalse(process.isAlive());
  assertFalse(activeChildren().includes(process));
  assertEquals(process.exitCode, code);
}

Deno.test("test_terminate", () => endsBy("terminate", -15));

Deno.test("test_kill", () => endsBy("kill", -9));

Deno.test("test_cpu_count", () => {
  assert(Number.isInteger(cpuCount()) && cpuCount() >= 1);
});

Deno.test("test_active_children", async () => {
  assertEquals(activeChildren(), []);
  using folder = new Folder();
  const process = new Process({
    target: throughGate<number>,
    args: [folder.file("gate"), 1],
  });
  assertEquals(activeChildren(), []);
  process.start();
  assertEquals(activeChildren(), [process]);
  folder.open("gate");
  await process.join();
  assertEquals(activeChildren(), []);
});

Deno.test("test_recursion", async () => {
  using folder = new Folder();
  await recurse(folder.file("log"), []);
  assertEquals(folder.lines("log"), ["", "0", "00", "01", "1", "10", "11"]);
});

Deno.test("test_sentinel", async () => {
  using folder = new Folder();
  const process = new Process({
    target: throughGate<number>,
    args: [folder.file("gate"), 1],
  });
  assertThrows(() => process.sentinel, InvalidStateError);
  process.start();
  const ready = () =>
    Promise.race([
      process.sentinel.then(() => true),
      new Promise((resolve) => setTimeout(resolve, 0, false)),
    ]);
  assertEquals(await ready(), false);
  folder.open("gate");
  await process.join();
  assertEquals(await ready(), true);
});

Deno.test("test_close", async () => {
  using folder = new Folder();
  const process = new Process({
    target: throughGate<number>,
    args: [folder.file("gate"), 1],
  }).start();
  assert(process.isAlive());
  assertThrows(() => process.close(), InvalidStateError);
  folder.open("gate");
  await process.join();
  assertFalse(process.isAlive());
  process.close();
  assertThrows(() => process.isAlive(), InvalidStateError);
  await assertRejects(() => process.join(), InvalidStateError);
  await assertRejects(() => process.terminate(), InvalidStateError);
  process.close();
});

Deno.test("test_many_processes", async () => {
  // As many as Python starts, some at a time.
  for (let round = 0; round < 10; round++) {
    const processes = Array.from(
      { length: 10 },
      () => new Process({ target: () => new Promise(() => {}) }).start(),
    );
    for (const process of processes) process.result().catch(() => {});
    await Promise.all(processes.map((process) => process.terminate()));
    // One that is told while it comes up ends all the same.
    assertEquals(
      processes.map(({ exitCode }) => exitCode),
      Array(10).fill(-15),
    );
  }
});

Deno.test({
  name: "test_child_fd_inflation",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const count = async () => {
      await using process = new Process({ target: openFiles }).start();
      return await process.result();
    };
    const alone = await count();
    using folder = new Folder();
    const siblings = Array.from({ length: 3 }, () =>
      new Process({
        target: throughGate<number>,
        args: [folder.file("gate"), 1],
      }).start());
    const among = await count();
    folder.open("gate");
    await Promise.all(siblings.map((process) => process.join()));
    assertEquals(among, alone);
  },
});

Deno.test("test_wait_for_threads", async () => {
  using folder = new Folder();
  const process = new Process({
    target: (gate: string, log: string) => {
      new Thread({
        target: async () => {
          await throughGate(gate, 1);
          mark(log, "thread");
        },
      }).start();
      mark(log, "target");
    },
    args: [folder.file("gate"), folder.file("log")],
  }).start();
  await process.result();
  assertEquals(await process.join({ timeout: 100 }), false);
  folder.open("gate");
  await process.join();
  assertEquals(process.exitCode, 0);
  assertEquals(folder.lines("log"), ["target", "thread"]);
});

Deno.test("test_error_on_stdio_flush_1: a standard output that is closed does not fail the child", async () => {
  const process = new Process({ target: () => Deno.stdout.close() }).start();
  await process.join();
  assertEquals(process.exitCode, 0);
});

Deno.test("test_error_on_stdio_flush_2: nor does one that nobody reads", async () => {
  const { code, errors } = await program("brokenStdout", { read: false });
  assertEquals(errors, "exit code 0\n");
  assertEquals(code, 0);
});

Deno.test("test_subclassing", async () => {
  const process = new PlusOne({ target: (n: number) => n, args: [41] }).start();
  assertEquals(await process.result(), 42);
  await process.join();
});

Deno.test("test_stderr_flush", async () => {
  const { code, lines, errors } = await program("stderrFlush");
  assertEquals([code, lines.at(-1)], [0, "exit code 1"]);
  assertStringIncludes(errors, "RangeError: in the child");
  assertStringIncludes(errors, "at fails (");
  assertStringIncludes(errors, "process_program.ts");
});

Deno.test("test_sys_exit", async () => {
  const codes = [0, 1, 8, 255, 256, -1];
  const processes = codes.map((code) =>
    new Process({ target: denoExit, args: [code] }).start()
  );
  for (const [i, process] of processes.entries()) {
    const error = await process.result().catch((error) => error);
    assertInstanceOf(error, WorkerCrashedError);
    await process.join();
    assertStrictEquals(process.exitCode, codes[i]! & 255);
  }
});

Deno.test("test_noforkbomb: the main module does not run in a child", async () => {
  const { code, lines } = await program("noForkBomb");
  assertEquals(lines, ["main noForkBomb", "child", "exit code 0"]);
  assertEquals(code, 0);
});

Deno.test("test_flags: a grandchild has the permissions of its parent, not more", async () => {
  const states = () =>
    (["env", "ffi", "net", "run", "sys"] as const).filter((name) =>
      Deno.permissions.querySync({ name }).state === "granted"
    );
  const process = new Process({
    target: async () => {
      await using below = new Process({ target: states }).start();
      let refused: unknown;
      try {
        new Process({ permissions: { net: true } });
      } catch (error) {
        refused = (error as Error).message;
      }
      return [states(), await below.result(), refused];
    },
    permissions: { read: true, env: true, run: true },
  }).start();
  assertEquals(await process.result(), [
    ["env", "run"],
    ["env", "run"],
    "Cannot start process as 'permissions.net' must be within what this program is granted: current value is true",
  ]);
  await process.join();
});

Deno.test("test_atexit", async () => {
  using folder = new Folder();
  const process = new Process({
    target: (log: string) => {
      addEventListener("unload", () => mark(log, "unload"));
    },
    args: [folder.file("log")],
  }).start();
  await process.join();
  assertEquals(folder.lines("log"), ["unload"]);
});

Deno.test("test_daemon: the program waits for others and ends daemons", async () => {
  using folder = new Folder();
  const { code, lines, errors } = await program("daemon", {
    args: [folder.file("gate")],
  });
  assertEquals([code, errors], [0, ""]);
  const pid = lines.find((line) => line.startsWith("pid"))!.slice(4);
  await until("the daemon is gone", () => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/stat`).includes(") Z ");
    } catch {
      return true;
    }
  });
});
