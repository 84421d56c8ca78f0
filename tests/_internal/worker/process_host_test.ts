// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { deadline, delay } from "@std/async";
import { SLOTS } from "../../../_internal/memory/slots.ts";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  SerializationError,
  TimeoutError,
  WorkerCrashedError,
} from "../../../_internal/base/errors.ts";
import type { ChannelClose } from "../../../_internal/wire/channel.ts";
import { Tag } from "../../../_internal/wire/messages.ts";
import { permissionFlags } from "../../../_internal/worker/_permissions.ts";
import { findProjectConfig } from "../../../_internal/worker/_project_config.ts";
import type { HostExit } from "../../../_internal/worker/host.ts";
import {
  ProcessHost,
  type ProcessHostOptions,
} from "../../../_internal/worker/process_host.ts";
import { scaled, until } from "../../_suites/_helpers.ts";
import { isAlive } from "../../_support/processes.ts";
import { Command } from "./_fixtures/echo_child.ts";

const ENTRY = new URL("./_fixtures/echo_child.ts", import.meta.url);
const PARENT = new URL("./_fixtures/parent_program.ts", import.meta.url);
const isLinux = Deno.build.os === "linux";
const isWindows = Deno.build.os === "windows";

/** A child that answers; disposing kills it. */
class Child implements AsyncDisposable {
  readonly host: ProcessHost;
  readonly closes: ChannelClose[] = [];
  #messages: Uint8Array[] = [];
  #wake: (() => void) | undefined;

  constructor(options: Partial<ProcessHostOptions> = {}) {
    this.host = new ProcessHost({
      id: 7,
      name: "child",
      entry: ENTRY,
      // What the tests are about is no matter of how soon a child comes up.
      deadline: 60_000,
      ...options,
    });
    this.host.channel.onMessage = (message) => {
      this.#messages.push(message.slice());
      this.#wake?.();
    };
    this.host.channel.onClose = (close) => {
      this.closes.push(close);
      this.#wake?.();
    };
    this.host.open();
  }

  send(command: number, body: Uint8Array = new Uint8Array()): void {
    const message = new Uint8Array(1 + body.length);
    message[0] = command;
    message.set(body, 1);
    this.host.channel.send(message);
  }

