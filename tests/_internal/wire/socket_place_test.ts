// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertRejects } from "@std/assert";
import { AuthenticatedListener } from "../../../_internal/wire/authenticated_listener.ts";
import {
  connectAuthenticated,
  createKey,
} from "../../../_internal/wire/handshake.ts";
import {
  linkSocket,
  removeAbandoned,
} from "../../../_internal/wire/socket_place.ts";
import { Process } from "../../../multiprocessing/mod.ts";
import { Thread } from "../../../threading/mod.ts";
import { Folder, soon, until } from "../../_suites/_helpers.ts";
import { isAlive } from "../../_support/processes.ts";

const ROOT = new URL("../../../", import.meta.url);
const hasFiles = Deno.build.os !== "windows";
type Address = AuthenticatedListener["address"];
type Key = Uint8Array<ArrayBuffer>;
type Target = (address: Address, key: Key) => Promise<unknown>;

/** Connects, then serves a guest of its own; says what it may do. */
export async function reach(address: Address, key: Key): Promise<unknown> {
  (await connectAuthenticated(address, key)).close();
  const met = Promise.withResolvers<string>();
  using own = new AuthenticatedListener({
    key,
    onConnection: (conn) => {
      conn.close();
      met.resolve(own.address.transport);
    },
  });
  (await connectAuthenticated(own.address, key)).close();
  const names = ["net", "read", "write", "env", "run"] as const;
  const full = names.filter((name) =>
    Deno.permissions.querySync({ name }).state === "granted"
  );
  return [await met.promise, ...full];
}

/** The same in a process of this process, which inherits what it may. */
export async function reachBelow(address: Address, key: Key): Promise<unknown> {
  await using process = new Process({ target: reach, args: [address, key] })
    .start();
  return await process.result();
}

/** The same in a thread of this process. */
export async function reachBeside(
  address: Address,
  key: Key,
): Promise<unknown> {
  await using thread = new Thread({ target: reach, args: [address, key] })
    .start();
  return await Promise.all([thread.result(), reach(address, key)]);
}

/** Names of ours in the folder for temporary files. */
export function names(): string[] {
  const probe = Deno.makeTempDirSync();
  Deno.removeSync(probe);
  return Array.from(
    Deno.readDirSync(probe.slice(0, probe.lastIndexOf("/"))),
    ({ name }) => name,
  ).filter((name) => name.startsWith(`concurrent-parallel-${Deno.pid}-`));
}

Deno.test({
  name:
    "A process with few permissions reaches what is made later, and is reached",
  ignore: !hasFiles,
  async fn() {
    const key = createKey();
    let count = 0;
    using listener = new AuthenticatedListener({
      key,
      onConnection: (conn) => {
        conn.close();
        count++;
      },
    });
    const before = names();
    const read = [ROOT];
    const run = [Deno.execPath()];
    for (
      const [target, permissions, expected] of [
        [reach, { read }, ["unix"]],
        [reach, { read: true, env: true }, ["unix", "read", "env"]],
        [reach, { read, net: true }, ["unix", "net"]],
        // Its child is not allowed to start others any more: that was one name.
        [reachBelow, { read, run }, ["unix"]],
        [reachBeside, { read }, [["unix"], ["unix"]]],
      ] as [Target, Deno.PermissionOptions, unknown][]
    ) {
      const process = new Process({
        target,
        args: [listener.address, key],
        permissions,
      }).start();
      const said = await soon("its answer", process.result());
      await process.join();
      assertEquals(said, expected);
    }
    await until("all have been taken", () => count >= 6);
    assertEquals(count, 6);
    assertEquals(names(), before);
  },
});

Deno.test({
  name:
    "A process with few permissions and its child are reached where the folder for temporary files has a long name",
  ignore: !hasFiles,
  async fn() {
    // Not below the one of this run, which may be long itself.
    const folder = Deno.makeTempDirSync({ dir: "/tmp" });
    const long = folder.padEnd(40, "x");
    Deno.renameSync(folder, long);
    const before = Deno.env.get("TMPDIR");
    Deno.env.set("TMPDIR", long);
    try {
      const key = createKey();
      using listener = new AuthenticatedListener({
        key,
        onConnection: (conn) => conn.close(),
      });
      await using process = new Process({
        target: reachBelow,
        args: [listener.address, key],
        permissions: { read: [ROOT], run: [Deno.execPath()] },
      }).start();
      assertEquals(await soon("its answer", process.result()), ["unix"]);
    } finally {
      if (before === undefined) Deno.env.delete("TMPDIR");
      else Deno.env.set("TMPDIR", before);
      Deno.removeSync(long);
    }
  },
});

Deno.test({
  name: "A process with few permissions that is killed leaves no socket",
  ignore: !hasFiles,
  async fn() {
    const process = new Process({
      target: (key: Key) => {
        const { address } = new AuthenticatedListener({
          key,
          onConnection() {},
        });
        Deno.kill(Deno.pid, "SIGKILL");
        return address;
      },
      args: [createKey()],
      permissions: { read: [ROOT], run: true },
    }).start();
    await process.join();
    assertEquals(process.exitCode, -9);
    assertEquals(names(), []);
  },
});

Deno.test({
  name:
    "removeAbandoned() removes what those have left who are gone, or wait for their parent to take note",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using folder = new Folder();
    // What the shell becomes takes no note of its child.
    const parent = new Deno.Command("sh", {
      args: ["-c", "sh -c : & echo $!; exec sleep 100"],
      stdout: "piped",
    }).spawn();
    const gone = new Deno.Command("sh", { args: ["-c", ":"] }).spawn();
    await gone.status;
    const reader = parent.stdout.getReader();
    const { value } = await reader.read();
    const ended = Number(new TextDecoder().decode(value));
    const inside = (pid: number) =>
      folder.file(`concurrent-parallel-${pid}-0123`);
    try {
      await until("it has ended", () => !isAlive(ended));
      for (const pid of [parent.pid, ended, gone.pid]) {
        Deno.mkdirSync(inside(pid));
      }
      await removeAbandoned(`${folder.path}/any/socket`);
      assertEquals(
        Array.from(Deno.readDirSync(folder.path), ({ name }) => name),
        [inside(parent.pid).slice(folder.path.length + 1)],
      );
    } finally {
      parent.kill();
      await parent.status;
      await reader.cancel();
    }
  },
});

Deno.test("linkSocket() links nothing but sockets of ours, to doors of ours", async () => {
  using folder = new Folder();
  folder.open("file");
  const directory = await Deno.makeTempDir({ prefix: "concurrent-parallel-" });
  try {
    await Deno.writeTextFile(`${directory}/s`, "");
    for (
      const [socket, door] of [
        [`${directory}/s`, `${directory}/c`],
        [folder.file("file"), `${directory}/c`],
        [`${directory}/../passwd`, `${directory}/c`],
        [`${directory}/s`, folder.file("c")],
      ] as const
    ) {
      await assertRejects(() => linkSocket(socket, door), TypeError);
    }
    assertEquals(
      (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name),
      ["s"],
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
