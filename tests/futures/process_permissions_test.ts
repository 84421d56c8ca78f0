// Copyright 2026 the @concurrent/parallel authors. MIT license.

// `permissions` of a process pool: what a task then really can do, and what it
// cannot.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  AutoExecutor,
  NotSupportedError,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../futures/mod.ts";
import { Thread } from "../../threading/mod.ts";
import { cpu, io, task } from "../../mod.ts";
import { errorOf, Folder, soon } from "../_suites/_helpers.ts";

type Kind = "env" | "ffi" | "import" | "net" | "read" | "run" | "sys" | "write";

const FUTURES = new URL("../../futures/mod.ts", import.meta.url).href;

/** What the tasks try. */
interface Place {
  readonly folder: string;
  /** A server. */
  readonly port: number;
}

/** Tries one thing; "done", or the name of the error. Sent by value: no file is read for it. */
const attempt = async (kind: Kind, place: Place): Promise<string> => {
  const { folder, port } = place;
  try {
    switch (kind) {
      case "env":
        Deno.env.get("HOME");
        break;
      case "ffi":
        Deno.dlopen(`${folder}/no-such-library.so`, {}).close();
        break;
      case "import":
        await import(`http://127.0.0.1:${port}/${crypto.randomUUID()}.js`);
        break;
      case "net":
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        break;
      case "read":
        await Deno.readTextFile(`${folder}/inside.txt`);
        break;
      case "run":
        await new Deno.Command("true").output();
        break;
      case "sys":
        Deno.hostname();
        break;
      case "write":
        await Deno.writeTextFile(`${folder}/written.txt`, "");
        break;
    }
    return "done";
  } catch (error) {
    const { name, message } = error as Error;
    // An import that is refused is a TypeError of the loader.
    if (message.includes("Requires")) return "NotCapable";
    // Permitted; there is no such library.
    if (kind === "ffi" && message.includes("no-such-library")) return "done";
    return `${name}: ${message}`;
  }
};

/** A folder and a server to try things on. */
class Playground implements AsyncDisposable {
  readonly folder: Folder = new Folder();
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      new Response("export {};", {
        headers: { "content-type": "text/javascript" },
      }),
  );

  constructor() {
    Deno.writeTextFileSync(this.folder.file("inside.txt"), "");
  }

  get place(): Place {
    return { folder: this.folder.path, port: this.#server.addr.port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.folder[Symbol.dispose]();
    await this.#server.shutdown();
  }
}

const KINDS: readonly Kind[] = [
  "env",
  "ffi",
  "import",
  "net",
  "read",
  "run",
  "sys",
  "write",
];

async function tryAll(
  permissions: Deno.PermissionOptions | undefined,
  place: Place,
): Promise<Record<string, string>> {
  await using executor = new ProcessPoolExecutor({
    maxWorkers: 1,
    ...(permissions === undefined ? {} : { permissions }),
  });
  const found: Record<string, string> = {};
  for (const kind of KINDS) {
    found[kind] = await soon(kind, executor.submit(attempt, kind, place));
  }
  return found;
}

function expected(granted: (kind: Kind) => boolean): Record<string, string> {
  return Object.fromEntries(
    KINDS.map((kind) => [kind, granted(kind) ? "done" : "NotCapable"]),
  );
}

for (const permissions of ["none", {}] as const) {
  Deno.test(`ProcessPoolExecutor with permissions ${JSON.stringify(permissions)} has tasks that may do nothing`, async () => {
    await using playground = new Playground();
    assertEquals(
      await tryAll(permissions, playground.place),
      expected(() => false),
    );
  });
}

for (const permissions of [undefined, "inherit"] as const) {
  Deno.test(`ProcessPoolExecutor with permissions ${permissions} has tasks that may do what the program may`, async () => {
    await using playground = new Playground();
    assertEquals(
      await tryAll(permissions, playground.place),
      expected(() => true),
    );
  });
}

for (const granted of KINDS) {
  Deno.test(`ProcessPoolExecutor with the permission '${granted}' has tasks that may do this only`, async () => {
    await using playground = new Playground();
    const permissions = { [granted]: true } as Deno.PermissionOptions;
    assertEquals(
      await tryAll(permissions, playground.place),
      expected((kind) => kind === granted),
    );
  });

  Deno.test(`ProcessPoolExecutor without the permission '${granted}' has tasks that may do the rest`, async () => {
    await using playground = new Playground();
    const permissions = Object.fromEntries(
      KINDS.map((kind) => [kind, kind !== granted]),
    ) as Deno.PermissionOptions;
    assertEquals(
      await tryAll(permissions, playground.place),
      expected((kind) => kind !== granted),
    );
  });
}