  async receive(): Promise<Uint8Array> {
    // The channel keeps no program alive; whoever waits does.
    const timer = setInterval(() => {}, 1000);
    try {
      while (this.#messages.length === 0) {
        assertEquals(this.closes, [], "the channel has closed");
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
      return this.#messages.shift()!;
    } finally {
      clearInterval(timer);
    }
  }

  async receiveJson(): Promise<unknown> {
    const text = new TextDecoder().decode(await this.receive());
    const { value, error } = JSON.parse(text);
    if (error !== undefined) throw new TypeError(error);
    return value;
  }

  evaluate(code: string): Promise<unknown> {
    this.send(Command.evaluate, new TextEncoder().encode(code));
    return this.receiveJson();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.host.terminate();
    await this.host.exited;
  }
}

/** Shared memory, which is Linux with --allow-ffi, and the socket alone. */
const WAYS = [
  ["ProcessHost", {}],
  ["ProcessHost without shared memory", { sharesMemory: false }],
] as const satisfies [string, Partial<ProcessHostOptions>][];
const canShare = isLinux &&
  Deno.permissions.querySync({ name: "ffi" }).state === "granted";

for (
  const [subject, way] of WAYS as [string, Partial<ProcessHostOptions>][]
) {
  Deno.test(`${subject} knows its pid at once and echoes`, async () => {
    await using child = new Child(way);
    assert(child.host.pid > 0);
    await child.host.ready;
    assertEquals(await child.evaluate("Deno.pid"), child.host.pid);
    assertEquals(await child.evaluate("info"), {
      id: 7,
      name: "child",
      concurrency: 1,
    });
    const isShared = await child.evaluate("sharesSlots");
    assertEquals(isShared, canShare && way.sharesMemory !== false);
    assertEquals(child.host.slots !== undefined, isShared);
  });

  Deno.test(`${subject} delivers what was sent before the child was there`, async () => {
    await using child = new Child(way);
    for (let i = 0; i < 10; i++) child.send(Command.echo, new Uint8Array([i]));
    for (let i = 0; i < 10; i++) {
      assertEquals(await child.receive(), new Uint8Array([Command.echo, i]));
    }
  });

  Deno.test(`${subject} carries many messages in order`, async () => {
    await using child = new Child(way);
    const count = 20_000;
    const body = new Uint8Array(8);
    const view = new DataView(body.buffer);
    for (let i = 0; i < count; i++) {
      view.setUint32(0, i);
      child.send(Command.echo, body);
    }
    for (let i = 0; i < count; i++) {
      const message = await child.receive();
      if (new DataView(message.buffer).getUint32(1) !== i) {
        assertEquals(message[0], i);
      }
    }
  });

  Deno.test(`${subject} carries a message of 32 MB`, async () => {
    await using child = new Child(way);
    const body = new Uint8Array(32 << 20);
    for (let i = 0; i < body.length; i += 4096) body[i] = i >> 12;
    child.send(Command.echo, body);
    const echo = (await child.receive()).subarray(1);
    assertEquals(echo.length, body.length);
    for (let i = 0; i < body.length; i += 4096) {
      if (echo[i] !== body[i]) assertEquals(echo[i], body[i]);
    }
  });

  Deno.test(`${subject}.stop() ends the child in order with a code`, async () => {
    await using child = new Child(way);
    assertEquals(await child.evaluate("1"), 1);
    child.host.stop();
    assertEquals(await child.host.exited, { exitCode: 0 });
    assertEquals(child.closes, [{}]);
    await using other = new Child(way);
    other.host.stop(3);
    assertEquals(await other.host.exited, { exitCode: 3 });
  });

  Deno.test(`${subject}.exited tells the code of Deno.exit() in the child`, async () => {
    await using child = new Child(way);
    child.send(Command.echo);
    await child.receive();
    child.send(Command.evaluate, new TextEncoder().encode("Deno.exit(9)"));
    assertEquals(await bounded(child.host), { exitCode: 9 });
  });

  Deno.test({
    name: `${subject}.exited tells of a killed child within a second`,
    ignore: isWindows,
    async fn() {
      await using child = new Child(way);
      await child.evaluate("1");
      const start = performance.now();
      Deno.kill(child.host.pid, "SIGKILL");
      assertEquals(await bounded(child.host), {
        exitCode: undefined,
        signal: "SIGKILL",
      });
      assert(performance.now() - start < scaled(1_000));
      assertEquals(child.closes.length, 1);
    },
  });

  Deno.test(`${subject}.terminate() ends a child that is busy or still starting`, async () => {
    const busy = new Child(way);
    busy.send(Command.spin, new Uint8Array([0]));
    assertEquals(await busy.receiveJson(), "busy");
    busy.host.terminate();
    await busy.host.exited;

    const starting = new Child(way);
    starting.host.terminate();
    const { error } = await starting.host.exited;
    assertInstanceOf(error, WorkerCrashedError);
    await assertRejects(() => starting.host.ready, WorkerCrashedError);
  });

  Deno.test(`${subject}.raise() reaches a child that is busy in a synchronous loop`, async () => {
    await using child = new Child(way);
    for (const slot of [0, 5, SLOTS - 1]) {
      child.send(Command.spin, new Uint8Array([slot]));
      assertEquals(await child.receiveJson(), "busy");
      child.host.raise(slot, 0);
      assertEquals(await child.receiveJson(), "aborted");
    }
    assertThrows(() => child.host.raise(SLOTS, 0), RangeError);
    assertThrows(() => child.host.raise(-1, 0), RangeError);
  });

  Deno.test(`${subject}.raise() before the child is there is not lost`, async () => {
    await using child = new Child(way);
    child.host.raise(3, 0);
    child.send(Command.spin, new Uint8Array([3]));
    assertEquals(await child.receiveJson(), "busy");
    assertEquals(await child.receiveJson(), "aborted");
  });

  Deno.test(`${subject}.raise() is seen before what is sent after it`, async () => {
    await using child = new Child(way);
    await child.evaluate("1");
    // Stdin and the socket have no order between them but the fence: without it
    // the raise comes late now and then, and would abort the slot's next call.
    for (let i = 0; i < 300; i++) {
      child.host.raise(9, 0);
      const look = "[slots.aborted(9), slots.free(9), slots.aborted(9)]";
      assertEquals(await child.evaluate(look), [true, null, false]);
    }
  });
}

Deno.test("ProcessHost keeps the order of messages by ring and by socket, with more children than cores", async () => {
  // The last two are too large for the ring.
  const lengths = [2, 60, 5_000, 70_000, 1_500_000, 2_500_000, 3_000_000];
  const count = 100;
  const lengthOf = (i: number) =>
    lengths[i % 19 === 0 ? 5 + i % 2 : i % 7 === 0 ? 4 : i % 4]!;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      await using child = new Child();
      const body = new Uint8Array(Math.max(...lengths));
      for (let i = 0; i < count; i++) {
        const message = body.subarray(0, lengthOf(i));
        message[0] = i;
        message[message.length - 1] = ~i;
        child.send(Command.echo, message);
      }
      for (let i = 0; i < count; i++) {
        const message = (await child.receive()).subarray(1);
        if (
          message.length !== lengthOf(i) || message[0] !== i ||
          message.at(-1) !== (~i & 255)
        ) assertEquals([message.length, message[0]], [lengthOf(i), i]);
      }
    }),
  );
});

