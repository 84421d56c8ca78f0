// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Whoever ends takes along what it has started, wherever that is.

import { assertEquals } from "@std/assert";
import { Process } from "../../multiprocessing/mod.ts";
import { Folder, soon, until } from "../_suites/_helpers.ts";
import { isAlive } from "../_support/processes.ts";
import { type Doing, parent } from "./_fixtures/family.ts";

/** Without --allow-ffi the system does not help. */
const WITHOUT_FFI = {
  read: true,
  write: true,
  net: true,
  run: true,
  env: true,
  sys: true,
} as const;

function survivors(pids: readonly string[]): string[] {
  return pids.filter((pid) => isAlive(Number(pid)));
}

/** Starts a family, ends one of it, and sees that nobody is left below. */
async function endFamily(
  doing: Doing,
  depth: number,
  permissions: Deno.PermissionOptions,
  end: (process: Process<unknown>, pids: readonly string[]) => unknown,
): Promise<void> {
  using folder = new Folder();
  const log = folder.file("pids");
  const process = new Process<unknown>({
    target: parent,
    args: [log, doing, depth],
    permissions,
  }).start();
  const result = process.result().catch(() => {});
  await until("all run", () => folder.lines("pids").length === depth + 1);
  const pids = folder.lines("pids");
  await end(process, pids);
  await until(
    "nobody is left",
    () =>
      survivors(pids.filter((pid) => pid !== `${process.pid}`)).length === 0,
  );
  await process.terminate();
  await soon("the end", result);
  assertEquals(survivors(pids), []);
}

for (
  const [how, permissions] of [["with", "inherit"], [
    "without",
    WITHOUT_FFI,
  ]] as const
) {
  Deno.test({
    name:
      `Process.kill() ends what the process has started, whatever it does, ${how} --allow-ffi`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const all: Doing[] = ["waits", "computes", "is blocked", "comes up"];
      for (const doing of all) {
        await endFamily(doing, 1, permissions, (process) => process.kill());
      }
    },
  });

  Deno.test({
    name:
      `A process that is killed from outside takes its family along, ${how} --allow-ffi`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      // The middle one of three; its parent lives on.
      await endFamily("computes", 2, permissions, (process, pids) => {
        const middle = pids.find((pid) =>
          Deno.readTextFileSync(`/proc/${pid}/stat`).split(" ")[3] ===
            `${process.pid}`
        )!;
        Deno.kill(Number(middle), "SIGKILL");
      });
    },
  });
}

Deno.test({
  name: "Process.terminate() ends what the process has started",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await endFamily("waits", 2, "inherit", (process) => process.terminate());
  },
});
