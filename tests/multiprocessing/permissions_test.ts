// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ProcessPoolExecutor } from "../../futures/mod.ts";
import { Lock, pipe, Process, Queue } from "../../multiprocessing/mod.ts";
import { serveBelow, useAll } from "../_fixtures/shared_tasks.ts";

const MULTIPROCESSING =
  new URL("../../multiprocessing/mod.ts", import.meta.url).href;

/** What comes of an import: its `answer`, or the error. */
async function importFrom(url: string): Promise<unknown> {
  try {
    return (await import(url)).answer;
  } catch (error) {
    return String(error);
  }
}

/** A server of modules; it counts who asks. */
function serveModule(): {
  host: string;
  hits: () => number;
  [Symbol.asyncDispose](): Promise<void>;
} {
  let hits = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => {
      hits++;
      return new Response("export const answer = 42;", {
        headers: { "content-type": "text/javascript" },
      });
    },
  );
  return {
    host: `127.0.0.1:${server.addr.port}`,
    hits: () => hits,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("Process whose permissions do not name 'import' reaches no host by it", async () => {
  await using server = serveModule();
  for (const permissions of ["none", { env: true }] as const) {
    const process = new Process({
      target: importFrom,
      args: [`http://${server.host}/${crypto.randomUUID()}.js`],
      permissions,
    }).start();
    const message = String(await process.result());
    await process.join();
    assertStringIncludes(message, `import access to "${server.host}"`);
  }
  assertEquals(server.hits(), 0);
  const process = new Process({
    target: importFrom,
    args: [`http://${server.host}/${crypto.randomUUID()}.js`],
    permissions: { import: [server.host] },
  }).start();
  assertEquals(await process.result(), 42);
  await process.join();
  assertEquals(server.hits(), 1);
});

Deno.test("Process imports from no host that its parent may not", async () => {
  const program = `
    import { Process } from ${JSON.stringify(MULTIPROCESSING)};
    const states = () =>
      ["deno.land:443", "jsr.io:443", "esm.sh:443", "example.com:443"]
        .map((host) => Deno.permissions.querySync({ name: "import", host }))
        .filter(({ state }) => state === "granted").length;
    const process = new Process({ target: states }).start();
    console.log(states(), await process.result());
    await process.join();`;
  for (
    const [flags, expected] of [
      // The runtime leaves the default hosts to a program with this flag alone.
      [["--deny-import"], "3 3"],
      [["--allow-import", "--deny-import"], "0 0"],
      // The child inherits what is among the default hosts: less, not more.
      [["--allow-import=example.com:443"], "1 0"],
      [["--allow-import=jsr.io:443"], "1 1"],
      [[], "3 3"],
      [["--allow-import"], "4 4"],
    ] as const
  ) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-read",
        "--allow-write",
        "--allow-net",
        "--allow-run",
        "--allow-sys",
        ...flags,
        `data:application/typescript,${encodeURIComponent(program)}`,
      ],
      stdout: "piped",
      stderr: "inherit",
    }).output();
    const text = new TextDecoder().decode(stdout).trim();
    assertEquals(text, expected, flags.join(" "));
  }
});

for (
  const [value, param] of [
    ["nonsense", "permissions"],
    [5, "permissions"],
    [null, "permissions"],
    [{ raed: true }, "permissions.raed"],
    [{ read: 5 }, "permissions.read"],
    [{ read: "yes" }, "permissions.read"],
  ] as const
) {
  Deno.test(`Process and ProcessPoolExecutor refuse permissions ${JSON.stringify(value)}`, () => {
    const permissions = value as unknown as Deno.PermissionOptions;
    for (
      const create of [
        () => new Process({ permissions }),
        () => new ProcessPoolExecutor({ permissions }),
      ]
    ) {
      const error = assertThrows(create, TypeError);
      assertStringIncludes(
        error.message,
        `Cannot start process as '${param}' must be `,
      );
    }
  });
}

Deno.test("Process.start() throws where the name is too long for the child", async () => {
  const process = new Process({ target: Date.now, name: "n".repeat(8193) });
  const error = assertThrows(() => process.start(), RangeError);
  assertEquals(
    error.message,
    "Cannot start process as 'name' must be of at most 8192 characters: current value is of 8193",
  );
  assertEquals(process.isAlive(), false);

  // The most bytes that a name of that length can take in JSON.
  const longest = new Process({
    target: () => 1,
    name: "\0".repeat(8192),
  }).start();
  assertEquals(await longest.result(), 1);
  await longest.join();
});

Deno.test("Process with few permissions uses what it is given, and serves what it makes", async () => {
  const read = [new URL("../../", import.meta.url)];
  const lock = new Lock();
  const queue = new Queue<unknown>();
  const [here, there] = pipe();
  await using using_ = new Process({
    target: useAll,
    args: [lock, queue, there],
    permissions: { read },
  }).start();
  assertEquals(await using_.result(), "prompt");
  assertEquals([await queue.get(), await here.recv()], ["put", "sent"]);
  here.close();
  there.close();
  await using serving = new Process({
    target: serveBelow,
    permissions: { read, run: [Deno.execPath()] },
  }).start();
  assertEquals(await serving.result(), false);
});

Deno.test("Objects are shared where a program may use nothing but 127.0.0.1", async () => {
  const code = `
import { Lock, Process, Queue } from ${JSON.stringify(MULTIPROCESSING)};
const lock = new Lock();
const queue = new Queue();
const process = new Process({
  target: async () => {
    using _ = await lock.guard();
    await queue.put("from below");
  },
}).start();
await process.join();
console.log(process.exitCode, await queue.get({ timeout: 0 }));
`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      "--allow-run",
      "--allow-sys",
      "--allow-net=127.0.0.1",
      `--allow-read=${new URL("../../", import.meta.url).pathname}`,
      `data:text/typescript,${encodeURIComponent(code)}`,
    ],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  assertEquals([text(stdout), text(stderr)], ["0 from below", ""]);
});