Deno.test("ProcessHost does not knock at the door while a message is being written", async () => {
  await using child = new Child();
  await child.evaluate("1");
  const { channel } = child.host;
  // Too large for the ring. Nobody has told the child of it when it begins to come.
  const message = new Uint8Array(6_000_000).fill(7);
  message[0] = Command.echo;
  for (let i = 0; i < 12; i++) {
    channel.send(message, [], [], new Uint8Array(0), true);
    await delay(i % 4);
    channel.wake?.();
    const echo = await deadline(child.receive(), 60_000);
    assertEquals(echo.length, message.length);
    assertEquals(echo.at(-1), 7);
  }
});

Deno.test("ProcessHost works over TCP", async () => {
  await using child = new Child({ transport: "tcp" });
  assertEquals(await child.evaluate("1 + 1"), 2);
});

Deno.test({
  name: "ProcessHost.terminate() sends the signal that it is given",
  ignore: isWindows,
  async fn() {
    await using child = new Child();
    await child.evaluate("1");
    child.host.terminate("SIGTERM");
    assertEquals((await child.host.exited).signal, "SIGTERM");
    // Once more is no error.
    child.host.terminate();
  },
});

Deno.test({
  name: "ProcessHost's child ignores SIGINT",
  ignore: isWindows,
  async fn() {
    await using child = new Child();
    await child.evaluate("1");
    Deno.kill(child.host.pid, "SIGINT");
    assertEquals(await child.evaluate("2"), 2);
  },
});

Deno.test("ProcessHost rejects ready when the child ends before it has connected", async () => {
  const child = new Child({
    entry: "data:text/javascript,Deno.exit(4)",
  });
  const error = await assertRejects(
    () => child.host.ready,
    WorkerCrashedError,
  );
  assertEquals(error.exitCode, 4);
  assertEquals(await child.host.exited, { exitCode: 4, error });
  assertEquals(child.closes, [{ error }]);
});

Deno.test("ProcessHost ends a child that does not connect before the deadline", async () => {
  const child = new Child({
    entry: "data:text/javascript,setInterval(() => {}, 1000)",
    deadline: 300,
  });
  await assertRejects(() => child.host.ready, TimeoutError);
  assertInstanceOf((await child.host.exited).error, TimeoutError);
});

Deno.test("ProcessHost ends a child that sends a bad frame, also when it is busy", async () => {
  await using child = new Child({ sharesMemory: false });
  // The fixture sets no limit and no fences come from a child: an empty frame.
  await child.evaluate("1");
  child.send(
    Command.evaluate,
    new TextEncoder().encode(
      "channel.fence(1), channel.flush().then(() => { while (true); })",
    ),
  );
  const { error } = await bounded(child.host);
  assertInstanceOf(error, SerializationError);
  assertEquals(child.closes, [{ error }]);
});