Deno.test("ProcessPoolExecutor with lists as permissions has tasks that may do what they name", async () => {
  await using playground = new Playground();
  using elsewhere = new Folder();
  await Deno.writeTextFile(elsewhere.file("inside.txt"), "");
  await using other = new Playground();
  const { place } = playground;
  await using executor = new ProcessPoolExecutor({
    maxWorkers: 1,
    permissions: {
      env: ["HOME"],
      import: [`127.0.0.1:${place.port}`],
      net: [`127.0.0.1:${place.port}`],
      read: [place.folder],
      run: ["true"],
      sys: ["hostname"],
      write: [place.folder],
      ffi: [place.folder],
    },
  });
  for (const kind of KINDS) {
    assertEquals(await executor.submit(attempt, kind, place), "done", kind);
  }
  const outside = { folder: elsewhere.path, port: other.place.port };
  for (const kind of ["ffi", "import", "net", "read", "write"] as const) {
    const found = await executor.submit(attempt, kind, outside);
    assertEquals(found, "NotCapable", kind);
  }
  const others = await executor.submit(() =>
    [
      () => Deno.env.get("PATH"),
      () => new Deno.Command("false").outputSync(),
      () => Deno.osRelease(),
    ].map((fn) => {
      try {
        fn();
        return "done";
      } catch (error) {
        return (error as Error).name;
      }
    })
  );
  assertEquals(others, ["NotCapable", "NotCapable", "NotCapable"]);
});

Deno.test("ProcessPoolExecutor with permissions has tasks that cannot get more by asking", async () => {
  await using executor = new ProcessPoolExecutor({
    maxWorkers: 1,
    permissions: "none",
  });
  const states = await executor.submit(async () =>
    await Promise.all(
      (["env", "ffi", "net", "read", "run", "sys", "write"] as const)
        .map(async (name) => (await Deno.permissions.request({ name })).state),
    )
  );
  assertEquals(states, Array(7).fill("denied"));
});

Deno.test("ProcessPoolExecutor with permissions has tasks that give results, errors and time out as ever", async () => {
  await using executor = new ProcessPoolExecutor({
    maxWorkers: 2,
    permissions: "none",
  });
  const factor = 3;
  assertEquals(
    await Array.fromAsync(executor.map((x: number) => x * factor, [1, 2, 3])),
    [3, 6, 9],
  );
  assertInstanceOf(
    await errorOf(executor.submit(() => {
      throw new RangeError("as ever");
    })),
    RangeError,
  );
  const late = executor.submit(task(() => {
    for (;;);
  }, { timeout: 100 }));
  assertEquals((await errorOf(late) as Error).name, "TaskTimeoutError");
  assertEquals(await executor.submit((x: number) => x + 1, 1), 2);
});

const escalations: [string, string, string][] = [
  ["--deny-env", "{ env: true }", "permissions.env"],
  ["--deny-ffi", "{ ffi: true }", "permissions.ffi"],
  ["--deny-import", "{ import: true }", "permissions.import"],
  ["--deny-net", "{ net: true }", "permissions.net"],
  ["--deny-net=example.com", "{ net: true }", "permissions.net"],
  ["--deny-net=example.com", "{ net: ['example.com'] }", "permissions.net"],
  ["--deny-read=/etc", "{ read: true }", "permissions.read"],
  ["--deny-read=/etc", "{ read: ['/etc/hosts'] }", "permissions.read"],
  ["--deny-run=true", "{ run: true }", "permissions.run"],
  ["--deny-run=true", "{ run: ['true'] }", "permissions.run"],
  ["--deny-sys=osRelease", "{ sys: true }", "permissions.sys"],
  ["--deny-sys=osRelease", "{ sys: ['osRelease'] }", "permissions.sys"],
  ["--deny-write=/etc", "{ write: true }", "permissions.write"],
];

for (const [flag, permissions, param] of escalations) {
  Deno.test(`ProcessPoolExecutor in a program with ${flag} refuses the permissions ${permissions}`, async () => {
    const program = `
      import { ProcessPoolExecutor } from ${JSON.stringify(FUTURES)};
      try {
        new ProcessPoolExecutor({ permissions: ${permissions} });
        console.log("taken");
      } catch (error) {
        console.log(error instanceof TypeError, error.message);
      }`;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        flag,
        `data:application/typescript,${encodeURIComponent(program)}`,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    const text = decoder.decode(stdout);
    assert(text.startsWith("true"), text + decoder.decode(stderr));
    assertStringIncludes(text, `'${param}' must be within what this program`);
  });
}

Deno.test("AutoExecutor narrows the permissions of declared tasks too", async () => {
  await using executor = new AutoExecutor({
    maxWorkers: 1,
    permissions: { env: false },
  });
  const state = () => Deno.permissions.querySync({ name: "env" }).state;
  const tasks: (() => unknown)[] = [
    state,
    cpu(state),
    io(state),
    io(() => Promise.resolve(state())),
  ];
  for (const task of tasks) {
    assertNotEquals(await executor.submit(task), "granted");
  }
});

Deno.test("threads take the permissions 'inherit', and no others", async () => {
  for (const permissions of ["none", {}, { read: false }] as const) {
    for (
      const create of [
        () => new ThreadPoolExecutor({ permissions }),
        () => new Thread({ permissions }),
      ]
    ) assertThrows(create, NotSupportedError, "ProcessPoolExecutor");
  }
  await using executor = new ThreadPoolExecutor({
    maxWorkers: 1,
    permissions: "inherit",
  });
  assertEquals(
    await executor.submit(() =>
      Deno.permissions.querySync({ name: "env" }).state
    ),
    Deno.permissions.querySync({ name: "env" }).state,
  );
});