for (
  const [what, code] of [
    ["what the host has to read", "words.fill(-7, results, results + 48)"],
    ["how far it has read itself", "for (;;) words[requests] = 2 ** 30"],
    [
      "lengths",
      "words.fill(0x7ffffff, results + 48), Atomics.add(words, results + 16, 64)",
    ],
    ["everything, at random, for ever", "scramble()"],
  ] as const
) {
  Deno.test({
    name: `ProcessHost ends a child that has spoilt ${what} in shared memory`,
    ignore: !canShare,
    async fn() {
      await using child = new Child();
      await child.evaluate("1");
      child.send(
        Command.evaluate,
        new TextEncoder().encode(`
          const words = new Int32Array(mapped);
          const requests = ${32 + SLOTS};
          const results = (requests + words.length) / 2;
          const scramble = () => {
            for (let i = 0; i < 4096; i++) {
              words[results + 48 + Math.random() * 2 ** (i % 21) | 0] =
                Math.random() * 2 ** (i % 32) | 4;
            }
            Atomics.add(words, results + 16, Math.random() * 2 ** 18);
            channel.fence(0);
            setTimeout(scramble, 1);
          };
          ${code};
          channel.fence(0);
          new Promise(() => {});`),
      );
      // The host meets it when it reads, or when it sends.
      const timer = setInterval(() => child.send(0), 1);
      try {
        const { error } = await bounded(child.host);
        assertInstanceOf(error, SerializationError);
        assertEquals(child.closes, [{ error }]);
      } finally {
        clearInterval(timer);
      }
    },
  });
}

Deno.test({
  name:
    "ProcessHost gives the memory back that it shared, with its descriptors",
  ignore: !canShare,
  async fn() {
    const names = () =>
      Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => name).length;
    const maps = () =>
      Deno.readTextFileSync("/proc/self/maps").split("concurrent-parallel")
        .length;
    // The first one leaves what all of them use.
    await using first = new Child();
    await first.evaluate("1");
    const [descriptors, mappings] = [names(), maps()];
    for (const code of ["1", "Deno.exit(3)"]) {
      await using child = new Child();
      await child.evaluate("1");
      assertEquals(maps(), mappings + 1);
      child.send(Command.evaluate, new TextEncoder().encode(code));
      child.host.stop();
      await child.host.exited;
      // What is asked of the calls afterwards is asked of a copy.
      assertEquals(child.host.slots!.revoke(5), true);
    }
    assertEquals(maps(), mappings);
    // Others may close something late, too.
    await until("all are closed", () => names() <= descriptors);
  },
});

Deno.test({
  name: "ProcessHost keeps to the socket where the child may not share memory",
  ignore: !canShare,
  async fn() {
    await using child = new Child({ flags: ["--deny-ffi"] });
    assertEquals(await child.evaluate("sharesSlots"), false);
    assertEquals(child.host.slots, undefined);
    const permissions = { read: true, write: true, net: true };
    await using other = new Child({ permissions });
    assertEquals(await other.evaluate("sharesSlots"), false);
  },
});

Deno.test("ProcessHost hides the control lane from tasks that read stdin", async () => {
  await using child = new Child();
  const code = "[Deno.stdin.readSync(new Uint8Array(9)), prompt()]";
  assertEquals(await child.evaluate(code), [null, null]);
});

Deno.test({
  name: "ProcessHost hides the control lane from programs that tasks start",
  ignore: isWindows,
  async fn() {
    await using child = new Child();
    const command = `new Deno.Command("cat", { stdout: "null" }).spawn()`;
    assertEquals(await child.evaluate(`${command}.status`), {
      success: true,
      code: 0,
      signal: null,
    });
  },
});

Deno.test("ProcessHost runs the package's own entry where it is given none", async () => {
  await using child = new Child({ entry: undefined });
  assertEquals(await child.receive(), new Uint8Array([Tag.ready]));
  child.host.stop(5);
  assertEquals(await child.host.exited, { exitCode: 5 });
});

Deno.test("ProcessHost passes env and cwd", async () => {
  const cwd = await Deno.realPath(await Deno.makeTempDir());
  {
    await using child = new Child({ env: { COLOUR: "green" }, cwd });
    assertEquals(
      await child.evaluate("[Deno.env.get('COLOUR'), Deno.cwd()]"),
      ["green", cwd],
    );
  }
  await Deno.remove(cwd);
});

Deno.test({
  name: "ProcessHost keeps the key out of arguments and environment",
  ignore: !isLinux,
  async fn() {
    await using child = new Child();
    await child.evaluate("1");
    for (const file of ["cmdline", "environ"]) {
      const text = await Deno.readTextFile(`/proc/${child.host.pid}/${file}`);
      assert(!/[0-9a-f]{64}/i.test(text));
    }
  },
});

Deno.test("ProcessHost gives the child the parent's permissions or fewer", async () => {
  const states = `Object.fromEntries(
    ["env", "ffi", "net", "read", "run", "sys", "write"].map((name) =>
      [name, Deno.permissions.querySync({ name }).state]))`;
  const denied = Object.fromEntries(
    ["env", "ffi", "net", "read", "run", "sys", "write"].map((name) => [
      name,
      "prompt",
    ]),
  );
  {
    await using child = new Child();
    assertEquals(
      await child.evaluate(states),
      Object.fromEntries(Object.keys(denied).map((name) => [name, "granted"])),
    );
  }
  {
    await using child = new Child({ permissions: "none" });
    assertEquals(await child.evaluate(states), denied);
  }
  {
    const cwd = Deno.cwd();
    await using child = new Child({
      permissions: { env: "inherit", read: [cwd], sys: true },
    });
    assertEquals(await child.evaluate(states), {
      ...denied,
      env: "granted",
      sys: "granted",
    });
    const query = `Deno.permissions.querySync({ name: "read", path: ${
      JSON.stringify(cwd)
    } }).state`;
    assertEquals(await child.evaluate(query), "granted");
  }
});

Deno.test({
  name: "ProcessHost refuses permissions that the parent does not have",
  permissions: { read: true, write: true, net: true, run: true },
  fn() {
    const error = assertThrows(
      () => new Child({ permissions: { env: true } }),
      TypeError,
    );
    assert(error.message.includes("permissions.env"));
    assertThrows(() => new Child({ permissions: { env: ["A"] } }), TypeError);
  },
});

Deno.test("permissionFlags() names what was asked for and the child's socket", () => {
  const unix = { transport: "unix", path: "/tmp/x/s" } as const;
  const tcp = { transport: "tcp", port: 99 } as const;
  assertEquals(permissionFlags(undefined, unix), ["--allow-all"]);
  assertEquals(permissionFlags("none", unix), [
    "--allow-import",
    "--deny-import",
    "--allow-net=unix:/tmp/x/s",
    "--allow-read=/tmp/x/s",
    "--allow-write=/tmp/x/s",
  ]);
  assertEquals(
    permissionFlags({
      env: ["A", "B"],
      import: false,
      net: true,
      read: [new URL("file:///a,b")],
      run: false,
      sys: "inherit",
    }, tcp),
    [
      "--allow-import",
      "--deny-import",
      "--allow-net",
      "--allow-sys",
      "--allow-env=A,B",
    ]
      .concat(isWindows ? [] : ["--allow-read=/a,,b"]),
  );
});

Deno.test("findProjectConfig() walks up from the main module", async () => {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  await Deno.mkdir(`${directory}/a/b`, { recursive: true });
  const main = pathToFileURL(`${directory}/a/b/main.ts`).href;
  await Deno.writeTextFile(`${directory}/deno.jsonc`, "{}");
  assertEquals(findProjectConfig(main), join(directory, "deno.jsonc"));
  await Deno.writeTextFile(`${directory}/a/deno.json`, "{}");
  assertEquals(findProjectConfig(main), join(directory, "a", "deno.json"));
  // A folder of that name is no configuration.
  await Deno.mkdir(`${directory}/a/b/deno.json`);
  assertEquals(findProjectConfig(main), join(directory, "a", "deno.json"));
  assertEquals(findProjectConfig("https://example.com/main.ts"), undefined);
  assertEquals(findProjectConfig(undefined), undefined);
  await Deno.remove(directory, { recursive: true });
});

/** Runs the parent program with a mode; gives its process and the pids of its children. */
async function startParent(
  mode: string,
  flags: readonly string[] = ["-A"],
  env: Record<string, string> = {},
): Promise<{ parent: Deno.ChildProcess; pids: number[]; text: string }> {
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...flags, String(PARENT), mode],
    env,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of parent.stdout.values({ preventCancel: true })) {
    text += decoder.decode(chunk);
    if (text.includes("\n")) break;
  }
  await parent.stdout.cancel();
  const line = text.trim();
  return { parent, text: line, pids: line.match(/\d+/g)?.map(Number) ?? [] };
}

async function assertGone(pids: readonly number[]): Promise<void> {
  await until("nobody is left", () => !pids.some(isAlive));
}

Deno.test({
  name: "ProcessHost leaves no socket file once the children have connected",
  ignore: !isLinux,
  async fn() {
    const TMPDIR = await Deno.makeTempDir();
    const { parent, pids } = await startParent("idle", ["-A"], { TMPDIR });
    assertEquals([...Deno.readDirSync(TMPDIR)], []);
    parent.kill("SIGKILL");
    await parent.status;
    await assertGone(pids);
    await Deno.remove(TMPDIR);
  },
});

Deno.test({
  name:
    "ProcessHost leaves no socket file when the program ends while children start",
  ignore: !isLinux,
  async fn() {
    const TMPDIR = await Deno.makeTempDir();
    const { parent, pids } = await startParent("exit", ["-A"], { TMPDIR });
    await parent.status;
    await assertGone(pids);
    assertEquals([...Deno.readDirSync(TMPDIR)], []);
    await Deno.remove(TMPDIR);
  },
});

for (
  const [mode, ...flags] of [
    ["idle", "-A"],
    ["busy", "-A"],
    ["starting", "-A"],
    // The system ends a child that may use --allow-ffi; this one, its watchdog.
    ["idle", "-A", "--deny-ffi"],
    ["busy", "-A", "--deny-ffi"],
  ] as [string, ...string[]][]
) {
  Deno.test({
    name:
      `ProcessHost leaves no ${mode} child when the parent is killed, with ${
        flags.join(" ")
      }`,
    ignore: !isLinux,
    async fn() {
      // A kill within the few milliseconds of a start can leave a directory.
      const TMPDIR = await Deno.makeTempDir();
      const { parent, pids } = await startParent(mode, flags, { TMPDIR });
      assertEquals(pids.length, 2);
      parent.kill("SIGKILL");
      await parent.status;
      await assertGone(pids);
      await Deno.remove(TMPDIR, { recursive: true });
    },
  });
}

Deno.test({
  name: "ProcessHost lets a program with idle children end by itself",
  ignore: !isLinux,
  async fn() {
    const { parent, pids } = await startParent("leave");
    const { code } = await parent.status;
    assertEquals(code, 0);
    assertEquals(pids.length, 2);
    await assertGone(pids);
  },
});

Deno.test({
  name: "ProcessHost works in a program with limited permissions",
  ignore: isWindows,
  async fn() {
    const run = `--allow-run=${Deno.execPath()}`;
    const cases: [flags: string[], text: string][] = [
      [[run, "--allow-net", "--allow-read", "--allow-write"], "children"],
      [[run, "--allow-net=127.0.0.1"], "children"],
      [[run], "NotSupportedError: Cannot listen for other processes without"],
      [
        ["--allow-net=127.0.0.1"],
        "NotSupportedError: Cannot start process wit",
      ],
    ];
    for (const [flags, expected] of cases) {
      const { parent, text } = await startParent("leave", flags);
      assertEquals((await parent.status).code, 0);
      assert(text.includes(expected), `${flags}: ${text}`);
    }
  },
});

Deno.test("ProcessHost gives the child the import map of the main module's project", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.mkdir(`${directory}/src`);
  await Deno.writeTextFile(
    `${directory}/deno.json`,
    JSON.stringify({ imports: { "answer": "./answer.ts" } }),
  );
  await Deno.writeTextFile(
    `${directory}/answer.ts`,
    "export const answer: number = 42;",
  );
  const user = `${directory}/src/user.ts`;
  await Deno.writeTextFile(user, `export { answer } from "answer";`);
  const main = `${directory}/src/main.ts`;
  await Deno.writeTextFile(
    main,
    `import ${JSON.stringify(PARENT)};
     console.log("project");`,
  );
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", main, "import", user],
    stderr: "inherit",
  }).output();
  assertEquals(
    new TextDecoder().decode(output.stdout).trim().split("\n"),
    ["answer 42", "project"],
  );
  await Deno.remove(directory, { recursive: true });
});

/** `exited`, while something keeps the program alive: the child was not told to end. */
async function bounded(host: ProcessHost): Promise<HostExit> {
  const timer = setTimeout(() => host.terminate(), 60_000);
  try {
    return await host.exited;
  } finally {
    clearTimeout(timer);
  }
}
